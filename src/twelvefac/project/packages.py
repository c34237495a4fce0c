"""Which packages a Python file needs: a line scan, so that every file can be asked without parsing it."""

import re
from collections.abc import Iterator

from twelvefac.project.distributions import STANDARD
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_IMPORT = regex(rb"\n(?:from[ \t]{1,8}([A-Za-z_]\w{0,100})|import[ \t]{1,8}([A-Za-z_][^\n#;]{0,300}))")
"""It begins with the end of the line before: the search goes from line to line, not from letter to letter."""
_NAME = regex(rb"[A-Za-z_]\w{0,100}")


def imported_packages(lines: bytes) -> tuple[tuple[str, Pos], ...]:
    """The first parts of the names imported at the left margin, each once with its first place, in order.

    ``lines`` is a file behind a line end.
    An indented import stands in a function or under a condition and may be left out on purpose; the standard library
    is left out too. A name inside a text of several lines is no import.
    """
    found: dict[str, Pos] = {}
    matches = list(_IMPORT.finditer(lines))
    texts = _texts(lines, matches[-1].start()) if matches else iter(())
    begin, end = next(texts, (len(lines), 0))
    for match in matches:
        while end <= match.start() and begin < len(lines):
            begin, end = next(texts, (len(lines), 0))
        if begin < match.start():
            continue
        for name in _names(match):
            if name not in STANDARD and name not in found:
                line = lines.count(b"\n", 0, match.start()) + 1
                found[name] = (line, 1, line, match.end() - match.start())
    return tuple(found.items())


def _texts(data: bytes, last: int) -> Iterator[tuple[int, int]]:
    """Where the texts in three quotes that begin before ``last`` begin and end.

    Without a regular expression's look at each letter.
    """
    double, single = data.find(b'"""', 0, last), data.find(b"'''", 0, last)
    while double >= 0 or single >= 0:
        is_double = double >= 0 and (single < 0 or double < single)
        start, quotes = (double, b'"""') if is_double else (single, b"'''")
        if start and data[start - 1] == ord("\\"):
            end = start + 1
        else:
            close = data.find(quotes, start + 3)
            if close < 0:
                end = start + 1  # never closed: no text
            else:
                end = close + 3
                yield start, end
        if 0 <= double < end:
            double = data.find(b'"""', end, last)
        if 0 <= single < end:
            single = data.find(b"'''", end, last)


def _names(match: re.Match[bytes]) -> list[str]:
    if match.group(1):
        return [match.group(1).decode("ascii", "replace")]
    parts = (_NAME.match(part.strip()) for part in match.group(2).split(b","))
    return [part.group().decode("ascii", "replace") for part in parts if part]
