"""What becomes of that which git cannot decide, and every change of the template in words.

One rule decides anything: what the user deleted stays deleted. All else waits for the user, in place, as an
ordinary git conflict.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from twelvefac.update.merge import Merged
from twelvefac.update.objects import Entries, Entry
from twelvefac.update.result import Change, Kind


@dataclass(frozen=True)
class Sides:
    """The three trees, and what moved from base to each of the other two (old path to new).

    ``given`` is what the template gave before, in base or not; ``prefix`` leads to the service from the top.
    """

    base: Entries
    yours: Entries
    theirs: Entries
    moved_by_you: Mapping[str, str]
    moved_by_template: Mapping[str, str]
    given: frozenset[str] = frozenset()
    prefix: str = ""

    def show(self, path: str) -> str:
        """Return the command that prints what the template has of a file in conflict, wherever one is."""
        return f"`git show {shlex.quote(f':3:{self.prefix}{path}')}`"


@dataclass(frozen=True)
class Voice:
    """Who brings the change: the newer template, or a command that asks the same template for other answers."""

    who: str = "the template"
    new: str = "new in the template"
    gone: str = "the template no longer has it"
    whose: str = "the template's"
    lacking: str = "you deleted it: stays deleted"  # what to say of a file that the user does not have


THE_TEMPLATE = Voice()
_YOURS = re.compile(r"~yours(?:_\d+)?$")
"""The end of the name that a file of the user's gets beside a folder."""
THE_OVERLAY = Voice("the overlay", "new in the overlay", "the overlay no longer has it", "the overlay's")
Speak = Callable[[str], Voice]


def voice_of(kind: str, what: str, *, adopted: bool) -> Voice:
    """Return how to speak of an ``update``, or of the ``add`` or ``remove`` of components (``what``).

    Of an ``adopted`` service nobody knows whether a file was deleted or was never there.
    """
    lacking = "it is not in this repository: left out" if adopted else THE_TEMPLATE.lacking
    if kind not in {"add", "remove"}:
        return replace(THE_TEMPLATE, lacking=lacking)
    with_them = f"{'comes' if kind == 'add' else 'goes'} with {what}"
    return Voice(f"`{kind} {what}`", with_them, with_them, "the command's", lacking)


@dataclass(frozen=True)
class Settled:
    """The tree to have, the conflicts that are left in it, and the words for all of it."""

    entries: Entries
    stages: Mapping[str, Mapping[int, Entry]]
    changes: tuple[Change, ...]


def settle(merged: Merged, sides: Sides, speak: Speak) -> Settled:
    """Apply the one rule and explain what happened to each file; ``speak`` tells who brings the change of a path."""
    entries = dict(merged.entries)
    stages = {}
    changes: dict[str, Change] = {}
    for path, found in merged.stages.items():
        voice = speak(path)
        if 2 not in found and 3 in found and path not in sides.yours and _deleted(path, found, sides):
            entries.pop(path, None)
            changes[path] = Change(path, Kind.DECLINED, _declined(path, sides, voice))
        else:
            stages[path] = found
            kind = merged.kinds.get(path, "")
            apart = _moved_apart(path, sides, voice) if "rename/rename" in kind or set(found) == {1} else ""
            why = apart or _words(path, found, kind, voice, sides)
            source = source_of(path, sides.moved_by_you)
            if source != path and not apart:
                why += f" (you moved it here from {source})"
            name = path.rpartition("~")[0]
            if name and path not in sides.yours and path not in sides.theirs:
                if _YOURS.search(path) and name in sides.yours:
                    why = f"yours, which was {name}, where {voice.who} has a folder: move it, or git rm it"
                elif name in sides.yours:
                    why = (
                        f"{voice.whose} {name}, put beside yours: keep one of the two under that name (git add, git rm)"
                    )
                else:
                    why += f" (it is {name}, where a folder is)"
            changes[path] = Change(path, Kind.CONFLICT, why)
    for old, new in sides.moved_by_template.items():
        found, mine = stages.get(new, {}), sides.yours.get(old)
        # no text, so one of the two is in place and the other in the index alone: there the user's would be missed
        alone = old not in entries and 3 in found and entries.get(new) == found.get(2) == sides.yours.get(new)
        if alone and mine is not None and (mine == found[3] or mine != sides.base[old]):
            free = is_free(old, entries)
            place = old if free else f"{new}~yours"
            entries[place] = mine
            stages[new] = {**found, 3: sides.theirs[new]}  # so that the conflict holds what the template has there
            stays = "stays here" if free else f"yours, which was {old}"
            changes[place] = Change(
                place, Kind.KEPT, f"{speak(new).who} moved it to {new}, where you have another: {stays}"
            )
    # where a folder is in the way git puts the file beside it, under a name of its own
    beside = {path.rpartition("~")[0] for path in stages if path not in sides.yours and path not in sides.theirs}
    for change in _explained(entries, sides, speak, {*stages, *beside}):
        changes.setdefault(change.path, change)
    return Settled(entries, stages, tuple(changes[path] for path in sorted(changes)))


