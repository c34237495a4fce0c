"""Which versions of Python and of stores files name: images, pipelines, requirements on Python."""

import re
from typing import NamedTuple

from twelvefac.project.yaml_nodes import Node, YamlDocument, scalars
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_PYTHON_IMAGE = regex(r"(?:^|/)python:v?(\d+)\.(\d+)|[:-]python-?(\d)\.(\d+)|(?:^|/)python-(\d)(\d+)(?:[:-]|$)")
_STORE_IMAGE = regex(
    r"(?:^|/)(postgres|postgis|mysql|mariadb|redis|valkey|rabbitmq|mongo|elasticsearch|opensearch):v?(\d{1,4})(?:[.\-]|$)"
)
_STORE = regex(r"(?:^|/)(postgres|postgis|mysql|mariadb|redis|valkey|rabbitmq|mongo)(?:[:@]|$)")
_SAME_STORE = {"postgis": "postgres"}
_VERSION = regex(r"(?:python-)?(\d)\.(\d{1,2})(?:\.(?:\d{1,2}|x|\*))?")
_KEYS = frozenset(
    ("python-version", "python_version", "python", "PYTHON_VERSION", "versionSpec", "pythonVersion", "py")
)
_TESTS = regex(r"\bpytest\b|\bpy\.test\b|unittest|\btox\b|\bnox\b|manage\.py test|make (?:\w+-)?test|coverage run")
_CONTAINERS = regex(r"docker[ -]compose|docker run|docker exec")
_CONSTRAINT = regex(r"(>=|<=|>|<|==|~=|!=|\^|~)?\s*(\d)(?:\.(\d{1,2}))?(?:\.(?:\d{1,2}|\*))?|\*")

Minor = tuple[int, int]
"""A version of Python as far as it decides what runs: (3, 12)."""


class Store(NamedTuple):
    """A store's image: its kind (``postgres``) and its major version."""

    kind: str
    major: int


def python_of_image(image: str) -> Minor | None:
    """The Python that an image's name promises: ``python:3.12-slim``, ``uv:python3.12-bookworm``, ``python-312``."""
    match = _PYTHON_IMAGE.search(image.partition("@")[0])
    if match is None:
        return None
    numbers = [int(group) for group in match.groups() if group is not None]
    return numbers[0], numbers[1]


def python_version(text: str) -> Minor | None:
    """``3.12.1``, ``python-3.12.1`` and ``3.12.x``; None for anything else."""
    match = _VERSION.fullmatch(text.strip())
    return (int(match.group(1)), int(match.group(2))) if match is not None else None


def store_of_image(image: str) -> Store | None:
    """``postgres:16-alpine`` -> postgres 16; None for other images and for tags that name no version."""
    match = _STORE_IMAGE.search(image.partition("@")[0])
    return Store(_SAME_STORE.get(match.group(1), match.group(1)), int(match.group(2))) if match is not None else None


def store_kind(image: str) -> str | None:
    """``postgres`` for any tag of ``postgres``; None for other images."""
    match = _STORE.search(image)
    return _SAME_STORE.get(match.group(1), match.group(1)) if match is not None else None


def allows(constraint: str, version: Minor) -> bool:
    """Whether ``>=3.9,<3.13``, ``^3.11`` or ``3.12.*`` allows a version; True where it cannot be told."""
    for part in re.split(r"[,|]+| (?=[<>=!~^])", constraint):
        match = _CONSTRAINT.fullmatch(part.strip())
        if match is None or match.group(2) is None or "|" in constraint:
            return True
        operator, major, minor = match.group(1) or "==", int(match.group(2)), match.group(3)
        given = (major, int(minor or 0))
        same = version == given if minor is not None else version[0] == major
        refused = {
            ">=": version < given,
            ">": version < given,
            "<=": version > given and not same,
            "<": version >= given,
            "==": not same,
            "~=": version < given or version[0] != major,
            "^": version < given or version[0] != major,
            "~": not same if minor is not None else version[0] != major,
        }
        if refused.get(operator, False):
            return False
    return True


class PipelineVersions(NamedTuple):
    """What a pipeline names: Pythons and store images, each with its place; what its commands do.

    ``tests`` tells whether some command runs tests, ``containers`` whether some command works in containers, so that
    the Python of the pipeline may not be the one that is tested.
    """

    pythons: tuple[tuple[Minor, Pos], ...]
    stores: tuple[tuple[Store, Pos], ...]
    tests: bool
    containers: bool


def pipeline_versions(document: YamlDocument, root: str) -> PipelineVersions:
    """The versions that a pipeline names, wherever they stand in it, but in jobs that test something outside ``root``.

    ``root`` is the directory of the service, "" for the repository's own.
    """
    pythons: list[tuple[Minor, Pos]] = []
    stores: list[tuple[Store, Pos]] = []
    tests = containers = False
    jobs = document.get(document.root, "jobs")
    elsewhere = [job for _, _, job in document.items(jobs) if _is_elsewhere(job, root)] if jobs is not None else []
    for key, node in scalars(document.root, "", elsewhere):
        text = str(node.data)
        if key in _KEYS and (version := python_version(text)) is not None:
            pythons.append((version, node.at))
        elif key in ("image", "container", "name", "services"):
            if (image := python_of_image(text)) is not None and key != "name":
                pythons.append((image, node.at))
            elif (store := store_of_image(text)) is not None:
                stores.append((store, node.at))
        else:
            tests = tests or _TESTS.search(text) is not None
            containers = containers or _CONTAINERS.search(text) is not None
    return PipelineVersions(tuple(pythons), tuple(stores), tests, containers)


def _is_elsewhere(job: Node, root: str) -> bool:
    """Whether a job's tests run in a directory that is not the service's: a library beside it, another service."""
    found = list(scalars(job, "", ()))
    folders = {str(node.data).strip("./") for key, node in found if key == "working-directory"}
    return (
        bool(folders)
        and "$" not in "".join(folders)
        and all(folder and root != folder and not root.startswith(f"{folder}/") for folder in folders)
    )
