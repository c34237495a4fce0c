"""The facts of one service, as rules ask for them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from twelvefac.project.command import Launch
from twelvefac.project.compose import ComposeFile
from twelvefac.project.dependencies import Manifest, is_lock
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
from twelvefac.project.helm import Template
from twelvefac.project.ini import IniEntry, configurations
from twelvefac.project.kubernetes import Resource
from twelvefac.project.nginx import Address, Directive, addresses, upstreams
from twelvefac.project.running import runs_of_others
from twelvefac.project.services import Service
from twelvefac.project.yaml_nodes import YamlDocument
from twelvefac.source.pattern import regex


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
        return _grouped((path.rpartition("/")[0], path) for path in sorted(self.names))

    @cached_property
    def locked(self) -> tuple[frozenset[str], ...]:
        """What each compiled requirements file pins, by name."""
        manifests = (file.manifest for file in self.files.values() if file.manifest is not None)
        return tuple(frozenset(one.name for one in manifest.requirements) for manifest in manifests if manifest.locks)

    @cached_property
    def by_base(self) -> Mapping[str, tuple[str, ...]]:
        """The paths with a last part."""
        return _grouped((path.rpartition("/")[2], path) for path in sorted(self.names))

    @cached_property
    def private_keys(self) -> tuple[str, ...]:
        """The files that are called as private keys are and hold one."""
        return tuple(sorted(path for path, facts in self.configuration.items() if facts.holds_key))

    @cached_property
    def configuration(self) -> Mapping[str, FileFacts]:
        """The files that state something and are not Python: manifests, compose files, pipelines, env files."""
        return {path: facts for path, facts in self.files.items() if not path.endswith(".py") and facts != EMPTY}

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """YAML files that something fills in first: they are not judged."""
        return tuple(
            path
            for path, facts in self.configuration.items()
            if path.endswith((".yaml", ".yml")) and any(kind == "template" for kind, _, _ in facts.notices)
        )

    @cached_property
    def with_images(self) -> frozenset[str]:
        """The folders with a Dockerfile in them."""
        found = (path for path, facts in self.configuration.items() if facts.dockerfile is not None)
        return frozenset(path.rpartition("/")[0] for path in found)

    @cached_property
    def resources(self) -> Mapping[str, tuple[Resource, ...]]:
        """The Kubernetes resources by their kind."""
        return _grouped((one.kind, one) for facts in self.configuration.values() for one in facts.resources)

    @cached_property
    def autoscalers(self) -> Mapping[str, tuple[Resource, ...]]:
        """HorizontalPodAutoscalers by the name of what they scale."""
        route = ("spec", "scaleTargetRef", "name")
        scalers = self.resources.get("HorizontalPodAutoscaler", ())
        return _grouped((one.document.text(one.node, *route) or "", one) for one in scalers)

    @cached_property
    def values(self) -> tuple[tuple[str, YamlDocument], ...]:
        """Charts' values and descriptions, with their paths."""
        return tuple((path, one) for path, facts in self.configuration.items() for one in facts.values)

    @cached_property
    def is_locked(self) -> bool:
        """Whether there is a lock file somewhere."""
        manifests = (facts.manifest for facts in self.configuration.values())
        return any(map(is_lock, self.by_base)) or any(one is not None and one.locks for one in manifests)

    @cached_property
    def pinned(self) -> Mapping[str, frozenset[str]] | None:
        """The versions that lock files and compiled requirements give each distribution; None where one is not read."""
        found: dict[str, set[str]] = {}
        for path in (path for base, paths in self.by_base.items() if is_lock(base) for path in paths):
            lock = self.files[path].lock if path in self.files else None
            if lock is None or not lock.packages:
                return None
            for one in lock.packages:
                found.setdefault(one.name, set()).add(one.version)
        for facts in self.configuration.values():
            if facts.manifest is not None and facts.manifest.locks:
                for requirement in facts.manifest.requirements:
                    found.setdefault(requirement.name, set()).add(requirement.specifier.lstrip("="))
        return {name: frozenset(versions) for name, versions in found.items()}

    @cached_property
    def proxied(self) -> Mapping[str, tuple[tuple[str, Address], ...]]:
        """Where nginx sends requests, by the host: ``(path of the configuration, address)``."""
        groups = {name for facts in self.configuration.values() for name in upstreams(facts.nginx)}
        return _grouped(
            (address.host, (path, address))
            for path, facts in self.configuration.items()
            for address in addresses(facts.nginx, groups)
        )

    @cached_property
    def requirements(self) -> frozenset[str]:
        """The distributions that some manifest names."""
        manifests = (facts.manifest for facts in self.configuration.values() if facts.manifest is not None)
        return frozenset(one.name for manifest in manifests for one in manifest.requirements)

    @cached_property
    def env_files_of_development(self) -> frozenset[str]:
        """The env files that only compose files for development read: those they name, and the .env beside them."""
        read: dict[bool, set[str]] = {True: set(), False: set()}
        for path, facts in self.configuration.items():
            if facts.compose is not None:
                folder = path.rpartition("/")[0]
                names = {one for service in facts.compose.services for one in service.env_files}
                read[facts.compose.released] |= names | {f"{folder}/.env" if folder else ".env"}
        return frozenset(read[False] - read[True])

    @cached_property
    def built_images(self) -> frozenset[str]:
        """The names, without tags, that the repository's own builds give: in Compose files, scripts, Makefiles."""
        names: set[str] = set()
        for path, facts in self.configuration.items():
            if facts.compose is not None:
                built = (one.image for one in facts.compose.services if one.context is not None)
                names |= {image.partition(":")[0] for image in built if image is not None}
            for one in facts.shell.commands if facts.shell is not None else ():
                if "build" in one.words:
                    names.update(_BUILD.findall(f"{' '.join(one.words)} "))
            if path.endswith("Makefile") and facts.text is not None:
                names.update(_BUILD.findall(facts.text))
        return frozenset(names)

    @cached_property
    def importable(self) -> frozenset[str]:
        """What an import may mean besides a distribution: folders and modules, wherever they lie."""
        names = {part for folder in self.by_folder for part in folder.split("/")}
        return frozenset(names | {base.partition(".")[0] for base in self.by_base if base.endswith(_MODULES)})


