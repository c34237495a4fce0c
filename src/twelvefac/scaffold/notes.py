"""What a template version says of itself: ``templates/notes/<version>.yml``, one file a version.

::

    summary: Postgres, SQLite and Kubernetes          one line, shown by --versions
    changes: ["…"]                                    what is new, shown by an update that crosses the version
    manual:                                           what a person must do, only where it applies
      - {text: "set DATABASE_URL", when: {database: postgres}}
    moves: {src/{package}/old.py: src/{package}/new.py}   a help where less than half of the lines stayed
    questions: {pipeline: ci}                         a question that has a new name
    choices: {ci: {gh: github}}                       a choice that has a new name

The newest template carries the notes of all versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twelvefac.scaffold.component import CatalogueError

NOTES = "templates/notes"
_KEYS = {"summary", "changes", "manual", "moves", "questions", "choices"}


@dataclass(frozen=True)
class Manual:
    """A step for a person; it applies when every answer in ``when`` is given."""

    text: str
    when: Mapping[str, str] = field(default_factory=dict)

    def applies(self, answers: Mapping[str, str]) -> bool:
        """Return whether a service with ``answers`` needs this step."""
        return all(value in answers.get(key, "").split(",") for key, value in self.when.items())


@dataclass(frozen=True)
class Notes:
    """The notes of one version."""

    version: str
    summary: str
    changes: tuple[str, ...] = ()
    manual: tuple[Manual, ...] = ()
    moves: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_notes(root: Path, version: str) -> Notes | None:
    """Return the notes of ``version``, None when it has none.

    Raises CatalogueError naming the file when they are not what they should be.
    """
    import yaml

    path = root / NOTES / f"{version}.yml"
    if not path.is_file():
        return None
    try:
        values = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    if not isinstance(values, dict) or set(values) - _KEYS or not _is_text(values.get("summary")):
        raise CatalogueError(f"{path}: expected a summary and, if any, {', '.join(sorted(_KEYS - {'summary'}))}")
    changes, manual = values.get("changes") or [], values.get("manual") or []
    if not isinstance(changes, list) or not all(map(_is_text, changes)) or not isinstance(manual, list):
        raise CatalogueError(f"{path}: changes and manual are lists of texts")
    try:
        steps = tuple(Manual(**step) if isinstance(step, dict) else Manual(step) for step in manual)
    except TypeError as error:
        raise CatalogueError(f"{path}: manual: {error}") from error
    maps = {key: _map(path, values, key) for key in ("moves", "questions", "choices")}
    return Notes(version, values["summary"], tuple(changes), steps, **maps)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _map(path: Path, values: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key) or {}
    if not isinstance(found, dict):
        raise CatalogueError(f"{path}: {key} must be a mapping")
    return found
