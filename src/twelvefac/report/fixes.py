"""Fixes as text: a patch, and what was applied in words."""

from collections.abc import Iterator
from difflib import unified_diff

from twelvefac.audit.fix import Change
from twelvefac.source.visible import visible


def render_diff(changes: tuple[Change, ...], prefix: str = "") -> str:
    """A patch that ``git apply`` takes; ``prefix`` is the audited directory's path below the repository."""
    return "".join(line for change in changes for line in _patch(change, prefix))


def render_fixed(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """A line a file: what was done to it."""
    if not changes:
        return ("nothing to fix",)
    return tuple(f"fixed {visible(change.path)}: {'; '.join(dict.fromkeys(change.titles))}" for change in changes)


def _patch(change: Change, prefix: str) -> Iterator[str]:
    name = visible(prefix + change.path)
    old = "/dev/null" if change.before is None else f"a/{name}"
    before, after = _lines(change.before or ""), _lines(change.after)
    for line in unified_diff(before, after, old, f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
