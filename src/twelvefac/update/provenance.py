"""What a repository says about its own making: the answers file and the manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from twelvefac.errors import MachineError, RefusedError
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE, Layer, Plan
from twelvefac.scaffold.records import OVERLAY_ANSWERS, OVERLAY_SOURCE, OVERLAY_VERSION, TEMPLATE_URL
from twelvefac.scaffold.staging import shown
from twelvefac.update.answers import check_answers, line_of, line_of_second, no_yaml
from twelvefac.update.repository import check_folder

_KEYS = {"version", "template", "overlay", "tool", "adopted", "files"}
_PART_KEYS = {"source", "version"}
_FILE_KEYS = {"ownership", "sha256", "origin"}
_MARK = "\ufeff"  # of byte order, which some editors of Windows put before a text
_LARGEST = 4 * 1024 * 1024  # bytes of a manifest; one of ours has a few dozen kB


@dataclass(frozen=True)
class Recorded:
    """What the manifest says of a file: whose it is, and the SHA-256 of what the template gave."""

    ownership: str
    sha256: str
    origin: str = ""  # "overlay" for a file of the overlay's


@dataclass(frozen=True)
class Provenance:
    """Where a service comes from: template version, answers, and the files as they were rendered.

    ``text`` is the answers file itself; ``own`` are keys in the manifest that are not ours, by file, those of the
    whole, and in it those of its parts, under an empty path.
    ``adopted``: it was not rendered from the template but taken over, and only some files are alike.
    """

    version: str
    answers: Mapping[str, str]
    files: Mapping[str, Recorded]
    adopted: bool = False
    overlay: Layer | None = None
    folder: Path = Path()
    text: str = ""
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the service's name."""
        return self.answers["name"]


def read_provenance(folder: Path) -> Provenance:
    """Return what the service in ``folder`` records.

    Raises RefusedError when it records nothing, or was made by another template, or the records are damaged.
    """
    check_folder(folder)
    text = _read(folder / ANSWERS_FILE)
    if text is None:
        above = next((parent for parent in folder.absolute().parents if (parent / ANSWERS_FILE).is_file()), None)
        raise RefusedError(
            f"{shown(folder)} has no {ANSWERS_FILE}: it was not made by twelvefac",
            hint=f"the service is {shown(above)}: name that folder, or go there"
            if above
            else "name the service's folder, or take the service over with `twelvefac adopt`",
        )
    values = _yaml(text)
    check_answers(text, ("name", "description", *(kind.name for kind in QUESTIONS)))
    source = values.pop("_src_path", "")
    if source != TEMPLATE_URL:
        raise RefusedError(
            f"{ANSWERS_FILE}:{line_of(text, '_src_path')}: another template, {shown(Path(str(source) or 'none'))}",
            hint="`twelvefac adopt` takes the service over",
        )
    version = str(values.pop("_commit", ""))
    overlay = _overlay(values)
    answers = {
        str(key): value.strip()  # a block of text ends with a line feed
        for key, value in values.items()
        if not str(key).startswith("_") and isinstance(value, str)
    }
    if not version or not answers.get("name"):
        raise RefusedError(f"{ANSWERS_FILE} is damaged: it lacks the version or the name", hint="take it from git")
    return replace(_with_manifest(folder, version, answers), overlay=overlay, folder=folder.absolute(), text=text)


def check_no_link(folder: Path, *records: str) -> None:
    """Raise RefusedError when one of our ``records``, which are about to be written, is a link to somewhere else."""
    for name in records:
        if (folder / name).is_symlink():
            raise RefusedError(
                f"{name} is a symbolic link, and twelvefac would put a file in its place",
                hint="put the file that it leads to there yourself, and commit that",
            )


def _overlay(values: dict[Any, Any]) -> Layer | None:
    source, version = values.get(OVERLAY_SOURCE), values.get(OVERLAY_VERSION)
    if source is None and version is None:
        return None
    if not source or not version or not isinstance(source, str) or source.startswith("-"):
        raise RefusedError(
            f"{ANSWERS_FILE} is damaged: it lacks the overlay's source or version", hint="take it from git"
        )
    answers = values.get(OVERLAY_ANSWERS, {})
    if not isinstance(answers, dict) or not all(isinstance(one, str) for pair in answers.items() for one in pair):
        raise RefusedError(f"{ANSWERS_FILE} is damaged: {OVERLAY_ANSWERS} must hold texts", hint="take it from git")
    return Layer(source, str(version), answers)


def _with_manifest(folder: Path, version: str, answers: dict[str, str]) -> Provenance:
    text = _read(folder / MANIFEST_FILE)
    if text is None:
        return Provenance(version, answers, {})
    try:
        manifest: Any = json.loads(text.removeprefix(_MARK), object_pairs_hook=_only_once)
        files = {
            path: Recorded(str(entry["ownership"]), str(entry["sha256"]), str(entry.get("origin", "")))
            for path, entry in manifest["files"].items()
        }
        own = {path: _own(entry, _FILE_KEYS) for path, entry in manifest["files"].items()}
        own[""] = _own(manifest, _KEYS)
        for part in ("template", "overlay"):
            own[""] |= {part: found} if (found := _own(manifest.get(part, {}), _PART_KEYS)) else {}
        recorded = manifest["template"]["version"]
        adopted = manifest.get("adopted", False) is True
        readable = manifest["version"] in {1, 2}
    except _TwiceError as error:
        where = f"{MANIFEST_FILE}:{line_of_second(text, error.key)}"
        raise RefusedError(f"{where}: {error.key!r} is there twice", hint="keep one of the two") from error
    except json.JSONDecodeError as error:
        raise RefusedError(f"{MANIFEST_FILE}:{error.lineno}: no JSON: {error.msg}", hint="take it from git") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RefusedError(f"{MANIFEST_FILE} is damaged", hint="take it from git") from error
    if not readable:
        raise RefusedError(f"{MANIFEST_FILE} was written by a newer twelvefac", hint="upgrade twelvefac")
    if recorded != version:
        raise RefusedError(
            f"{ANSWERS_FILE} says template {version} and {MANIFEST_FILE} says {recorded}: one of them was edited",
            hint=f"take both from git; after an update by Copier or Renovate: git rm {MANIFEST_FILE}",
        )
    return Provenance(version, answers, files, adopted, own=own)


class _TwiceError(ValueError):
    """An object has the key twice, of which a reader of JSON would keep the last one in silence."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return values


def _own(values: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in known}


def noted_at_gone(provenance: Provenance, plan: Plan) -> tuple[str, ...]:
    """Return what to say of owners' keys in the manifest at files that the template no longer has."""
    there = {"", *(file.path for file in plan.files)}
    return tuple(
        f"{MANIFEST_FILE}: {', '.join(keys)} of {path} goes with that file, which the template no longer has: "
        "git and `twelvefac undo` have it"
        for path, keys in provenance.own.items()
        if keys and path not in there
    )


def _yaml(text: str) -> dict[Any, Any]:
    import yaml

    try:
        values = yaml.load(text, yaml.CSafeLoader) if text.count("[") + text.count("{") < 1000 else None
    except yaml.YAMLError as error:
        raise no_yaml(error) from error
    if not isinstance(values, dict):
        raise RefusedError(f"{ANSWERS_FILE} is damaged: expected one 'question: answer' a line")
    return values


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise MachineError(f"cannot read {shown(path)}: {error.strerror or error}") from error
    try:
        if len(data) > _LARGEST:
            raise RefusedError(f"{path.name} is too large to be ours")
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path.name} is not UTF-8", hint="take it from git") from error
