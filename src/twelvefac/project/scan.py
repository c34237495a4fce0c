"""From a file's bytes to its facts: prefilter, reader, suppressions."""

import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from sys import version_info
from typing import NamedTuple

from twelvefac.errors import origin
from twelvefac.project import compose
from twelvefac.project.cloudfoundry import is_cloud_foundry, read_applications
from twelvefac.project.dependencies import Manifest, read_pipfile, read_pyproject, read_requirements, secrets_in
from twelvefac.project.envfile import read_envfile, read_procfile
from twelvefac.project.facts import ERRORED, FileFacts, Ignore, PythonFacts
from twelvefac.project.glance import Glance
from twelvefac.project.helm import read_template
from twelvefac.project.ignores import MARKER, read_ignores
from twelvefac.project.ini import read_ini
from twelvefac.project.kubernetes import SNIFF, read_resources
from twelvefac.project.margin import arguments_at, is_inside
from twelvefac.project.packages import imported_packages
from twelvefac.project.platforms import is_platform, read_commands
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex

Confirm = Callable[[Glance], bool]


class Alternative(NamedTuple):
    """What a file must hold for a rule to have anything to say there: all ``words``, and what is asked of it then.

    That is a match of ``expression``, which counts only outside of functions if ``outside``, and a yes of ``confirm``.
    """

    words: frozenset[bytes]
    expression: bytes = b""
    outside: bool = False
    confirm: Confirm | None = None


Anchors = tuple[Alternative, ...]
"""Alternatives, one of which is enough."""


def anchors(*alternatives: str, confirm: Confirm | None = None) -> Anchors:
    """``anchors("flask", "api key", "~AKIA")``: the word flask, or both api and key, or a match of ``AKIA``.

    Words are lower case without underscores (``SECRET_KEY`` is two). What follows ``~`` is a regular expression, by
    itself or behind words that must be there too (``"create all ~create_all"``); it must begin with a literal or a
    small class, so that the search is as fast as one for a string, and every quantifier be bounded. ``^`` in the place
    of ``~``: matches inside of functions do not count. ``confirm`` is a look at the text of a file that has all that
    ("" for every file); it may only be wrong by saying yes.
    """
    return tuple(_alternative(one)._replace(confirm=confirm) for one in alternatives)


def _alternative(text: str) -> Alternative:
    end = next((index for index, character in enumerate(text) if character in "~^"), len(text))
    return Alternative(frozenset(text[:end].encode().split()), text[end + 1 :].encode(), text[end : end + 1] == "^")


def calling(*names: str, given: Callable[[bytes], bool] | None = None, outside: bool = False) -> Anchors:
    """Anchors of calls by resolved names (``redis.Redis``, ``flask.Flask().run``).

    The package is imported in the file, and the last part of the name is called there or imported under another name.
    ``given`` is a look at the text of a call's arguments; it may only be wrong by saying yes. ``outside``: calls inside
    of functions do not count.
    """
    by_root: dict[str, set[str]] = {}
    for name in names:
        owner, _, last = name.removesuffix("()").rpartition(".")
        root = (owner or last).partition(".")[0].removesuffix("()")
        by_root.setdefault(root, set()).add((r"\." if owner.endswith("()") else "") + last)
    found: list[Alternative] = []
    for root, several in sorted(by_root.items()):
        expression = rf"(?:{'|'.join(sorted(several))})(?:[ \t]{{0,4}}\(|[ \t]{{1,4}}as\b)"
        words = [_words(f"{root} {last}") for last in sorted(several)]
        if given is None:
            found += anchors(*(f"{one} {'^' if outside else '~'}{expression}" for one in words))
        else:
            found += anchors(*words, confirm=partial(_is_given, expression.encode(), given))
    return tuple(found)


def _is_given(expression: bytes, given: Callable[[bytes], bool], file: Glance) -> bool:
    return any(
        not match.group().endswith(b"(") or given(arguments_at(file.data, match.end()))
        for match in _compiled(expression).finditer(file.data)
    )


def _words(names: str) -> str:
    """The words of names, as they stand in a text."""
    return " ".join(names.lower().replace("_", " ").replace("\\.", " ").split())


_Test = tuple[bytes, bool, Confirm | None]
"""What is asked of a file that has the words, as the fields of Alternative."""


