"""Compose files, read as the Compose specification defines them: services with the places of what they state."""

import posixpath
import re
from collections.abc import Mapping
from typing import NamedTuple

from twelvefac.project.unreadable import UnreadableError
from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

NAME = regex(r"(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml|docker-stack[\w.-]*\.ya?ml|stack\.ya?ml")
SNIFF = regex(r"^services:[ \t]{0,8}(?:#.{0,200})?$(?:\n|.){0,4000}?^[ \t]{2,8}(?:image|build):", re.MULTILINE)
"""A YAML file of another name may be one for Compose (``production.yml``) if it looks so."""
_RELEASED = regex(r"prod|deploy|^(?:docker-)?stack|compose[._-]stack\b|swarm|release", re.IGNORECASE)
_OF_DEVELOPERS = frozenset("scripts script dev devel development local hack test tests ci".split())
_PROFILES_OF_DEVELOPERS = frozenset("dev devel develop development local debug test tests testing ci".split())
_PROFILES_OF_PRODUCTION = frozenset("prod production deploy deployment release swarm".split())
_WITHOUT = frozenset("no non not pre without".split())
_BETWEEN = regex(r"[._-]")
_VARIABLE = regex(r"\$(?:\{(\w{1,100})(?::?([-?+])([^}]{0,300}))?\}|(\w{1,100}))")


_MOST_SERVICES = 1_000
"""Of a file: rules look from each service at the others, and nobody writes that many."""


class Setting(NamedTuple):
    """An environment entry; ``value`` is None where the host's variable is passed on, ``default`` its ``${X:-d}``."""

    name: str
    value: str | None
    at: Pos


class Mount(NamedTuple):
    """A volume: ``source`` is a path or a volume's name, "" for an anonymous one."""

    source: str
    target: str
    at: Pos

    @property
    def is_bind(self) -> bool:
        """Whether a directory of the host is mounted."""
        return self.source.startswith((".", "/", "~", "$"))


class Port(NamedTuple):
    """A published port; ``published`` is "" where the host chooses one."""

    published: str
    target: str
    at: Pos


class Extends(NamedTuple):
    """Another service that one is made from: the path of its file, its name, and where that is said."""

    path: str
    service: str
    at: Pos


class ComposeService(NamedTuple):
    """One service of a compose file.

    ``context`` and ``dockerfile`` are paths below the audited directory, None without ``build``. ``command`` and
    ``entrypoint`` are words; a string has none of a shell's meaning in Compose and is split like one. ``at`` is the
    place of its name. ``extends`` is what it is made from, where that has not been put in yet (see ``extended``).
    """

    name: str
    at: Pos
    image: str | None
    image_at: Pos
    context: str | None
    dockerfile: str | None
    target: str | None
    command: tuple[str, ...] | None
    command_at: Pos
    entrypoint: tuple[str, ...] | None
    environment: tuple[Setting, ...]
    env_files: tuple[str, ...]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    depends: tuple[tuple[str, str], ...]
    init: bool
    healthcheck: bool
    grace: str | None
    replicas: str | None
    labels: tuple[Setting, ...] = ()
    extends: Extends | None = None
    profiles: tuple[str, ...] = ()

    @property
    def is_for_developers(self) -> bool:
        """Whether only profiles for development start it."""
        return bool(self.profiles) and _PROFILES_OF_DEVELOPERS.issuperset(one.lower() for one in self.profiles)


class ComposeFile(NamedTuple):
    """A compose file; ``released`` where its name says that it is what is deployed."""

    path: str
    services: tuple[ComposeService, ...]
    released: bool

    def releases(self, one: ComposeService) -> bool:
        """Whether one of its services is deployed: by the file's name, or by a profile of the service's (``prod``)."""
        if one.is_for_developers:
            return False
        return self.released or any(map(_is_of_production, one.profiles))

    def seen_from(self, one: ComposeService) -> "ComposeFile":
        """The file as far as one of its services goes."""
        released = self.releases(one)
        return self if released == self.released else self._replace(released=released)


def _is_of_production(profile: str) -> bool:
    """By whole words: ``web-prod``, but neither ``products`` nor ``non-prod``."""
    words = set(_BETWEEN.split(profile.lower()))
    return not words.isdisjoint(_PROFILES_OF_PRODUCTION) and words.isdisjoint(_WITHOUT)


def is_source(mount: Mount) -> bool:
    """Whether the directory of the compose file itself is mounted, or the one above: the sources."""
    return mount.is_bind and mount.source.rstrip("/") in (".", "..", "${PWD}", "$PWD")


