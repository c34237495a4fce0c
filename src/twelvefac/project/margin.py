"""Where a place in a Python file stands, told by the lines at the left margin, without parsing."""

from twelvefac.source.pattern import regex

_DEFINITION = regex(rb"\n(?:(?:async[ \t]{1,4})?def|class)\b")
_GOES_ON = frozenset(bytes((code,)) for code in b" \t\r\n\f#)]}") | {b""}
"""Begins a line that is indented, closes a bracket or comments."""
_MOST_LINES = 5_000


_NAMED = regex(rb"\n(?:(?:async[ \t]{1,4})?def|class)[ \t]{1,4}(\w{1,200})")


def definition_around(lines: bytes, at: int) -> str:
    """The name of the function or class at the left margin that the place ``at`` stands in; "" outside of any."""
    named = _NAMED.match(lines, _margin(lines, at))
    return named.group(1).decode("utf-8", "replace") if named is not None else ""


def is_inside(lines: bytes, at: int) -> bool:
    """Whether the place ``at`` stands in a function or class; ``lines`` begins with a line end.

    A text of several lines that reaches the margin may look like a definition or like the end of one.
    """
    return _DEFINITION.match(lines, _margin(lines, at)) is not None


def _margin(lines: bytes, at: int) -> int:
    """The line end before the line at the left margin that ``at`` belongs to."""
    above = lines.rfind(b"\n", 0, at + 1)
    left = _MOST_LINES
    while above > 0 and left and lines[above + 1 : above + 2] in _GOES_ON:
        above = lines.rfind(b"\n", 0, above)
        left -= 1
    return max(above, 0)


def is_comment(data: bytes, at: int) -> bool:
    """Whether the place ``at`` stands behind a ``#`` that is in no text, as far as its own line tells."""
    before = data[data.rfind(b"\n", 0, at) + 1 : at]
    mark = before.find(b"#")
    while mark >= 0:
        if before.count(b"'", 0, mark) % 2 == before.count(b'"', 0, mark) % 2 == 0:
            return True
        mark = before.find(b"#", mark + 1)
    return False


_BRACKET = regex(rb"[()\[\]{}]")
_MOST_BRACKETS = 300


def arguments_at(data: bytes, at: int) -> bytes:
    """The text from ``at``, behind an open bracket, to the one that closes it; brackets inside of texts count too.

    Up to the end of the file where none does.
    """
    depth = 1
    for count, match in enumerate(_BRACKET.finditer(data, at)):
        depth += 1 if match.group() in b"([{" else -1
        if not depth:
            return data[at : match.start()]
        if count > _MOST_BRACKETS:
            break
    return data[at:]


_TEXTS = regex(rb"\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|#[^\n]{0,500}")


def own_arguments(data: bytes, at: int) -> bytes:
    """The same without what stands in further brackets, in texts of one line and in comments."""
    text = arguments_at(data, at)
    parts: list[bytes] = []
    depth = start = 0
    for match in _BRACKET.finditer(text):
        if match.group() in b"([{":
            if not depth:
                parts.append(text[start : match.start()])
            depth += 1
        else:
            depth -= 1
            start = match.end()
    if depth <= 0:
        parts.append(text[start:])
    return _TEXTS.sub(b"", b" ".join(parts))
