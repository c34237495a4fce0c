"""Carrying out an operation so that it can be stopped anywhere.

All that takes space happens first, in a staging folder beside the repository's data: then files only change
places, old ones into the staging folder and new ones out of it, and git writes its index at one stroke. Going
back is the same the other way round, and takes no space either.
"""

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from twelvefac.errors import MachineError, RefusedError, TwelvefacError
from twelvefac.scaffold.staging import shown
from twelvefac.update.files import LINK, read_file
from twelvefac.update.journal import (
    UNDO_REF,
    Operation,
    Place,
    Step,
    drop_journal,
    finish_journal,
    folder_of,
    read_operation,
    remove_staging,
    write_operation,
)
from twelvefac.update.objects import Entry, object_id, write_blobs, write_commits, write_trees
from twelvefac.update.repository import JOURNAL, Repository, at, find_repository, git, listed

_STAGING = "staging-"
Told = Callable[[str], None]


def find_place(repository: Repository, path: str) -> tuple[Place, bytes] | None:
    """Return what lies at ``path`` (from the top) and its bytes, None when no file does; its blob is not written."""
    full = repository.top / path
    try:
        status = full.lstat()
        if stat.S_ISDIR(status.st_mode):
            return None
        file = read_file(full)
    except (FileNotFoundError, NotADirectoryError):
        return None
    digest = hashlib.sha256(file.data).hexdigest()
    blob = object_id("blob", file.data, repository.empty)
    return Place(file.mode, blob, stat.S_IMODE(status.st_mode), digest), file.data


def new_staging(repository: Repository) -> Path:
    """Return a new staging folder on the file system of the work tree."""
    place = repository.state
    if place.stat().st_dev != repository.folder.stat().st_dev:
        place = repository.folder / ".twelvefac"
        place.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=place))
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    return folder


def stage_entries(repository: Repository, staging: Path, entries: Mapping[str, Entry]) -> None:
    """Write ``entries`` (paths from the top) into ``staging`` as git would check them out."""
    if not entries:
        return
    index = {"GIT_INDEX_FILE": str(staging / "index")}
    lines = b"".join(_index_line(f"{entry.mode} {entry.oid} 0", path) for path, entry in entries.items())
    git(repository, "update-index", "-z", "--index-info", given=lines, environment=index)
    git(repository, "checkout-index", "--all", "--force", f"--prefix={staging / 'new'}/", environment=index)
    (staging / "index").unlink(missing_ok=True)
    for path in entries:
        if not os.path.lexists(staging / "new" / path):
            raise MachineError(f"git did not write {path}")


def stage_places(repository: Repository, staging: Path, places: Mapping[str, Place]) -> None:
    """Write ``places`` into ``staging`` byte by byte, with their permission bits."""
    from twelvefac.update.objects import read_blobs

    blobs = read_blobs(repository, [place.blob for place in places.values()])
    for path, place in places.items():
        target = staging / "new" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if place.mode == LINK:
            target.symlink_to(os.fsdecode(blobs[place.blob]))
        else:
            target.write_bytes(blobs[place.blob])
            target.chmod(place.bits)


def staged_place(staging: Path, path: str) -> Place:
    """Return the place of a staged file."""
    full = staging / "new" / path
    file = read_file(full)
    return Place(file.mode, "", stat.S_IMODE(full.lstat().st_mode), hashlib.sha256(file.data).hexdigest())


def keep(
    repository: Repository,
    places: Mapping[str, tuple[Place, bytes]],
    before: str = "",
    staged: Mapping[str, Entry] | None = None,
) -> str:
    """Write files by path into git and return a commit that holds them, for a ref; its parent is ``before``.

    ``staged`` are entries that git has already, by the path that they get there.
    """
    write_blobs(repository, [data for _, data in places.values()])
    entries = {path: Entry(place.mode, place.blob) for path, (place, _) in places.items()}
    tree = write_trees(repository, [entries | dict(staged or {})])[0]
    return write_commits(repository, [(tree, before, "kept by twelvefac")])[0]


