"""The user's repository: where it is, and how git is run in it.

The user's own configuration is not read, save for what decides how a file on disk looks (line ends, filters) and
for merge drivers: an alias, a hook or a monitor of somebody's machine must not change what an update does.
"""

import errno
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from twelvefac.errors import MachineError, RefusedError
from twelvefac.scaffold.staging import shown

OLDEST_GIT = (2, 38)  # the first whose merge-tree merges without touching anything

JOURNAL = "journal.json"  # in ``state``: the run that is under way
LAST = "last.json"  # and the one that is done, from which undo works

_LOCAL = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
    *("GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES", "GIT_ATTR_SOURCE"),
)
_KEPT = (
    r"^(core\.(autocrlf|eol|safecrlf|attributesfile|filemode|symlinks|bigfilethreshold)"
    r"|filter\..*|merge\.default|merge\..*\.(driver|recursive))$"
)
_OPTIONS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.quotePath=false"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "safe.directory=*"),  # git itself was asked first, with the user's own list
)
_ANSWERS = 7  # lines that the first question gets, the empty one at the end with them
# what another operation leaves while it waits for the user
_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "sequencer": "sequence of picks or reverts",
    "BISECT_LOG": "bisect",
}


class NoRepositoryError(RefusedError):
    """The folder is in no git repository."""


class NoGitError(MachineError):
    """Git is not installed."""


@dataclass(frozen=True)
class Repository:
    """A work tree and the service in it: ``prefix`` is empty or ends with a slash.

    ``state`` is where this work tree's own records lie; ``scratch`` takes new objects in a dry run.
    """

    top: Path
    prefix: str
    directory: Path
    state: Path
    objects: Path
    options: tuple[str, ...]
    empty: str = "0" * 40  # no object's id, as long as those of this repository
    scratch: Path | None = None

    @property
    def folder(self) -> Path:
        """Return the service's folder."""
        return self.top / self.prefix


def at(folder: Path | str, option: str = "") -> str:
    """Return what a command that is told to the user ends with, so that it works where they are; ``--in`` is one."""
    named = str(folder)
    return "" if named in {"", "."} else f" {f'{option} ' if option else ''}{shlex.quote(named)}"


def check_folder(folder: Path) -> None:
    """Raise RefusedError when ``folder`` is none, MachineError when it cannot be looked at."""
    try:
        if not folder.is_absolute():
            Path.cwd()
    except OSError as error:
        raise MachineError("the current folder no longer exists", hint="change to another folder") from error
    try:
        there = folder.is_dir()
    except OSError as error:
        raise MachineError(f"cannot look into {shown(folder)}: {(error.strerror or str(error)).lower()}") from error
    if not there:
        what = "is no folder" if os.path.lexists(folder) else "does not exist"
        raise RefusedError(f"{shown(folder)} {what}", hint="name the service's folder")


def find_repository(folder: Path, *, whole: bool = True) -> Repository:
    """Return the repository that holds ``folder``; for a look alone not the ``whole``: git's age, the user's settings.

    Raises MachineError without git (NoGitError) or with an old one, RefusedError outside of a repository
    (NoRepositoryError) and where git refuses.
    """
    check_folder(folder)
    if shutil.which("git") is None:
        raise NoGitError("git is not installed", hint="install git: it does the merging")
    user = {key: value for key, value in os.environ.items() if key not in _LOCAL}
    user["LC_ALL"] = "C"
    asked = (
        "--show-toplevel",
        "--absolute-git-dir",
        "--git-path",
        "twelvefac",
        "--git-path",
        "objects",
        "--show-object-format",
    )
    commands = [["git", "rev-parse", "--path-format=absolute", *asked, "--show-prefix"]]
    if whole:
        commands += [["git", "config", "-z", "--get-regexp", _KEPT], ["git", "version"]]
    running = [begun(command, folder, user) for command in commands]  # side by side
    done, *rest = [ended(process) for process in running]
    if whole:
        _check_version(rest[1].stdout)
    if done.returncode != 0:
        reason = _reason(done.stderr)
        if "not a git repository" in reason:
            raise NoRepositoryError(
                f"{shown(folder)} is in no git repository, and git does the merging",
                hint="git init && git add --all && git commit",
            )
        hint = "git config --global --add safe.directory, if you trust who owns it" if "dubious" in reason else ""
        raise RefusedError(f"git refuses to work in {shown(folder)}: {reason}", hint=hint)
    lines = os.fsdecode(done.stdout).split("\n")
    if len(lines) != _ANSWERS:
        raise RefusedError(f"{shown(folder)} has a line feed in its path, which git's answers cannot carry")
    top, directory, state, objects = (Path(line) for line in lines[:4])
    kept = os.fsdecode(rest[0].stdout) if whole else ""
    pairs = [entry.split("\n", 1) for entry in kept.split("\0") if "\n" in entry]
    options = [word for key, value in pairs for word in ("-c", f"{key}={_silent(key, value)}")]
    empty = "0" * (64 if lines[4] == "sha256" else 40)
    return Repository(top, lines[5], directory, state, objects, (*options, *_OPTIONS), empty)


