"""Which processes a service has: its images' commands, and what manifests and Procfiles put over them."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from twelvefac.errors import origin
from twelvefac.project.command import base_name
from twelvefac.project.compose import ComposeFile, ComposeService, by_name, is_source
from twelvefac.project.developers import is_left_out, released_together
from twelvefac.project.dockerfile import expand
from twelvefac.project.facts import FileFacts
from twelvefac.project.folders import OF_DEVELOPERS
from twelvefac.project.images import NOT_RELEASED, STORES, Image
from twelvefac.project.kubernetes import Container, Workload, workloads
from twelvefac.project.overrides import find_bases, is_override, with_bases
from twelvefac.project.processes import SCRIPT, Process, shell_of
from twelvefac.project.scripts import started_scripts
from twelvefac.project.shell import ShellFacts
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

if TYPE_CHECKING:
    from twelvefac.project.services import Service

_ON_A_MACHINE = regex(r"docker[- ]compose|localhost|127\.0\.0\.1|\brunserver\b|npm (?:run )?(?:dev|start)|--reload")
"""In a line of a Procfile: it starts what a developer needs."""
_SERVERS_OWN = frozenset(
    "gunicorn.conf.py gunicorn_conf.py gunicorn_config.py gunicorn.conf uwsgi.ini uwsgi.yaml uwsgi.yml".split()
)
"""Configurations of servers for production."""


def find_processes(
    services: "tuple[Service, ...]", files: Mapping[str, FileFacts]
) -> "tuple[tuple[Service, ...], list[tuple[str, str]]]":
    """The services with their processes, compose services and containers filled in; ``(path, error)`` of failures."""
    owners = _Owners(services)
    composed: dict[str, list[tuple[ComposeFile, ComposeService]]] = {}
    pods: dict[str, list[tuple[Workload, Container]]] = {}
    compose_files = {path: facts.compose for path, facts in files.items() if facts.compose is not None}
    failures: list[tuple[str, str]] = []
    named = by_name(compose_files)
    bases = find_bases(files, named)
    for path, file in compose_files.items():
        for stated in file.services:
            try:
                one = with_bases(path, stated, named, bases)
                owner = owners.of_compose(one)
            except Exception as error:  # noqa: BLE001 - a mistake in one file must not cost the others
                failures.append((path, origin(error)))
                continue
            if owner is not None:
                owners.note_built(one, owner)
                if not one.is_for_developers:
                    composed.setdefault(owner, []).append((file.seen_from(one), one))
    for path, facts in files.items():
        try:
            found = workloads(facts.resources)
        except Exception as error:  # noqa: BLE001 - nor one in a manifest
            failures.append((path, origin(error)))
            continue
        for workload in found:
            if not OF_DEVELOPERS.isdisjoint(path.split("/")):
                continue
            for container in workload.containers:
                for root in owners.of_container(workload.path, container):
                    pods.setdefault(root, []).append((workload, container))
    filled = []
    # where anything is said of how the repository is deployed, nothing is guessed
    silent = not (compose_files or pods or any(one.images for one in services))
    together = released_together(composed)
    for found_service in services:
        # what others are copied from, or what was
        is_aside = is_left_out(found_service, files, together, composed, pods)
        service = replace(found_service, aside=True) if is_aside else found_service
        own = tuple(composed.get(service.root, ())), tuple(pods.get(service.root, ()))
        try:
            filled.append(_filled(service, files, *own, silent=silent))
        except Exception as error:  # noqa: BLE001 - nor one in a service
            failures.append((service.root or ".", origin(error)))
    return tuple(filled), failures


class _Owners:
    """Which service, by its root, a compose service builds and a container runs; looked up, for there may be many."""

    def __init__(self, services: "tuple[Service, ...]") -> None:
        self._by_dockerfile = {image.path: one.root for one in reversed(services) for image in one.images}
        self._with_python = frozenset(one.root for one in services if one.python)
        real = [one.root for one in services if one.images or one.python]
        self._only = real[0] if len(real) == 1 else None
        self._by_name: dict[str, list[str]] = {}
        for one in services:
            self._by_name.setdefault(_name(one.name), []).append(one.root)
        self._built: dict[str, set[str]] = {}

    def note_built(self, one: ComposeService, root: str) -> None:
        """Keep the name that a compose file gives to the image it builds."""
        if one.image:
            self._built.setdefault(_image_name(one.image), set()).add(root)

    def of_compose(self, one: ComposeService) -> str | None:
        """The service that is built: by its Dockerfile or, where nobody has that, by its directory."""
        if one.context is None:
            return None
        owner = self._by_dockerfile.get(one.dockerfile or "")
        return owner if owner is not None else one.context if one.context in self._with_python else None

    def of_container(self, path: str, container: Container) -> list[str]:
        """The services whose image a manifest runs: by the image's name, or the only one there is.

        Of several with that name it is the one that lies with the manifest; where none does, none is known.
        """
        image = (container.image or "").partition("@")[0]
        name = _image_name(image)
        # prometheus-adapter of one's own registry is the service of that name, prometheus itself a store
        own = "/" in image and "-" in name and (name in self._by_name or name in self._built)
        if not name or (STORES.search(image) and not own):
            return []
        top = path.partition("/")[0]
        built = self._built.get(name, set())
        built = {root for root in built if root.partition("/")[0] == top} or built
        if len(built) == 1:
            return list(built)
        parts = name.split("-")
        if parts[-1] in _OF_STORES:
            return []
        heads = ("-".join(parts[:end]) for end in range(1, len(parts)))
        named = {name, *("-".join(parts[start:]) for start in range(1, len(parts)))}
        named.update(head for head in heads if len(head) > _SHORTEST_HEAD)
        found = {root for one in named for root in self._by_name.get(one, ())}
        if len(found) > 1:
            near = {root for root in found if root.partition("/")[0] == top}
            found = near if near or len({_name(posixpath.basename(root)) for root in found}) < len(found) else found
        return sorted(found) or ([] if self._only is None else [self._only])


_OF_STORES = frozenset("db database postgres mysql mongo redis cache nginx proxy".split())
"""Last words of the names of images that are not the service itself: ``shop-db``."""
_SHORTEST_HEAD = 3
"""Of an image's name: ``web-api`` is not run by a service that is called ``web``."""


