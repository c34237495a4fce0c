"""Does a service stand where it should? For a pipeline: nothing is rendered, merged or written."""

import hashlib
import os
import shlex
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from twelvefac.errors import RefusedError, TwelvefacError
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.plan import ANSWERS_FILE
from twelvefac.scaffold.records import recorded_values, written_answers
from twelvefac.update.accepted import OURS_FILE, is_ours, read_ours
from twelvefac.update.answers import line_of
from twelvefac.update.files import LOCK, marker_lines
from twelvefac.update.history import newest, version_key
from twelvefac.update.install import half_way, was_stopped
from twelvefac.update.provenance import Provenance, Recorded, read_provenance
from twelvefac.update.result import CheckResult, Problem


def check_service(folder: Path, root: Path, *, drift: bool = True) -> CheckResult:
    """Return what is wrong with the service in ``folder`` against the template at ``root``.

    Raises RefusedError when it has no records, or damaged ones, MachineError when its overlay cannot be reached.
    """
    provenance = read_whole(folder)
    there = newest(root)
    ours = read_ours(folder)
    conflicts = list(_conflicts(folder, provenance, ours))
    notices: tuple[str, ...] = ()
    problems = [*_behind(provenance, there), *_overlay_behind(provenance), *conflicts]
    if drift:
        marked = {problem.path for problem in conflicts}
        notices = _stale(provenance, ours)
        found = [
            _drift(folder, path, recorded, provenance)
            for path, recorded in provenance.files.items()
            if path not in marked and not is_ours(path, ours)
        ]
        problems += [problem for problem in found if problem is not None]
    return CheckResult(provenance.name, provenance.version, there, tuple(problems), notices)


def read_whole(folder: Path) -> Provenance:
    """Return what the service in ``folder`` records. Raises RefusedError also where a stopped run holds its records."""
    try:
        return read_provenance(folder)
    except RefusedError as error:
        if was_stopped(folder):
            raise half_way(folder) from error
        raise


def _behind(provenance: Provenance, there: str) -> Iterator[Problem]:
    if version_key(provenance.version) < version_key(there):
        message = f"template {provenance.version}, {there} is out: twelvefac update"
        yield Problem("behind", ANSWERS_FILE, line_of(provenance.text, "_commit"), message)


def _overlay_behind(provenance: Provenance) -> Iterator[Problem]:
    if provenance.overlay is None:
        return
    from twelvefac.scaffold.overlay import newest_version
    from twelvefac.update.overlay import is_newer

    there = newest_version(provenance.overlay.source, provenance.folder)
    if is_newer(there, provenance.overlay.version):
        message = f"overlay {provenance.overlay.version}, {there} is out: twelvefac update"
        yield Problem("behind", ANSWERS_FILE, line_of(provenance.text, "_overlay_commit"), message)


def _stale(provenance: Provenance, ours: Mapping[str, int]) -> tuple[str, ...]:
    """Return what to say of entries that name no file of the template's (any more)."""
    return tuple(
        f"{OURS_FILE}:{line}: {pattern} is no file of the template's: take the line out"
        for pattern, line in ours.items()
        if not any(is_ours(path, [pattern]) for path in provenance.files)
        and not _is_marked(provenance.folder / pattern)
    )


def _drift(folder: Path, path: str, recorded: Recorded, provenance: Provenance) -> Problem | None:
    """Return whether the user changed a file that is the template's alone; locks are made anew by right."""
    if recorded.ownership != "managed" or fnmatchcase(path.rpartition("/")[2], LOCK):
        return None
    data = _read(folder / path)
    if data is None and os.path.lexists(folder / path):
        return Problem("drifted", path, 0, f"no file that can be read is in its place; for good: {_accept(path)}")
    if data is None:
        return Problem("drifted", path, 0, f"you deleted a file of the template's; for good: {_accept(path)}")
    # a work tree may have other line ends than git has
    for candidate in (data, data.replace(b"\r\n", b"\n")):
        if hashlib.sha256(candidate).hexdigest() == recorded.sha256:
            return None
    if path == ANSWERS_FILE and hashlib.sha256(_ours_of(provenance)).hexdigest() == recorded.sha256:
        return None  # owners' own keys and comments are theirs
    return Problem("drifted", path, 1, f"you changed a file of the template's; for good: {_accept(path)}")


def _ours_of(provenance: Provenance) -> bytes:
    """Return the answers file as we would have written it."""
    order = ("name", "description", *(kind.name for kind in QUESTIONS))
    answers = {key: provenance.answers[key] for key in order if key in provenance.answers}
    return written_answers(recorded_values(provenance.version, provenance.overlay, answers)).encode()


def _accept(path: str) -> str:
    return f"twelvefac update --accept {shlex.quote(path)}"


def _conflicts(folder: Path, provenance: Provenance, ours: Mapping[str, int]) -> Iterator[Problem]:
    for path in sorted({*provenance.files, *_grepped(folder)}):
        data = _read(folder / path)
        lines = marker_lines(data) if data else []
        own = path not in provenance.files
        if lines and not (own and is_ours(path, ours)):
            more = f"; where the text is meant: {_accept(path)}" if own else ""
            yield Problem("conflict", path, lines[0], f"a conflict of an update is not resolved{more}")


def _is_marked(path: Path) -> bool:
    return bool(marker_lines(_read(path) or b""))


def _grepped(folder: Path) -> list[str]:
    """Return the files under ``folder`` in which git finds a marker of ours; none without git."""
    from twelvefac.update.repository import find_repository, git

    try:
        repository = find_repository(folder.absolute())
        pattern = ["-E", "-e", "^<{7,} yours", "-e", "^>{7,} template "]
        out = git(repository, "grep", "-l", "-z", "-I", *pattern, "--", repository.prefix or ".", fine=(0, 1))
    except TwelvefacError:
        return []
    return [os.fsdecode(path)[len(repository.prefix) :] for path in out.split(b"\0") if path]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else None
    except OSError:
        return None
