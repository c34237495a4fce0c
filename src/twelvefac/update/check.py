"""Does a service stand where it should? For a pipeline: nothing is rendered, merged or written."""

import hashlib
import os
import shlex
import stat
import subprocess
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from twelvefac.errors import RefusedError
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.plan import ANSWERS_FILE
from twelvefac.scaffold.records import recorded_values, with_old_head, written_answers
from twelvefac.scaffold.staging import shown
from twelvefac.scaffold.version import newest, version_key
from twelvefac.update.accepted import OURS_FILE, is_ours, read_ours
from twelvefac.update.answers import line_of
from twelvefac.update.files import LOCK, marker_lines
from twelvefac.update.found import CheckResult, Problem
from twelvefac.update.provenance import Provenance, Recorded, read_provenance
from twelvefac.update.repository import (
    JOURNAL,
    LAST,
    NoGitError,
    NoRepositoryError,
    Repository,
    at,
    begun,
    check_folder,
    clean_environment,
    ended,
    failed,
    find_repository,
    git,
)


def check_service(folder: Path, root: Path, *, drift: bool = True) -> CheckResult:
    """Return what is wrong with the service in ``folder`` against the template at ``root``.

    Raises RefusedError when it has no records, or damaged ones, or a run was stopped half way; MachineError when its
    overlay cannot be reached, and both where git refuses: what it has not looked at is not said to be fine.
    """
    check_folder(folder)
    repository, unsearched = _repository(folder)
    if repository is not None and os.path.lexists(repository.state / JOURNAL):
        from twelvefac.update.install import half_way

        raise half_way(folder)
    provenance = read_provenance(folder)
    here = at(folder)
    there = newest(root)
    ours = read_ours(folder)
    behind = [*_behind(provenance, there, here), *_overlay_behind(provenance, here)]
    looking = _grepping(repository)
    texts = {path: _read(folder / path) for path in provenance.files}
    changed = {
        path: recorded
        for path, recorded in provenance.files.items()
        if drift and not is_ours(path, ours) and _is_drifted(path, texts[path], recorded, provenance)
    }
    texts |= {path: _read(folder / path) for path in _grepped(repository, looking) if path not in texts}
    conflicts = list(_conflicts(provenance, texts, ours, here))
    waiting, notices = _waiting(provenance, repository, {problem.path for problem in conflicts}, here)
    conflicts += waiting
    problems = [*behind, *conflicts]
    if drift:
        marked = {problem.path for problem in conflicts}
        changed = {path: recorded for path, recorded in changed.items() if path not in marked}
        notices += _stale(provenance, ours)
        problems += _drift(provenance, repository, changed, here)
    return CheckResult(
        provenance.name,
        provenance.version,
        there,
        tuple(problems),
        (*unsearched, *notices),
        repository.prefix if repository is not None else None,
        provenance.overlay.version if provenance.overlay is not None else "",
    )


def read_whole(folder: Path) -> Provenance:
    """Return what the service in ``folder`` records. Raises RefusedError also where a stopped run holds its records."""
    try:
        return read_provenance(folder)
    except RefusedError as error:
        from twelvefac.update.install import half_way, was_stopped

        if was_stopped(folder):
            raise half_way(folder) from error
        raise


def _repository(folder: Path) -> tuple[Repository | None, tuple[str, ...]]:
    """Return the repository around ``folder``; without one or without git what to say of what is not looked at.

    Raises RefusedError with git's reason where it refuses: a pipeline must not take that for an answer.
    """
    try:
        return find_repository(folder.absolute(), whole=False), ()
    except NoGitError:
        why = "git is not installed"
    except NoRepositoryError:
        why = f"{shown(folder)} is in no git repository"
    return None, (f"only the template's files were searched for conflicts: {why}",)


def _waiting(
    provenance: Provenance, repository: Repository | None, marked: set[str], here: str
) -> tuple[list[Problem], tuple[str, ...]]:
    """Return the conflicts that wait for the user without a marker in the file, or what to say when all is resolved."""
    if repository is None or b'"waits": true' not in (_read(repository.state / LAST) or b""):
        return [], ()
    from twelvefac.update.carry import is_committed, last_operation, unresolved, was_unstaged
    from twelvefac.update.journal import is_of

    repository = find_repository(provenance.folder)
    operation = last_operation(repository)
    if operation is None or not operation.waits or not is_of(repository, operation):
        return [], ()
    left = {path[len(repository.prefix) :]: what for path, what in unresolved(repository, operation).items()}
    if left:
        then = f"then twelvefac update --continue{here}"
        why = f"a conflict of the {operation.title} waits for you"
        return [Problem("conflict", path, 0, f"{why}: {left[path]}; {then}") for path in left if path not in marked], ()
    if marked or was_unstaged(repository, operation) or is_committed(repository, operation):
        return [], ()
    return [], (
        f"the {operation.title} is resolved: twelvefac update --continue{here} ends it, and so does your commit",
    )


def _behind(provenance: Provenance, there: str, here: str) -> Iterator[Problem]:
    if version_key(provenance.version) < version_key(there):
        message = f"template {provenance.version}, {there} is out: twelvefac update{here}"
        yield Problem("behind", ANSWERS_FILE, line_of(provenance.text, "_commit"), message)


def _overlay_behind(provenance: Provenance, here: str) -> Iterator[Problem]:
    if provenance.overlay is None:
        return
    from twelvefac.scaffold.overlay import newest_version
    from twelvefac.update.overlay import is_newer

    there = newest_version(provenance.overlay.source, provenance.folder)
    if is_newer(there, provenance.overlay.version):
        message = f"overlay {provenance.overlay.version}, {there} is out: twelvefac update{here}"
        yield Problem("behind", ANSWERS_FILE, line_of(provenance.text, "_overlay_commit"), message)