class Prefilter:
    """Which Python files hold the anchors of some rule."""

    def __init__(self, wanted: Iterable[Anchors]) -> None:
        self._always: set[_Test] = set()
        # each alternative is found by its longest word, which is the rarest as a rule
        self._by_word: dict[bytes, list[tuple[frozenset[bytes], _Test | None]]] = {}
        for one in {alternative for several in wanted for alternative in several}:
            test = one[1:] if one.expression or one.confirm is not None else None
            if one.words:
                self._by_word.setdefault(max(sorted(one.words), key=len), []).append((one.words, test))
            elif test is not None:
                self._always.add(test)
        self._keys = frozenset(self._by_word)

    def wants(self, file: Glance) -> bool:
        """Whether some rule's anchors are in a Python file."""
        words = file.words
        tests = set(self._always)
        for key in self._keys & words:
            for needed, test in self._by_word[key]:
                if needed <= words:
                    if test is None:
                        return True
                    tests.add(test)
        # those without a look first: it costs more
        return any(_holds(test, file) for test in tests if test[2] is None) or any(
            _holds(test, file) for test in tests if test[2] is not None
        )


class Scanner:
    """Reads files for a set of rules: their anchors, by their names, decide what is parsed, ``names`` what is kept.

    ``looks`` are what rules see in the text of a Python file without a parse.
    """

    def __init__(
        self,
        wanted: Iterable[tuple[str, Anchors]],
        names: Iterable[str],
        looks: Iterable[tuple[str, Confirm]] = (),
        *,
        prefilter: bool = True,
    ) -> None:
        self._wanted = dict(wanted)
        self._looks = tuple(looks)
        self._names = frozenset(names)
        self._prefilter = prefilter
        self._filters: dict[frozenset[str] | None, Prefilter] = {}

    def scan(
        self, path: str, kind: str, data: bytes, *, whole: bool = False, asked: frozenset[str] | None = None
    ) -> FileFacts:
        """The facts of one file; what cannot be read becomes a notice, never an exception.

        ``whole`` parses a Python file that has no anchors; ``asked`` are the rules that ask about it (all if None).
        """
        ignores: tuple[Ignore, ...] = ()
        seen: tuple[str, ...] = ()
        try:
            if MARKER in data:
                ignores = read_ignores(Document.decode(data).text, python=kind == "python")
            if kind == "python":
                file = Glance(data)
                seen = tuple(name for name, look in self._looks if (asked is None or name in asked) and look(file))
                parsed = whole or not self._prefilter or self._filter(asked).wants(file)
                facts = FileFacts(packages=imported_packages(file.lines), ignores=ignores, seen=seen)
                return facts._replace(python=self._read_python(data)) if parsed else facts
            facts = self._read(path, kind, data)
            return facts._replace(ignores=ignores) if ignores else facts
        except RecursionError:
            notice = ("unreadable", 0, "not judged, cannot be parsed: nested too deep")
            return FileFacts(ignores=ignores, notices=(notice,), seen=seen)
        except UnreadableError as error:
            # newer syntax than this interpreter's is the usual reason, and the way out is to run a newer one
            reader = (
                f" by the Python {version_info[0]}.{version_info[1]} that runs twelvefac" if kind == "python" else ""
            )
            message = f"not judged, cannot be parsed{reader}: {error}"
            return FileFacts(ignores=ignores, notices=(("unreadable", error.line, message),), seen=seen)
        except Exception as error:  # noqa: BLE001 - a reader's mistake costs the file, not the run
            message = f"not judged: its reader failed ({origin(error)}), which is a bug in twelvefac; please report it"
            return FileFacts(ignores=ignores, notices=((ERRORED, 0, message),))

    def _filter(self, asked: frozenset[str] | None) -> Prefilter:
        if asked not in self._filters:
            wanted = (one for name, one in self._wanted.items() if asked is None or name in asked)
            self._filters[asked] = Prefilter(wanted)
        return self._filters[asked]

    def _read_python(self, data: bytes) -> PythonFacts:
        from twelvefac.project.python import read_python

        return read_python(data, self._names)

    def _read(self, path: str, kind: str, data: bytes) -> FileFacts:
        if kind == "shell":
            if data.startswith(b"#!") and b"sh" not in data.partition(b"\n")[0]:
                return FileFacts()  # another language's script
            from twelvefac.project.shell import read_shell

            return FileFacts(shell=read_shell(data))
        if kind == "key":  # what is in it is nobody's business: a cache would keep it
            return FileFacts(holds_key=_KEY.search(data) is not None)
        # what PowerShell writes with > (pip freeze > requirements.txt): pip reads it, Docker does not
        wide = kind != "dockerfile" and data.startswith(_UTF_16)
        text = Document.decode(data, "utf-16" if wide else "utf-8").text
        if kind == "dockerfile":
            from twelvefac.project.dockerfile import read_dockerfile

            return FileFacts(dockerfile=read_dockerfile(text))
        if kind in ("requirements", "pyproject", "pipfile"):
            return FileFacts(manifest=_manifest(path, kind, text))
        if kind == "lock":
            from twelvefac.project.locks import read_lock

            return FileFacts(lock=read_lock(path, text))
        if kind == "envfile":
            return FileFacts(environment=read_envfile(text))
        if kind == "procfile":
            return FileFacts(procfile=read_procfile(text))
        if kind == "ini":
            return FileFacts(ini=read_ini(text), text=text)
        if kind == "nginx":
            return _nginx(text)
        if kind in ("compose", "pipeline", "values", "yaml"):
            return _yaml(path, kind, text)
        return FileFacts(text=text)


