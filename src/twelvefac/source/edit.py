"""Changes to files, as data; applying them is a pure function on text."""

from dataclasses import dataclass

from twelvefac.source.document import Document
from twelvefac.source.span import Span


@dataclass(frozen=True)
class Replace:
    """Put ``text`` in the place of ``span``."""

    span: Span
    text: str

    @property
    def path(self) -> str:
        """The file that changes."""
        return self.span.path


@dataclass(frozen=True)
class CreateFile:
    """A new file; refused where one exists."""

    path: str
    text: str


Edit = Replace | CreateFile


class OverlapError(ValueError):
    """Two edits want the same characters; neither order of applying them would be right."""


def apply_edits(text: str, edits: list[Replace]) -> str:
    """The text after all edits, which must not overlap; their order does not matter.

    Raises OverlapError when two of them share a character.
    """
    document = Document(text)
    spots = sorted(
        (
            document.offset(edit.span.line, edit.span.column),
            document.offset(edit.span.end_line, edit.span.end_column),
            edit.text,
        )
        for edit in edits
    )
    parts, done = [], 0
    for start, end, new in spots:
        if start < done:
            raise OverlapError(f"two edits overlap at offset {start}")
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])
