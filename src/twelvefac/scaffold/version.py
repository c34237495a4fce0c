"""Versions of the template: what they are ordered by, and which is the newest."""

import re
from pathlib import Path

from twelvefac.errors import RefusedError

VERSION_FILE = "templates/VERSION"

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\.dev(\d+))?\Z")


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by. Raises RefusedError when ``version`` is none."""
    match = _VERSION.match(version)
    if match is None:
        raise RefusedError(f"{version!r} is no template version such as 1.2.3")
    major, minor, patch, dev = match.groups()
    return (int(major), int(minor), int(patch), 1 if dev is None else 0, int(dev or 0))


def newest(root: Path) -> str:
    """Return the version that ``new`` makes: that of the template on disk."""
    return (root / VERSION_FILE).read_text("utf-8").strip()
