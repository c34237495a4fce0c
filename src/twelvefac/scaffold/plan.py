"""Which files a service will have, whose they are, and where each comes from; without rendering anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from twelvefac.scaffold.answers import Answers
from twelvefac.scaffold.catalogue import SUBDIRECTORY, Catalogue
from twelvefac.scaffold.component import MANIFEST, SLOTS, CatalogueError, Component

SUFFIX = ".jinja"
ANSWERS_FILE = ".copier-answers.yml"
MANIFEST_FILE = ".twelvefac/manifest.json"
# never part of a service, wherever they lie in the template: editors' and interpreters' leavings
JUNK = ("__pycache__", "*.pyc", "*~", "*.swp", ".DS_Store")

_VARIABLE = re.compile(r"\{\{-?\s*(\w+)\s*-?\}\}")


class Ownership(StrEnum):
    """Who changes a file: the template alone, both (components meet in it), or the user alone after day one."""

    MANAGED = "managed"
    SHARED = "shared"
    SEEDED = "seeded"


@dataclass(frozen=True)
class PlannedFile:
    """One file: posix path inside the service, whose it is, and the component it comes from."""

    path: str
    ownership: Ownership
    component: str


@dataclass(frozen=True)
class Layer:
    """An organisation's overlay, as it is recorded: where it comes from, its version, answers to its own questions."""

    source: str
    version: str
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The files of one service, sorted by path, and the components they come from."""

    answers: Answers
    components: tuple[Component, ...]
    version: str
    files: tuple[PlannedFile, ...]
    overlay: Layer | None = None


def make_plan(catalogue: Catalogue, answers: Answers, components: tuple[Component, ...]) -> Plan:
    """Return the plan for ``answers``.

    Raises CatalogueError when two of the chosen components write one path.
    """
    planned = {path: PlannedFile(path, Ownership.MANAGED, "twelvefac") for path in (ANSWERS_FILE, MANIFEST_FILE)}
    for component in components:
        base = catalogue.root / SUBDIRECTORY / component.directory
        for source in template_files(base):
            parts = [_rendered(part, answers, catalogue) for part in source.relative_to(base).parts]
            path = "/".join(parts).removesuffix(SUFFIX)
            if not all(parts) or path == ANSWERS_FILE:
                continue
            if path in planned:
                raise CatalogueError(f"{component.name} and {planned[path].component} both write {path}")
            planned[path] = PlannedFile(path, _ownership(path, source, component), component.name)
    files = tuple(planned[path] for path in sorted(planned))
    return Plan(answers, components, catalogue.version, files)


def template_files(base: Path) -> list[Path]:
    """Return the files under ``base`` that a render writes, sorted."""
    found: list[Path] = []
    for path in sorted(base.iterdir()):
        if path.name in {MANIFEST, SLOTS} or any(fnmatchcase(path.name, pattern) for pattern in JUNK):
            continue
        if path.is_dir():
            found.extend(template_files(path))
        else:
            found.append(path)
    return found


def _rendered(part: str, answers: Answers, catalogue: Catalogue) -> str:
    values = {"name": answers.name, "package": answers.package, "template_version": catalogue.version}

    def value(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            raise CatalogueError(f"{part}: a path may use {', '.join(values)} only")
        return values[match.group(1)]

    rendered = _VARIABLE.sub(value, part)
    if "{{" in rendered or "{%" in rendered:
        raise CatalogueError(f"{part}: a path holds plain variables only")
    return rendered


def _ownership(path: str, source: Path, component: Component) -> Ownership:
    if any(fnmatchcase(path, pattern) for pattern in component.seeded):
        return Ownership.SEEDED
    if any(fnmatchcase(path, pattern) for pattern in component.shared):
        return Ownership.SHARED
    if source.suffix == SUFFIX and f"{SLOTS}/" in source.read_text("utf-8"):
        return Ownership.SHARED
    return Ownership.MANAGED
