"""One component of the template: a directory named ``{{name}}`` that holds a ``_component.yml``.

Nothing here is registered by hand: what lies in ``templates/service`` is the catalogue, and a component's
kind decides which question offers it.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "_component.yml"
SLOTS = "_slots"
DIRECTORY = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}\Z")


class CatalogueError(Exception):
    """The template itself is wrong: a defect of twelvefac, never of what the user asked for."""


@dataclass(frozen=True)
class Kind:
    """A kind of component; one that is a question is chosen by the user.

    ``question`` is the text asked, empty for what is never asked; ``default`` is the choice taken unasked
    (the first there is when the catalogue has no component of that name); ``optional`` adds ``none``;
    ``several`` takes more than one choice, written with commas between them.
    """

    name: str
    question: str = ""
    default: str = ""
    optional: bool = False
    several: bool = False


KINDS = (
    Kind("base"),
    Kind("framework", "Which web framework?", "fastapi"),
    Kind("database", "Which database?", "none", optional=True),
    Kind("ci", "Which pipeline?", "github", optional=True),
    Kind("deploy", "Where does it run?", "none", optional=True, several=True),
    Kind("shared"),  # what several choices need: there with each that requires it
    Kind("glue"),  # what two choices need together: there when all that it requires are
)
QUESTIONS = tuple(kind for kind in KINDS if kind.question)
NONE = "none"


def chosen_of(kind: Kind, choice: str) -> tuple[str, ...]:
    """Return the components that an answer names: none, one, or several where the kind takes several."""
    names = [name.strip() for name in choice.split(",")] if kind.several else [choice]
    return tuple(name for name in names if name != NONE)


@dataclass(frozen=True)
class Variable:
    """An environment variable that a component reads. ``example`` is never a real secret."""

    name: str
    example: str = ""
    description: str = ""
    secret: bool = False
    required: bool = False


@dataclass(frozen=True)
class ExpectedFinding:
    """A finding of our own audit that the template accepts, with the reason; the path is a glob."""

    rule: str
    path: str
    reason: str


@dataclass(frozen=True)
class Component:
    """What ``_component.yml`` says. ``seeded`` lists globs of rendered paths that belong to the user,
    ``shared`` of those that both the template and the user change.

    ``data`` is what host files loop over besides dependencies and environment: a container to run beside the
    service, a directory for Kustomize, a command of a release. It says what exists, never what a host writes.
    """

    name: str
    kind: str
    summary: str
    directory: str = ""
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    dev_dependencies: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    docs: str = ""
    remedies: tuple[str, ...] = ()
    expected_findings: tuple[ExpectedFinding, ...] = ()
    seeded: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[int, str] = field(default=(0, ""), repr=False)

    def context(self) -> dict[str, Any]:
        """Return what a template sees of this component: every key is there, defaults included."""
        values = asdict(self)
        for hidden in ("directory", "order", "seeded", "shared", "expected_findings", "remedies"):
            del values[hidden]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


_TEXTS = ("name", "kind", "summary", "docs")
_LISTS = ("requires", "conflicts", "dependencies", "dev_dependencies", "remedies", "seeded", "shared")


def read_component(directory: Path) -> Component:
    """Read the component that lies in ``directory``.

    Raises CatalogueError naming the file and the key when it is not a component.
    """
    import yaml

    path = directory / MANIFEST
    match = DIRECTORY.match(directory.name)
    if match is None:
        raise CatalogueError(f"{directory.name}: a component's directory is named {{{{name}}}}")
    try:
        values = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise CatalogueError(f"{path}: expected a mapping")
    component = _component(path, values, match.group(1))
    if component.kind not in {kind.name for kind in KINDS}:
        raise CatalogueError(f"{path}: unknown kind {component.kind!r}")
    return component


def _component(path: Path, values: Mapping[str, Any], name: str) -> Component:
    unknown = sorted(set(values) - {*_TEXTS, *_LISTS, "env", "expected_findings", "data"})
    if unknown:
        raise CatalogueError(f"{path}: unknown key {unknown[0]!r}")
    if values.get("name") != name:
        raise CatalogueError(f"{path}: name {values.get('name')!r} is not the directory's, {name!r}")
    fields: dict[str, Any] = {}
    for key in _TEXTS:
        fields[key] = values.get(key) or ""
        if not isinstance(fields[key], str):
            raise CatalogueError(f"{path}: {key} must be a text")
    for key in _LISTS:
        fields[key] = tuple(values.get(key) or ())
        if isinstance(values.get(key), str) or not all(isinstance(item, str) for item in fields[key]):
            raise CatalogueError(f"{path}: {key} must be a list of texts")
    try:
        env = tuple(Variable(**entry) for entry in values.get("env") or [])
        expected = tuple(ExpectedFinding(**entry) for entry in values.get("expected_findings") or [])
    except TypeError as error:
        raise CatalogueError(f"{path}: {error}") from error
    data = values.get("data") or {}
    if not isinstance(data, dict):
        raise CatalogueError(f"{path}: data must be a mapping")
    names = [kind.name for kind in KINDS]
    rank = names.index(fields["kind"]) if fields["kind"] in names else len(names)
    return Component(
        **fields,
        directory=path.parent.name,
        env=env,
        expected_findings=expected,
        data=data,
        order=(rank, name),
    )