def _image_name(image: str) -> str:
    return _name(re.sub(r":[\w.${}-]{1,128}$", "", image.partition("@")[0]).rpartition("/")[2])


def _name(name: str) -> str:
    return name.lower().replace("_", "-")


def _filled(
    service: "Service",
    files: Mapping[str, FileFacts],
    own_composed: tuple[tuple[ComposeFile, ComposeService], ...],
    own_pods: tuple[tuple[Workload, Container], ...],
    *,
    silent: bool,
) -> "Service":
    own_pods = tuple(pair for pair in own_pods if not service.is_shown(pair[0].path))
    starter = _Starter(service, files)
    processes = [
        *starter.from_images(),
        *(process for pair in own_composed if (process := starter.from_compose(*pair)) is not None),
        *(process for pair in own_pods if (process := starter.from_kubernetes(*pair)) is not None),
        *starter.from_procfiles(),
    ]
    if silent and not processes:
        processes = starter.from_scripts()
    known = replace(service, processes=tuple(processes), composed=own_composed, deployed=own_pods)
    still = {image.path for image in known.released_images} - _given_commands(own_composed, own_pods)
    if any(one.source == "procfile" and posixpath.basename(one.span.path).startswith("manifest") for one in processes):
        still = set()  # Cloud Foundry is told what to start, and makes images of its own
    processes = [
        replace(one, released=False) if one.source == "dockerfile" and one.span.path not in still else one
        for one in processes
    ]
    if not any(process.released for process in processes):
        # where the sources are mounted over the image, a developer changes them while it runs
        empty = {image.path for image in service.images if image.takes_nothing}
        mounted = {
            (file.path, item.name)
            for file, item in own_composed
            if any(is_source(one) or (item.dockerfile in empty and one.is_bind) for one in item.mounts)
        }
        # a compose file is what ships where the image has no command and nothing else gives one
        processes = [
            replace(
                one,
                released=one.source == "compose"
                and not service.aside
                and not NOT_RELEASED.search(one.span.path.lower())
                and not is_override(one.span.path)
                and (one.span.path, one.name) not in mounted,
            )
            for one in processes
        ]
    return replace(
        service,
        processes=tuple(processes),
        composed=own_composed,
        deployed=own_pods,
        undecided=_undecided(service, tuple(processes)),
    )


