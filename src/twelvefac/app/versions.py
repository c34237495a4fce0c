"""The template's versions and what each of them says of itself."""

from pathlib import Path

from twelvefac.scaffold.catalogue import data_root
from twelvefac.scaffold.notes import read_notes
from twelvefac.scaffold.plan import ANSWERS_FILE
from twelvefac.update.check import read_whole
from twelvefac.update.history import versions
from twelvefac.update.repository import check_folder
from twelvefac.update.result import Version


def list_versions(folder: str = "", *, root: Path | None = None) -> tuple[Version, ...]:
    """Return every version that can be made, the newest first; that of the service in ``folder`` is marked.

    Raises RefusedError when ``folder`` is none or that service's records are damaged.
    """
    root = root or data_root()
    here = ""
    if folder not in {"", "."}:
        check_folder(Path(folder))
    if folder and (Path(folder) / ANSWERS_FILE).is_file():
        here = read_whole(Path(folder)).version
    return tuple(Version(version, read_notes(root, version), version == here) for version in reversed(versions(root)))
