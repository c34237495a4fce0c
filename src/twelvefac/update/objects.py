"""Git objects: blobs, trees and commits written and read in as few processes as can be."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from twelvefac.errors import MachineError
from twelvefac.update.files import Files
from twelvefac.update.repository import Repository, clean_environment, git

_SHA1 = 40  # letters of an id
_NOBODY = "twelvefac <twelvefac@localhost> 1767225600 +0000"


@dataclass(frozen=True)
class Entry:
    """One line of a tree: git's mode and the object's id."""

    mode: str
    oid: str


Entries = dict[str, Entry]


def write_blobs(repository: Repository, contents: Sequence[bytes]) -> list[str]:
    """Write each of ``contents`` as it is, no filter, and return the ids in the same order."""
    if not contents:
        return []
    distinct = list(dict.fromkeys(contents))
    with tempfile.TemporaryDirectory(prefix="twelvefac-blobs-") as folder:
        paths = []
        for index, data in enumerate(distinct):
            path = Path(folder, str(index))
            path.write_bytes(data)
            paths.append(str(path))
        out = git(repository, "hash-object", "-w", "--no-filters", "--stdin-paths", given="\n".join(paths).encode())
    ids = dict(zip(distinct, out.decode().split(), strict=True))
    return [ids[data] for data in contents]


def write_files(repository: Repository, *several: Files) -> list[Entries]:
    """Write the contents of ``several`` sets of files and return the entries of each."""
    ids = iter(write_blobs(repository, [file.data for files in several for file in files.values()]))
    return [{path: Entry(file.mode, next(ids)) for path, file in files.items()} for files in several]


def write_trees(repository: Repository, trees: Sequence[Entries]) -> list[str]:
    """Write each of ``trees`` and return their ids; submodules need not be there."""
    process = subprocess.Popen(
        ["git", *repository.options, "mktree", "-z", "--missing", "--batch"],
        cwd=repository.top,
        env=clean_environment(repository),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        written: dict[bytes, str] = {}
        ids = [_write(_nested(tree), process.stdin, process.stdout, written) for tree in trees]
        _, error = process.communicate()
    except (OSError, MachineError):
        process.kill()
        _, error = process.communicate()
        raise MachineError(f"git mktree failed: {error.decode('utf-8', 'replace').strip()}") from None
    return ids


def object_id(kind: str, data: bytes, like: str) -> str:
    """Return the id that git gives an object, by the hash that the id ``like`` is made with."""
    digest = hashlib.sha1 if len(like) == _SHA1 else hashlib.sha256
    return digest(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


def write_commits(repository: Repository, commits: Sequence[tuple[str, int | str | None, str]]) -> list[str]:
    """Write commits (tree, parent by its id or its number among those before it, message) and return their ids.

    The same input gives the same ids; nothing refers to them.
    """
    ids: list[str] = []
    with tempfile.TemporaryDirectory(prefix="twelvefac-commits-") as folder:
        paths = []
        for tree, parent, message in commits:
            above = ids[parent] if isinstance(parent, int) else parent
            lines = [f"tree {tree}", *([f"parent {above}"] if above else [])]
            data = "\n".join([*lines, f"author {_NOBODY}", f"committer {_NOBODY}", "", message, ""]).encode()
            paths.append(Path(folder, str(len(ids))))
            paths[-1].write_bytes(data)
            ids.append(object_id("commit", data, tree))
        given = "\n".join(map(str, paths)).encode()
        git(repository, "hash-object", "-t", "commit", "-w", "--no-filters", "--stdin-paths", given=given)
    return ids


def read_tree(repository: Repository, tree: str) -> Entries:
    """Return every file, link and submodule in ``tree``."""
    out = git(repository, "ls-tree", "-r", "-z", "--full-tree", tree)
    entries: Entries = {}
    for line in filter(None, out.split(b"\0")):
        head, _, path = line.partition(b"\t")
        mode, _, oid = head.decode().split(" ")
        entries[os.fsdecode(path)] = Entry(mode, oid)
    return entries


def read_blobs(repository: Repository, ids: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of the blobs ``ids``."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    out = git(repository, "cat-file", "--batch", given="\n".join(wanted).encode() + b"\n")
    return dict(zip(wanted, _contents(out, len(wanted)), strict=True))


def _contents(out: bytes, count: int) -> list[bytes]:
    found, place = [], 0
    for _ in range(count):
        end = out.index(b"\n", place)
        head = out[place:end].split(b" ")
        if head[-1] == b"missing":
            raise MachineError(f"git object {head[0].decode()} is missing: is this a partial clone?")
        size = int(head[2])
        found.append(out[end + 1 : end + 1 + size])
        place = end + 1 + size + 1
    return found


def _nested(entries: Mapping[str, Entry]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, entry in entries.items():
        *folders, leaf = path.split("/")
        place = root
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = entry
    return root


_KINDS = {"040000": "tree", "160000": "commit"}


def _write(tree: Mapping[str, Any], sink: IO[bytes], source: IO[bytes], written: dict[bytes, str]) -> str:
    lines = []
    for name, value in tree.items():
        entry = Entry("040000", _write(value, sink, source, written)) if isinstance(value, dict) else value
        lines.append(f"{entry.mode} {_KINDS.get(entry.mode, 'blob')} {entry.oid}\t{name}")
    text = b"".join(os.fsencode(line) + b"\0" for line in lines)
    if text not in written:
        sink.write(text + b"\0")
        sink.flush()
        answer = source.readline().decode().strip()
        if not answer:
            raise MachineError("git mktree stopped")
        written[text] = answer
    return written[text]