def _given_commands(
    composed: tuple[tuple[ComposeFile, ComposeService], ...], pods: tuple[tuple[Workload, Container], ...]
) -> set[str]:
    """The Dockerfiles whose own command nothing that is deployed runs: wherever they are, they are given another."""
    uses: dict[str, list[bool]] = {}
    for file, one in composed:
        if file.released and one.dockerfile is not None:
            uses.setdefault(one.dockerfile, []).append(one.command is not None or one.entrypoint is not None)
    if any(one.command is None and one.args is None for _, one in pods):
        return set()
    return {path for path, given in uses.items() if all(given)}


def _undecided(service: "Service", processes: tuple[Process, ...]) -> tuple[str, ...]:
    reasons = []
    if not any(process.released for process in processes) and (service.python or service.images):
        if not service.images:
            reasons.append("no Dockerfile, manifest or Procfile: what the released process runs is not known")
        for image in service.images:
            if image.command is None:
                reasons.append(f"{image.path}: no CMD or ENTRYPOINT: the command is given elsewhere")
    for process in processes:
        if process.released and process.steps is None:
            reasons.append(
                f"{process.span.path}:{process.span.line}: the command is a shell program that is not followed"
            )
    for process in processes:
        if process.released and process.argv and base_name(process.argv[0]) in ("init", "s6-svscan"):
            reasons.append(f"{process.span.path}:{process.span.line}: what s6 supervises is not followed")
    return tuple(reasons)


