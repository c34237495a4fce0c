"""What is being done to a repository, written down before it is done, so that a dead run can be finished or undone.

``journal.json`` lies in the work tree's own part of the git directory while an operation runs; done, it becomes
``last.json``, from which ``undo`` works. Contents are git objects, held by a ref of this work tree alone.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twelvefac.errors import MachineError, RefusedError
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE
from twelvefac.source.write import write_atomically
from twelvefac.update.repository import JOURNAL, LAST, Repository

ENDED = "ended.json"  # what becomes the last one once it is committed
UNDO_REF = "refs/worktree/twelvefac/undo"
KEPT_REF = "refs/worktree/twelvefac/kept"
_VERSION = 1


@dataclass(frozen=True)
class Place:
    """A file as it lies on the disk: git's mode, the id of its bytes as a blob, permission bits, SHA-256."""

    mode: str
    blob: str
    bits: int
    sha256: str


@dataclass(frozen=True)
class Step:
    """One path, from the top of the work tree: file and index lines ("mode oid stage") before and after.

    ``moves`` is false when the file stays as it is and only the index changes. ``flag`` is what the user told git's
    index of it: h (assume unchanged), S (skip the work tree), s (both), empty for nothing.
    """

    path: str
    before: Place | None
    after: Place | None
    index_before: tuple[str, ...]
    index_after: tuple[str, ...]
    moves: bool = True
    flag: str = ""


@dataclass(frozen=True)
class Operation:
    """One change of a repository: ``kind`` is update, add, remove, adopt, undo or abort.

    ``staging`` is the folder with the new files and, once moved there, the old ones; ``conflicts`` are paths
    that were left to the user, who ``waits`` until they have ended it; ``kept`` is the commit that holds the old
    files, ``previous`` what the undo ref named before, ``head`` what HEAD was.
    """

    kind: str
    title: str
    steps: tuple[Step, ...]
    conflicts: tuple[str, ...] = ()
    staging: str = ""
    kept: str = ""
    previous: str = ""
    head: str = ""
    waits: bool = False


def read_operation(repository: Repository, name: str) -> Operation | None:
    """Return what ``name`` (JOURNAL or LAST) holds, None when there is none.

    Raises MachineError when it is damaged.
    """
    path = repository.state / name
    try:
        values: Any = json.loads(path.read_bytes())
        if values.pop("version") != _VERSION:
            raise MachineError(f"{path} was written by another version of twelvefac")
        steps = tuple(_step(step) for step in values.pop("steps"))
        values.setdefault("waits", bool(values["conflicts"]))
        values["staging"] = _staging_here(repository, values["staging"])
        return Operation(**values | {"steps": steps, "conflicts": tuple(values["conflicts"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise MachineError(f"cannot read {path}: {error}", hint=f"look at it, then remove it: rm {path}") from error


def _staging_here(repository: Repository, recorded: str) -> str:
    """Return where a run's staging folder is now: the repository may have been moved, or be a copy of another.

    Only places of this repository's own are looked at, so that a copy never touches the original's.
    """
    name = Path(recorded).name
    own = repository.state / name
    beside = (
        Path(recorded) if Path(recorded).is_relative_to(repository.top) else repository.folder / ".twelvefac" / name
    )
    return str(beside if recorded and not own.is_dir() and beside.is_dir() else own) if recorded else ""


def service_of(operation: Operation) -> str | None:
    """Return the folder (from the top) of the service that ``operation`` changed, None where none of its records tells.

    One repository may hold several services, and each operation changes a record of its own service.
    """
    ends = [f"/{step.path}".partition(f"/{name}") for step in operation.steps for name in (ANSWERS_FILE, MANIFEST_FILE)]
    found = [before[1:] for before, name, after in ends if name and not after]
    return min(found, key=len) if found else None


def is_of(repository: Repository, operation: Operation) -> bool:
    """Return whether ``operation`` changed the service in the folder of ``repository``, and not one below it."""
    folder = service_of(operation)
    if folder is None:
        return all(step.path.startswith(repository.prefix) for step in operation.steps)
    return folder == repository.prefix.rstrip("/")


def folder_of(repository: Repository, operation: Operation, folder: Path | str) -> str:
    """Return how a command names the service that ``operation`` changed, where the user names theirs ``folder``."""
    service = service_of(operation)
    if service is None or service == repository.prefix.rstrip("/"):
        return str(folder)
    there = repository.top / service
    return str(there) if Path(folder).is_absolute() else os.path.relpath(there)


def write_operation(repository: Repository, name: str, operation: Operation) -> None:
    """Write ``operation`` as ``name``. Raises MachineError when the disk refuses."""
    text = json.dumps({"version": _VERSION, **asdict(operation)})
    write_atomically(str(repository.state / name), text.encode())


def finish_journal(repository: Repository, *, keep: bool) -> None:
    """End the operation under way: it becomes the last one (``keep``), or there is none left to undo."""
    journal = repository.state / JOURNAL
    if keep:
        journal.replace(repository.state / LAST)
    else:
        (repository.state / LAST).unlink(missing_ok=True)
        journal.unlink(missing_ok=True)


def drop_journal(repository: Repository) -> None:
    """Forget the operation under way: everything is as it was before."""
    (repository.state / JOURNAL).unlink(missing_ok=True)


@contextmanager
def locked(repository: Repository) -> Iterator[None]:
    """Hold this work tree's own lock; it is let go of even by kill -9.

    Raises RefusedError while another run holds it, MachineError when the git directory cannot be written.
    """
    try:
        repository.state.mkdir(parents=True, exist_ok=True)
        handle = os.open(repository.state / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise MachineError(
            f"cannot write {repository.state}: {(error.strerror or str(error)).lower()}; nothing was changed"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError("another run of twelvefac is at work in this repository") from None
        yield
    finally:
        os.close(handle)


def remove_staging(folder: Path) -> None:
    """Remove a staging folder, whatever is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _step(values: dict[str, Any]) -> Step:
    before, after = (None if values[key] is None else Place(**values[key]) for key in ("before", "after"))
    lines = {key: tuple(values[key]) for key in ("index_before", "index_after")}
    return Step(values["path"], before, after, **lines, moves=values["moves"], flag=values.get("flag", ""))