def check_free(repository: Repository, steps: Sequence[Step]) -> None:
    """Raise RefusedError when something lies where a new file goes, or that is in a repository of its own."""
    going = [step.path for step in steps if step.moves and step.after]
    places = {parent for path in going for parent in _parents(path)}
    # in the place of a new file there may be a folder, and the repository be anywhere in it
    places |= {
        os.path.relpath(place, repository.top)
        for path in going
        if not (repository.top / path).is_symlink()
        for place, folders, files in os.walk(repository.top / path)
        if ".git" in (*folders, *files)
    }
    inner = sorted(place for place in places if os.path.lexists(repository.top / place / ".git"))
    if inner:
        raise RefusedError(
            f"a repository of its own lies where new files go: {listed(repository, inner)}",
            hint="move it to another place",
        )
    obstacles = in_the_way(repository, steps)
    if obstacles:
        raise RefusedError(
            f"in the way of the new files: {listed(repository, obstacles)}",
            hint="move or delete them, or put them into git",
        )


def in_the_way(repository: Repository, steps: Sequence[Step]) -> list[str]:
    """Return what lies where a new file goes and would be lost: anything that no step takes away."""
    leaving = {step.path for step in steps if step.moves and step.before is not None}
    found = []
    for step in steps:
        if step.after is None or not step.moves:
            continue
        full = repository.top / step.path
        for parent in _parents(step.path):
            place = repository.top / parent
            if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()) and parent not in leaving:
                found.append(parent)
        if step.path in leaving or not os.path.lexists(full):
            continue
        if full.is_dir() and not full.is_symlink():
            inside = [Path(place, name) for place, folders, names in os.walk(full) for name in (*names, *folders)]
            files = [path for path in inside if not path.is_dir() or path.is_symlink()]
            found += [
                path.relative_to(repository.top).as_posix()
                for path in files
                if path.relative_to(repository.top).as_posix() not in leaving
            ]
        else:
            found.append(step.path)
    return sorted(set(found))


def carry_out(repository: Repository, operation: Operation, told: Told, *, last: bool) -> None:
    """Do what ``operation`` says; afterwards it is the ``last`` one, or there is none to undo.

    Raises MachineError or RefusedError with everything as it was before.
    """
    try:
        write_operation(repository, JOURNAL, operation)
        told("journal written")
        if operation.kept:
            git(repository, "update-ref", UNDO_REF, operation.kept)
        _move(repository, operation, told)
        told("files moved")
        write_index(repository, operation.steps, after=True)
        told("index written")
        _finish(repository, operation, last=last)
        told("finished")
    except BaseException as error:
        _back_after(repository, operation, error)
        raise


def recover(repository: Repository, *, before: str = "") -> str:
    """Finish or roll back what a dead run left, and return which in words; empty when there is nothing.

    The caller holds the lock. Raises MachineError when the machine still refuses.
    """
    operation = read_operation(repository, JOURNAL)
    if operation is None:
        _sweep(repository)
        return ""
    where = f"the interrupted {operation.title}"
    if not Path(operation.staging).is_dir():
        raise MachineError(
            f"{where} can be neither finished nor rolled back: {operation.staging}, which has its files, is missing",
            hint=f"the old files are in git: git restore --source={operation.kept} --worktree -- PATH; then "
            f"remove {repository.state / JOURNAL}",
        )
    try:
        if _index_is(repository, operation.steps, after=True) and _all_moved(operation):
            _finish(repository, operation, last=operation.kind not in {"undo", "abort"})
            return f"finished {where}"
        mine = _put_there_since(repository, operation)
        if not mine and _edited_meanwhile(repository, operation):
            _move(repository, operation, lambda _: None)
            write_index(repository, operation.steps, after=True)
            _finish(repository, operation, last=operation.kind not in {"undo", "abort"})
            return f"finished {where}, because its files were changed since"
        roll_back(repository, operation, mine)
    except OSError as error:
        raise MachineError(f"{where} can be neither finished nor rolled back: {error}", hint=before) from error
    if changed := sorted(path for path, as_before in mine.items() if not as_before):
        return f"rolled back {where}; changed since, and left as they are: {listed(repository, changed)}"
    return f"rolled back {where}: everything is as it was before it"


