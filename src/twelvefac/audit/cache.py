"""The cache of facts: one JSON file per audited directory, outside of it.

An entry is good while size and modification time are; a file younger than the cache is hashed, because two edits
within one tick of the clock look alike. A cache that cannot be read or written is no cache, never an error.
"""

import json
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from twelvefac.errors import MachineError
from twelvefac.project.discovery import File
from twelvefac.project.facts import FileFacts
from twelvefac.project.facts_json import encode, revive
from twelvefac.source.digest import digest
from twelvefac.source.write import write_atomically

_FORMAT = 3
_MOST_IN_MEMORY = 1_000_000  # bytes
_AT_ONCE = 50  # entries
_FIELDS = 5  # of an entry: size, time, digest, the rules that asked, facts


class Cache:
    """Facts by path; ``key`` names all that facts depend on besides the file: tool version, rules."""

    def __init__(self, folder: str | None, root: str, key: str) -> None:
        if folder and _is_inside(folder, root):  # a home directory that is audited holds its own cache
            folder = None
        self.path = folder and os.path.join(folder, f"audit-{digest(os.fsencode(root))}.json")
        self.key = key
        self._header = [_FORMAT, key]
        self._old: dict[str, list[Any]] = {}
        self._waiting: dict[str, list[Any]] = {}  # a few entries, because each call of the encoder has its price
        self._new: list[bytes] = []  # encoded early: plain lists of all facts take several times the memory
        self._size = 0  # of what is in it, in bytes
        self._count = 0  # of entries that were kept
        self._spilled: BinaryIO | None = None  # what was too much for the memory
        self._written = 0  # ns
        self._changed = False

    def load(self) -> None:
        """Read what the last run kept."""
        if not self.path:
            return
        try:
            with open(self.path, "rb") as file:
                written = os.fstat(file.fileno()).st_mtime_ns
                data = json.loads(file.read())
            if data["header"] == self._header:
                self._old = {path: entry for path, entry in data["files"].items() if len(entry) == _FIELDS}
                self._written = written
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return

    def get(self, file: File, *, asked: str) -> FileFacts | None:
        """The facts of an unchanged file, told by size and time, where the same rules asked."""
        entry = self._old.get(file.path)
        if entry is None or entry[3] != asked or file.mtime >= self._written:
            return None
        return self._revive(file, entry) if entry[0] == file.size and entry[1] == file.mtime else None

    def get_by_content(self, file: File, data: bytes, *, asked: str) -> FileFacts | None:
        """The facts of a file whose time changed and whose bytes did not."""
        entry = self._old.get(file.path)
        if entry is None or entry[3] != asked or entry[2] != digest(data):
            return None
        self._changed = True
        return self._revive(file, entry)

    def put(self, file: File, data: bytes, facts: FileFacts, *, asked: str) -> None:
        """Keep the facts of a file."""
        if self.path:
            self._keep(file, digest(data), facts, asked=asked)
            self._changed = True

    def _keep(self, file: File, content: str, facts: object, *, asked: str) -> None:
        self._waiting[file.path] = [file.size, file.mtime, content, asked, facts]
        self._count += 1
        if len(self._waiting) == _AT_ONCE:
            self._encode()
            if self._size > _MOST_IN_MEMORY:
                self._spill()

    def _encode(self) -> None:
        if self._waiting:
            self._new.append(encode(self._waiting)[1:-1].encode("ascii"))
            self._size += len(self._new[-1])
            self._waiting.clear()

    def _spill(self) -> None:
        import tempfile  # a small service does not need it

        try:
            if self._spilled is None:
                os.makedirs(os.path.dirname(self.path or ""), exist_ok=True)
                self._spilled = tempfile.TemporaryFile(dir=os.path.dirname(self.path or ""))  # noqa: SIM115 - kept open
            self._spilled.writelines(b",\n%s" % entry for entry in self._new)
        except OSError:  # no room for it: no cache
            self.path = None
        self._new.clear()
        self._size = 0

    def _revive(self, file: File, entry: list[Any]) -> FileFacts | None:
        try:
            facts = revive(entry[4])
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        self._keep(file, entry[2], entry[4], asked=entry[3])
        return facts

    def save(self) -> None:
        """Write what this run used, if anything changed."""
        try:
            if not self.path or not (self._changed or self._count != len(self._old)):
                return
            self._encode()
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            write_atomically(self.path, self._pieces(), mode=0o600)
        except (OSError, MachineError, ValueError):
            return
        finally:
            self._waiting.clear()
            self._new.clear()
            if self._spilled is not None:
                self._spilled.close()

    def _pieces(self) -> Iterator[bytes]:
        """The text of the file; put together, it would be in memory twice."""
        yield b'{"header":%s,"files":{' % json.dumps(self._header).encode("ascii")
        if self._spilled is not None:
            self._spilled.seek(len(b","))
            while piece := self._spilled.read(_MOST_IN_MEMORY):
                yield piece
            if self._new:
                yield b","
        yield b"\n" + b",\n".join(self._new)
        yield b"}}\n"


def _is_inside(folder: str, root: str) -> bool:
    return (os.path.realpath(folder) + "/").startswith(root.rstrip("/") + "/")