def is_free(path: str, entries: Entries) -> bool:
    """Return whether a file can be at ``path``: none is there, in the place of a folder above it, or below it."""
    parts = path.split("/")
    above = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return not above & set(entries) and not any(other.startswith(f"{path}/") for other in entries)


def _deleted(path: str, found: Mapping[int, Entry], sides: Sides) -> bool:
    """Return whether the user deleted the file that the template changed or moved to ``path``."""
    if 1 not in found or path not in sides.theirs:  # at another name than its own: a folder is in its place
        return False
    source = source_of(path, sides.moved_by_template)
    return source not in sides.yours and source not in sides.moved_by_you


def _declined(path: str, sides: Sides, voice: Voice) -> str:
    source = source_of(path, sides.moved_by_template)
    if source != path:
        return f"{voice.who} moved it from {source}; {voice.lacking}"
    return f"{voice.who} changed it; {voice.lacking}"


def _moved_apart(path: str, sides: Sides, voice: Voice) -> str:
    """Return the words, and what to do, for one of the three places of a file that both sides moved."""
    old = next((old for old in sides.base if path in _places(old, sides)), path)
    places = _places(old, sides)
    if len(places) < 3:
        return f"moved by you and by {voice.who}, to different places: keep one (git add), git rm the other"
    _, here, there = places
    if path == old:
        return f"you moved it to {here}, {voice.who} to {there}: git rm it here"
    mine = path == here
    who = f"you moved {old} here, {voice.who} to {there}" if mine else f"{voice.who} moved {old} here, you to {here}"
    return f"{who}: keep it (git add), or the other (git rm this)"


def _places(old: str, sides: Sides) -> tuple[str, ...]:
    """Return where a file was, where you moved it and where the template did; less when one of the two did not."""
    moved = (sides.moved_by_you.get(old, ""), sides.moved_by_template.get(old, ""))
    return (old, *filter(None, moved))


def _words(path: str, found: Mapping[int, Entry], kind: str, voice: Voice, sides: Sides) -> str:
    numbers = frozenset(found)
    if numbers == {1, 2}:
        return f"{voice.who} deleted it, you changed it: keep it (git add) or delete it (git rm)"
    if numbers == {1, 3}:
        return f"{voice.who} changed it, you moved or deleted it: keep it (git add) or delete it (git rm)"
    if "distinct" in kind:
        return f"you and {voice.who} made different kinds of file of it: keep one"
    if numbers <= {2} or numbers <= {3}:
        return "a file and a folder want the same name: move one of them"
    if "binary" in kind:
        return f"both changed, and it is no text: yours is in place, the other is {sides.show(path)}"
    if numbers == {2, 3} and path in sides.given:
        return f"you changed it, {voice.who} may have too, and what it was before is not at hand: they differ"
    if numbers == {2, 3}:
        return f"added by you and by {voice.who}: they differ"
    if "submodule" in kind or "modes" in kind:
        return f"you and {voice.who} made different kinds of file of it: keep one"
    return f"you and {voice.who} changed the same lines"


