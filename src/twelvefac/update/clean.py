"""Is everything that an update would change as git's index has it, and nobody else at work there?"""

import os

from twelvefac.errors import RefusedError
from twelvefac.update.files import LINK, SUBMODULE
from twelvefac.update.install import find_place
from twelvefac.update.proposal import RECORDS, Proposal
from twelvefac.update.repository import Repository, git, is_off, listed


def check_clean(repository: Repository, proposal: Proposal) -> None:
    """Raise RefusedError when a file that would change differs from what git's index has of it.

    Files are compared by content and mode: git's own look passes over those that it was told to assume unchanged.
    """
    paths = [path for path in proposal.touched if path in proposal.before and path not in RECORDS]
    modules = [path for path in paths if proposal.before[path].mode == SUBMODULE]
    if modules:
        raise RefusedError(f"the submodule {modules[0]} is in the way", hint="move it to another place")
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
    absent = [path for path in dirty if not os.path.lexists(repository.folder / path)]
    if absent:
        out = git(repository, "ls-files", "-t", "-z", "--", *(repository.prefix + path for path in absent))
        sparse = [os.fsdecode(line[2:]) for line in out.split(b"\0") if line.startswith(b"S ")]
        if sparse:
            raise RefusedError(
                f"left out by this sparse checkout, and to be changed: {listed(repository, sparse)}",
                hint="`git sparse-checkout add` its folder, or `git sparse-checkout disable`",
            )
    if dirty:
        raise RefusedError(
            f"changed and not in git's index: {listed(repository, (repository.prefix + path for path in dirty))}",
            hint="commit or stash them first (`git stash`): the update would change them",
        )


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
