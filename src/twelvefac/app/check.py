"""``update --check``: where a service stands, for a pipeline."""

from pathlib import Path

from twelvefac.scaffold.catalogue import data_root
from twelvefac.update.check import check_service
from twelvefac.update.found import CheckResult


def check(folder: str, *, drift: bool = True, root: Path | None = None) -> CheckResult:
    """Return what is wrong with the service in ``folder``: behind, drifted (unless not asked for), in conflict.

    Raises RefusedError when it was not made by twelvefac.
    """
    return check_service(Path(folder), root or data_root(), drift=drift)