def was_stopped(folder: Path) -> bool:
    """Return whether a run in the repository around ``folder`` is under way or was stopped half way."""
    try:
        repository = find_repository(folder.absolute())
    except TwelvefacError:
        return False
    return os.path.lexists(repository.state / JOURNAL)


def half_way(folder: Path) -> RefusedError:
    """Return what to tell where the service in ``folder`` is not to be looked at in the middle of a run.

    The run may have been another service's of the same repository: its folder is named then.
    """
    what, place = "a run of twelvefac in this repository", str(folder)
    with suppress(TwelvefacError):  # a damaged journal is told by the command that is named
        repository = find_repository(folder.absolute())
        if (operation := read_operation(repository, JOURNAL)) is not None:
            place = folder_of(repository, operation, folder)
            what = f"the {operation.title}" + (f" in {shown(Path(place))}" if place != str(folder) else "")
    undo, update = f"`twelvefac undo{at(place)}`", f"`twelvefac update{at(place)}`"
    return RefusedError(
        f"{what} was stopped half way, or is still at work",
        hint=f"{undo} or {update} finishes it or rolls it back, and says which",
    )


def roll_back(repository: Repository, operation: Operation, mine: Iterable[str] = ()) -> None:
    """Put everything back as it was before ``operation``, save for the files and index lines of ``mine``.

    Raises OSError or MachineError when that fails.
    """
    staging, mine = Path(operation.staging), set(mine)
    for step in operation.steps:
        full, new = repository.top / step.path, staging / "new" / step.path
        if not step.moves or step.after is None or step.path in mine:
            continue
        if not os.path.lexists(new) and os.path.lexists(full):
            new.parent.mkdir(parents=True, exist_ok=True)
            full.rename(new)
        _remove_empty(repository, step.path)  # a folder may have been made and nothing moved into it yet
    for number, step in enumerate(operation.steps):
        old = staging / "old" / str(number)
        if step.moves and os.path.lexists(old) and step.path not in mine:
            full = repository.top / step.path
            _clear(full)
            full.parent.mkdir(parents=True, exist_ok=True)
            old.rename(full)
    ours = _ours_in_index(repository, operation) if mine else operation.steps
    if not _index_is(repository, ours, after=False):
        write_index(repository, ours, after=False)
    write_flags(repository, _rewritten(ours))
    with suppress(MachineError):  # it holds objects, nothing more: one that stays does no harm
        set_undo_ref(repository, operation.previous)
    drop_journal(repository)
    remove_staging(staging)


def write_index(repository: Repository, steps: Iterable[Step], *, after: bool) -> None:
    """Write the index lines of ``steps`` at one stroke, then let git look at the files again."""
    steps = _rewritten(steps)
    nothing = f"0 {repository.empty}"
    removed = b"".join(_index_line(nothing, step.path) for step in steps)
    added = b"".join(
        _index_line(line, step.path) for step in steps for line in (step.index_after if after else step.index_before)
    )
    if steps:
        git(repository, "update-index", "-z", "--index-info", given=removed + added)
        git(repository, "update-index", "-q", "--refresh", "--really-refresh", fine=(0, 1))