def _explained(result: Entries, sides: Sides, speak: Speak, conflicts: set[str]) -> list[Change]:
    changes = []
    told = set(conflicts)
    for path in sorted({*sides.base, *sides.theirs}):
        if sides.base.get(path) == sides.theirs.get(path) or path in told:
            continue
        voice = speak(path)
        if path not in sides.theirs:
            change = _removed(path, result, sides, voice)
        elif path not in sides.base:
            change = _arrived(path, result, sides, voice)
        else:
            change = _changed(path, result, sides, voice)
        if change is not None and change.path not in told:
            told.add(change.path)
            changes.append(change)
    for path in sorted({*result, *sides.yours}):  # what is left comes with a move
        if result.get(path) != sides.yours.get(path) and path not in told:
            sources = {change.source for change in changes}
            if path not in sources:
                kind = Kind.UPDATED if path in result and path in sides.yours else Kind.MOVED
                kind = kind if path in result else Kind.DELETED
                changes.append(Change(path, kind, f"follows what {speak(path).who} moved"))
    return changes


def _removed(path: str, result: Entries, sides: Sides, voice: Voice) -> Change | None:
    target = sides.moved_by_template.get(path)
    if target is not None and (path in sides.yours or path in sides.moved_by_you):
        return None  # told at the target
    if path in sides.yours and path not in result:
        return Change(path, Kind.DELETED, f"{voice.gone}, and you had not changed it")
    if path in result:
        return Change(path, Kind.KEPT, f"{voice.gone}; yours stays")
    return Change(path, Kind.KEPT, f"{voice.who} deleted it, as you did")


def _arrived(path: str, result: Entries, sides: Sides, voice: Voice) -> Change:
    source = source_of(path, sides.moved_by_template)
    if path not in result:
        if source in sides.moved_by_you:
            there = sides.moved_by_you[source]
            return Change(there, Kind.MERGED, f"{voice.who} moved it to {path}, you moved it here: stays here")
        return Change(path, Kind.DECLINED, _declined(path, sides, voice))
    if sides.yours.get(path) == result[path]:
        return Change(path, Kind.KEPT, "you had it already")
    if source != path and source in sides.yours and source not in result:
        edited = sides.yours[source] != sides.base.get(source)
        why = f"{voice.who} moved it from {source}" + (", your changes with it" if edited else "")
        return Change(path, Kind.MOVED, why, source)
    if path in sides.yours:
        return Change(path, Kind.MERGED, f"you and {voice.who} both have it")
    return Change(path, Kind.ADDED, voice.new)


def _changed(path: str, result: Entries, sides: Sides, voice: Voice) -> Change:
    here = path if path in sides.yours else sides.moved_by_you.get(path, "")
    if not here or here not in result:
        return Change(path, Kind.DECLINED, _declined(path, sides, voice))
    if result[here] == sides.yours.get(here):
        moved = f" to {path}, which you moved here," if here != path else ""
        return Change(here, Kind.KEPT, f"your version has {voice.whose} change{moved} already")
    if here != path:
        return Change(here, Kind.MERGED, f"{voice.who} changed {path}, which you moved here")
    if sides.yours[path] == sides.base[path]:
        return Change(path, Kind.UPDATED, f"{voice.who} changed it, you had not")
    return Change(path, Kind.MERGED, f"{voice.whose} changes and yours, in different places")


def source_of(path: str, moved: Mapping[str, str]) -> str:
    """Return where the file at ``path`` was before it ``moved``, ``path`` itself when it did not."""
    return next((old for old, new in moved.items() if new == path), path)
