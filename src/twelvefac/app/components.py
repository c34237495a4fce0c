"""``add`` and ``remove``: the same template version, with other answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from twelvefac.app.update import Step, UpdateRequest, change_answers
from twelvefac.errors import RefusedError, UsageError
from twelvefac.scaffold.catalogue import Catalogue, data_root, load_catalogue
from twelvefac.scaffold.component import NONE, QUESTIONS, Kind, chosen_of
from twelvefac.update.repository import at
from twelvefac.update.result import UpdateResult


def add_components(
    request: UpdateRequest, names: Sequence[str], *, root: Path | None = None, step: Step = lambda _: None
) -> UpdateResult:
    """Add components to a service.

    Raises UsageError for what is no component, RefusedError when one takes the place of another.
    """
    root, names = root or data_root(), list(dict.fromkeys(names))

    def change(catalogue: Catalogue, answers: Mapping[str, str]) -> Mapping[str, str]:
        changed = dict(answers)
        for name in names:
            kind = _kind(catalogue, name, root, request.folder)
            present = chosen_of(kind, changed.get(kind.name, NONE))
            if name in present:
                continue
            if present and not kind.several:
                raise RefusedError(
                    f"{answers['name']} has {present[0]}, and one {kind.name} is all that a service has",
                    hint=f"twelvefac remove {present[0]}{at(request.folder, '--in')}"
                    if kind.optional
                    else "a new service can have another",
                )
            changed[kind.name] = catalogue.settled(kind, ",".join((*present, name)))
        return _fitting(catalogue, changed)

    return change_answers(request, "add", names, change, root=root, step=step)


def remove_components(
    request: UpdateRequest, names: Sequence[str], *, root: Path | None = None, step: Step = lambda _: None
) -> UpdateResult:
    """Take components out of a service again; what the user edited of them is flagged, never deleted.

    Raises UsageError for what is no component, RefusedError for one that no service can be without.
    """
    root, names = root or data_root(), list(dict.fromkeys(names))

    def change(catalogue: Catalogue, answers: Mapping[str, str]) -> Mapping[str, str]:
        changed = dict(answers)
        for name in names:
            kind = _kind(catalogue, name, root, request.folder)
            present = chosen_of(kind, changed.get(kind.name, NONE))
            if name not in present:
                continue
            if not kind.optional:
                raise RefusedError(
                    f"{name} cannot be removed: a service needs a {kind.name}", hint="a new service can have another"
                )
            left = ",".join(one for one in present if one != name) or NONE
            changed[kind.name] = catalogue.settled(kind, left)
        return _fitting(catalogue, changed)

    return change_answers(request, "remove", names, change, root=root, step=step)


def _kind(catalogue: Catalogue, name: str, root: Path, folder: str) -> Kind:
    """Return the kind of the component ``name``, one that can be chosen."""
    component = catalogue.by_name.get(name)
    offered = [each for kind in QUESTIONS for each in catalogue.choices(kind) if each != NONE]
    if component is None:
        newer = load_catalogue(root)
        if name in newer.by_name:
            raise RefusedError(
                f"{name} came with a newer template than {catalogue.version}, which this service has",
                hint=f"twelvefac update{at(folder)}, commit, then twelvefac add {name}{at(folder, '--in')}",
            )
        raise UsageError(f"unknown component {name!r}: choose from {', '.join(offered)}")
    for kind in QUESTIONS:
        if component.kind == kind.name:
            return kind
    raise UsageError(f"{name} comes by itself and cannot be chosen: choose from {', '.join(offered)}")


def _fitting(catalogue: Catalogue, answers: Mapping[str, str]) -> Mapping[str, str]:
    catalogue.select({kind.name: answers[kind.name] for kind in QUESTIONS if kind.name in answers})
    return answers
