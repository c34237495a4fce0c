"""A hidden directory beside the target: everything happens in it, and one rename makes the target.

A run holds an advisory lock on its staging directory for as long as it lives, kill -9 included: the kernel
lets go of it. So the next run can tell what a dead run left from what a living one is working in. Making a
directory and locking it are two steps; a lock on the folder around them keeps a cleaner from coming between.
"""

import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from twelvefac.errors import MachineError, RefusedError

_MARK = ".twelvefac-"
_NAME = re.compile(r"\.[a-z0-9-]{1,40}\.twelvefac-[a-z0-9_]{8}\Z")
_TREE = "tree"
_PATIENCE = 2.0  # seconds that another program may hold the folder before we go on without cleaning


@dataclass(frozen=True)
class Target:
    """Where a service goes: ``path`` is absolute, ``anchor`` the deepest folder that exists above it."""

    path: Path
    anchor: Path

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the folders that the rename makes, the target's own name last."""
        return self.path.relative_to(self.anchor).parts


def find_target(path: Path) -> Target:
    """Return the target for an absolute ``path``.

    Raises RefusedError when something is there already (an empty folder counts as nothing) and MachineError
    when the place cannot be looked at.
    """
    try:
        if path.is_symlink() and path.is_dir():
            path = path.resolve()
        if os.path.lexists(path):
            if not path.exists():
                raise _leads_nowhere(path)
            if not path.is_dir():
                raise RefusedError(f"{shown(path)} is a file", hint="choose another folder, or move it away")
            if any(path.iterdir()):
                raise RefusedError(
                    f"{shown(path)} is not empty", hint="choose another folder, or move away what is in it"
                )
        anchor = path.parent
        while not os.path.lexists(anchor):
            anchor = anchor.parent
        if not anchor.exists():
            raise _leads_nowhere(anchor)
        if not anchor.is_dir():
            raise RefusedError(f"{shown(anchor)} is not a folder", hint="choose another folder")
    except OSError as error:
        raise refusal(path, error) from error
    return Target(path, anchor)


def _leads_nowhere(link: Path) -> RefusedError:
    return RefusedError(f"{shown(link)} is a link that leads nowhere", hint="choose another folder, or remove the link")


@contextmanager
def staged(target: Target, name: str) -> Iterator[Path]:
    """Give an empty directory to fill for ``target``; it is gone at the end, whatever happened.

    ``name`` (the service's) makes the hidden directory recognisable. Raises MachineError when the machine
    refuses, here or in the body.
    """
    folder = None
    handle = -1
    try:
        try:
            with _locked(target.anchor):
                folder = _make_folder(target, name)
                handle = _lock(folder)
            tree = folder.joinpath(_TREE, *target.missing)
            tree.mkdir(parents=True)
            yield tree
        except OSError as error:
            raise refusal(target.path, error) from error
        except MachineError as error:
            # from the writer: it names a path that is gone by now
            if folder is not None and isinstance(error.__cause__, OSError):
                raise refusal(target.path, error.__cause__) from error
            raise
    finally:
        if folder is not None:
            _discard(folder)
        if handle >= 0:
            os.close(handle)


def _make_folder(target: Target, name: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{name}{_MARK}", dir=target.anchor))
    except FileNotFoundError as error:
        if not target.anchor.is_dir():
            raise
        # /proc says so of every name
        raise MachineError(
            f"cannot write {shown(target.path)}: {shown(target.anchor)} is a read-only system; nothing was made",
            hint="choose a folder that you may write to",
        ) from error


def publish(tree: Path, target: Target) -> None:
    """Make the finished ``tree`` (as given by ``staged``) the target: one rename, after it is on the disk.

    Raises RefusedError when something came to be at the target meanwhile, OSError when the disk refuses.
    """
    first = target.missing[0]
    root = tree.parents[len(target.missing) - 1]
    _sync(root)
    try:
        # over an empty folder too: rename(2) puts a directory in the place of an empty one
        (root / first).rename(target.anchor / first)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise RefusedError(
                f"{shown(target.anchor / first)} appeared while the service was made",
                hint="choose another folder",
            ) from error
        raise
    with suppress(OSError):  # it is made; at worst a power cut takes it away again, whole
        _sync_folder(target.anchor)


def remove_abandoned(folder: Path) -> list[str]:
    """Remove the staging directories in ``folder`` whose runs are dead and return their names, sorted.

    What cannot be locked or removed stays; nothing is raised.
    """
    removed = []
    with suppress(OSError), _locked(folder) as alone:
        if not alone:
            return []
        for entry in sorted(folder.iterdir()):
            if _NAME.match(entry.name) and entry.is_dir() and not entry.is_symlink() and _abandoned(entry):
                shutil.rmtree(entry, ignore_errors=True)
                if not entry.exists():
                    removed.append(entry.name)
    return removed


def refusal(path: Path, error: OSError) -> MachineError:
    """Return what to tell the user when the machine refuses to write at ``path``."""
    reason = (error.strerror or str(error)).lower()
    hints = {
        errno.ENOSPC: "free some space, or choose a folder on another disk",
        errno.EDQUOT: "free some of your quota, or choose a folder on another disk",
        errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
        errno.ENAMETOOLONG: "choose a shorter path",
        errno.EROFS: "choose a folder on a disk that is not read-only",
        errno.EBUSY: "choose a folder that is no mount point",
    }
    hint = hints.get(error.errno or 0, "choose a folder that you may write to")
    return MachineError(f"cannot write {shown(path)}: {reason}; nothing was made", hint=hint)


def shown(path: Path) -> str:
    """Return ``path`` for a message, with anything unprintable escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(path))


def _discard(folder: Path) -> None:
    """Remove a staging directory, even when Ctrl-C comes meanwhile; it is passed on afterwards."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _abandoned(entry: Path) -> bool:
    try:
        if not {child.name for child in entry.iterdir()} <= {_TREE}:
            return False
        handle = os.open(entry, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _lock(folder: Path) -> int:
    """Lock a directory and return the open handle that holds the lock, for as long as it is open."""
    handle = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # a file system without locks: then nobody cleans there either
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock on ``folder`` around the body; give whether it was got within our patience."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _wait_for(handle)
    finally:
        os.close(handle)


def _wait_for(handle: int) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        except OSError:
            return False
        else:
            return True


def _sync(root: Path) -> None:
    """Bring every file and folder under ``root`` to the disk, so that the rename cannot outrun them."""
    for folder, _, names in os.walk(root):
        for name in names:
            handle = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW)  # noqa: PTH118
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        _sync_folder(Path(folder))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that does not sync folders
            raise
    finally:
        os.close(handle)
