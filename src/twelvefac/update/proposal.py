"""From a repository and two renders of the template to every step that an update would take; nothing is changed.

Only objects are written, which nobody sees: what comes out is a list of steps for ``update.install``, and the
words for each file.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from twelvefac.errors import RefusedError
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE
from twelvefac.update.drivers import judge_drivers
from twelvefac.update.files import LOCK, REGULAR, SUBMODULE, File, Files, line_end, user_line_ends
from twelvefac.update.merge import Labels, merge_trees, renames
from twelvefac.update.objects import Entries, Entry, read_blobs, write_files
from twelvefac.update.policy import THE_TEMPLATE, Settled, Sides, Speak, Voice, is_free, settle, source_of
from twelvefac.update.provenance import Provenance
from twelvefac.update.repository import Repository, git
from twelvefac.update.result import Change, Kind

RECORDS = (ANSWERS_FILE, MANIFEST_FILE)


@dataclass(frozen=True)
class Wanted:
    """The two renders, what the tool itself writes, and moves that the template declares (old path to new).

    ``laid`` are the files of an overlay, with who brings them.
    ``base`` is None when the old version cannot be rendered: then the manifest says what the user changed.
    """

    base: Files | None
    theirs: Files
    records: Mapping[str, bytes]
    labels: Labels
    declared: Mapping[str, str] = field(default_factory=dict)
    voice: Voice = THE_TEMPLATE
    laid: Mapping[str, Voice] = field(default_factory=dict)

    def speak(self, path: str) -> Voice:
        """Return who brings the change of ``path``."""
        return self.laid.get(path, self.voice)


@dataclass(frozen=True)
class Proposal:
    """What to do: ``before`` and ``after`` are index entries by path, ``stages`` the conflicts among them."""

    before: Entries
    after: Entries
    stages: Mapping[str, Mapping[int, Entry]]
    changes: tuple[Change, ...]
    notices: tuple[str, ...]

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """Return what waits for the user."""
        return tuple(change for change in self.changes if change.kind is Kind.CONFLICT)

    @property
    def touched(self) -> tuple[str, ...]:
        """Return the paths whose file or index entry changes, sorted."""
        differ = {path for path in {*self.before, *self.after} if self.before.get(path) != self.after.get(path)}
        return tuple(sorted(differ | set(self.stages)))


def indexed(repository: Repository) -> Entries:
    """Return what git's index has under the service's folder, without the services that lie in it.

    Theirs are files like this one's: git would take one for the file that the user moved.

    Raises RefusedError when a conflict is unresolved there, or nothing is in git at all.
    """
    out = git(repository, "ls-files", "-s", "-z", "--", repository.prefix or ".")
    entries: Entries = {}
    for line in filter(None, out.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, oid, stage = head.decode().split(" ")
        path = os.fsdecode(name)[len(repository.prefix) :]
        if stage != "0":
            raise RefusedError(f"{path} has an unresolved conflict", hint="resolve it and `git add` it first")
        entries[path] = Entry(mode, oid)
    inner = tuple(path.removesuffix(ANSWERS_FILE) for path in entries if path.endswith(f"/{ANSWERS_FILE}"))
    entries = {path: entry for path, entry in entries.items() if not path.startswith(inner)}
    if not set(entries) - set(RECORDS):
        raise RefusedError("nothing of this service is in git yet", hint="git add --all && git commit")
    return entries


def propose(repository: Repository, provenance: Provenance, wanted: Wanted, yours: Entries) -> Proposal:
    """Merge the template's change into ``yours`` (the index) and return what is to be done.

    Raises MachineError when git fails.
    """
    base, filtered, notices = _base(repository, provenance, wanted, yours)
    theirs = {path: file for path, file in wanted.theirs.items() if path not in RECORDS and path not in filtered}
    locks = {path for path in {*base, *theirs} if fnmatchcase(path.rpartition("/")[2], LOCK)}
    plain = {path: entry for path, entry in yours.items() if path not in RECORDS and path not in locks}
    base_entries, their_entries, line_changes = _written(repository, base, theirs, yours)
    lock_entries, lock_changes = _locks(locks, (base_entries, yours, their_entries), wanted.speak)
    base_entries = {path: entry for path, entry in base_entries.items() if path not in locks}
    their_entries = {path: entry for path, entry in their_entries.items() if path not in locks}
    moved_base, moved_yours = _moved_ahead(wanted.declared, base_entries, plain, their_entries)
    settled = _settled(repository, (moved_base, moved_yours, their_entries), wanted, provenance)
    changes = {change.path: change for change in (*line_changes, *lock_changes, *settled.changes)}
    for old, new in wanted.declared.items():
        if old in plain and old not in moved_yours and new in settled.entries:
            kind = changes[new].kind if new in changes else Kind.MOVED
            if kind not in (Kind.CONFLICT, Kind.DECLINED):  # a merge driver may have left the template's change out
                edited = plain[old] != base_entries.get(old)
                why = f"the template moved it from {old}" + (", your changes with it" if edited else "")
                changes[new] = Change(new, Kind.MOVED, why, old)
    gone = "has it, you deleted or moved it: stays deleted"
    changes |= {path: Change(path, Kind.DECLINED, f"{wanted.speak(path).who} {gone}") for path in filtered}
    records = write_files(repository, {path: File(REGULAR, data) for path, data in wanted.records.items()})[0]
    after = {**settled.entries, **lock_entries, **records}
    return Proposal(yours, after, settled.stages, tuple(changes[path] for path in sorted(changes)), tuple(notices))


def _base(
    repository: Repository, provenance: Provenance, wanted: Wanted, yours: Entries
) -> tuple[Files, set[str], list[str]]:
    """Return the base to merge from, and the template's files that the user deleted as far as one can know.

    The old render is taken where it is what the manifest recorded. Where it is not, the manifest tells whether
    the user changed a file: one that was not changed is its own base, one that was has none.
    """
    rendered = {path: file for path, file in (wanted.base or {}).items() if path not in RECORDS}
    recorded = {path: entry.sha256 for path, entry in provenance.files.items() if path not in RECORDS}
    if not recorded:
        return rendered, set(), []
    base: Files = {}
    unlike: list[str] = []
    for path, file in rendered.items():
        if path not in recorded:
            if provenance.adopted:
                base[path] = file
            else:
                unlike.append(path)
        elif provenance.adopted or _digest(file.data) == recorded[path]:
            base[path] = file
        else:
            unlike.append(path)
    lost = {path for path in recorded if path not in base}
    mine = read_blobs(repository, [yours[path].oid for path in lost if path in yours and yours[path].mode != SUBMODULE])
    for path in sorted(lost):
        if path in yours and yours[path].oid in mine:
            data = _as_recorded(mine[yours[path].oid], recorded[path])
            if data is not None:
                base[path] = File(yours[path].mode, data)
    # what the template gives as it gave it then is the base, whatever the user made of it
    known = {path for path in lost if path in yours and path in wanted.theirs and path not in base}
    same = {path for path in known if _digest(wanted.theirs[path].data) == recorded[path]}
    base |= {path: wanted.theirs[path] for path in same}
    deleted = {path for path in lost if path not in yours and path in wanted.theirs}
    laid = {path for path in lost if provenance.files[path].origin}
    lost -= laid
    notices = ["the overlay's old version is not at hand: its files are compared by the manifest"] if laid else []
    if wanted.base is None:
        notices.append("the recorded template version is not at hand: changed files are compared by the manifest")
    elif unlike or lost:
        count = len({*unlike, *lost})
        notices.append(
            f"{count} file{'s' if count != 1 else ''} of the recorded template version "
            "render differently than the manifest says: compared by the manifest"
        )
    return base, deleted, notices


def _as_recorded(data: bytes, digest: str) -> bytes | None:
    """Return ``data`` when it, with either line end, is what the manifest recorded."""
    for candidate in (data, data.replace(b"\r\n", b"\n"), data.replace(b"\n", b"\r\n")):
        if _digest(candidate) == digest:
            return data
    return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _written(
    repository: Repository, base: Files, theirs: Files, yours: Entries
) -> tuple[Entries, Entries, list[Change]]:
    """Write both renders, in the line ends that the user's files have; say where the template's are not taken."""
    base_entries, their_entries = write_files(repository, base, theirs)
    edited = [
        path
        for path, entry in base_entries.items()
        if path in yours and yours[path].oid != entry.oid and yours[path].mode.startswith("100")
    ]
    blobs = read_blobs(repository, [yours[path].oid for path in edited])
    ends = user_line_ends(base, {path: blobs[yours[path].oid] for path in edited})
    turned_base = {path: replace(file, data=ends.apply(path, file.data)) for path, file in base.items()}
    turned = {path: replace(file, data=ends.apply(path, file.data)) for path, file in theirs.items()}
    changes = []
    for path, file in theirs.items():
        if path not in base or (turned_base[path] == base[path] and turned[path] == file):
            continue
        if line_end(base[path].data) != line_end(file.data):
            there = turned[path] == file
            why = "you had its line ends already" if there else "the template changed its line ends: yours stay"
            changes.append(Change(path, Kind.KEPT if there else Kind.DECLINED, why))
    if turned_base == base and turned == theirs:
        return base_entries, their_entries, changes
    base_entries, their_entries = write_files(repository, turned_base, turned)
    return base_entries, their_entries, changes


def _locks(locks: set[str], trees: tuple[Entries, Entries, Entries], speak: Speak) -> tuple[Entries, list[Change]]:
    """Return the lock files to have: the template's where the user did not change them, never a mixture."""
    base, yours, theirs = trees
    entries: Entries = {}
    changes = []
    for path in sorted(locks):
        old, mine, new, voice = base.get(path), yours.get(path), theirs.get(path), speak(path)
        if mine == new or old == new or (mine is not None and mine != old):
            if mine is not None:
                entries[path] = mine
            if mine != new and old != new:
                changes.append(Change(path, Kind.KEPT, "you made it again, so yours stays: lock anew (make relock)"))
        elif mine is None and old is not None:
            lacking = _lacking(path, old, trees) or voice.lacking
            changes.append(Change(path, Kind.DECLINED, f"{voice.who} changed it; {lacking}"))
        elif new is not None:
            entries[path] = new
            new_one = Change(path, Kind.ADDED, voice.new)
            changes.append(new_one if mine is None else Change(path, Kind.UPDATED, "locked anew, as tested"))
        else:
            changes.append(Change(path, Kind.DELETED, f"{voice.gone}, and you had not changed it"))
    return entries, changes


