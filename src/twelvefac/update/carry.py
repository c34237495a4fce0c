"""From a proposal to a changed repository, and back: update, undo, abort and continue."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from twelvefac.errors import MachineError, RefusedError, TwelvefacError
from twelvefac.update.clean import check_clean, check_unlocked
from twelvefac.update.files import LINK, SUBMODULE, count_markers
from twelvefac.update.install import (
    Told,
    carry_out,
    check_free,
    find_place,
    id_of,
    index_flags,
    index_lines,
    keep,
    machine_refusal,
    new_staging,
    set_undo_ref,
    stage_entries,
    stage_places,
    staged_place,
    write_flags,
)
from twelvefac.update.journal import (
    ENDED,
    KEPT_REF,
    UNDO_REF,
    Operation,
    Place,
    Step,
    finish_journal,
    read_operation,
    remove_staging,
    write_operation,
)
from twelvefac.update.objects import Entry, read_blobs
from twelvefac.update.proposal import RECORDS, Proposal
from twelvefac.update.repository import LAST, Repository, git, listed


def apply(
    repository: Repository, proposal: Proposal, kind: str, title: str, told: Told = lambda _: None
) -> Operation | None:
    """Carry out ``proposal``; return what was done, None when there was nothing to do.

    The caller holds the lock. Raises RefusedError or MachineError with nothing changed.
    """
    if not proposal.touched:
        return None
    check_clean(repository, proposal)
    with _staging(repository, told) as staging:
        stage_entries(repository, staging, _moving(repository, proposal))
        flags = index_flags(repository)
        steps = _steps(repository, proposal, partial(staged_place, staging))
        steps = tuple(replace(step, flag=flags.get(step.path, "")) for step in steps)
        told("files staged")
        check_free(repository, steps)
        kept = _kept(repository, steps)
        told("old files kept")
        conflicts = tuple(repository.prefix + path for path in proposal.stages)
        previous, head = id_of(repository, UNDO_REF), id_of(repository, "HEAD")
        operation = Operation(kind, title, steps, conflicts, str(staging), kept, previous, head, bool(conflicts))
    carry_out(repository, operation, told, last=True)
    return operation


@contextmanager
def _staging(repository: Repository, told: Told) -> Iterator[Path]:
    """Give a new staging folder, which goes again when the body fails: then nothing was changed."""
    folder = None
    try:
        folder = new_staging(repository)
        told("staging made")
        yield folder
    except (OSError, TwelvefacError, KeyboardInterrupt) as error:
        if folder is not None:
            remove_staging(folder)
        if isinstance(error, OSError):
            raise machine_refusal(error) from error
        raise


def last_operation(repository: Repository) -> Operation | None:
    """Return what was done last, None when there is nothing."""
    return read_operation(repository, LAST)


def finish(repository: Repository, operation: Operation, commit: Callable[[], object] = lambda: None) -> Operation:
    """End ``operation``, whose conflicts are resolved: from now on, what was resolved is what it did.

    All that takes space is written before ``commit`` is called, and nothing has changed when that raises.
    """
    lines = index_lines(repository, operation.conflicts)
    steps = (
        _as_resolved(repository, step, lines[step.path]) if step.path in lines else step for step in operation.steps
    )
    done = replace(operation, steps=tuple(steps), waits=False)
    write_operation(repository, ENDED, done)
    commit()
    write_flags(repository, [step for step in done.steps if step.path in operation.conflicts])
    (repository.state / ENDED).replace(repository.state / LAST)
    return done


def _as_resolved(repository: Repository, step: Step, lines: tuple[str, ...]) -> Step:
    found = find_place(repository, step.path)
    return replace(step, after=found[0] if found else None, index_after=lines, moves=True)


def is_committed(repository: Repository, operation: Operation) -> bool:
    """Return whether the user has resolved and committed ``operation`` by hand, which ends it as well."""
    if not operation.waits or id_of(repository, "HEAD") == operation.head:
        return False
    if was_put_back(repository, operation) or unresolved(repository, operation):
        return False
    return not git(repository, "diff", "--name-only", "-z", "HEAD", "--", *operation.conflicts)


def end_committed(repository: Repository) -> None:
    """End an update whose conflicts the user has resolved and committed: the next one knows nothing of it."""
    operation = last_operation(repository)
    if operation is not None and is_committed(repository, operation):
        finish(repository, operation)


def was_unstaged(repository: Repository, operation: Operation) -> bool:
    """Return whether the index has nothing of what ``operation`` did, as after `git reset`."""
    steps = _telling(operation)
    lines = index_lines(repository, [step.path for step in steps])
    return all(lines[step.path] == step.index_before for step in steps)


def was_put_back(repository: Repository, operation: Operation) -> bool:
    """Return whether neither index nor files have anything of it, as after `git reset --hard` or `git stash`."""
    return was_unstaged(repository, operation) and all(
        _same(find_place(repository, step.path), step.before) for step in _telling(operation)
    )


def is_elsewhere(repository: Repository, operation: Operation) -> bool:
    """Return whether a commit of another branch has what ``operation`` did, which is not in the one checked out."""
    steps = [step for step in _telling(operation) if step.index_after][:_TELLING]
    if not steps or not operation.head:
        return False
    ids = git(repository, "rev-list", "--branches", f"--max-count={_MOST_COMMITS}", f"^{operation.head}", "^HEAD")
    for commit in ids.decode().split():
        listing = git(repository, "ls-tree", "-z", commit, "--", *(step.path for step in steps)).decode()
        if all(f" {step.index_after[0].split()[1]}\t" in listing for step in steps):
            return True
    return False


_TELLING = 5
_MOST_COMMITS = 100


def _telling(operation: Operation) -> list[Step]:
    """Return the steps that tell whether all was taken back: a conflict may have been settled by taking one's own."""
    done = [step for step in operation.steps if step.moves or step.index_before != step.index_after]
    return [step for step in done if step.path not in operation.conflicts] or done


