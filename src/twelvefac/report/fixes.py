"""Fixes as text: a patch, and what was applied in words.

A patch is printed, and lands in logs: no line of it may hold a credential, not even one around what changes. Context
that would is left away; where ``git apply`` could not find the place without it, the file has no patch.
"""

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from twelvefac.audit.fix import Change
from twelvefac.project.masking import telling_lines
from twelvefac.source.visible import visible

_CONTEXT = 3


def render_diff(changes: tuple[Change, ...], prefix: str = "") -> str:
    """A patch that ``git apply`` takes; ``prefix`` is the audited directory's path below the repository."""
    return "".join(line for change in changes for line in _patch(change, prefix))


def render_fixed(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """A line a file: what was done to it."""
    if not changes:
        return ("nothing to fix",)
    return tuple(f"fixed {visible(change.path)}: {'; '.join(dict.fromkeys(change.titles))}" for change in changes)


def render_left_out(paths: Iterable[str]) -> tuple[str, ...]:
    """A line for each file that has no patch."""
    return tuple(
        f"{visible(path)} is not in the patch, which would show a credential beside the change; --fix makes it"
        for path in paths
    )


def is_showable(change: Change) -> bool:
    """Whether a patch for a change shows no credential."""
    return _hunks(change) is not None


_Block = tuple[str, int, int, int, int]
"""As difflib has it: ``equal`` or how it changed, lines of the text before, lines of the one after."""


def _hunks(change: Change) -> list[list[_Block]] | None:
    """What a patch shows; None where it cannot be without a line that may hold a credential."""
    before, after = _lines(change.before or ""), _lines(change.after)
    telling = telling_lines(change.before or ""), telling_lines(change.after)
    blocks = SequenceMatcher(None, before, after)
    for context in range(_CONTEXT, 0, -1):
        hunks = [_trimmed(list(group), telling[0]) for group in blocks.get_grouped_opcodes(context)]
        if not any(_tells(block, *telling) for hunk in hunks for block in hunk) and all(
            hunk[-1][0] == "equal" or hunk[-1][2] == len(before) for hunk in hunks
        ):  # git takes a hunk without context behind it for the end of a file
            return hunks
    return None


def _trimmed(hunk: list[_Block], telling: frozenset[int]) -> list[_Block]:
    """A hunk whose context begins behind, and ends before, the nearest line that may hold a credential."""
    tag, start, end, new, new_end = hunk[0]
    if tag == "equal":
        kept = max((line for line in range(start, end) if line + 1 in telling), default=start - 1) + 1
        hunk[0] = (tag, kept, end, new + kept - start, new_end)
    tag, start, end, new, _ = hunk[-1]
    if tag == "equal":
        kept = min((line for line in range(start, end) if line + 1 in telling), default=end)
        hunk[-1] = (tag, start, kept, new, new + kept - start)
    return [block for block in hunk if block[1] < block[2] or block[3] < block[4]]


def _tells(block: _Block, before: frozenset[int], after: frozenset[int]) -> bool:
    _, start, end, new, new_end = block
    return not before.isdisjoint(range(start + 1, end + 1)) or not after.isdisjoint(range(new + 1, new_end + 1))


def _patch(change: Change, prefix: str) -> Iterator[str]:
    name, hunks = visible(prefix + change.path), _hunks(change)
    if not hunks:
        return
    yield f"--- {'/dev/null' if change.before is None else f'a/{name}'}\n+++ b/{name}\n"
    before, after = _lines(change.before or ""), _lines(change.after)
    for hunk in hunks:
        yield f"@@ -{_range(hunk[0][1], hunk[-1][2])} +{_range(hunk[0][3], hunk[-1][4])} @@\n"
        for tag, start, end, new, new_end in hunk:
            if tag == "equal":
                yield from (_line(" ", line) for line in before[start:end])
            else:
                yield from (_line("-", line) for line in before[start:end])
                yield from (_line("+", line) for line in after[new:new_end])


def _range(start: int, end: int) -> str:
    if end - start == 1:
        return str(end)
    return f"{start + 1 if end > start else start},{end - start}"


def _line(sign: str, line: str) -> str:
    return f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
