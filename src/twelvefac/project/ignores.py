"""Suppression comments: ``# twelvefac: ignore[rule] reason; until=2027-01-01``, in any file with # comments."""

import io
import tokenize
from collections.abc import Iterator

from twelvefac.project.facts import Ignore
from twelvefac.source.pattern import regex

MARKER = b"twelvefac:"
"""A file without these bytes has no suppression; nothing more is looked at."""

_COMMENT = regex(
    r"#\s{0,10}twelvefac:\s{0,10}ignore\[([a-z0-9-]{1,60}(?:,\s{0,5}[a-z0-9-]{1,60}){0,20})\]\s{0,10}"
    r"([^;\n]{0,500})(?:;([^\n]{0,100}))?"
)
_MEANT = regex(r"#\s{0,10}twelvefac:\s{0,10}(?:ignore|disable|noqa|skip)(?![\w-])")
"""Somebody wanted to suppress something."""
_UNTIL = regex(r"until=(\S+)")
_START = regex(r"#\s{0,10}twelvefac:")


def read_ignores(text: str, *, python: bool) -> tuple[Ignore, ...]:
    """The suppressions of a file; in Python only real comments count, not the same letters in a string.

    One that names no rule as it must (``ignore``, ``ignore[*]``) has the rule "".
    """
    found: list[Ignore] = []
    for line, comment, alone in _python_comments(text) if python else _hash_comments(text):
        match = _COMMENT.search(comment)  # it may stand behind another tool's comment
        if match:
            lines = (line, line + 1) if alone else (line,)
            reason, rest = match.group(2).strip(), (match.group(3) or "").strip()
            dated = _UNTIL.fullmatch(rest)
            until = dated.group(1) if dated else rest  # what is no date has no effect, and is said
            found += [Ignore(rule.strip(), reason, until, line, lines) for rule in match.group(1).split(",")]
        elif _MEANT.search(comment):
            found.append(Ignore("", "", "", line, ()))
    return tuple(found)


def _python_comments(text: str) -> Iterator[tuple[int, str, bool]]:
    text = text.replace("\0", " ")  # on which the tokenizer of Python 3.13 ends in a SystemError
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                yield line, token.string, not token.line[:column].strip()
    except (tokenize.TokenError, SyntaxError, ValueError):  # the parse error is reported by the reader
        return


def _hash_comments(text: str) -> Iterator[tuple[int, str, bool]]:
    for number, line in enumerate(text.split("\n"), 1):
        start = _START.search(line)
        if start:
            yield number, line[start.start() :], not line[: start.start()].strip()
