"""The state of a directory as a walk saw it, told again without a walk.

A name comes, goes or changes its kind only with its folder's modification time; a file changes with its own time or
size. So as many calls of ``lstat`` as there are folders and files of interest tell whether a walk, and git's list,
would be the same: the folders that were not walked are among them, because git may list a new file there, and so is
what git decides by (index, ignore files, configuration).
"""

import os
import stat
import time
from typing import Any, NamedTuple

_MOST = 20_000
"""Folders that a walk did not go into; a directory with more is walked anew each time."""
_TICK = 20_000_000
"""In ns: what changes twice within it may look the same."""
_GONE = (-1, -1)
_OF_GIT = ("index", "config", "info/exclude")
IGNORES = ".gitignore"


class Stamps(NamedTuple):
    """Modification times (ns) of folders, and times with sizes of files, by path below the root; -1 for none there.

    ``top`` is git's work tree, None without git. ``links`` are the links below the root, each with
    whether it leads out of it.
    """

    top: str | None
    folders: dict[str, int]
    files: dict[str, tuple[int, int]]
    links: dict[str, bool]

    @property
    def newest(self) -> int:
        """The youngest of all times (ns)."""
        return max(max(self.folders.values(), default=0), max((at for at, _ in self.files.values()), default=0))


class Stamper:
    """Collects stamps during a walk of ``root``; ``top`` is the work tree that holds it."""

    def __init__(self, root: str, top: str | None) -> None:
        self._root = root
        self._started = time.time_ns()
        self._unwalked = 0  # folders
        self._found: Stamps | None = Stamps(top, {}, {}, {})
        if top is not None:
            for name in _OF_GIT:
                self._there_or_not(os.path.join(top, ".git", name))
            folder = root
            while folder != top:
                folder = os.path.dirname(folder)
                self._there_or_not(os.path.join(folder, IGNORES))

    def folder(self, path: str) -> None:
        """Note a folder; before it is listed, so that a change in between is noticed."""
        if self._found is not None:
            try:
                self._found.folders[path] = os.lstat(os.path.join(self._root, path) if path else self._root).st_mtime_ns
            except OSError:
                self._found = None

    def file(self, path: str, found: os.stat_result) -> None:
        """Note a file whose content a verdict depends on."""
        if self._found is not None:
            self._found.files[path] = (found.st_mtime_ns, found.st_size)

    def entry(self, path: str, entry: "os.DirEntry[str]") -> None:
        """Note a file of which nothing else is asked."""
        try:
            self.file(path, entry.stat(follow_symlinks=False))
        except OSError:  # gone since
            self.fail()

    def link(self, path: str, *, leads_out: bool) -> None:
        """Note a link."""
        if self._found is not None:
            self._found.links[path] = leads_out

    def unwalked(self, path: str, skipped: frozenset[str]) -> None:
        """Note a folder in which git lists nothing, and all below it."""
        stack = [path]
        while stack and self._found is not None:
            folder = stack.pop()
            self.folder(folder)
            self._unwalked += 1
            if self._unwalked > _MOST:
                self.fail()
                return
            try:
                with os.scandir(os.path.join(self._root, folder)) as scan:
                    for entry in scan:
                        if entry.is_dir(follow_symlinks=False) and entry.name not in skipped:
                            stack.append(f"{folder}/{entry.name}")
            except OSError:
                self.fail()

    def fail(self) -> None:
        """Give up: something could not be looked at, and may be next time."""
        self._found = None

    def done(self) -> Stamps | None:
        """The stamps; None where they cannot tell whether something has changed: also of what changed just now."""
        return self._found if self._found is not None and self._found.newest < self._started - _TICK else None

    def _there_or_not(self, path: str) -> None:
        assert self._found is not None
        self._found.files[os.path.relpath(path, self._root)] = _mark(path)


def _mark(path: str) -> tuple[int, int]:
    try:
        found = os.lstat(path)
    except OSError:
        return _GONE
    return found.st_mtime_ns, found.st_size


def leads_out(root: str, path: str) -> bool:
    """Whether a link below ``root`` leads out of it."""
    target = os.path.realpath(os.path.join(root, path))
    return target != root and not target.startswith(root.rstrip("/") + "/")


def are_current(stamps: Stamps, root: str, top: str | None) -> bool:
    """Whether a walk of ``root`` would find what it found before."""
    if stamps.top != top:
        return False
    lstat, within = os.lstat, root.rstrip("/") + "/"
    try:
        for path, at in stamps.folders.items():
            found = lstat(within + path)
            if found.st_mtime_ns != at or not stat.S_ISDIR(found.st_mode):
                return False
        for path, (at, size) in stamps.files.items():
            if at < 0:
                if os.path.lexists(within + path):
                    return False
                continue
            found = lstat(within + path)
            if found.st_mtime_ns != at or found.st_size != size:
                return False
    except OSError:
        return False
    return all(leads_out(root, path) == out for path, out in stamps.links.items())


def revived(plain: list[Any]) -> Stamps:
    """Stamps as JSON keeps them. Raises ValueError or TypeError for anything else."""
    top, folders, files, links = plain
    return Stamps(top, folders, {path: (mark[0], mark[1]) for path, mark in files.items()}, links)