T = TypeVar("T")
_BUILD = regex(r"\bbuild\b[^\n]{0,500}?\s(?:-t|--tag)[ =]\"?'?([\w./-]{1,200})")
"""A build on a line of a Makefile or a script, and the name that it gives."""
_MODULES = (".py", ".pyx", ".so", ".pyi")


def _grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, tuple[T, ...]]:
    groups: dict[str, list[T]] = {}
    for key, one in pairs:
        groups.setdefault(key, []).append(one)
    return {key: tuple(found) for key, found in groups.items()}


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
        return self._files.get(path, EMPTY)

    def seen(self, name: str) -> tuple[str, ...]:
        """The files in whose text the rule of this name saw what it looks for."""
        return tuple(path for path in self._paths if name in self._files[path].seen)

    def calls(self, *names: str) -> Iterator[tuple[str, Call]]:
        """Calls of these resolved names."""
        wanted = frozenset(names)
        for path, python in self._python:
            for call in python.calls:
                if call.name in wanted:
                    yield path, call

    def run_elsewhere(self, service: Service) -> Iterator[tuple[str, Call]]:
        """Calls ``app.run()`` of a Flask application that another module makes."""
        return runs_of_others(service, lambda path: self.file(path).python)

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

    def configurations(self, start: Launch) -> Iterator[tuple[str, tuple[IniEntry, ...]]]:
        """The INI files of this service that supervisord or uWSGI is started with."""
        files = {path: entries for path in self._paths if (entries := self._files[path].ini)}
        return configurations(start, files)

    def values(self) -> Iterator[tuple[str, YamlDocument]]:
        """Values and descriptions of Helm charts that lie in this service."""
        for path in self._paths:
            for document in self._files[path].values:
                yield path, document

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Templates of Helm charts that lie in this service."""
        for path in self._paths:
            if (template := self._files[path].template) is not None:
                yield path, template

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

    def nginx(self) -> Iterator[tuple[str, tuple[Directive, ...]]]:
        """Configurations of nginx that lie in this service."""
        for path in self._paths:
            if directives := self._files[path].nginx:
                yield path, directives

    def envfiles(self) -> Iterator[tuple[str, tuple[EnvEntry, ...]]]:
        """``.env`` files and their entries."""
        for path in self._paths:
            entries = self._files[path].environment
            if entries:
                yield path, entries


EMPTY = FileFacts()
"""The facts of a file that no reader wants, or that has nothing to say."""
