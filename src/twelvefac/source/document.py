"""The text of one file and the arithmetic of places in it."""

from bisect import bisect_right
from functools import cached_property

from twelvefac.source.span import Pos

_BOM = "\ufeff"


class Document:
    """A file's text, its lines (without ends) and conversions between offsets and positions."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def decode(cls, data: bytes, encoding: str = "utf-8") -> "Document":
        """Decode ``data``; bytes that are not ``encoding`` are read as Latin-1, so that no file is lost."""
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):  # some codecs raise the plain UnicodeError
            text = data.decode("latin-1")
        return cls(text.removeprefix(_BOM))

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line's first character; only ``\\n`` ends a line."""
        starts = [0]
        find, at = self.text.find, -1
        while (at := find("\n", at + 1)) >= 0:
            starts.append(at + 1)
        return starts

    def line(self, number: int) -> str:
        """Line ``number`` (1-based) without its end; empty when there is none."""
        starts = self.starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].removesuffix("\r")

    def pos(self, start: int, end: int) -> Pos:
        """The position of the characters ``start`` (included) to ``end`` (not included)."""
        return (*self._at(start), *self._at(end))

    def _at(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a 1-based place."""
        return self.starts[line - 1] + column - 1