def _rewritten(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that write lines of the index anew."""
    return [step for step in steps if step.index_before != step.index_after]


def index_flags(repository: Repository) -> dict[str, str]:
    """Return the files (from the top) of which the user told git's index something, with git's letter for it."""
    listing = git(repository, "ls-files", "-v", "-z").split(b"\0")
    letters = {os.fsdecode(line[2:]): line[:1].decode() for line in listing}
    return {path: letter for path, letter in letters.items() if letter in _FLAGS}


# git's letters of `ls-files -v`, and what sets each: a line of the index that is written anew has none
_FLAGS = {
    "h": ("--assume-unchanged",),
    "S": ("--skip-worktree",),
    "s": ("--assume-unchanged", "--skip-worktree"),
}


def write_flags(repository: Repository, steps: Iterable[Step]) -> None:
    """Tell git's index again what the user had told it of the files of ``steps``, where they are in it."""
    flags = {step.path: step.flag for step in steps if step.flag}
    lines = index_lines(repository, flags) if flags else {}
    whole = [path for path, there in lines.items() if [line[-2:] for line in there] == [" 0"]]
    for flag in ("--assume-unchanged", "--skip-worktree"):
        paths = [path for path in whole if flag in _FLAGS[flags[path]]]
        if paths:
            given = b"".join(os.fsencode(path) + b"\0" for path in paths)
            git(repository, "update-index", flag, "-z", "--stdin", given=given)


def _index_line(line: str, path: str) -> bytes:
    return os.fsencode(f"{line}\t{path}\0")


def _move(repository: Repository, operation: Operation, told: Told) -> None:
    """Move old files away and new ones in; what is done already is passed over."""
    staging = Path(operation.staging)
    for number, step in enumerate(operation.steps):
        full, old, new = repository.top / step.path, staging / "old" / str(number), staging / "new" / step.path
        waiting = step.after is None or os.path.lexists(new)
        if step.moves and step.before is not None and waiting and not os.path.lexists(old) and os.path.lexists(full):
            full.rename(old)
            told(f"moved away {step.path}")
            _remove_empty(repository, step.path)
    for step in operation.steps:
        new = staging / "new" / step.path
        if step.moves and step.after is not None and os.path.lexists(new):
            full = repository.top / step.path
            _clear(full)
            full.parent.mkdir(parents=True, exist_ok=True)
            new.rename(full)
            told(f"moved in {step.path}")


def _finish(repository: Repository, operation: Operation, *, last: bool) -> None:
    write_flags(repository, _rewritten(operation.steps))
    finish_journal(repository, keep=last)
    if not last:
        set_undo_ref(repository, "")
    remove_staging(Path(operation.staging))


def id_of(repository: Repository, reference: str) -> str:
    """Return the id that ``reference`` names, empty when there is none."""
    return git(repository, "rev-parse", "--verify", "--quiet", reference, fine=(0, 1)).decode().strip()


def set_undo_ref(repository: Repository, commit: str) -> None:
    """Let the undo ref name ``commit``, or be absent; where it does already, nothing needs to be writable."""
    if id_of(repository, UNDO_REF) != commit:
        git(repository, "update-ref", *([UNDO_REF, commit] if commit else ["-d", UNDO_REF]))


def _back_after(repository: Repository, operation: Operation, error: BaseException) -> None:
    if read_operation(repository, JOURNAL) is None:
        remove_staging(Path(operation.staging))  # it failed before anything was done, or when all was done
        return
    try:
        roll_back(repository, operation)
    except (OSError, TwelvefacError) as second:
        raise MachineError(
            f"stopped half way ({error}), and going back failed: {second}",
            hint="run any update command once the cause is gone: it goes back then",
        ) from error
    if isinstance(error, OSError):
        raise machine_refusal(error) from error
    if isinstance(error, MachineError):
        raise MachineError(f"{error.message}; everything is as it was", hint=error.hint) from error


@contextmanager
def refusing() -> Iterator[None]:
    """Turn an OSError of the body, which has changed nothing, into what to tell the user."""
    try:
        yield
    except OSError as error:
        raise machine_refusal(error) from error


def machine_refusal(error: OSError) -> MachineError:
    """Return what to tell the user when the machine refuses, with everything as it was."""
    hints = {
        errno.ENOSPC: "free some space on the disk",
        errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
        errno.EDQUOT: "free some of your quota",
        errno.EACCES: "make the files and folders of the repository writable",
        errno.EPERM: "make the files and folders of the repository writable",
        errno.EROFS: "make the file system writable",
    }
    where = f" at {error.filename}" if error.filename else ""
    reason = (error.strerror or str(error)).lower()
    return MachineError(f"{reason}{where}; nothing was changed", hint=hints.get(error.errno or 0, ""))


def _index_is(repository: Repository, steps: Iterable[Step], *, after: bool) -> bool:
    changing = {step.path: step for step in steps if step.index_before != step.index_after}
    if not changing:
        return True
    return index_lines(repository, changing) == {
        path: step.index_after if after else step.index_before for path, step in changing.items()
    }


def index_lines(repository: Repository, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return what the index has for each of ``paths`` (from the top): "mode oid stage" lines."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(paths, ())
    for line in filter(None, git(repository, "ls-files", "-s", "-z").split(b"\0")):
        head, _, name = line.partition(b"\t")
        path = os.fsdecode(name)
        if path in found:
            found[path] = (*found[path], head.decode())
    return found


def _all_moved(operation: Operation) -> bool:
    new = Path(operation.staging) / "new"
    return not any(
        step.moves and step.after is not None and os.path.lexists(new / step.path) for step in operation.steps
    )


def _put_there_since(repository: Repository, operation: Operation) -> dict[str, bool]:
    """Return the files that somebody put back or wrote after the run died, each with whether it is as it was before.

    `git reset --hard` or `git restore` is what many do first when they find files missing, and then they go on
    working: what lies there now is theirs, and neither going back nor finishing may take its place.
    """
    staging = Path(operation.staging)
    found, edited = {}, {}
    for number, step in enumerate(operation.steps):
        if not step.moves:
            continue
        old, new = staging / "old" / str(number), staging / "new" / step.path
        place = find_place(repository, step.path)
        if place is None:
            continue
        as_before = step.before is not None and place[0].sha256 == step.before.sha256
        if step.after is not None and not os.path.lexists(new):  # it was moved in
            there = as_before and place[0].sha256 != step.after.sha256
            if not as_before and place[0].sha256 != step.after.sha256:
                edited[step.path] = False
        else:
            there = os.path.lexists(old) or not as_before
        if there:
            found[step.path] = as_before
    return found | edited if found else {}


def _ours_in_index(repository: Repository, operation: Operation) -> list[Step]:
    """Return the steps of whose path the index has what it had before or was to have: all else is the user's."""
    lines = index_lines(repository, [step.path for step in operation.steps])
    return [step for step in operation.steps if lines[step.path] in {step.index_before, step.index_after}]


def _edited_meanwhile(repository: Repository, operation: Operation) -> bool:
    """Return whether a file that was moved in has been changed since: then going back would lose that."""
    new = Path(operation.staging) / "new"
    for step in operation.steps:
        if not step.moves or step.after is None or os.path.lexists(new / step.path):
            continue
        place = find_place(repository, step.path)
        if place is not None and place[0].sha256 != step.after.sha256:
            return True
    return False


def _sweep(repository: Repository) -> None:
    """Remove staging folders of runs that died before they wrote their journal: nothing was changed by them."""
    for place in (repository.state, repository.folder / ".twelvefac"):
        with suppress(OSError):
            for entry in place.iterdir():
                if entry.name.startswith(_STAGING) and entry.is_dir() and not entry.is_symlink():
                    remove_staging(entry)


def _clear(full: Path) -> None:
    """Remove a folder that holds nothing but empty folders. Raises OSError when there is more in it."""
    if full.is_dir() and not full.is_symlink():
        for place, _, _ in os.walk(full, topdown=False):
            Path(place).rmdir()


def _remove_empty(repository: Repository, path: str) -> None:
    """Remove the folders that became empty when the file at ``path`` went, up to the service's own."""
    for parent in _parents(path):
        place = repository.top / parent
        if not f"{parent}/".startswith(repository.prefix) or f"{parent}/" == repository.prefix:
            return
        try:
            place.rmdir()
        except OSError:
            return


def _parents(path: str) -> list[str]:
    """Return the folders above ``path``, the deepest first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