def is_compose(name: str) -> bool:
    """Whether a file is called as Compose files are."""
    return NAME.fullmatch(name) is not None


def read_compose(path: str, document: YamlDocument) -> ComposeFile:
    """The services of a compose file at ``path``."""
    root = document.root
    found = document.get(root, "services")
    entries = list(document.items(found)) if found is not None else []
    if not entries and document.get(root, "version") is None:  # the first format had services at the top
        entries = [
            one for one in document.items(root) if document.get(one[2], "image") or document.get(one[2], "build")
        ]
    if len(entries) > _MOST_SERVICES:
        raise UnreadableError(f"more than {_MOST_SERVICES} services", entries[_MOST_SERVICES][1][0])
    services = tuple(_service(path, document, name, at, node) for name, at, node in entries if node.kind == "map")
    *folders, name = path.lower().split("/")
    released = _RELEASED.search(name) is not None and _OF_DEVELOPERS.isdisjoint(folders)
    return ComposeFile(path, services, released)


def _service(path: str, document: YamlDocument, name: str, at: Pos, node: Node) -> ComposeService:
    context, dockerfile, target = _build(path, document, node)
    command, entrypoint = document.get(node, "command"), document.get(node, "entrypoint")
    image = document.get(node, "image")
    return ComposeService(
        name=name,
        at=at,
        image=document.text(node, "image"),
        image_at=image.at if image else at,
        context=context,
        dockerfile=dockerfile,
        target=target,
        command=_words(document, command),
        command_at=command.at if command else at,
        entrypoint=_words(document, entrypoint),
        environment=tuple(_environment(document, document.get(node, "environment"))),
        env_files=tuple(_env_files(path, document, document.get(node, "env_file"))),
        ports=tuple(_port(document, one) for one in document.elements(document.get(node, "ports"))),
        mounts=tuple(_mount(document, one) for one in document.elements(document.get(node, "volumes"))),
        depends=tuple(_depends(document, document.get(node, "depends_on"))),
        init=document.text(node, "init") == "true",
        healthcheck=document.get(node, "healthcheck") is not None,
        grace=document.text(node, "stop_grace_period"),
        replicas=document.text(node, "deploy", "replicas"),
        labels=tuple(
            label
            for route in (("labels",), ("deploy", "labels"))
            for label in _environment(document, document.get(node, *route))
        ),
        extends=_extends(path, document, node),
        profiles=tuple(str(one.data) for one in document.elements(document.get(node, "profiles"))),
    )


def _extends(path: str, document: YamlDocument, node: Node) -> Extends | None:
    found = document.get(node, "extends")
    if found is None:
        return None
    if found.kind == "scalar":
        return Extends(path, str(found.data), found.at)
    file, service = document.text(found, "file"), document.text(found, "service")
    if not service:
        return None
    other = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    return Extends(other, service, found.at)


_MOST_EXTENDED = 20
"""Services that one is made from, each from the next: what is longer goes in a circle."""


Named = Mapping[str, Mapping[str, ComposeService]]
"""The services of each Compose file by their names: looking one up must not cost more the more there are."""


def by_name(files: Mapping[str, ComposeFile]) -> Named:
    """The services of the files of a repository; of two of a name the first."""
    return {path: {one.name: one for one in reversed(file.services)} for path, file in files.items()}


def extended(path: str, one: ComposeService, files: Named) -> ComposeService:
    """A compose service with what it extends put in, as Compose merges it; ``files`` are all of the repository.

    What comes from another file has the place of the ``extends`` that brings it.
    """
    chain = [(path, one)]
    while (link := chain[-1][1].extends) is not None and len(chain) < _MOST_EXTENDED:
        base = files.get(link.path, {}).get(link.service)
        if base is None:
            break
        chain.append((link.path, base))
    result = chain[-1][1]
    for index in range(len(chain) - 2, -1, -1):
        own_path, own = chain[index]
        if own.extends is not None and chain[index + 1][0] != own_path:
            result = _placed(result, own.extends.at)
        result = _merged(result, own)
    return result._replace(extends=None)


def layered(base: ComposeService, own: ComposeService) -> ComposeService:
    """A service of one file put over that of another: what comes from below has the place of its name above."""
    return _merged(_placed(base, own.at), own)


def _placed(one: ComposeService, at: Pos) -> ComposeService:
    """The service with everything at one place."""
    return one._replace(
        image_at=at,
        command_at=at,
        environment=tuple(item._replace(at=at) for item in one.environment),
        ports=tuple(item._replace(at=at) for item in one.ports),
        mounts=tuple(item._replace(at=at) for item in one.mounts),
        labels=tuple(item._replace(at=at) for item in one.labels),
    )


