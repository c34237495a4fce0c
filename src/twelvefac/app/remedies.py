"""Which findings a component of the template cures, and the command that brings it."""

from collections.abc import Mapping
from pathlib import Path

from twelvefac.audit.result import AuditReport
from twelvefac.errors import TwelvefacError

# what scaffold.plan calls ANSWERS_FILE; most audits must not pay for its import
_ANSWERS_FILE = ".copier-answers.yml"


def find_remedies(root: str, report: AuditReport) -> dict[tuple[str, str], str]:
    """Return the command by (service's name, rule) for the findings of services that were made by twelvefac.

    A service with records that cannot be read has none; nothing is raised.
    """
    found: dict[tuple[str, str], str] = {}
    for service in report.services:
        folder = Path(root, service.root)
        if not (folder / _ANSWERS_FILE).is_file():
            continue
        rules = {outcome.finding.rule for outcome in report.new if outcome.service == service.name}
        if rules:
            commands = _commands(folder, service.root)
            found |= {(service.name, rule): commands[rule] for rule in rules if rule in commands}
    return found


def _commands(folder: Path, place: str) -> Mapping[str, str]:
    """Return the command for each rule that some component of the template cures."""
    from twelvefac.scaffold.catalogue import data_root, load_catalogue
    from twelvefac.scaffold.component import NONE, QUESTIONS, chosen_of
    from twelvefac.scaffold.version import version_key
    from twelvefac.update.provenance import read_provenance

    try:
        provenance = read_provenance(folder)
        catalogue = load_catalogue(data_root())
        behind = version_key(provenance.version) < version_key(catalogue.version)
    except TwelvefacError:
        return {}
    kinds = {kind.name: kind for kind in QUESTIONS}
    commands: dict[str, str] = {}
    for component in catalogue.components:
        kind = kinds.get(component.kind)
        present = chosen_of(kind, provenance.answers.get(kind.name, NONE)) if kind else ()
        addable = kind is not None and component.name not in present and (kind.several or not present)
        for rule in component.remedies:
            if addable and not behind:
                commands.setdefault(rule, f"twelvefac add {component.name}" + (f" --in {place}" if place else ""))
            elif behind:
                commands.setdefault(rule, "twelvefac update" + (f" {place}" if place else ""))
    return commands