class _Starter:
    """Makes the processes of one service."""

    def __init__(self, service: "Service", files: Mapping[str, FileFacts]) -> None:
        self._service = service
        self._files = files
        self._released = {image.path for image in service.released_images}

    def from_images(self) -> list[Process]:
        found = []
        for image in self._service.images:
            if image.command is not None and not image.is_of_others:
                found.append(
                    self._process(
                        "image",
                        "dockerfile",
                        image.command.span,
                        image.command.argv,
                        image,
                        image.path in self._released,
                    )
                )
        return found

    def from_compose(self, file: ComposeFile, one: ComposeService) -> Process | None:
        image = self._image(one.dockerfile)
        if (one.command is None and one.entrypoint is None) or (image is not None and image.is_of_others):
            return None
        entrypoint = image.entrypoint if image is not None and one.entrypoint is None else (one.entrypoint or ())
        argv = (*entrypoint, *(one.command or ()))
        span = Span.of(file.path, one.command_at)
        environment = {setting.name: setting.value for setting in one.environment}
        return self._process(
            one.name, "compose", span, argv, image, file.released, environment=environment, init=one.init
        )

    def from_kubernetes(self, workload: Workload, one: Container) -> Process | None:
        if one.init or (one.command is None and one.args is None):
            return None
        image = self._service.released_images[0] if self._service.released_images else None
        entrypoint = image.entrypoint if image is not None and one.command is None else (one.command or ())
        argv = (*entrypoint, *(one.args or ()))
        environment: dict[str, str | None] = {setting.name: setting.value for setting in one.environment}
        environment |= {reference.name: None for reference in one.references}
        span = Span.of(workload.path, one.command_at)
        return self._process(one.name, "kubernetes", span, argv, image, workload.serves, environment=environment)

    def from_procfiles(self) -> list[Process]:
        found = []
        for path in self._service.files:
            facts = self._files[path]
            # beside an image it is read on a developer's machine, where it starts what only that needs
            local = bool(self._released) and any(_ON_A_MACHINE.search(entry.command) for entry in facts.procfile)
            for entry in facts.procfile:
                if entry.name == "release":  # runs once before a release, it serves nothing
                    continue
                argv = ("bash", "-c", entry.command)  # Heroku's dynos start a line with bash
                span = Span.of(path, entry.at)
                environment: dict[str, str | None] = {"PORT": None}  # the platform that reads a Procfile sets it
                found.append(
                    self._process(entry.name, "procfile", span, argv, None, released=not local, environment=environment)
                )
        return found

    def from_scripts(self) -> list[Process]:
        """A process for each script that starts a server, where no file says what does."""
        found: list[Process] = []
        if not _SERVERS_OWN.isdisjoint(posixpath.basename(path) for path in self._service.files):
            return found  # a server for production starts it, and loads it without its main guard
        for path in started_scripts(self._service.root, self._service.python, self._service.modules.read):
            span = Span.of(path, (1, 1, 1, 1))
            inside = path[len(self._service.root) + 1 :] if self._service.root else path
            found.append(self._process(posixpath.basename(path), SCRIPT, span, ("python", inside), None, released=True))
        return found

    def _image(self, dockerfile: str | None) -> Image | None:
        return next((image for image in self._service.images if image.path == dockerfile), None)

    def _process(
        self,
        name: str,
        source: str,
        span: Span,
        argv: tuple[str, ...],
        image: Image | None,
        released: bool,
        *,
        environment: dict[str, str | None] | None = None,
        init: bool = False,
    ) -> Process:
        own = self._of_flask if any("flask" in word for word in argv) else {}
        return Process(
            name=name,
            source=source,
            released=released,
            span=span,
            argv=argv,
            shell=shell_of(image.base) if image is not None else "dash",
            environment={**own, **(image.environment if image is not None else {}), **(environment or {})},
            init=init,
            scripts=partial(self._script, image),
            workdir=image.workdir if image is not None else "/",
        )

    @cached_property
    def _of_flask(self) -> dict[str, str | None]:
        """What a ``.flaskenv`` sets, which ``flask`` reads for what the environment leaves open."""
        paths = [path for path in self._service.files if posixpath.basename(path) == ".flaskenv"]
        return {one.name: one.value for path in paths for one in self._files[path].environment}

    def _copied(self, own: Image | None, word: str) -> str:
        """The file that an image has under another name: ``COPY docker/entry.sh /app/run.sh``; "" if it is none.

        The process's own image is asked first, for another may have another file there.
        """
        for image in self._service.images if own is None else (own, *self._service.images):
            for one in image.instructions:
                words = one.args if one.form == "exec" else tuple(one.text.split())
                if (
                    one.keyword not in ("COPY", "ADD")
                    or len(words) != 2
                    or any(name == "from" for name, _ in one.flags)
                ):
                    continue
                target = expand(words[1], image.environment)
                if target is not None and posixpath.normpath(posixpath.join(image.workdir, target)) == word:
                    source = posixpath.normpath(words[0].lstrip("/"))
                    folders = (self._service.root, posixpath.dirname(image.path))
                    found = [path for folder in folders if (path := posixpath.join(folder, source)) in self._files]
                    return found[0] if found else ""
        return ""

    def _script(self, image: Image | None, word: str) -> tuple[str, ShellFacts] | None:
        """The service's shell script that a command names: by its path, or by its name if only one has it."""
        if "$" in word and image is not None:
            word = expand(word, image.environment) or word
        if "$" in word or not word:
            return None
        wanted = word.lstrip("/").removeprefix("./")
        own = [path for path in self._service.files if self._files[path].shell is not None]
        copied = self._copied(image, word)
        if copied in own and (shell := self._files[copied].shell) is not None:
            return copied, shell
        prefix = f"{self._service.root}/" if self._service.root else ""
        exact = [path for path in own if path == prefix + wanted]
        while not exact and "/" in wanted:
            exact = [path for path in own if path == prefix + wanted or path.endswith(f"/{wanted}")]
            wanted = wanted.partition("/")[2]
        if not exact:
            exact = [path for path in own if path.rpartition("/")[2] == wanted]
        if len(exact) != 1:
            return None
        shell = self._files[exact[0]].shell
        assert shell is not None
        return exact[0], shell
