"""Questions to git, asked so that a hostile repository cannot answer with a command of its own.

An audited repository's configuration is not trusted: file system monitors and hooks are switched off, the work
tree is named explicitly, user and system configuration are not read, and no option can be smuggled in by a name.
"""

import os

from twelvefac.source.visible import visible

_TIMEOUT = 10.0  # seconds; a repository that keeps git busy longer counts as no git
_READ = ("index", "HEAD", "config", "info/exclude")
"""What git reads to list files: a pipe or a device in its place would never end."""


class UnlistedError(Exception):
    """There is a repository, and git could not list its files; the message says why."""


def find_git(root: str) -> str | None:
    """The work tree that holds ``root``: the nearest folder upwards with a ``.git`` directory.

    A ``.git`` file (linked worktree, submodule) or link leads somewhere else, possibly out of the tree: it counts
    as no git, and the search ends there.
    """
    folder = root
    while True:
        git = os.path.join(folder, ".git")
        if os.path.lexists(git):
            return folder if os.path.isdir(git) and not os.path.islink(git) else None
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def listed_files(root: str) -> dict[str, bool] | None:
    """Tracked files (True) and untracked ones that are not ignored (False), relative to ``root``; None without git.

    Raises UnlistedError where there is a repository that git cannot read.
    """
    top = find_git(root)
    if top is None:
        return None
    out = _git(top, root, "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard")
    if not out:  # no git, or a directory that the repository ignores: who names it wants it judged
        return None
    # each entry is a letter, a blank and the path; "?" is untracked
    return {entry[2:]: entry[0] != "?" for entry in os.fsdecode(out).split("\0") if entry}


def _git(top: str, cwd: str, *arguments: str) -> bytes:
    import stat
    import subprocess

    for name in _READ:
        try:
            if not stat.S_ISREG(os.stat(os.path.join(top, ".git", name)).st_mode):
                raise UnlistedError(f".git/{name} is no file")
        except OSError:  # whether git can do without it is for git to say
            continue

    command = [
        "git",
        f"--git-dir={os.path.join(top, '.git')}",
        f"--work-tree={top}",
        *("-c", "core.fsmonitor=false"),
        *("-c", "core.hooksPath=" + os.devnull),
        *("-c", "core.untrackedCache=false"),
        *("-c", "core.excludesFile=" + os.devnull),
        *("-c", f"safe.directory={top}"),  # we read names only, also of a repository that root unpacked
        *arguments,
    ]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        # a promised object that is missing would be fetched, and a remote's URL can be a command (ext::)
        "GIT_NO_LAZY_FETCH": "1",  # git 2.45
        "GIT_ALLOW_PROTOCOL": "none",
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise UnlistedError("git is not installed") from None
    except OSError as error:
        raise UnlistedError(error.strerror or str(error)) from None
    except subprocess.TimeoutExpired:
        raise UnlistedError(f"no answer in {_TIMEOUT:g} seconds") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")[-1]
        said = said.removeprefix("fatal: ").replace(f"{top}/", "")  # a report is the same on every machine
        raise UnlistedError(visible(said[:200]) or f"git ended with {done.returncode}")
    return done.stdout
