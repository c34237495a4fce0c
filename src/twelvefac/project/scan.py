"""From a file's bytes to its facts: prefilter, reader, suppressions."""

import re
from collections.abc import Iterable
from sys import version_info

from twelvefac.project import environment
from twelvefac.project.facts import FileFacts, PythonFacts
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document

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
        self._parts = tuple(re.compile(word[1:]) for word in sorted(single) if word.startswith(_PART))
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

    def scan(self, kind: str, data: bytes) -> FileFacts:
        """The facts of one file; what cannot be read becomes a notice, never an exception."""
        from twelvefac.project.ignores import MARKER, read_ignores

        ignores = read_ignores(Document.decode(data).text, python=kind == "python") if MARKER in data else ()
        try:
            if kind == "python":
                return FileFacts(python=self._python(data), ignores=ignores)
            if kind == "dockerfile":
                from twelvefac.project.dockerfile import read_dockerfile

                return FileFacts(dockerfile=read_dockerfile(Document.decode(data).text), ignores=ignores)
        except UnreadableError as error:
            whose = (
                f"Python {version_info[0]}.{version_info[1]}, which runs twelvefac" if kind == "python" else "reader"
            )
            message = f"not judged, the {whose} cannot parse it: {error}".replace("the Python", "Python")
            return FileFacts(ignores=ignores, notices=(("unreadable", error.line, message),))
        raise AssertionError(f"no reader for {kind}")

    def _python(self, data: bytes) -> PythonFacts | None:
        if not self.wants(data):
            return None
        from twelvefac.project.python import read_python

        return read_python(data, self._names)
