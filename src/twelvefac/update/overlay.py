"""The overlay's part in an update: which version it goes to, and its files as they were and as they are now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from twelvefac.errors import MachineError, UsageError
from twelvefac.scaffold.overlay import (
    ORIGIN,
    newest_version,
    opened_overlay,
    overlay_key,
    render_overlay,
    with_overlay,
)
from twelvefac.scaffold.plan import Layer, Plan
from twelvefac.update.provenance import Provenance


@dataclass(frozen=True)
class Laid:
    """``plan`` with the overlay's files, and folders with those of both versions.

    ``held`` are digests where nothing is rendered. ``provenance`` is what the merge is to know: without the
    overlay's files when they are not merged; ``notices`` say why.
    """

    plan: Plan
    provenance: Provenance
    base: Path | None = None
    theirs: Path | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def newest_layer(provenance: Provenance, given: Mapping[str, str]) -> tuple[Layer | None, tuple[str, ...]]:
    """Return the overlay in its newest version, and what to say when it is not to be had: then it stays.

    ``given`` are answers to its own questions. Raises UsageError when there is no overlay to answer, MachineError
    when there is and it cannot be reached.
    """
    recorded = provenance.overlay
    if recorded is None:
        if given:
            raise UsageError(f"--overlay-answer: {provenance.name} has no overlay")
        return None, ()
    try:
        version = newest_version(recorded.source, provenance.folder)
    except MachineError as error:
        if given:
            raise
        return recorded, (_stays(error.message),)
    layer = replace(recorded, answers={**recorded.answers, **given})
    return replace(layer, version=version) if is_newer(version, recorded.version) else layer, ()


def is_newer(version: str, recorded: str) -> bool:
    """Return whether an overlay's ``version`` is to replace the ``recorded`` one; of two contents either is."""
    if overlay_key(version) and overlay_key(recorded):
        return overlay_key(version) > overlay_key(recorded)
    return version != recorded


def lay(provenance: Provenance, wanted: Layer | None, plan: Plan, scratch: Path, *, reached: bool = True) -> Laid:
    """Return the overlay's part for the template's ``plan``; it sees the service's answers, so it is rendered anew.

    Where it was not ``reached``, or cannot be and its own version is to stay, its files are held as they are.
    Raises RefusedError naming a file that both would write, MachineError when a newer overlay cannot be reached.
    """
    if provenance.overlay is None or wanted is None:
        return Laid(plan, provenance)
    if not reached:
        return _held(provenance, provenance.overlay, plan)
    try:
        return _rendered(provenance, provenance.overlay, wanted, plan, scratch)
    except MachineError as error:
        if wanted != provenance.overlay:
            raise
        return replace(_held(provenance, wanted, plan), notices=(_stays(error.message),))


def _stays(reason: str) -> str:
    return f"{reason}: its files stay as they are"


def _held(provenance: Provenance, layer: Layer, plan: Plan) -> Laid:
    held = {path: entry.sha256 for path, entry in provenance.files.items() if entry.origin == ORIGIN}
    rest = {path: entry for path, entry in provenance.files.items() if path not in held}
    return Laid(with_overlay(plan, layer, held), replace(provenance, files=rest), held=held)


def _rendered(provenance: Provenance, recorded: Layer, wanted: Layer, plan: Plan, scratch: Path) -> Laid:
    service = provenance.folder
    theirs = scratch / "overlay-theirs"
    with opened_overlay(wanted, service) as root:
        if root is None:
            raise MachineError(
                f"the overlay {wanted.source} has no version {wanted.version} any more",
                hint="tag it there again, or a newer one",
            )
        theirs.mkdir()
        whole = with_overlay(plan, wanted, render_overlay(root, plan, theirs, wanted.answers))
    base = scratch / "overlay-base"
    base.mkdir()
    with opened_overlay(recorded, service) as root:
        if root is not None:
            render_overlay(root, _recorded(plan, provenance), base, recorded.answers)
    return Laid(whole, provenance, base, theirs)


def _recorded(plan: Plan, provenance: Provenance) -> Plan:
    """Return a plan with the recorded version and answers, and no files: what the overlay was rendered with."""
    names = ("name", "description")
    choices = {key: value for key, value in provenance.answers.items() if key not in names}
    description = provenance.answers.get("description", "")
    answers = replace(plan.answers, name=provenance.name, description=description, choices=choices)
    return replace(plan, answers=answers, version=provenance.version, files=())
