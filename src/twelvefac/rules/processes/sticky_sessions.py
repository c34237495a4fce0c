"""The load balancer sends a user to the same replica every time.

## Why

Sticky sessions hide that state lies in a process. When the replica goes away, on a deploy, a crash or a scale-down, its
users lose what was kept there; and load is spread by who came first, not by who has room.

## What it does not flag

- `sessionAffinity: None`, and a store's own Service.
- Manifests for development.
- A gateway for websockets is reported as low: its connection must stay where it is, but needs no affinity once open.

## How to fix

Keep sessions in a backing service (Redis, the database) or in a signed cookie, and take the affinity out.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project import helm
from twelvefac.project.compose import ComposeFile, ComposeService
from twelvefac.project.images import STORES
from twelvefac.project.kubernetes import Resource
from twelvefac.project.nginx import Directive
from twelvefac.project.services import Service
from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_DEVELOPMENT = regex(r"(?:^|[/._-])(?:dev\w*|local\w*|test\w*|debug|override|ci)(?:[/._-]|$)", re.IGNORECASE)
_SOCKETS = regex(r"(?:^|[-_.])(?:ws|wss|websockets?|sockets?|socketio|realtime)(?:$|[-_.])", re.IGNORECASE)
_ANNOTATIONS = {
    "nginx.ingress.kubernetes.io/affinity": regex("cookie"),
    "ingress.kubernetes.io/affinity": regex("cookie"),
    "haproxy.org/cookie-persistence": regex(r".+"),
    "haproxy-ingress.github.io/affinity": regex("cookie"),
    "traefik.ingress.kubernetes.io/service.sticky.cookie": regex("true"),
    "traefik.ingress.kubernetes.io/affinity": regex("true"),
    "alb.ingress.kubernetes.io/target-group-attributes": regex(r".*stickiness\.enabled=true.*"),
    "projectcontour.io/load-balancer-strategy": regex("Cookie"),
}
_LABEL = regex(r"traefik\.http\.services\.([\w.-]{1,100})\.loadbalancer\.sticky(?:\.cookie)?", re.IGNORECASE)
_KUBERNETES = frozenset(("Service", "Ingress"))

rule = Rule(
    __name__,
    factor=Factor.PROCESSES,
    summary="the load balancer sends a user to the same replica every time",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "a Service, an Ingress and Traefik",
            source="""
                -- app.py --
                -- k8s.yaml --
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec:
                  sessionAffinity: ClientIP  # <- sticky-sessions
                ---
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata:
                  name: web
                  annotations:
                    nginx.ingress.kubernetes.io/affinity: cookie  # <- sticky-sessions
                -- Dockerfile --
                FROM python:3.12-slim
                -- compose.yaml --
                services:
                  web:
                    build: .
                    labels:
                      - traefik.http.services.web.loadbalancer.sticky.cookie=true  # <- sticky-sessions
            """,
        ),
        Example(
            "an Istio rule",
            source="""
                -- app.py --
                -- istio.yaml --
                apiVersion: networking.istio.io/v1
                kind: DestinationRule
                metadata: {name: web}
                spec:
                  host: web
                  trafficPolicy:
                    loadBalancer:
                      consistentHash:
                        httpCookie: {name: user, ttl: 0s}  # <- sticky-sessions
            """,
        ),
        Example(
            "nginx",
            source="""
                -- app.py --
                -- nginx/app.conf --
                upstream web {
                    ip_hash;  # <- sticky-sessions
                    server web1:8000;
                    server web2:8000;
                }
                upstream api { hash $cookie_user consistent; server api:8000; }  # <- sticky-sessions
            """,
        ),
        Example(
            "a chart's values",
            source="""
                -- app.py --
                -- chart/values.yaml --
                service: {sessionAffinity: ClientIP}  # <- sticky-sessions
                ingress:
                  annotations:
                    nginx.ingress.kubernetes.io/affinity: cookie  # <- sticky-sessions
                    nginx.ingress.kubernetes.io/proxy-body-size: 1m
            """,
        ),
        Example(
            "nginx that picks no server, or not by who asks",
            source="""
                -- app.py --
                -- nginx/app.conf --
                # ip_hash;
                upstream web {
                    least_conn;
                    server web1:8000;
                    server web2:8000;
                }
                upstream one { ip_hash; server 127.0.0.1:8000; }
                upstream cache { hash $request_uri consistent; server cache1:80; server cache2:80; }
            """,
        ),
        Example(
            "no affinity, and a store's",
            source="""
                -- app.py --
                -- k8s.yaml --
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec:
                  sessionAffinity: None
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: rabbitmq}
                spec:
                  sessionAffinity: ClientIP
            """,
        ),
        Example(
            "other labels, and a file for development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                -- app.py --
                -- compose.yaml --
                services:
                  web:
                    build: .
                    labels:
                      traefik.http.services.web.loadbalancer.server.port: "8000"
                      traefik.http.services.web.loadbalancer.sticky.cookie: "false"
                -- k8s/dev/service.yaml --
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec:
                  sessionAffinity: ClientIP
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, resource in facts.resources():
        if not _DEVELOPMENT.search(path) and not STORES.search(resource.name):
            for what, node in _affinities(resource):
                yield _finding(path, node.at, resource.name, what)
    for path, document in facts.values():
        if not _DEVELOPMENT.search(path):
            for value in helm.settings(document):
                pattern = _ANNOTATIONS.get(value.name)
                is_affinity = value.name == "sessionAffinity" and value.value == "ClientIP"
                if is_affinity or (pattern is not None and pattern.fullmatch(value.value)):
                    yield _finding(path, value.at, "the chart", value.name.rpartition("/")[2])
    for path, directives in facts.nginx():
        if not _DEVELOPMENT.search(path):
            yield from _upstreams(path, directives)
    for file, one in service.composed:
        if not _DEVELOPMENT.search(file.path.rpartition("/")[2]):
            yield from _labels(file, one)


def _upstreams(path: str, directives: tuple[Directive, ...]) -> Iterator[Finding]:
    """nginx's upstreams that pick the server by who asks; one of a single server on this machine picks nothing."""
    for one in directives:
        if one.block != "upstream" or not _picks_by_user(one):
            continue
        servers = [other.args[0] for other in directives if other.blocks == one.blocks and other.name == "server"]
        if len(servers) > 1 or not all(server.startswith(("127.", "localhost", "unix:")) for server in servers):
            yield _finding(path, one.at, one.blocks[-1].partition(" ")[2], one.name)