def forget(repository: Repository) -> None:
    """Have nothing to undo any more: what was done last is not there any more."""
    finish_journal(repository, keep=False)
    set_undo_ref(repository, "")


def unresolved(repository: Repository, operation: Operation) -> dict[str, str]:
    """Return the conflicts of ``operation`` that wait for the user, each with what is still to do."""
    lines = index_lines(repository, operation.conflicts)
    found: dict[str, str] = {}
    for step in operation.steps:
        if step.path not in operation.conflicts:
            continue
        place = find_place(repository, step.path)
        if place is not None and _is_marked(repository, step, place[1]):
            out = "taken out of git, and there with conflict markers: delete it, or git add it"
            found[step.path] = "conflict markers are left in it" if lines[step.path] else out
        elif any(not line.endswith(" 0") for line in lines[step.path]):
            found[step.path] = "mark it as resolved: git add, or git rm"
    return found


def _is_marked(repository: Repository, step: Step, data: bytes) -> bool:
    """Return whether ``data`` has more conflict markers than one of the sides has as its own text."""
    count = count_markers(data)
    sides = [line.split(" ")[1] for line in step.index_after if line.endswith((" 2", " 3"))] if count else []
    return count > max(map(count_markers, read_blobs(repository, sides).values()), default=0)


def undo(repository: Repository, operation: Operation, told: Told = lambda _: None) -> tuple[str, ...]:
    """Put back what ``operation`` changed, and return the conflicts whose resolution went with it; see ``abort``.

    Raises RefusedError naming the other files that were changed since, with nothing changed.
    """
    resolved = operation.conflicts if operation.waits else ()
    changed = [path for path in _changed_since(repository, operation) if path not in resolved]
    if changed:
        raise RefusedError(
            f"changed since {operation.title}: {listed(repository, changed)}",
            hint="undo would lose that: put the files back first, or use git",
        )
    return _taken_back(repository, operation, "undo", told)


