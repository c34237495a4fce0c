"""The one way this program writes a file: whole or not at all."""

import contextlib
import os
from collections.abc import Iterable
from itertools import count

from twelvefac.errors import MachineError


def write_atomically(path: str, data: bytes | Iterable[bytes], *, mode: int | None = None) -> None:
    """Put ``data``, whole or in pieces, at ``path`` by writing beside it and renaming.

    After a crash at any moment the file holds the old content or the new one. ``mode`` is the permission
    bits; without it a replaced file keeps its own and a new one gets what the umask allows.
    Raises MachineError when the folder cannot be written or the disk is full.
    """
    folder, name = os.path.split(path)
    staged = ""
    try:
        handle, staged = _stage(folder or ".", name)
        with os.fdopen(handle, "wb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(staged, _bits(path) if mode is None else mode)
        os.replace(staged, path)
        staged = ""
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror or error}") from error
    finally:  # also after Ctrl-C
        if staged:
            with contextlib.suppress(OSError):
                os.unlink(staged)


def _stage(folder: str, name: str) -> tuple[int, str]:
    """A new file that only its owner may read: a descriptor and its path. tempfile would cost a small run 1 ms."""
    for number in count():
        # 55 characters are at most 220 bytes: with what is added, a name that every file system takes
        path = os.path.join(folder, f".{name[:55]}.{os.getpid()}-{number}.tmp")
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), path
    raise AssertionError("there is always another number")


def _bits(path: str) -> int:
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