def _silent(key: str, value: str) -> str:
    """Return a setting's value; a merge driver's words must not come between those of git."""
    return f"( {value}\n) >&2" if key.startswith("merge.") and key.endswith(".driver") else value


def is_off(repository: Repository, setting: str) -> bool:
    """Return whether a truth value among the settings that are kept is said to be false."""
    said = [option.partition("=")[2] for option in repository.options if option.startswith(f"{setting}=")]
    return bool(said) and said[-1].lower() in {"false", "no", "off", "0", ""}


def listed(repository: Repository, paths: Iterable[str]) -> str:
    """Return the first five of ``paths`` (from the top) as seen from the service, and how many more there are."""
    seen = [path.removeprefix(repository.prefix) for path in paths]
    return ", ".join(seen[:5]) + (f" and {len(seen) - 5} more" if len(seen) > 5 else "")


def dry(repository: Repository, scratch: Path) -> Repository:
    """Return the same repository with new objects going into ``scratch``: nothing in it is written."""
    return replace(repository, scratch=scratch)


def check_idle(repository: Repository) -> None:
    """Raise RefusedError while a merge, a rebase or the like waits for the user."""
    for name, what in _UNDER_WAY.items():
        if os.path.lexists(repository.directory / name):
            raise RefusedError(f"a {what} is under way in {shown(repository.top)}", hint=f"finish the {what} first")


def git(
    repository: Repository,
    *arguments: str,
    given: bytes = b"",
    fine: tuple[int, ...] = (0,),
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run git at the top of the work tree and return its output.

    Raises OSError on a full disk, MachineError with git's last line when its exit code is none of ``fine``.
    """
    command = ["git", *repository.options, *arguments]
    done = _spawn(command, repository.top, clean_environment(repository) | dict(environment or {}), given)
    if done.returncode not in fine:
        if b"No space left on device" in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise failed(arguments[0], done.stderr)
    return done.stdout


def failed(command: str, stderr: bytes) -> MachineError:
    """Return what to tell of a git command that gave no answer."""
    return MachineError(f"git {command} failed: {_reason(stderr)}")


def clean_environment(repository: Repository) -> dict[str, str]:
    """Return the environment in which git is run: nothing of the caller's git, no prompt, no translation."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    clean |= {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
    }
    if repository.scratch is not None:
        clean["GIT_OBJECT_DIRECTORY"] = str(repository.scratch)
        clean["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(repository.objects)
    return clean


def identity(repository: Repository) -> dict[str, str]:
    """Return the variables that name whoever commits here: the user, or ourselves where git knows no one."""
    from twelvefac.scaffold.git import NOBODY

    user = {key: value for key, value in os.environ.items() if key not in _LOCAL}
    done = _spawn(["git", "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT"], repository.top, user)
    name, _, rest = os.fsdecode(done.stdout).partition(" <")
    address = rest.partition(">")[0]
    if done.returncode != 0 or not name or not address:
        name, address = NOBODY
    return {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", address))}  # fmt: skip


def _check_version(said: bytes) -> None:
    text = said.decode("utf-8", "replace")
    match = re.search(r"(\d+)\.(\d+)", text)
    if match is None or (int(match.group(1)), int(match.group(2))) < OLDEST_GIT:
        found = text.strip() or "this git"
        raise MachineError(f"{found} is too old", hint="updates need git 2.38 or later")


def _spawn(
    command: list[str], folder: Path, environment: Mapping[str, str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise MachineError("git is not installed, or the folder is gone", hint="install git") from error


def begun(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start git without waiting for it; ``ended`` must be called."""
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise MachineError("git is not installed, or the folder is gone", hint="install git") from error


def ended(process: subprocess.Popen[bytes]) -> subprocess.CompletedProcess[bytes]:
    """Wait for what ``begun`` started and return what came of it."""
    out, error = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def _reason(text: bytes) -> str:
    """Return the line in which git says what is wrong; advice comes before and after it."""
    lines = text.decode("utf-8", "replace").strip().splitlines() or ["it gives no reason"]
    telling = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return (telling or lines[-1:])[0].removeprefix("fatal: ").removeprefix("error: ")
