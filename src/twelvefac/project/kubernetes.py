"""Kubernetes manifests: workloads and their containers; other resources stay nodes for the rules that want them."""

import re
from typing import NamedTuple

from twelvefac.project.compose import Setting
from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

SNIFF = regex(r"^[ \t]{0,8}(?:- )?apiVersion[ \t]{0,4}:", re.MULTILINE)
"""A YAML file without it holds no Kubernetes resource."""

FOR_DEVELOPMENT = regex(
    r"(?:^|[/._-])(?:dev|development|debug|local|tests?|examples?|sample|ci|kind|minikube)(?:[/._-]|$)", re.IGNORECASE
)
"""Paths of manifests that are deployed to a developer's machine or a pipeline's cluster only."""

_POD = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "DeploymentConfig": ("spec", "template", "spec"),
}


class Reference(NamedTuple):
    """An environment entry that a Secret, ConfigMap or field gives."""

    name: str
    source: str
    at: Pos


class Container(NamedTuple):
    """A container of a workload; ``node`` is its mapping. ``ports`` are ``(name, number)``."""

    name: str
    at: Pos
    image: str | None
    image_at: Pos
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    command_at: Pos
    environment: tuple[Setting, ...]
    references: tuple[Reference, ...]
    ports: tuple[tuple[str, str], ...]
    init: bool
    node: Node


class Workload(NamedTuple):
    """A resource that runs pods."""

    path: str
    kind: str
    name: str
    at: Pos
    replicas: str | None
    grace: str | None
    containers: tuple[Container, ...]
    pod: Node
    document: YamlDocument

    @property
    def serves(self) -> bool:
        """Whether it runs for ever, as services do; jobs end."""
        return self.kind not in ("Job", "CronJob", "Pod")


class Resource(NamedTuple):
    """Any resource: its kind, its name and its node."""

    path: str
    kind: str
    name: str
    at: Pos
    node: Node
    document: YamlDocument


def read_resources(path: str, documents: tuple[YamlDocument, ...]) -> tuple[Resource, ...]:
    """The resources of a manifest; a ``List`` is its items."""
    found: list[Resource] = []
    for document in documents:
        roots = [document.root]
        if document.text(document.root, "kind") == "List":
            roots = list(document.elements(document.get(document.root, "items")))
        for node in roots:
            kind = document.text(node, "kind")
            if kind and document.text(node, "apiVersion"):
                name = document.text(node, "metadata", "name") or ""
                found.append(Resource(path, kind, name, _head(document, node), node, document))
    return tuple(found)


def workloads(resources: tuple[Resource, ...]) -> tuple[Workload, ...]:
    """The resources that run pods, read as such."""
    found = []
    for one in resources:
        route = _POD.get(one.kind)
        pod = one.document.get(one.node, *route) if route else None
        if pod is not None and pod.kind == "map":
            document = one.document
            containers = [
                *(
                    _container(document, node, init=False)
                    for node in document.elements(document.get(pod, "containers"))
                ),
                *(
                    _container(document, node, init=True)
                    for node in document.elements(document.get(pod, "initContainers"))
                ),
            ]
            found.append(
                Workload(
                    one.path,
                    one.kind,
                    one.name,
                    one.at,
                    document.text(one.node, "spec", "replicas"),
                    document.text(pod, "terminationGracePeriodSeconds"),
                    tuple(containers),
                    pod,
                    document,
                )
            )
    return tuple(found)


def _head(document: YamlDocument, node: Node) -> Pos:
    name = document.get(node, "metadata", "name")
    return name.at if name is not None else node.at[:2] + node.at[:2]


def _container(document: YamlDocument, node: Node, *, init: bool) -> Container:
    name = document.get(node, "name")
    image = document.get(node, "image")
    command, args = document.get(node, "command"), document.get(node, "args")
    settings: list[Setting] = []
    references: list[Reference] = []
    for entry in document.elements(document.get(node, "env")):
        key = document.text(entry, "name") or ""
        value = document.get(entry, "value")
        source = document.get(entry, "valueFrom")
        if value is not None:
            settings.append(Setting(key, str(value.data), value.at))
        elif source is not None and source.kind == "map" and source.data:
            references.append(Reference(key, str(source.data[0][0]), entry.at))
    ports = tuple(
        (document.text(port, "name") or "", document.text(port, "containerPort") or "")
        for port in document.elements(document.get(node, "ports"))
    )
    start = node.at[:2] + node.at[:2]
    return Container(
        name=str(name.data) if name else "",
        at=name.at if name else start,
        image=document.text(node, "image"),
        image_at=image.at if image else start,
        command=_words(document, command),
        args=_words(document, args),
        command_at=(command or args or node).at if (command or args) else start,
        environment=tuple(settings),
        references=tuple(references),
        ports=ports,
        init=init,
        node=node,
    )


def _words(document: YamlDocument, node: Node | None) -> tuple[str, ...] | None:
    if node is None:
        return None
    return tuple(str(item.data) for item in document.elements(node) if item.kind == "scalar")
