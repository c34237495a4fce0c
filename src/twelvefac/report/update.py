"""What an update did or would do, for a person: each file and why, what is new, what to do by hand and next."""

from collections.abc import Iterable

from twelvefac.report.paint import Paint
from twelvefac.source.visible import visible
from twelvefac.update.repository import at
from twelvefac.update.result import AdoptResult, Change, EndResult, Kind, UpdateResult

_TONES = {Kind.CONFLICT: "red", Kind.DECLINED: "yellow", Kind.KEPT: "dim"}
# what needs a person's eye comes last, next to the prompt
_ORDER = (Kind.ADDED, Kind.UPDATED, Kind.MERGED, Kind.MOVED, Kind.DELETED, Kind.KEPT, Kind.DECLINED, Kind.CONFLICT)


def render_update(result: UpdateResult, *, color: bool) -> str:
    """Return the report of ``update``, ``add`` or ``remove``; ``color`` changes no word."""
    paint = Paint(color)
    if result.current:
        state = {"add": f"has {result.what} already", "remove": f"has no {result.what}"}.get(result.kind)
        return f"{visible(result.name)} {state or f'is up to date: template {result.after}'}.\n"
    lines = [paint(_head(result), "bold"), "", *_files(result.changes, paint)]
    if result.notes:
        lines += ["", *_notes(result)]
    if result.manual:
        lines += ["", paint("By hand:", "bold"), *(f"  - {visible(text)}" for text in result.manual)]
    if not result.preview:
        lines += ["", "Next:", *(f"  {step}" for step in _next(result))]
    elif result.refused:
        message, hint = result.refused
        lines += ["", f"Would be refused: {visible(message)}", *([f"  {visible(hint)}"] if hint else [])]
        lines += ["Nothing was changed."]
    elif result.conflicts:
        lines += ["", f"Would leave {_count(len(result.conflicts), 'conflict')} for you. Nothing was changed."]
    else:
        lines += ["", "No conflicts. Nothing was changed."]
    return "\n".join(lines) + "\n"


def _head(result: UpdateResult) -> str:
    would = "Would " if result.preview else ""
    verbs = {"update": ("update", "Updated"), "add": ("add", "Added"), "remove": ("remove", "Removed")}
    verb = verbs[result.kind][0] if would else verbs[result.kind][1]
    if result.kind == "update":
        return f"{would}{verb} {visible(result.name)}: template {result.before} -> {result.after}"
    joint = "to" if result.kind == "add" else "from"
    return f"{would}{verb} {result.what} {joint} {visible(result.name)} (template {result.after})"


def _files(changes: Iterable[Change], paint: Paint) -> list[str]:
    ordered = sorted(changes, key=lambda change: (_ORDER.index(change.kind), change.path))
    width = min(max((len(visible(change.path)) for change in ordered), default=0), 60)
    lines = []
    for change in ordered:
        kind = f"{change.kind.value:<9}"
        tone = _TONES.get(change.kind)
        kind = paint(kind, tone) if tone else kind
        lines.append(f"  {kind} {visible(change.path):<{width}}  {visible(change.why)}")
    return lines


def _notes(result: UpdateResult) -> list[str]:
    lines = ["What is new:"]
    for notes in result.notes:
        lines.append(f"  {notes.version}: {visible(notes.summary)}")
        lines += [f"    - {visible(text)}" for text in notes.changes]
    return lines


def _next(result: UpdateResult) -> list[str]:
    folder, there = at(result.folder), at(result.folder, "-C")
    if result.conflicts:
        return [
            f"resolve {_count(len(result.conflicts), 'conflict')}: edit each file, then `git{there} add` it",
            f"twelvefac update --continue{folder}   when all are resolved",
            f"twelvefac update --abort{folder}      to have everything as it was",
        ]
    if result.committed:
        return [f"make{there} test", f"twelvefac undo{folder}   to take it back"]
    return [f"git{there} diff --staged", f"make{there} test", f"git{there} commit", f"or: twelvefac undo{folder}"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def render_end(result: EndResult, *, color: bool) -> str:
    """Return the report of ``undo``, ``update --continue`` or ``update --abort``."""
    paint = Paint(color)
    lines = [paint(result.text, "bold")]
    if result.files:
        width = min(max(len(visible(path)) for path, _ in result.files), 60)
        lines += ["", *(f"  {visible(path):<{width}}  {visible(what)}" for path, what in result.files)]
    return "\n".join(lines) + "\n"


def render_adopt(result: AdoptResult, *, color: bool) -> str:
    """Return the report of ``adopt``."""
    paint = Paint(color)
    verb = "Would adopt" if result.preview else "Adopted"
    head = f"{verb} {visible(result.answers['name'])} as a service of template {result.version}"
    lines = [paint(head, "bold"), ""]
    lines += [f"  {key}: {visible(value)}" for key, value in result.answers.items() if key != "name"]
    counts = f"{result.alike} as the template has them, {result.changed} your own, {result.missing} not here"
    lines += ["", f"Files of the template: {counts}."]
    if not result.preview:
        there = at(result.folder, "-C")
        then = f"twelvefac add …{at(result.folder, '--in')}, and twelvefac update{at(result.folder)} from then on"
        steps = [f"git{there} diff --staged", f"git{there} commit", then]
        lines += ["", "Next:", *(f"  {step}" for step in steps)]
    return "\n".join(lines) + "\n"