def _stale(provenance: Provenance, ours: Mapping[str, int]) -> tuple[str, ...]:
    """Return what to say of entries that name no file of the template's (any more)."""
    return tuple(
        f"{OURS_FILE}:{line}: {pattern} is no file of the template's: take the line out"
        for pattern, line in ours.items()
        if not any(is_ours(path, [pattern]) for path in provenance.files)
        and not _is_marked(provenance.folder / pattern)
    )


def _is_drifted(path: str, data: bytes | None, recorded: Recorded, provenance: Provenance) -> bool:
    """Return whether the user changed a file that is the template's alone; locks are made anew by right."""
    if recorded.ownership != "managed" or fnmatchcase(path.rpartition("/")[2], LOCK):
        return False
    if data is None:
        return True
    if recorded.sha256 in _digests(data):
        return False
    # owners' own keys and comments are theirs
    return path != ANSWERS_FILE or recorded.sha256 not in _ours_of(provenance)


def _digests(data: bytes) -> Iterator[str]:
    """Give the digests of ``data``: a work tree may have other line ends than git has."""
    for candidate in (data, data.replace(b"\r\n", b"\n")):
        yield hashlib.sha256(candidate).hexdigest()


def _drift(
    provenance: Provenance, repository: Repository | None, drifted: Mapping[str, Recorded], here: str
) -> Iterator[Problem]:
    folder = provenance.folder
    gone = {path: recorded for path, recorded in drifted.items() if not os.path.lexists(folder / path)}
    moved = _moved(provenance, repository, gone) if gone else {}
    for path, recorded in drifted.items():
        a_file = "a file of the overlay's" if recorded.origin else "a file of the template's"
        if path in moved:
            what = f"you moved {a_file} to {moved[path]}"
        elif path in gone:
            what = f"you deleted {a_file}, or moved and changed it"
        elif _read(folder / path) is None:
            what = "no file that can be read is in its place"
        else:
            what = f"you changed {a_file}"
        line = 1 if what.startswith("you changed") else 0
        yield Problem("drifted", path, line, f"{what}; for good: {_accept(path, here)}")


def _moved(provenance: Provenance, repository: Repository | None, gone: Mapping[str, Recorded]) -> dict[str, str]:
    """Return where files of the template's are that are no longer at their place, but unchanged at another."""
    if repository is None:
        return {}
    given = {path for path in provenance.files if os.path.lexists(provenance.folder / path)}
    out = git(
        repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", repository.prefix or "."
    )
    paths = (os.fsdecode(name)[len(repository.prefix) :] for name in out.split(b"\0") if name)
    names = {path.rpartition(".")[2] for path in gone}
    there: dict[str, str] = {}
    for path in sorted(paths):
        if path not in given and path.rpartition(".")[2] in names and (data := _read(provenance.folder / path)):
            there |= dict.fromkeys(_digests(data), path)
    return {path: there[recorded.sha256] for path, recorded in gone.items() if recorded.sha256 in there}


def _ours_of(provenance: Provenance) -> Iterator[str]:
    """Give the digests of the answers file as we would have written it, today and before."""
    order = ("name", "description", *(kind.name for kind in QUESTIONS))
    answers = {key: provenance.answers[key] for key in order if key in provenance.answers}
    text = written_answers(recorded_values(provenance.version, provenance.overlay, answers))
    for each in (text, with_old_head(text)):
        yield hashlib.sha256(each.encode()).hexdigest()


def _accept(path: str, here: str) -> str:
    return f"twelvefac update --accept {shlex.quote(path)}{here}"


def _conflicts(
    provenance: Provenance, texts: Mapping[str, bytes | None], ours: Mapping[str, int], here: str
) -> Iterator[Problem]:
    for path in sorted(texts):
        lines = marker_lines(texts[path] or b"")
        own = path not in provenance.files
        if lines and not (own and is_ours(path, ours)):
            more = f"; where the text is meant: {_accept(path, here)}" if own else ""
            yield Problem("conflict", path, lines[0], f"a conflict of an update is not resolved{more}")


def _is_marked(path: Path) -> bool:
    return bool(marker_lines(_read(path) or b""))


def _grepping(repository: Repository | None) -> subprocess.Popen[bytes] | None:
    """Have git look for markers of ours in the service's files, while others look at other things.

    What attributes call binary is searched too, and no colour of the repository's own comes between the names.
    """
    if repository is None:
        return None
    pattern = ["-E", "-e", "^<{7,} yours", "-e", "^>{7,} template "]
    how = ("--no-color", "-l", "-z", "-a", *pattern)
    words = ["git", *repository.options, "grep", *how, "--", repository.prefix or "."]
    return begun(words, repository.top, clean_environment(repository))


def _grepped(repository: Repository | None, looking: subprocess.Popen[bytes] | None) -> list[str]:
    """Return the files in which git has found one; none without git. Raises MachineError where it fails."""
    if repository is None or looking is None:
        return []
    done = ended(looking)
    if done.returncode not in {0, 1}:  # found, and not found
        raise failed("grep", done.stderr)
    paths = done.stdout.split(b"\0")
    return [os.fsdecode(path)[len(repository.prefix) :] for path in paths if path]


def _read(path: Path) -> bytes | None:
    """Return a file's bytes; None for what is no plain file, or cannot be read."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:  # noqa: PTH123 - a third of the time
            return file.read()
    except OSError:
        return None
