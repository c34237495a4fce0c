"""The service model for a reader: as lines of text, and as an object for JSON."""

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from twelvefac.audit.result import ServiceSummary
from twelvefac.report.document import path_members
from twelvefac.report.paint import Paint
from twelvefac.report.wrap import wrapped
from twelvefac.source.visible import visible

if TYPE_CHECKING:  # most reports show no model
    from twelvefac.project.description import Description, Named, Place, ProcessLine, Variable
    from twelvefac.project.shipped import Shipped
    from twelvefac.project.variables import Given

_LABEL = 14  # columns, "  not decided "


def service_lines(service: ServiceSummary, paint: Paint, width: int) -> list[str]:
    """The service in text; nothing where its model was not asked for."""
    known = service.description
    if known is None:
        return []
    lines = [f"{paint(visible(service.name), 'bold')}  {paint(visible(service.root or '.'), 'dim')}"]
    for image in known.images:
        stages = f"{image.stages} stage{'s' if image.stages != 1 else ''}"
        text = f"{image.path}  from {image.base or 'a base that is not known'}, {stages}{_released(image.released)}"
        lines += _labelled("image", text, paint, width)
    for shipped in known.shipped:
        lines += _shipped(shipped, paint, width)
    for process in known.processes:
        lines += _process(process, paint, width)
    for label, items in _groups(known):
        for item in items:
            lines += _labelled(label, f"{item.name}  {_places(item.places)}", paint, width)
    for reason in _grouped(service.undecided):
        lines += _labelled("not decided", reason, paint, width)
    return [*lines, ""]


def _grouped(reasons: Iterable[str]) -> list[str]:
    """The reasons, of several places that share one the first and how many there are."""
    places: dict[str, list[str]] = {}
    for reason in reasons:
        place, _, why = reason.rpartition(": ") if reason.count(": ") == 1 else ("", "", reason)
        if ": not judged: " in reason:
            place, _, why = reason.partition(": ")
        places.setdefault(why, []).append(place)
    return [
        f"{first}{f' and {len(others)} more' if others else ''}: {why}" if first else why
        for why, (first, *others) in places.items()
    ]


def _process(process: "ProcessLine", paint: Paint, width: int) -> list[str]:
    place = process.place
    head = f"{process.name}  {place.path}:{place.line} ({place.what}){_released(process.released)}"
    lines = _labelled("process", head, paint, width)
    lines += _labelled("", f"PID 1: {shlex.join(process.argv)}", paint, width)
    if process.steps is None:
        return lines + _labelled("", "not followed: a shell program", paint, width)
    for number, step in enumerate(process.steps, 1):
        inside = f", in {step.place.what}" if step.place.what else ""
        text = f"{number}. {shlex.join(step.words)}  {step.place.path}:{step.place.line}{inside} ({step.role})"
        lines += _labelled("", text, paint, width)
    return lines


def _shipped(shipped: "Shipped", paint: Paint, width: int) -> list[str]:
    left = f", {shipped.ignore} leaves {shipped.left_out} out" if shipped.ignore else ""
    where = f" of {shipped.context}" if shipped.context else ""
    lines = _labelled("ships", f"{shipped.path}  {_count(len(shipped.files))}{where}{left}", paint, width)
    for one in shipped.copies:
        lines += _labelled("", f"{one.text}  {one.path}:{one.line}, {_count(one.files)}", paint, width)
    return lines


def _count(files: int) -> str:
    return f"{files} file{'s' if files != 1 else ''}"


def _groups(known: "Description") -> "tuple[tuple[str, Sequence[Named | Variable]], ...]":
    return (
        ("server", known.servers),
        ("settings", known.settings),
        ("environment", known.environment),
        ("backing", known.backing),
        ("exposes", known.exposures),
    )


def _places(places: "Iterable[Place | Given]") -> str:
    return "; ".join(f"{one.path}:{one.line} {one.what}{_value(one)}" for one in places)


def _value(place: "Place | Given") -> str:
    value = getattr(place, "value", "")
    return f" ({value})" if value else ""


def _released(released: bool) -> str:
    return "" if released else ", not released"


def _labelled(label: str, text: str, paint: Paint, width: int) -> list[str]:
    head, *rest = wrapped(visible(text), width, " " * _LABEL, " " * (_LABEL + 2))
    return [paint(f"  {label}".ljust(_LABEL), "cyan") + head[_LABEL:], *rest]


def service_object(service: ServiceSummary) -> dict[str, Any]:
    """The service as JSON has it; the model's keys are there where it was asked for."""
    found: dict[str, Any] = {
        "name": service.name,
        **path_members(service.root or ".", "root"),
        "undecided": list(service.undecided),
    }
    known = service.description
    if known is not None:
        found["images"] = [{**image._asdict(), **path_members(image.path)} for image in known.images]
        found["processes"] = [
            {
                "name": one.name,
                "source": one.place.what,
                "released": one.released,
                **path_members(one.place.path),
                "line": one.place.line,
                "argv": list(one.argv),
                "steps": None
                if one.steps is None
                else [
                    {
                        "argv": list(step.words),
                        **path_members(step.place.path),
                        "line": step.place.line,
                        "block": step.place.what,
                        "role": step.role,
                    }
                    for step in one.steps
                ],
            }
            for one in known.processes
        ]
        found["shipped"] = [
            {
                **path_members(one.path),
                **path_members(one.context or ".", "context"),
                "copies": [{**copy._asdict(), **path_members(copy.path)} for copy in one.copies],
                "ignore": one.ignore or None,
                "left_out": one.left_out,
                "files": list(one.files),
            }
            for one in known.shipped
        ]
        groups: tuple[tuple[str, Sequence[Named | Variable]], ...] = (
            ("servers", known.servers),
            ("settings", known.settings),
            ("environment", known.environment),
            ("backing_services", known.backing),
            ("exposures", known.exposures),
        )
        for key, items in groups:
            found[key] = [
                {
                    "name": item.name,
                    "places": [{**place._asdict(), **path_members(place.path)} for place in item.places],
                }
                for item in items
            ]
    return found
