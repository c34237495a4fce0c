"""From a file's bytes to its facts: prefilter, reader, suppressions."""

import re
from collections.abc import Callable, Iterable
from sys import version_info

from twelvefac.errors import origin
from twelvefac.project import compose, environment
from twelvefac.project.dependencies import Manifest, read_pipfile, read_pyproject, read_requirements
from twelvefac.project.envfile import read_envfile, read_procfile
from twelvefac.project.facts import ERRORED, FileFacts, Ignore
from twelvefac.project.ignores import MARKER, read_ignores
from twelvefac.project.ini import read_ini
from twelvefac.project.kubernetes import SNIFF, read_resources
from twelvefac.project.packages import imported_packages
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex

_WORDS = bytes(ord(chr(code).lower()) if chr(code).isalnum() and code < 128 else 32 for code in range(256))
"""Byte table: letters to lower case, digits kept, everything else (the underscore too) to a blank."""

Anchors = tuple[frozenset[bytes], ...]
"""Alternatives; each is a set of words that must all occur in a file for a rule to have anything to say."""

_PART = b"~"
Confirm = Callable[[bytes], bool]


def anchors(*alternatives: str) -> Anchors:
    """``anchors("flask", "api key", "~AKIA")``: the word flask, or both api and key, or a match of ``AKIA``.

    Words are lower case without underscores (``SECRET_KEY`` is two). What follows ``~`` is a regular expression, by
    itself or behind words that must be there too (``"create all ~create_all"``); it must begin with a literal or a
    small class, so that the search is as fast as one for a string, and every quantifier be bounded.
    """
    return tuple(_alternative(one) for one in alternatives)


def _alternative(text: str) -> frozenset[bytes]:
    words, tilde, expression = text.partition("~")
    return frozenset([*words.encode().split(), *([_PART + expression.encode()] if tilde else ())])


class _Words:
    """Alternatives of words: whether all words of one of them are in a file."""

    def __init__(self, alternatives: Iterable[frozenset[bytes]]) -> None:
        self._single: set[bytes] = set()
        # each under its longest word, which is the rarest as a rule
        self._several: dict[bytes, list[frozenset[bytes]]] = {}
        for one in alternatives:
            if len(one) == 1:
                self._single |= one
            else:
                self._several.setdefault(max(sorted(one), key=len), []).append(one)
        self._keys = frozenset(self._several)

    def found(self, words: set[bytes]) -> bool:
        if not self._single.isdisjoint(words):
            return True
        return any(several <= words for key in self._keys & words for several in self._several[key])


class Scanner:
    """Reads files for a set of rules: their anchors decide what is parsed, their names what is kept.

    ``confirmed`` are further anchors (none: every file), each with what a file that has them is asked first.
    """

    def __init__(
        self,
        wanted_anchors: Iterable[Anchors],
        names: Iterable[str],
        confirmed: Iterable[tuple[Anchors, Confirm]] = (),
        *,
        prefilter: bool = True,
    ) -> None:
        plain: set[frozenset[bytes]] = set()
        parts: dict[bytes, set[frozenset[bytes]]] = {}
        for alternative in {alternative for one in wanted_anchors for alternative in one}:
            expression = next((word for word in alternative if word.startswith(_PART)), None)
            if expression is None:
                plain.add(alternative)
            else:
                parts.setdefault(expression, set()).add(alternative - {expression})
        self._plain = _Words(plain)
        self._parts = tuple(
            (regex(expression[1:]), None if frozenset() in parts[expression] else _Words(parts[expression]))
            for expression in sorted(parts)
        )
        self._confirmed = tuple((_Words(one) if one else None, confirm) for one, confirm in confirmed)
        self._names = frozenset(names) | environment.WORDS
        self._prefilter = prefilter

    def wants(self, data: bytes) -> bool:
        """Whether some rule's anchors are all in a Python file."""
        if not self._prefilter:
            return True
        words = set(data.translate(_WORDS).split())
        return (
            self._plain.found(words)
            or any((gate is None or gate.found(words)) and part.search(data) for part, gate in self._parts)
            or any((gate is None or gate.found(words)) and confirm(data) for gate, confirm in self._confirmed)
        )

    def scan(self, path: str, kind: str, data: bytes) -> FileFacts:
        """The facts of one file; what cannot be read becomes a notice, never an exception."""
        ignores: tuple[Ignore, ...] = ()
        try:
            if MARKER in data:
                ignores = read_ignores(Document.decode(data).text, python=kind == "python")
            return self._read(path, kind, data)._replace(ignores=ignores)
        except RecursionError:
            return FileFacts(
                ignores=ignores, notices=(("unreadable", 0, "not judged, cannot be parsed: nested too deep"),)
            )
        except UnreadableError as error:
            # newer syntax than this interpreter's is the usual reason, and the way out is to run a newer one
            reader = (
                f" by the Python {version_info[0]}.{version_info[1]} that runs twelvefac" if kind == "python" else ""
            )
            message = f"not judged, cannot be parsed{reader}: {error}"
            return FileFacts(ignores=ignores, notices=(("unreadable", error.line, message),))
        except Exception as error:  # noqa: BLE001 - a reader's mistake costs the file, not the run
            message = f"not judged: its reader failed ({origin(error)}), which is a bug in twelvefac; please report it"
            return FileFacts(ignores=ignores, notices=((ERRORED, 0, message),))

    def _read(self, path: str, kind: str, data: bytes) -> FileFacts:
        if kind == "python":
            packages = imported_packages(data)
            if not self.wants(data):
                return FileFacts(packages=packages)
            from twelvefac.project.python import read_python

            return FileFacts(python=read_python(data, self._names), packages=packages)
        if kind == "shell":
            from twelvefac.project.shell import read_shell

            return FileFacts(shell=read_shell(data))
        text = Document.decode(data).text
        if kind == "dockerfile":
            from twelvefac.project.dockerfile import read_dockerfile

            return FileFacts(dockerfile=read_dockerfile(text))
        if kind in ("requirements", "pyproject", "pipfile"):
            return FileFacts(manifest=_manifest(path, kind, text))
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


def _manifest(path: str, kind: str, text: str) -> Manifest:
    if kind == "pyproject":
        return read_pyproject(text)
    return read_pipfile(text) if kind == "pipfile" else read_requirements(path, text)


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
    if kind == "yaml" and not SNIFF.search(text):
        if not compose.SNIFF.search(text):
            return FileFacts()
        kind = "compose"
    if kind == "yaml" and "{{" in text:
        return FileFacts(notices=(_TEMPLATE,))
    if kind == "values" and "{{" in text and _STATEMENT.search(text):
        return FileFacts(notices=(_TEMPLATE,))
    from twelvefac.project.yaml_nodes import read_yaml

    documents = read_yaml(text)
    if kind == "values":
        return FileFacts(values=documents)
    if kind == "compose":
        return FileFacts(compose=compose.read_compose(path, documents[0])) if documents else FileFacts()
    return FileFacts(pipeline=documents) if kind == "pipeline" else FileFacts(resources=read_resources(path, documents))
