"""``update --accept``: a file of the template's that its owners changed for good is theirs."""

from collections.abc import Sequence
from pathlib import Path

from twelvefac.update.accepted import OURS_FILE, accept
from twelvefac.update.check import read_whole
from twelvefac.update.result import EndResult


def accept_files(folder: str, paths: Sequence[str]) -> EndResult:
    """Note in the service in ``folder`` that ``paths`` are its owners', so that they do not count as drifted.

    Raises UsageError for what is no file of the template's.
    """
    provenance = read_whole(Path(folder))
    fresh = accept(provenance, paths)
    if not fresh:
        return EndResult(f"{provenance.name} has them in {OURS_FILE} already", ())
    what = "yours: --check passes it, updates go on merging into it"
    return EndResult(f"Accepted, in {OURS_FILE} (to be committed)", tuple((path, what) for path in fresh))