def _picks_by_user(one: Directive) -> bool:
    if one.name == "hash":
        return bool(one.args) and one.args[0].startswith(("$remote_addr", "$binary_remote_addr", "$cookie_"))
    return one.name == "ip_hash" or (one.name == "sticky" and one.args[:1] in (("cookie",), ("route",), ("learn",), ()))


def _finding(path: str, at: Pos, name: str, what: str) -> Finding:
    message = (
        f"{what} binds each user of {name} to one replica: what that process keeps for them is lost when it goes away"
    )
    severity = LOW if _SOCKETS.search(name) else MEDIUM
    return rule.at(path, at, message, subject=f"affinity:{name}:{what}", severity=severity)


def _affinities(resource: Resource) -> Iterator[tuple[str, Node]]:
    document = resource.document
    if resource.kind == "Service":
        node = document.get(resource.node, "spec", "sessionAffinity")
        if node is not None and node.data == "ClientIP":
            yield "sessionAffinity", node
    if resource.kind in _KUBERNETES:
        for key, node in _items(document, document.get(resource.node, "metadata", "annotations")):
            pattern = _ANNOTATIONS.get(key)
            if pattern is not None and node.kind == "scalar" and pattern.fullmatch(str(node.data)):
                yield key.rpartition("/")[2], node
    if resource.kind == "DestinationRule":
        node = document.get(resource.node, "spec", "trafficPolicy", "loadBalancer", "consistentHash", "httpCookie")
        if node is not None:
            yield "httpCookie", node
    if resource.kind == "BackendConfig":  # of Google Kubernetes Engine
        node = document.get(resource.node, "spec", "sessionAffinity", "affinityType")
        if node is not None and node.data in ("CLIENT_IP", "GENERATED_COOKIE"):
            yield "affinityType", node


def _items(document: YamlDocument, node: Node | None) -> Iterator[tuple[str, Node]]:
    for key, _, value in document.items(node) if node is not None else ():
        yield key, value


def _labels(file: ComposeFile, one: ComposeService) -> Iterator[Finding]:
    for label in one.labels:
        if _LABEL.fullmatch(label.name) and (label.value or "").lower() == "true":
            yield _finding(file.path, label.at, one.name, "a sticky cookie")
            return
