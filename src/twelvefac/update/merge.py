"""The three-way merge: git's own, on trees alone; nothing that the user has is touched."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twelvefac.update.files import EXECUTABLE, REGULAR
from twelvefac.update.objects import (
    Entries,
    Entry,
    read_blobs,
    read_tree,
    write_blobs,
    write_commits,
    write_trees,
)
from twelvefac.update.repository import Repository, git

# git's own for a merge, whatever the user's configuration says; 1 would follow no rename of a file that changed
_LIMITS = ("-c", "merge.renameLimit=7000", "-c", "diff.renameLimit=7000")
_OPTIONS = (
    *("-c", "merge.conflictStyle=zdiff3"),
    *("-c", "merge.renames=true"),
    # a file of the user's never moves because the template's files around it did
    *("-c", "merge.directoryRenames=false"),
    *("-c", "merge.renormalize=false"),
    *("-c", "core.abbrev=no"),
    *_LIMITS,
)


@dataclass(frozen=True)
class Labels:
    """What the three sides are called in conflict markers."""

    base: str
    theirs: str
    yours: str = "yours"


@dataclass(frozen=True)
class Merged:
    """The merged tree and what git could not decide: path to stage (1 base, 2 yours, 3 the template's)."""

    entries: Entries
    stages: Mapping[str, Mapping[int, Entry]]
    kinds: Mapping[str, str]  # path -> git's word, such as "CONFLICT (modify/delete)"
    base: str
    yours: str
    theirs: str


def merge_trees(repository: Repository, base: Entries, yours: Entries, theirs: Entries, labels: Labels) -> Merged:
    """Merge what changed from ``base`` to ``theirs`` into ``yours``.

    Raises MachineError when git fails; nothing but objects is written in any case.
    """
    trees = write_trees(repository, [base, yours, theirs])
    # a common parent is how this git is told the base
    sides = [(trees[0], None, "base"), (trees[1], 0, "yours"), (trees[2], 0, "theirs")]
    root, one, two = write_commits(repository, sides)
    out = git(repository, *_OPTIONS, "merge-tree", "--write-tree", "-z", "--messages", one, two, fine=(0, 1))
    tree, stages, kinds = _parse(out)
    entries = read_tree(repository, tree)
    if stages:
        names = {one: labels.yours, two: labels.theirs}
        entries = _relabel(repository, entries, stages, {**names, root: labels.base})
        named = _in_words({*entries, *stages, *kinds}, names)
        entries = {named[path]: entry for path, entry in entries.items()}
        stages = {named[path]: found for path, found in stages.items()}
        kinds = {named[path]: kind for path, kind in kinds.items()}
    return Merged(entries, stages, kinds, *trees)


def renames(repository: Repository, before: str, after: str) -> dict[str, str]:
    """Return the files that moved between two trees, old path to new, as git's merge sees it."""
    out = git(repository, *_LIMITS, "diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--no-ext-diff", before, after)
    parts = out.split(b"\0")
    return {os.fsdecode(parts[at + 1]): os.fsdecode(parts[at + 2]) for at in range(0, len(parts) - 2, 3)}


_Stages = dict[str, dict[int, Entry]]
_LETTERS = re.compile(r"[^\w.-]+")


def _parse(out: bytes) -> tuple[str, _Stages, dict[str, str]]:
    fields = out.split(b"\0")
    stages: _Stages = {}
    kinds: dict[str, str] = {}
    at = 1
    while at < len(fields) and fields[at]:
        head, _, path = fields[at].partition(b"\t")
        mode, oid, stage = head.decode().split(" ")
        stages.setdefault(os.fsdecode(path), {})[int(stage)] = Entry(mode, oid)
        at += 1
    at += 1
    while at < len(fields) and fields[at]:
        count = int(fields[at])
        paths = [os.fsdecode(name) for name in fields[at + 1 : at + 1 + count]]
        kind = fields[at + 1 + count].decode("utf-8", "replace")
        if kind.startswith("CONFLICT"):
            kinds.update(dict.fromkeys(paths, kind) | kinds)
        at += count + 3
    return fields[0].decode().strip(), stages, kinds


def _in_words(paths: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return ``paths`` with a word where git, which merged commits without a name, added a commit's id.

    A name that a file has already is left to it: as git does, a number is added.
    """
    paths = sorted(paths)
    named, taken = {}, set(paths)
    for path in paths:
        new = path
        for oid, name in names.items():
            new = new.replace(f"~{oid}", f"~{_LETTERS.sub('-', name)}")
        number, free = 0, new
        while new != path and free in taken:
            free, number = f"{new}_{number}", number + 1
        named[path] = free
        taken.add(free)
    return named


def _relabel(repository: Repository, entries: Entries, stages: _Stages, names: Mapping[str, str]) -> Entries:
    """Put words in the place of commit ids in the conflict markers, and make these seven letters wide at least.

    The attribute conflict-marker-size may ask for less, and `> template` is a line that anybody may have written.
    """
    texts = [path for path in stages if path in entries and entries[path].mode in {REGULAR, EXECUTABLE}]
    blobs = read_blobs(repository, [entries[path].oid for path in texts])
    known = b"|".join(oid.encode() for oid in names)
    marker = re.compile(rb"^(<+|>+|\|+) (" + known + rb")(?=[:\r\n])", re.MULTILINE)
    narrow = re.compile(rb"^<{1,6} (?:" + known + rb")[:\r\n].*?^>{1,6} (?:" + known + rb")", re.MULTILINE | re.DOTALL)

    def word(match: re.Match[bytes]) -> bytes:
        return b"%s %s" % (match.group(1).ljust(7, match.group(1)[:1]), names[match.group(2).decode()].encode())

    def widened(match: re.Match[bytes]) -> bytes:
        size = len(match.group()) - len(match.group().lstrip(b"<"))
        lines = match.group().split(b"\n")
        between = [at for at, line in enumerate(lines) if line.rstrip(b"\r") == b"=" * size]
        if len(between) == 1:  # else which of them is git's is not to be known
            lines[between[0]] = lines[between[0]].replace(b"=" * size, b"=" * 7)
        return b"\n".join(lines)

    changed = [marker.sub(word, narrow.sub(widened, blobs[entries[path].oid])) for path in texts]
    ids = write_blobs(repository, changed)
    return entries | {path: Entry(entries[path].mode, oid) for path, oid in zip(texts, ids, strict=True)}
