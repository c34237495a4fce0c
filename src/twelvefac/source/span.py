"""Places in files."""

from typing import NamedTuple

Pos = tuple[int, int, int, int]
"""``(line, column, end line, end column)``: 1-based, columns in characters, the end column exclusive (as SARIF)."""


class Span(NamedTuple):
    """A stretch of one file. ``path`` is POSIX, relative to the audited directory; the rest is a Pos."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, path: str, pos: Pos) -> "Span":
        """The span of ``pos`` in ``path``."""
        return cls(path, *pos)


Route = tuple[str | int, ...]
"""The keys that lead to a node of a structured file: ``("services", "web", "environment", 0)``."""
