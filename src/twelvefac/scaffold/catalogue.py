"""The catalogue: every component that lies in the template, found by walking one directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from twelvefac.errors import UsageError
from twelvefac.scaffold.component import (
    DIRECTORY,
    KINDS,
    MANIFEST,
    NONE,
    QUESTIONS,
    CatalogueError,
    Component,
    Kind,
    read_component,
)

SUBDIRECTORY = "templates/service"
# names that a template sees besides the components
_TAKEN = {
    "name",
    "package",
    "description",
    "template_version",
    "components",
    *(kind.name for kind in QUESTIONS),
}


@dataclass(frozen=True)
class Catalogue:
    """A template on disk: ``root`` holds copier.yml and templates/; components are in their stable order."""

    root: Path
    version: str
    components: tuple[Component, ...]

    @cached_property
    def by_name(self) -> dict[str, Component]:
        """Return the components by name."""
        return {component.name: component for component in self.components}

    def choices(self, kind: Kind) -> tuple[str, ...]:
        """Return what can be answered to a kind's question, in the order in which it is shown."""
        names = tuple(component.name for component in self.components if component.kind == kind.name)
        return (NONE, *names) if kind.optional else names

    def default(self, kind: Kind) -> str:
        """Return the choice that is taken when nothing is said."""
        choices = self.choices(kind)
        return kind.default if kind.default in choices else choices[0]

    def select(self, choices: Mapping[str, str]) -> tuple[Component, ...]:
        """Return the chosen components (kind to choice), base and fitting glue included, in stable order.

        Raises UsageError when a choice is unknown, or when two choices exclude each other or one lacks
        what it requires.
        """
        chosen = {component.name for component in self.components if component.kind == "base"}
        for kind in QUESTIONS:
            self.check_choice(kind.name, choices[kind.name])
            if choices[kind.name] != NONE:
                chosen.add(choices[kind.name])
        self._check_fit(chosen)
        for component in self.components:
            if component.kind == "glue" and chosen.issuperset(component.requires):
                chosen.add(component.name)
        return tuple(component for component in self.components if component.name in chosen)

    def check_choice(self, kind_name: str, choice: str) -> None:
        """Raise UsageError, naming what there is, when ``choice`` is not one of the kind's."""
        choices = self.choices(next(kind for kind in QUESTIONS if kind.name == kind_name))
        if choice not in choices:
            raise UsageError(f"unknown {kind_name} {choice!r}: choose from {', '.join(choices)}")

    def _check_fit(self, chosen: set[str]) -> None:
        for name in sorted(chosen):
            for other in self.by_name[name].requires:
                if other not in chosen:
                    raise UsageError(f"{name} requires {other}, which was not chosen")
            for other in self.by_name[name].conflicts:
                if other in chosen:
                    raise UsageError(f"{name} and {other} exclude each other: choose one of them")


def data_root() -> Path:
    """Return where copier.yml and templates/ lie: inside the installed package, or the checkout's root."""
    import twelvefac

    package = Path(twelvefac.__file__).resolve().parent
    data = package / "_data"
    return data if data.is_dir() else package.parents[1]


def load_catalogue(root: Path) -> Catalogue:
    """Read the template at ``root``.

    Raises CatalogueError when the template breaks its own rules.
    """
    base = root / SUBDIRECTORY
    try:
        version = (root / "templates/VERSION").read_text("utf-8").strip()
        directories = sorted(entry for entry in base.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise CatalogueError(f"no template at {root}: {error}") from error
    components = []
    for directory in directories:
        if not directory.is_dir() or DIRECTORY.match(directory.name) is None:
            raise CatalogueError(f"{directory.name}: only component directories lie in {SUBDIRECTORY}")
        if not (directory / MANIFEST).is_file():
            raise CatalogueError(f"{directory.name}: a component needs a {MANIFEST}")
        components.append(read_component(directory))
    components.sort(key=lambda component: component.order)
    catalogue = Catalogue(root, version, tuple(components))
    _check(catalogue)
    return catalogue


def _check(catalogue: Catalogue) -> None:
    for component in catalogue.components:
        if component.name in _TAKEN or component.name == NONE:
            raise CatalogueError(f"{component.name}: the name is taken by a variable of every template")
        for other in (*component.requires, *component.conflicts):
            if other not in catalogue.by_name:
                raise CatalogueError(f"{component.name} speaks of {other}, which does not exist")
    for kind in KINDS:
        if kind.question and not catalogue.choices(kind):
            raise CatalogueError(f"no component of kind {kind.name}")
    if [component.name for component in catalogue.components if component.kind == "base"] != ["base"]:
        raise CatalogueError("exactly one component is of kind base, and it is named base")