def _merged(base: ComposeService, own: ComposeService) -> ComposeService:
    stated = own.command is not None or own.entrypoint is not None
    mounted = {mount.target for mount in own.mounts}
    return own._replace(
        image=own.image or base.image,
        image_at=own.image_at if own.image else base.image_at,
        context=own.context if own.context is not None else base.context,
        dockerfile=own.dockerfile if own.context is not None else base.dockerfile,
        target=own.target or base.target,
        command=own.command if own.command is not None else base.command,
        command_at=own.command_at if stated else base.command_at,
        entrypoint=own.entrypoint if own.entrypoint is not None else base.entrypoint,
        environment=_named(base.environment, own.environment),
        env_files=(*base.env_files, *own.env_files),
        ports=tuple(dict.fromkeys((*base.ports, *own.ports))),
        mounts=(*(mount for mount in base.mounts if mount.target not in mounted), *own.mounts),
        depends=(*base.depends, *own.depends),
        init=own.init or base.init,
        healthcheck=own.healthcheck or base.healthcheck,
        grace=own.grace or base.grace,
        replicas=own.replicas or base.replicas,
        labels=_named(base.labels, own.labels),
        profiles=own.profiles or base.profiles,
    )


def _named(base: tuple[Setting, ...], own: tuple[Setting, ...]) -> tuple[Setting, ...]:
    names = {setting.name for setting in own}
    return (*(setting for setting in base if setting.name not in names), *own)


def interpolated(text: str) -> str:
    """``text`` with ``${X:-default}`` put in; a variable without default stays as it is written."""
    return _VARIABLE.sub(lambda match: match.group(3) if match.group(2) == "-" else match.group(), text)


def _build(path: str, document: YamlDocument, node: Node) -> tuple[str | None, str | None, str | None]:
    build = document.get(node, "build")
    if build is None:
        return None, None, None
    if build.kind == "scalar":
        context, dockerfile, target = str(build.data), None, None
    else:
        context = document.text(build, "context") or "."
        dockerfile, target = document.text(build, "dockerfile"), document.text(build, "target")
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), interpolated(context)))
    folder = "" if folder == "." else folder
    name = posixpath.normpath(posixpath.join(folder, interpolated(dockerfile or "Dockerfile")))
    return folder, name, target


def _words(document: YamlDocument, node: Node | None) -> tuple[str, ...] | None:
    import shlex

    if node is None:
        return None
    if node.kind == "list":
        return tuple(str(item.data) for item in document.elements(node) if item.kind == "scalar")
    if node.kind != "scalar":
        return None
    try:
        return tuple(shlex.split(str(node.data)))
    except ValueError:
        return None


def _environment(document: YamlDocument, node: Node | None) -> list[Setting]:
    if node is None:
        return []
    if node.kind == "list":
        settings = []
        for item in document.elements(node):
            name, equals, value = str(item.data).partition("=")
            settings.append(Setting(name.strip(), value if equals else None, item.at))
        return settings
    return [
        Setting(
            key,
            None if value.plain and value.data == "" else str(value.data),
            at if value.kind != "scalar" else value.at,
        )
        for key, at, value in document.items(node)
    ]


def _env_files(path: str, document: YamlDocument, node: Node | None) -> list[str]:
    if node is None:
        return []
    nodes = (node,) if node.kind == "scalar" else document.elements(node)
    names = [str(one.data) if one.kind == "scalar" else document.text(one, "path") or "" for one in nodes]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in names if name]


def _port(document: YamlDocument, node: Node) -> Port:
    if node.kind == "map":
        return Port(document.text(node, "published") or "", document.text(node, "target") or "", node.at)
    head, _, target = interpolated(str(node.data)).rpartition(":")
    return Port(head.rpartition(":")[2], target.partition("/")[0], node.at)


def _mount(document: YamlDocument, node: Node) -> Mount:
    if node.kind == "map":
        return Mount(document.text(node, "source") or "", document.text(node, "target") or "", node.at)
    parts = interpolated(str(node.data)).split(":")
    if len(parts) == 1:
        return Mount("", parts[0], node.at)
    return Mount(parts[0], parts[1], node.at)


def _depends(document: YamlDocument, node: Node | None) -> list[tuple[str, str]]:
    if node is None:
        return []
    if node.kind == "list":
        return [(str(item.data), "service_started") for item in document.elements(node)]
    return [(key, document.text(value, "condition") or "") for key, _, value in document.items(node)]
