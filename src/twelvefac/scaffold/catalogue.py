"""The catalogue: every component that lies in the template, found by walking one directory."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
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
    chosen_of,
    read_component,
)

SUBDIRECTORY = "templates/service"
UNIVERSE = "_universe.json"  # every pin that a lock file may hold: docs/decisions/0004-locks-without-a-network.md
# the answers file of plain Copier, which wants it at the top; ours is written by scaffold.records
COPIER_ANSWERS = "{{_copier_conf.answers_file}}.jinja"
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
        """Return the chosen components (kind to choice), in stable order, with all that comes by itself.

        That is the base, what chosen components share and the glue between them. Raises UsageError when a
        choice is unknown, or when two choices exclude each other or one lacks what it requires.
        """
        chosen = {component.name for component in self.components if component.kind == "base"}
        for kind in QUESTIONS:
            choice = choices.get(kind.name, self.default(kind))
            self.check_choice(kind.name, choice)
            chosen.update(chosen_of(kind, choice))
        for component in self.components:
            if component.kind == "shared" and self.sharers(component, chosen):
                chosen.add(component.name)
        self._check_fit(chosen)
        for component in self.components:
            if component.kind == "glue" and chosen.issuperset(component.requires):
                chosen.add(component.name)
        return tuple(component for component in self.components if component.name in chosen)

    def sharers(self, shared: Component, among: Iterable[str]) -> list[str]:
        """Return those of ``among`` that require a component of the kind shared."""
        return [name for name in sorted(among) if shared.name in self.by_name[name].requires]

    def check_choice(self, kind_name: str, choice: str) -> None:
        """Raise UsageError, naming what there is, when ``choice`` is not one of the kind's."""
        kind = next(kind for kind in QUESTIONS if kind.name == kind_name)
        choices = self.choices(kind)
        for name in chosen_of(kind, choice) or [choice]:
            if name not in choices:
                raise UsageError(f"unknown {kind_name} {name!r}: choose from {', '.join(choices)}")

    def settled(self, kind: Kind, choice: str) -> str:
        """Return the one way to write an answer: of several choices each once, in the order of the catalogue."""
        self.check_choice(kind.name, choice)
        chosen = chosen_of(kind, choice)
        return ",".join(name for name in self.choices(kind) if name in chosen) or NONE

    def combinations(self) -> list[dict[str, str]]:
        """Return every answer to the questions that can be: the choices of each kind, where they fit together."""
        answers = []
        for choices in itertools.product(*(self._answers(kind) for kind in QUESTIONS)):
            answer = dict(zip([kind.name for kind in QUESTIONS], choices, strict=True))
            with contextlib.suppress(UsageError):
                self.select(answer)
                answers.append(answer)
        return answers

    def _answers(self, kind: Kind) -> Iterator[str]:
        choices = self.choices(kind)
        if not kind.several:
            yield from choices
            return
        names = [name for name in choices if name != NONE]
        for count in range(len(names) + 1):
            for some in itertools.combinations(names, count):
                yield ",".join(some) or NONE

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
        entries = sorted(entry for entry in base.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise CatalogueError(f"no template at {root}: {error}") from error
    components = []
    for directory in (entry for entry in entries if entry.name not in {UNIVERSE, COPIER_ANSWERS}):
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