_KEY = regex(rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def has_any(file: Glance, wanted: Anchors) -> bool:
    """Whether a Python file holds one of these anchors: for the ``confirm`` of others."""
    return any(one.words <= file.words and _holds(one[1:], file) for one in wanted)


def _holds(test: _Test, file: Glance) -> bool:
    expression, outside, confirm = test
    if expression:
        part = _compiled(expression)
        if not (_is_outside(part, file.lines) if outside else part.search(file.data)):
            return False
    return confirm is None or confirm(file)


_compiled = cache(re.compile)
_MOST_MATCHES = 100


def _is_outside(part: re.Pattern[bytes], lines: bytes) -> bool:
    """Whether an expression matches outside of functions and classes."""
    for count, match in enumerate(part.finditer(lines)):
        if count > _MOST_MATCHES or not is_inside(lines, match.start()):
            return True
    return False


def _manifest(path: str, kind: str, text: str) -> Manifest:
    if kind == "pyproject":
        manifest = read_pyproject(text)
    else:
        manifest = read_pipfile(text) if kind == "pipfile" else read_requirements(path, text)
    return manifest._replace(secrets=secrets_in(text))


def _nginx(text: str) -> FileFacts:
    if "{{" in text or "{%" in text:
        return FileFacts(notices=(_TEMPLATE,))
    from twelvefac.project.nginx import read_nginx

    return FileFacts(nginx=read_nginx(text))


_TEMPLATE = ("template", 1, "not judged: a template, whose values are only known when it is rendered")


_STATEMENT = regex(r"^[ \t]{0,40}\{\{|:[ \t]{1,8}\{\{", re.MULTILINE)
"""In values a template may stand in quotes, for the chart to render; anywhere else it makes the file."""


def _yaml(path: str, kind: str, text: str) -> FileFacts:
    """A YAML file by what it is for; one without Kubernetes resources, or a template of them, is left alone."""
    if kind == "yaml" and is_cloud_foundry(path, text):
        from twelvefac.project.yaml_nodes import read_yaml

        return FileFacts(procfile=read_applications(read_yaml(text)))
    if kind == "yaml" and is_platform(path, text):
        from twelvefac.project.yaml_nodes import read_yaml

        return FileFacts(procfile=read_commands(read_yaml(text)))
    if kind == "yaml" and not ("apiVersion" in text and SNIFF.search(text)):
        if not ("services:" in text and compose.SNIFF.search(text)):
            return FileFacts()
        kind = "compose"
    if kind == "yaml" and "{{" in text:
        return FileFacts(template=read_template(text), notices=(_TEMPLATE,))
    if kind == "values" and "{{" in text and _STATEMENT.search(text):
        return FileFacts(notices=(_TEMPLATE,))
    from twelvefac.project.yaml_nodes import read_yaml

    documents = read_yaml(text)
    if kind == "values":
        return FileFacts(values=documents)
    if kind == "compose":
        return FileFacts(compose=compose.read_compose(path, documents[0])) if documents else FileFacts()
    return FileFacts(pipeline=documents) if kind == "pipeline" else FileFacts(resources=read_resources(path, documents))