_OF_LOCKS = ("lock", "requirement", "constraint", "pin", "freeze")
"""What the names of lock files of one's own have in them."""


def _lacking(path: str, old: Entry, trees: tuple[Entries, Entries, Entries]) -> str:
    """Return what to say of a lock file that is not at ``path``, empty where the user has none that may be it.

    It was moved where its text or its name is elsewhere; with both changed it cannot be told from another lock.
    """
    base, yours, theirs = trees
    own = sorted(set(yours) - set(base) - set(theirs))
    same = [other for other in own if yours[other].oid == old.oid]
    named = [other for other in own if other.rpartition("/")[2] == path.rpartition("/")[2]]
    if same or named:
        return f"you moved it to {[*same, *named][0]}, and yours stays: lock anew"
    if any(word in other.rpartition("/")[2].lower() for other in own for word in _OF_LOCKS):
        return "not found under its name; where you moved it, yours stays: lock anew"
    return ""


def _moved_ahead(
    declared: Mapping[str, str], base: Entries, yours: Entries, theirs: Entries
) -> tuple[Entries, Entries]:
    """Move, ahead of the merge, what the template declares as moved: git's own guess needs half the lines."""
    base, yours = dict(base), dict(yours)
    for old, new in declared.items():
        fits = old in base and old not in theirs and new in theirs and new not in base
        if fits and old in yours and is_free(new, yours):
            base[new], yours[new] = base.pop(old), yours.pop(old)
    return base, yours


def _settled(
    repository: Repository, trees: tuple[Entries, Entries, Entries], wanted: Wanted, provenance: Provenance
) -> Settled:
    base, yours, theirs = trees
    if base == theirs:
        return Settled(yours, {}, ())
    merged = merge_trees(repository, base, yours, theirs, wanted.labels)
    gone, lost = set(base) - set(theirs), set(base) - set(yours)
    by_template = renames(repository, merged.base, merged.theirs) if gone and set(theirs) - set(base) else {}
    by_you = renames(repository, merged.base, merged.yours) if lost and set(yours) - set(base) else {}
    sides = Sides(base, yours, theirs, by_you, by_template, frozenset(provenance.files), repository.prefix)

    def speak(path: str) -> Voice:
        """Return who brings the change of a file, wherever the user or git put it."""
        names = (path, source_of(path, by_you), path.rpartition("~")[0])
        return wanted.speak(next((name for name in names if name in wanted.laid), path))

    return judge_drivers(repository, settle(merged, sides, speak), merged, sides, speak)
