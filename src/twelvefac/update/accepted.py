"""Files of the template's that a service's owners made their own: one a line in ``.twelvefac/ours``.

So is a file of their own in which conflict markers are meant: a page that explains them.

A file of the owners', to be reviewed like any other: twelvefac adds lines to it and never takes any away. What it
names is merged by every update as before; ``update --check`` alone passes it over.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from twelvefac.errors import MachineError, RefusedError, UsageError
from twelvefac.source.write import write_atomically
from twelvefac.update.files import marker_lines
from twelvefac.update.provenance import Provenance, check_no_link

OURS_FILE = ".twelvefac/ours"
_HEAD = """\
# Files of the template's that are ours now, one a line; * stands for anything, and # begins a comment.
# `twelvefac update --check` passes them over, and an update still merges the template's changes into them.
"""


def read_ours(folder: Path) -> dict[str, int]:
    """Return the paths and patterns that are the owners' in the service in ``folder``, each with its line (1-based).

    Raises MachineError when the file cannot be read.
    """
    return _entries(_text(folder))


def is_ours(path: str, patterns: Iterable[str]) -> bool:
    """Return whether one of ``patterns`` names ``path``."""
    return any(path == pattern or fnmatchcase(path, pattern) for pattern in patterns)


def accept(provenance: Provenance, paths: Iterable[str]) -> tuple[str, ...]:
    """Make ``paths`` the owners'; return those that were not yet.

    Raises UsageError for what is no file of the template's, RefusedError for a list that is a link elsewhere; then
    nothing is written.
    """
    folder = provenance.folder
    check_no_link(folder, OURS_FILE)
    text = _text(folder)
    known = _entries(text)
    wanted = tuple(dict.fromkeys(path.removeprefix("./") for path in paths))
    for path in wanted:
        if path not in provenance.files and not _has_markers(folder / path):
            raise UsageError(f"{path!r} is no file that the template gave this service: name it as --check does")
    fresh = tuple(path for path in wanted if not is_ours(path, known))
    if fresh:
        text = text or _HEAD
        end = "\r\n" if "\r\n" in text else "\n"
        joint = "" if text.endswith("\n") else end
        (folder / OURS_FILE).parent.mkdir(exist_ok=True)
        write_atomically(str(folder / OURS_FILE), "".join([text, joint, *(f"{path}{end}" for path in fresh)]).encode())
    return fresh


def _has_markers(path: Path) -> bool:
    try:
        return path.is_file() and bool(marker_lines(path.read_bytes()))
    except OSError:
        return False


def _entries(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        pattern = line.split(" #")[0].strip()
        if pattern and not pattern.startswith("#"):
            found.setdefault(pattern, number)
    return found


def _text(folder: Path) -> str:
    try:
        return (folder / OURS_FILE).read_bytes().decode("utf-8")  # its line ends stay
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise RefusedError(f"{OURS_FILE} is not UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        raise MachineError(f"cannot read {OURS_FILE}: {(error.strerror or str(error)).lower()}") from error