def abort(repository: Repository, operation: Operation, told: Told = lambda _: None) -> tuple[str, ...]:
    """Put back what ``operation`` changed, resolutions included; return the paths that were changed since.

    Their content is kept in git under KEPT_REF, what was kept there before as the parent of it.
    """
    return _taken_back(repository, operation, "abort", told)


def _taken_back(repository: Repository, operation: Operation, kind: str, told: Told) -> tuple[str, ...]:
    paths = _changed_since(repository, operation)
    changed = {path: place for path in paths if (place := find_place(repository, path)) is not None}
    changed |= _staged(repository, operation, paths)
    if changed:
        git(repository, "update-ref", KEPT_REF, keep(repository, changed, id_of(repository, KEPT_REF)))
    _reverse(repository, operation, kind, told)
    return tuple(changed)


def _staged(repository: Repository, operation: Operation, paths: list[str]) -> dict[str, tuple[Place, bytes]]:
    """Return what the index alone has of these paths, under names of their own: ``Dockerfile.staged``."""
    lines = index_lines(repository, paths)
    alone = [
        (f"{step.path}.staged", *line.split(" ")[:2])
        for step in operation.steps
        if lines.get(step.path) and not _index_follows(repository, step, lines[step.path])
        for line in lines[step.path]
        if line.endswith(" 0")
    ]
    data = read_blobs(repository, [oid for _, _, oid in alone])
    return {name: (Place(mode, oid, 0, ""), data[oid]) for name, mode, oid in alone}


def refusal(repository: Repository, proposal: Proposal) -> TwelvefacError | None:
    """Return why ``apply`` would refuse ``proposal``, as far as that can be known before: not that a disk is full."""
    try:
        check_unlocked(repository)
        check_clean(repository, proposal)
        check_free(repository, _steps(repository, proposal, lambda _: _SOMETHING))
    except TwelvefacError as error:
        return error
    folders = {_there(repository.top / path).parent for path in _moving(repository, proposal)}
    locked = sorted(place for place in {repository.directory, *folders} if not os.access(place, os.W_OK | os.X_OK))
    if not locked:
        return None
    return MachineError(f"cannot write {_seen(repository, locked[0])}", hint="make the files and folders writable")


_SOMETHING = Place("", "", 0, "")


def _there(path: Path) -> Path:
    """Return the first of ``path`` and the folders above it whose folder is there."""
    while not path.parent.is_dir():
        path = path.parent
    return path


def _seen(repository: Repository, place: Path) -> str:
    inside = place.is_relative_to(repository.folder) and place != repository.folder
    return str(place.relative_to(repository.folder) if inside else place)


def _moving(repository: Repository, proposal: Proposal) -> dict[str, Entry]:
    """Return what is written to the work tree, by its path from the top."""
    after = {path: proposal.after[path] for path in proposal.touched if path in proposal.after}
    return {repository.prefix + path: entry for path, entry in after.items() if entry != proposal.before.get(path)}


def _steps(repository: Repository, proposal: Proposal, place_of: Callable[[str], Place]) -> tuple[Step, ...]:
    moving = _moving(repository, proposal)
    steps = []
    for path in proposal.touched:
        full = repository.prefix + path
        old, new = proposal.before.get(path), proposal.after.get(path)
        before = (f"{old.mode} {old.oid} 0",) if old else ()
        after: tuple[str, ...] = (f"{new.mode} {new.oid} 0",) if new else ()
        if path in proposal.stages:
            sides = sorted(proposal.stages[path].items())
            after = tuple(f"{entry.mode} {entry.oid} {number}" for number, entry in sides)
        if path in RECORDS and not before and _exists(repository, full):
            after = ()  # the user keeps it out of git
        found = find_place(repository, full)
        moves = old != new
        # where a conflict is in the index alone, an untracked file stays, and is known when it is taken back
        here = found[0] if found and (old is not None or path in RECORDS or not moves) else None
        steps.append(Step(full, here, place_of(full) if full in moving else None, before, after, moves))
    return tuple(steps)


