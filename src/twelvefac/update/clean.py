"""Is everything that an update would change as git's index has it, and nobody else at work there?"""

import os
import shlex

from twelvefac.errors import RefusedError
from twelvefac.update.files import LINK, SUBMODULE
from twelvefac.update.install import find_place
from twelvefac.update.journal import Operation
from twelvefac.update.objects import object_id
from twelvefac.update.proposal import RECORDS, Proposal
from twelvefac.update.repository import Repository, at, git, is_off, listed


def check_clean(repository: Repository, proposal: Proposal) -> None:
    """Raise RefusedError when a file that would change differs from what git's index has of it.

    Files are compared by content and mode: git's own look passes over those that it was told to assume unchanged.
    """
    paths = [path for path in proposal.touched if path in proposal.before and path not in RECORDS]
    modules = [path for path in paths if proposal.before[path].mode == SUBMODULE]
    if modules:
        raise RefusedError(f"the submodule {modules[0]} is in the way", hint="move it to another place")
    _check_intended(repository, proposal, paths)
    dirty, turned = {}, set()
    for path in paths:
        found = find_place(repository, repository.prefix + path)
        if found is not None and not _same_mode(repository, found[0].mode, proposal.before[path].mode):
            turned.add(path)
        if path in turned or found is None or found[0].blob != proposal.before[path].oid:
            dirty[path] = proposal.before[path].oid
    # what differs byte by byte may be the same to git: line ends, filters
    asked = [path for path in dirty if "\n" not in path and (repository.folder / path).is_file()]
    if asked:
        given = b"".join(os.fsencode(f"{repository.prefix}{path}\n") for path in asked)
        ids = git(repository, "hash-object", "--stdin-paths", given=given).decode().split()
        for path, oid in zip(asked, ids, strict=True):
            if oid == dirty[path] and path not in turned:
                del dirty[path]
    if dirty:
        _check_flags(repository, [repository.prefix + path for path in dirty])
        raise RefusedError(
            f"changed and not in git's index: {listed(repository, (repository.prefix + path for path in dirty))}",
            hint="commit or stash them first (`git stash`): the update would change them",
        )


def _check_intended(repository: Repository, proposal: Proposal, paths: list[str]) -> None:
    """Raise RefusedError when one of ``paths`` is only meant to be added: git's index cannot be told that again."""
    nothing = object_id("blob", b"", repository.empty)
    empty = [repository.prefix + path for path in paths if proposal.before[path].oid == nothing]
    if not empty:
        return
    out = git(repository, "diff-files", "--name-only", "-z", "--diff-filter=A", "--", *empty)
    intended = [os.fsdecode(path) for path in out.split(b"\0") if path]
    if intended:
        names = shlex.join(path.removeprefix(repository.prefix) for path in intended)
        raise RefusedError(
            f"only meant to be added (git add -N), and to be changed: {listed(repository, intended)}",
            hint=f"`git{_from_here(repository)} add {names}` first, or move it away",
        )


def _check_flags(repository: Repository, paths: list[str]) -> None:
    """Raise RefusedError when git was told not to look at one of ``paths``: it shows no change to commit or stash."""
    letters = {os.fsdecode(line[2:]): line[:1] for line in git(repository, "ls-files", "-v", "-z").split(b"\0")}
    skipped = [path for path in paths if letters.get(path) in {b"S", b"s"}]
    absent = [path for path in skipped if not os.path.lexists(repository.top / path)]
    sparse = git(repository, "config", "--type=bool", "--get", "core.sparseCheckout", fine=(0, 1)).strip() == b"true"
    if absent and sparse:
        raise RefusedError(
            f"left out by this sparse checkout, and to be changed: {listed(repository, absent)}",
            hint="`git sparse-checkout add` its folder, or `git sparse-checkout disable`",
        )
    then = "commit or stash it: the update would change it"
    if absent:
        what, flag, flagged = "not here, since git was told to skip it, and to be changed", "skip-worktree", absent
        then = "commit that it is gone, or `git restore` it"
    elif skipped:
        what, flag, flagged = "changed, and git was told to skip it", "skip-worktree", skipped
    else:
        what, flag = "changed, and git was told to assume it unchanged", "assume-unchanged"
        flagged = [path for path in paths if letters.get(path) == b"h"]
    if flagged:
        names = shlex.join(path.removeprefix(repository.prefix) for path in flagged)
        raise RefusedError(
            f"{what}: {listed(repository, flagged)}",
            hint=f"`git{_from_here(repository)} update-index --no-{flag} {names}`, then {then}",
        )


def forgotten_flags(repository: Repository, operation: Operation, folder: str) -> tuple[str, ...]:
    """Return what to say of files in conflict of which git's index was told something: their lines hold no flag."""
    paths = [step.path for step in operation.steps if step.flag and step.path in operation.conflicts]
    if not paths:
        return ()
    what = f"what it was told of {listed(repository, paths)} (--assume-unchanged, --skip-worktree)"
    then = f"`twelvefac update --continue{at(folder)}` sets it again, also after your commit"
    return (f"git forgets in a conflict {what}: {then}",)


def _from_here(repository: Repository) -> str:
    """Return what makes a git command work that names files as seen from the service, wherever the user is."""
    try:
        return at(os.path.relpath(repository.folder), "-C")
    except FileNotFoundError:  # the current folder is gone
        return at(repository.folder, "-C")


def _same_mode(repository: Repository, here: str, wanted: str) -> bool:
    """Return whether a file's mode is the one of the index, where git goes by what the disk says."""
    setting = "core.symlinks" if LINK in (here, wanted) else "core.filemode"
    return here == wanted or is_off(repository, setting)


def check_unlocked(repository: Repository) -> None:
    """Raise RefusedError while another git command writes the index, or one that died has left its lock."""
    lock = repository.directory / "index.lock"
    if os.path.lexists(lock):
        raise RefusedError(
            f"another git command is at work here, or died: {lock}", hint="wait for it, or remove that file"
        )
