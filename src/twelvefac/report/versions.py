"""The template's versions as a list."""

from collections.abc import Iterable

from twelvefac.source.visible import visible
from twelvefac.update.result import Version


def render_versions(versions: Iterable[Version]) -> str:
    """Return one line a version, the newest first, with its changes below it."""
    lines = []
    for version in versions:
        summary = visible(version.notes.summary) if version.notes else "no notes"
        lines.append(f"{version.version}{' (this service)' if version.here else ''}  {summary}")
        if version.notes:
            lines += [f"  - {visible(text)}" for text in version.notes.changes]
    return "\n".join(lines) + "\n"
