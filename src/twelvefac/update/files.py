"""Files in memory, as git keeps them, their line ends, and conflict markers in them."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REGULAR = "100644"
EXECUTABLE = "100755"
LINK = "120000"
SUBMODULE = "160000"
LOCK = "requirements*.lock"  # the names of files that are made anew, never merged
# seven or more: the attribute conflict-marker-size says how many
_OUR_MARKER = re.compile(rb"^(?:<{7,} yours|>{7,} template )", re.MULTILINE)
_ANY_MARKER = re.compile(rb"^(?:<{7,}|>{7,})(?: |\r?$)", re.MULTILINE)


@dataclass(frozen=True)
class File:
    """One file: git's mode and the bytes (of a link: where it leads)."""

    mode: str
    data: bytes


Files = dict[str, File]


def read_files(folder: Path) -> Files:
    """Return every file under ``folder`` by its posix path; names are decoded as the system does it.

    Raises OSError when one cannot be read.
    """
    found: Files = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            found[path.relative_to(folder).as_posix()] = read_file(path)
    return found


def read_file(path: Path) -> File:
    """Return the file or link at ``path``. Raises OSError when it cannot be read."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return File(LINK, os.fsencode(os.readlink(path)))  # noqa: PTH115 - the text, not a path made of it
    return File(EXECUTABLE if mode & stat.S_IXUSR else REGULAR, path.read_bytes())


def marker_lines(data: bytes) -> list[int]:
    """Return the lines (1-based) at which conflicts of ours begin or end in ``data``."""
    if b"<<<<<<< yours" not in data and b">>>>>>> template " not in data:
        return []
    return [data.count(b"\n", 0, match.start()) + 1 for match in _OUR_MARKER.finditer(data)]


def count_markers(data: bytes) -> int:
    """Return how many lines of ``data`` look as if a conflict began or ended there, whoever wrote them."""
    return len(_ANY_MARKER.findall(data))


def line_end(data: bytes) -> bytes:
    """Return how every line of ``data`` ends, an empty text when that differs, is unknown or it is no text."""
    if b"\0" in data:
        return b""
    ends = data.count(b"\n")
    carriage = data.count(b"\r\n")
    if not ends or data.count(b"\r") != carriage:
        return b""
    if not carriage:
        return b"\n"
    return b"\r\n" if carriage == ends else b""


def with_line_end(data: bytes, end: bytes) -> bytes:
    """Return ``data`` with each of its lines ended by ``end``; what has no one line end stays as it is."""
    current = line_end(data)
    return data.replace(current, end) if current and current != end else data


@dataclass(frozen=True)
class LineEnds:
    """The line ends that the user's files have where they are not the template's own."""

    by_path: Mapping[str, bytes]
    rest: bytes  # of files that the user has not, empty: the template's own

    def apply(self, path: str, data: bytes) -> bytes:
        """Return the template's ``data`` for ``path`` with the user's line ends."""
        if path in self.by_path:
            end = self.by_path[path]
            return with_line_end(data, end) if end else data
        return with_line_end(data, self.rest) if self.rest else data


def user_line_ends(base: Files, yours: Mapping[str, bytes]) -> LineEnds:
    """Return what the user's files (``yours``, those that differ from ``base``) say about line ends.

    A repository that was turned to CRLF, or in which git turns line ends round, differs from the template in
    every line of every file; merged as they are, every change of the template would be a conflict.
    """
    by_path: dict[str, bytes] = dict.fromkeys(base, b"")
    turned = {b"\n": 0, b"\r\n": 0}
    same = len(base) - len(yours)
    for path, data in yours.items():
        end, before = line_end(data), line_end(base[path].data) if path in base else b""
        if not end or not before:
            continue
        if end != before:
            by_path[path] = end
            turned[end] += 1
        else:
            same += 1
    for path in [path for path in base if path not in yours]:
        by_path.pop(path)  # the user has it not, or has not changed it: filled below
    most = max(turned, key=lambda end: turned[end])
    return LineEnds(by_path, most if turned[most] > same else b"")