def _exists(repository: Repository, path: str) -> bool:
    return os.path.lexists(repository.top / path)


def _kept(repository: Repository, steps: tuple[Step, ...]) -> str:
    places = {}
    for step in steps:
        found = find_place(repository, step.path) if step.before is not None else None
        if found is not None:
            places[step.path] = found
    blobs = {place.blob for place, _ in places.values()}
    staged = {}  # line ends or a filter may make other bytes of it, and no commit may have it yet
    for step in steps:
        for line in step.index_before:
            mode, oid, stage = line.split()
            if oid not in blobs and mode != SUBMODULE:
                staged[f".twelvefac-index/{stage}/{step.path}"] = Entry(mode, oid)
    return keep(repository, places, staged=staged)


def _changed_since(repository: Repository, operation: Operation) -> list[str]:
    changed = []
    lines = index_lines(repository, [step.path for step in operation.steps])
    for step in operation.steps:
        found = find_place(repository, step.path)
        here = lines[step.path]
        if here == step.index_before and _same(found, step.before):
            continue  # somebody has put it back already
        expected = step.after if step.moves else step.before
        # a folder in its place is looked into before anything moves
        full = repository.top / step.path
        free = found is not None or full.is_dir() or not os.path.lexists(full)
        follows = here == step.index_after or _index_follows(repository, step, here)
        if not (free and follows and _same(found, expected)):
            changed.append(step.path)
    return changed


def _same(found: tuple[Place, bytes] | None, expected: Place | None) -> bool:
    if found is None or expected is None:
        return found is None and expected is None
    return found[0].mode == expected.mode and found[0].sha256 == expected.sha256


def _index_follows(repository: Repository, step: Step, lines: tuple[str, ...]) -> bool:
    """Return whether the index holds nothing that the file on the disk, or what was before, has not."""
    if not lines or lines == step.index_before:
        return True
    known = {line.split(" ")[1] for line in (*step.index_after, *step.index_before)}
    found = find_place(repository, step.path)
    if found is not None and found[0].mode == LINK:  # which hash-object would follow
        known.add(found[0].blob)
    elif found is not None and "\n" not in step.path:
        given = os.fsencode(f"{step.path}\n")
        known.update(git(repository, "hash-object", "--stdin-paths", given=given).decode().split())
    return {line.split(" ")[1] for line in lines} <= known


def _reverse(repository: Repository, operation: Operation, kind: str, told: Told) -> None:
    lines = index_lines(repository, [step.path for step in operation.steps])
    flags = index_flags(repository)  # what was told since holds, and what a conflict has taken away is told again
    steps = tuple(
        replace(_reversed(repository, step, lines[step.path]), flag=flags.get(step.path, step.flag))
        for step in operation.steps
    )
    with _staging(repository, told) as staging:
        stage_places(repository, staging, {step.path: step.after for step in steps if step.moves and step.after})
        told("files staged")
        check_free(repository, steps)
    back = Operation(kind, f"{kind} of the {operation.title}", steps, (), str(staging), "", id_of(repository, UNDO_REF))
    carry_out(repository, back, told, last=False)


def _reversed(repository: Repository, step: Step, lines: tuple[str, ...]) -> Step:
    found = find_place(repository, step.path)
    here = found[0] if found else None
    moves = step.moves or not _same(found, step.before)
    return Step(step.path, here, step.before, lines, step.index_before, moves)


def title_of(kind: str, details: Mapping[str, str]) -> str:
    """Return an operation's title, such as ``update of orders to template 1.1.0``."""
    what = {
        "update": "update of {name} to template {to}",
        "add": "add of {what} to {name}",
        "remove": "remove of {what} from {name}",
        "adopt": "adoption of {name}",
    }
    return what[kind].format(**details)
