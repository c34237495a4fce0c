"""Running git where nothing of the user's environment or configuration may matter."""

import errno
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from twelvefac.errors import MachineError

# Who commits where git knows no one.
NOBODY = ("twelvefac", "twelvefac@localhost")

_LEAST = 64 * 1024  # bytes; what git takes for an empty repository

_QUIET = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "core.fsync=none"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "pack.threads=1"),
)


def has_git() -> bool:
    """Return whether git can be run."""
    return shutil.which("git") is not None


def run_git(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run git in ``folder`` with no configuration but ours and return what it prints.

    ``environment`` is added to a copy of this process's without any ``GIT_*`` variable.
    Raises OSError on a full disk, and MachineError with git's own last line when there is no git or it fails.
    """
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    clean |= {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return _call(_QUIET, arguments, folder, clean | dict(environment or {}))


def identity() -> tuple[str, str]:
    """Return name and address that the user gave git for commits, or our own when there are none."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        # from the root: the configuration of a repository around the current directory is not the user's
        text = _call(("-c", "user.useConfigOnly=true"), ("var", "GIT_AUTHOR_IDENT"), Path("/"), clean)
    except MachineError:
        return NOBODY
    name, _, rest = text.partition(" <")
    address = rest.partition(">")[0]
    return (name, address) if name and address else NOBODY


def commit_all(tree: Path, message: str) -> None:
    """Make ``tree`` a repository with one commit of everything in it.

    Raises MachineError when git fails.
    """
    name, address = identity()
    environment = {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": address,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": address,
    }
    run_git(["init", "--quiet", "--template=", "--initial-branch=main"], tree)
    run_git(["add", "--all", "--force"], tree)
    run_git(["commit", "--quiet", "--no-verify", f"--message={message}"], tree, environment)


def work_tree_around(folder: Path) -> Path | None:
    """Return the root of the git work tree that holds ``folder``, None outside of any."""
    for candidate in (folder, *folder.parents):
        if os.path.lexists(candidate / ".git"):  # Path.exists would raise where one may not look
            return candidate
    return None


def _call(options: Sequence[str], arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    command = ["git", *options, *arguments]
    try:
        done = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, check=False)
    except FileNotFoundError as error:
        raise MachineError("git is not installed", hint="install git, or say --no-git") from error
    if done.returncode != 0:
        if b"No space left on device" in done.stderr or _is_full(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gives no reason"]
        raise MachineError(f"git {arguments[0]} failed: {lines[-1]}")
    return done.stdout.decode("utf-8", "replace").strip()


def _is_full(folder: Path) -> bool:
    """Return whether the disk under ``folder`` is full: git does not always say so when it fails by that."""
    return shutil.disk_usage(folder).free < _LEAST
