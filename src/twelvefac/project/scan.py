"""From a file's bytes to its facts: prefilter, reader, suppressions."""

from collections.abc import Iterable
from sys import version_info

from twelvefac.project import environment
from twelvefac.project.compose import read_compose
from twelvefac.project.dependencies import Manifest, read_pipfile, read_pyproject, read_requirements
from twelvefac.project.envfile import read_envfile, read_procfile
from twelvefac.project.facts import FileFacts, Ignore
from twelvefac.project.ignores import MARKER, read_ignores
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


def anchors(*alternatives: str) -> Anchors:
    """``anchors("flask", "api key", "~AKIA")``: the word flask, or both api and key, or a match of ``AKIA``.

    Words are lower case without underscores (``SECRET_KEY`` is two). What follows ``~`` is a regular expression; it
    must begin with a literal, so that the search is as fast as one for a string, and every quantifier be bounded.
    """
    return tuple(
        frozenset((one.encode(),)) if one.startswith("~") else frozenset(one.encode().split()) for one in alternatives
    )


class Scanner:
    """Reads files for a set of rules: their anchors decide what is parsed, their names what is kept."""

    def __init__(self, wanted_anchors: Iterable[Anchors], names: Iterable[str], *, prefilter: bool = True) -> None:
        alternatives = {alternative for one in wanted_anchors for alternative in one}
        single = frozenset(word for alternative in alternatives if len(alternative) == 1 for word in alternative)
        self._parts = tuple(regex(word[1:]) for word in sorted(single) if word.startswith(_PART))
        self._single = frozenset(word for word in single if not word.startswith(_PART))
        self._several = tuple(sorted((a for a in alternatives if len(a) > 1), key=sorted))
        self._names = frozenset(names) | environment.WORDS
        self._prefilter = prefilter

    def wants(self, data: bytes) -> bool:
        """Whether some rule's anchors are all in a Python file."""
        if not self._prefilter:
            return True
        words = set(data.translate(_WORDS).split())
        return (
            not self._single.isdisjoint(words)
            or any(several <= words for several in self._several)
            or any(part.search(data) for part in self._parts)
        )

    def scan(self, path: str, kind: str, data: bytes) -> FileFacts:
        """The facts of one file; what cannot be read becomes a notice, never an exception."""
        ignores: tuple[Ignore, ...] = ()
        if MARKER in data:
            ignores = read_ignores(Document.decode(data).text, python=kind == "python")
        try:
            return self._read(path, kind, data)._replace(ignores=ignores)
        except UnreadableError as error:
            # newer syntax than this interpreter's is the usual reason, and the way out is to run a newer one
            reader = (
                f" by the Python {version_info[0]}.{version_info[1]} that runs twelvefac" if kind == "python" else ""
            )
            message = f"not judged, cannot be parsed{reader}: {error}"
            return FileFacts(ignores=ignores, notices=(("unreadable", error.line, message),))

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
        if kind in ("compose", "pipeline", "yaml"):
            return _yaml(path, kind, text)
        return FileFacts(text=text)


def _manifest(path: str, kind: str, text: str) -> Manifest:
    if kind == "pyproject":
        return read_pyproject(text)
    return read_pipfile(text) if kind == "pipfile" else read_requirements(path, text)


def _yaml(path: str, kind: str, text: str) -> FileFacts:
    """A YAML file by what it is for; one without Kubernetes resources, or a template of them, is left alone."""
    if kind == "yaml" and not SNIFF.search(text):
        return FileFacts()
    if kind == "yaml" and "{{" in text:
        return FileFacts(
            notices=(("template", 1, "not judged: a template, whose values are only known when it is rendered"),)
        )
    from twelvefac.project.yaml_nodes import read_yaml

    documents = read_yaml(text)
    if kind == "compose":
        return FileFacts(compose=read_compose(path, documents[0])) if documents else FileFacts()
    return FileFacts(pipeline=documents) if kind == "pipeline" else FileFacts(resources=read_resources(path, documents))
