"""``--commit``: one commit of what an update brought, and of nothing else."""

import os
from collections.abc import Iterable

from twelvefac import __version__
from twelvefac.errors import RefusedError
from twelvefac.scaffold.git import NOBODY
from twelvefac.update.install import id_of
from twelvefac.update.journal import Step
from twelvefac.update.objects import read_tree
from twelvefac.update.proposal import RECORDS
from twelvefac.update.repository import Repository, git, identity, listed


def check_alone(repository: Repository, steps: Iterable[Step], way_out: str) -> None:
    """Raise RefusedError when a commit would take more than what the ``steps`` of an update brought."""
    if not id_of(repository, "HEAD"):
        raise RefusedError(
            "nothing is committed here yet, and --commit would commit all that is staged", hint="git commit it first"
        )
    staged = git(repository, "diff", "--cached", "--name-only", "--no-renames", "-z").split(b"\0")
    paths = [os.fsdecode(path) for path in staged if path]
    if not paths:
        return
    lines = {path: (f"{entry.mode} {entry.oid} 0",) for path, entry in read_tree(repository, "HEAD").items()}
    alone = {step.path for step in steps if step.index_before == lines.get(step.path, ())}
    others = [path for path in paths if path not in alone]
    if others:
        raise RefusedError(
            f"other changes are staged, and --commit would commit them too: {listed(repository, others)}", hint=way_out
        )


def check_records_staged(repository: Repository) -> None:
    """Raise RefusedError when our records were edited and not staged: an update carries that over and stages it."""
    records = [repository.prefix + path for path in RECORDS]
    edited = git(repository, "ls-files", "-z", "--modified", "--", *records).split(b"\0")
    paths = [os.fsdecode(path) for path in edited if path]
    if paths:
        raise RefusedError(
            f"changed and not in git's index, and --commit would commit it too: {listed(repository, paths)}",
            hint="commit it first",
        )


def commit(repository: Repository, title: str) -> tuple[str, ...]:
    """Commit what is staged under ``title``; return what to say of it. Raises MachineError when git does not."""
    who = identity(repository)
    message = f"Twelvefac {title} (twelvefac {__version__})"
    git(repository, "commit", "--quiet", "--no-verify", f"--message={message}", environment=who)
    if (who["GIT_AUTHOR_NAME"], who["GIT_AUTHOR_EMAIL"]) != NOBODY:
        return ()
    return (f"git knows no user.name and user.email here: committed as {NOBODY[0]} <{NOBODY[1]}>",)
