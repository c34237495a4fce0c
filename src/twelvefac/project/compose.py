"""Compose files, read as the Compose specification defines them: services with the places of what they state."""

import posixpath
import re
from typing import NamedTuple

from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

NAME = regex(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml|docker-stack[\w.-]*\.ya?ml|stack\.ya?ml")
SNIFF = regex(r"^services:[ \t]{0,8}(?:#.{0,200})?$(?:\n|.){0,4000}?^[ \t]{2,8}(?:image|build):", re.MULTILINE)
"""A YAML file of another name may be one for Compose (``production.yml``) if it looks so."""
_RELEASED = regex(r"prod|deploy|stack|swarm|release", re.IGNORECASE)
_VARIABLE = regex(r"\$(?:\{(\w{1,100})(?::?([-?+])([^}]{0,300}))?\}|(\w{1,100}))")


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


class ComposeService(NamedTuple):
    """One service of a compose file.

    ``context`` and ``dockerfile`` are paths below the audited directory, None without ``build``. ``command`` and
    ``entrypoint`` are words; a string has none of a shell's meaning in Compose and is split like one. ``at`` is the
    place of its name.
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


class ComposeFile(NamedTuple):
    """A compose file; ``released`` where its name says that it is what is deployed."""

    path: str
    services: tuple[ComposeService, ...]
    released: bool


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
    services = tuple(_service(path, document, name, at, node) for name, at, node in entries if node.kind == "map")
    return ComposeFile(path, services, _RELEASED.search(posixpath.basename(path)) is not None)


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
    )


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
