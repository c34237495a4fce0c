"""The facts of one service, as rules ask for them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from twelvefac.project.compose import ComposeFile
from twelvefac.project.dependencies import Manifest
from twelvefac.project.envfile import EnvEntry
from twelvefac.project.facts import (
    Binding,
    Call,
    Class,
    EnvRead,
    FileFacts,
    Function,
    PythonFacts,
)
from twelvefac.project.kubernetes import Resource
from twelvefac.project.yaml_nodes import YamlDocument


@dataclass(frozen=True, eq=False)
class Repository:
    """The whole audited directory: the paths of all its files, and those that git tracks (None without git).

    Rules run once a service: what they ask of all paths is asked of the indexes, which are made once.
    """

    names: frozenset[str]
    tracked: frozenset[str] | None
    files: Mapping[str, FileFacts]

    @cached_property
    def by_folder(self) -> Mapping[str, tuple[str, ...]]:
        """The paths directly in a folder ("" is the audited one)."""
        return _grouped((path.rpartition("/")[0], path) for path in self.names)

    @cached_property
    def by_base(self) -> Mapping[str, tuple[str, ...]]:
        """The paths with a last part."""
        return _grouped((path.rpartition("/")[2], path) for path in self.names)


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for key, path in pairs:
        groups.setdefault(key, []).append(path)
    return {key: tuple(sorted(paths)) for key, paths in groups.items()}


class Facts:
    """What is known of a service's files; every method yields ``(path, fact)`` in the order of paths.

    Each file belongs to one service, so that what is judged by file is judged once. ``repository`` is the rest.
    """

    def __init__(self, repository: Repository, paths: tuple[str, ...]) -> None:
        self.repository = repository
        self._files = repository.files
        self._paths = paths
        self._python = tuple((path, python) for path in paths if (python := self._files[path].python) is not None)

    def python(self) -> Iterator[tuple[str, PythonFacts]]:
        """The Python files that some rule's anchors occur in."""
        return iter(self._python)

    def file(self, path: str) -> FileFacts:
        """The facts of any file of the repository; empty ones for a path that no reader read."""
        return self._files.get(path, _EMPTY)

    def calls(self, *names: str) -> Iterator[tuple[str, Call]]:
        """Calls of these resolved names."""
        wanted = frozenset(names)
        for path, python in self._python:
            for call in python.calls:
                if call.name in wanted:
                    yield path, call

    def bindings(self) -> Iterator[tuple[str, Binding]]:
        """Values given to names."""
        for path, python in self._python:
            for binding in python.bindings:
                yield path, binding

    def env_reads(self) -> Iterator[tuple[str, EnvRead]]:
        """Reads of the environment in Python."""
        for path, python in self._python:
            for read in python.env:
                yield path, read

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Functions and methods."""
        for path, python in self._python:
            for function in python.functions:
                yield path, function

    def classes(self) -> Iterator[tuple[str, Class]]:
        """Classes."""
        for path, python in self._python:
            for one in python.classes:
                yield path, one

    def compose_files(self) -> Iterator[tuple[str, ComposeFile]]:
        """Compose files that lie in this service."""
        for path in self._paths:
            compose = self._files[path].compose
            if compose is not None:
                yield path, compose

    def resources(self) -> Iterator[tuple[str, Resource]]:
        """Kubernetes resources whose files lie in this service."""
        for path in self._paths:
            for resource in self._files[path].resources:
                yield path, resource

    def pipelines(self) -> Iterator[tuple[str, YamlDocument]]:
        """Documents of CI pipelines that lie in this service."""
        for path in self._paths:
            for document in self._files[path].pipeline:
                yield path, document

    def manifests(self) -> Iterator[tuple[str, Manifest]]:
        """Requirements files, pyproject.toml and Pipfile of this service."""
        for path in self._paths:
            manifest = self._files[path].manifest
            if manifest is not None:
                yield path, manifest

    def envfiles(self) -> Iterator[tuple[str, tuple[EnvEntry, ...]]]:
        """``.env`` files and their entries."""
        for path in self._paths:
            entries = self._files[path].environment
            if entries:
                yield path, entries


_EMPTY = FileFacts()
