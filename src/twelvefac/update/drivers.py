"""Merge drivers of the user's own (``merge=…`` in .gitattributes, or ``merge.default``).

Git runs them, as it does for whoever merges there; what one of them leaves out nobody would see. So its result is
compared with both sides, and what is not in it is told by its name.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twelvefac.update.merge import Merged
from twelvefac.update.objects import Entry, read_blobs
from twelvefac.update.policy import Settled, Sides, Speak, source_of
from twelvefac.update.repository import Repository, git
from twelvefac.update.result import Change, Kind

_UNION = "union"  # git's own, which keeps the lines of both


@dataclass(frozen=True)
class _Met:
    """A file that both sides changed, where it is afterwards and as each of them has it."""

    base: Entry | None
    yours: Entry
    theirs: Entry


def judge_drivers(repository: Repository, settled: Settled, merged: Merged, sides: Sides, speak: Speak) -> Settled:
    """Return ``settled`` with the words for what drivers merged, and a conflict where lines of the user's would go."""
    met = {path: found for path in merged.entries if path not in settled.stages if (found := _met(path, sides))}
    left = {path: found for path, kind in merged.kinds.items() if (found := _left(settled.stages.get(path, {}), kind))}
    drivers = _drivers(repository, {**met, **left}) if met or left else {}
    if not drivers:
        return settled
    entries, stages = dict(settled.entries), dict(settled.stages)
    changes = {change.path: change for change in settled.changes}
    for path, (name, where) in drivers.items():
        driver = f"the merge driver {name} ({where})"
        whose = speak(path).whose
        if path in left and name != _UNION:
            failed = settled.entries.get(path) == left[path].yours
            why = f"failed: yours is in place, {whose} is {sides.show(path)}"
            why = f"{driver} {why if failed else 'left it for you: resolve what is in it'}"
            changes[path] = Change(path, Kind.CONFLICT, why)
        if path in left:
            continue
        three, result = met[path], merged.entries[path]
        lost = _lost(repository, three, result)
        if result == three.yours or (lost[1] and not lost[0]):
            if result == three.yours:
                why = f"{driver} kept yours: {whose} change is not in it"
            else:
                why = f"{driver} merged it: not all of {whose} change is in it"
            changes[path] = Change(path, Kind.DECLINED, why)
        elif lost[0]:
            entries[path] = three.yours
            stages[path] = {2: three.yours, 3: three.theirs} | ({1: three.base} if three.base else {})
            why = f"{driver} would drop lines of yours: yours is in place, {whose} is {sides.show(path)}"
            changes[path] = Change(path, Kind.CONFLICT, why)
        else:
            changes[path] = Change(path, Kind.MERGED, f"by {driver}: look whether it fits")
    return Settled(entries, stages, tuple(changes[path] for path in sorted(changes)))


def _left(stages: Mapping[int, Entry], kind: str) -> _Met | None:
    """Return what a driver was asked to merge, where it left a conflict."""
    if {2, 3} - set(stages) or not ("contents" in kind or "add/add" in kind):
        return None
    return _Met(stages.get(1), stages[2], stages[3])


def _met(path: str, sides: Sides) -> _Met | None:
    by_you, by_template = source_of(path, sides.moved_by_you), source_of(path, sides.moved_by_template)
    base = sides.base.get(path) or sides.base.get(by_you) or sides.base.get(by_template)
    yours = sides.yours.get(path) or sides.yours.get(by_template)
    theirs = sides.theirs.get(path) or sides.theirs.get(by_you)
    if yours is None or theirs is None:
        return None
    there = [each.oid for each in (base, yours, theirs) if each is not None]
    if len(set(there)) < len(there):
        return None
    return _Met(base, yours, theirs)


def _drivers(repository: Repository, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return those of ``paths`` that have a driver which is defined somewhere, with its name and what gave it."""
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    fields = git(repository, "check-attr", "-z", "--stdin", "merge", given=given).split(b"\0")
    named = {os.fsdecode(fields[at]): os.fsdecode(fields[at + 2]) for at in range(0, len(fields) - 2, 3)}
    defined = {key: value for key, _, value in (option.partition("=") for option in repository.options)}
    given_by = {
        path: (defined["merge.default"], "merge.default")
        if name == "unspecified" and "merge.default" in defined
        else (name, ".gitattributes")
        for path, name in named.items()
    }
    return {
        path: (name, where)
        for path, (name, where) in given_by.items()
        if name == _UNION or f"merge.{name}.driver" in defined
    }


def _lost(repository: Repository, met: _Met, result: Entry) -> tuple[bool, bool]:
    """Return whether lines that the user wrote, and that the template wrote, are not in ``result``."""
    ids = [met.yours.oid, met.theirs.oid, result.oid, *([met.base.oid] if met.base else [])]
    lines = {oid: Counter(data.split(b"\n")) for oid, data in read_blobs(repository, ids).items()}
    old, there = lines[met.base.oid] if met.base else Counter[bytes](), lines[result.oid]
    yours, theirs = lines[met.yours.oid], lines[met.theirs.oid]
    return _lacks(there, yours, theirs, old), _lacks(there, theirs, yours, old)


def _lacks(there: Counter[bytes], one: Counter[bytes], other: Counter[bytes], old: Counter[bytes]) -> bool:
    """Return whether a line that ``one`` added is in ``there`` less often than it must be; ``other`` may take some."""
    return any(there[line] < one[line] - max(0, old[line] - other[line]) for line in one - old if line.strip())
