"""Changes to files, as data; applying them is a pure function on text."""

from typing import NamedTuple

from twelvefac.source.document import Document
from twelvefac.source.span import Span


class Replace(NamedTuple):
    """Put ``text`` in the place of ``span``."""

    span: Span
    text: str

    @property
    def path(self) -> str:
        """The file that changes."""
        return self.span.path


class CreateFile(NamedTuple):
    """A new file; refused where one exists."""

    path: str
    text: str


Edit = Replace | CreateFile


class OverlapError(ValueError):
    """Two edits want the same characters; neither order of applying them would be right."""


def apply_edits(text: str, edits: list[Replace]) -> str:
    """The text after all edits, which must not overlap; their order does not matter.

    Raises OverlapError when two of them share a character, ValueError for a span that this text does not have.
    """
    document = Document(text)
    spots = sorted((*_offsets(document, edit.span), edit.text) for edit in edits)
    parts, done = [], 0
    for start, end, new in spots:
        if start < done:
            raise OverlapError(f"two edits overlap at offset {start}")
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def _offsets(document: Document, span: Span) -> tuple[int, int]:
    if 1 <= span.line <= span.end_line <= len(document.starts):
        start, end = document.offset(span.line, span.column), document.offset(span.end_line, span.end_column)
        if 0 <= start <= end <= len(document.text):
            return start, end
    raise ValueError(f"no place in this text: {span}")
