"""What is published is not the port that the server listens on.

## Why

A published port, a probe or a Kubernetes Service that names another port than the one the server binds leads nowhere:
connections are refused, the probe never succeeds and the deploy is rolled back or restarts for ever. EXPOSE alone binds
nothing, but proxies and `docker run -P` go by it.

## What it does not flag

- A service whose port is not certain: from an environment that the text does not tell, a configuration file, a socket.
- Further published ports beside the right one (a debugger, metrics).
- Images that start several servers.

## How to fix

Publish, probe and expose the port that the command binds, and let both read it from one place (`PORT`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.compose import ComposeFile, ComposeService
from twelvefac.project.dockerfile import expand
from twelvefac.project.kubernetes import Container, Resource, Workload
from twelvefac.project.ports import CALLS, bound, port_of
from twelvefac.project.processes import Process
from twelvefac.project.scan import calling
from twelvefac.project.services import Service
from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex

_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_CHECKS = ("httpGet", "tcpSocket", "grpc")
_WORD = regex(r"(\d{1,5})(?:/tcp)?")

rule = Rule(
    __name__,
    factor=Factor.PORT_BINDING,
    summary="what is published is not the port that the server listens on",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=calling(*CALLS),
    names=frozenset(name.rpartition(".")[2] for name in CALLS),
    examples=(
        Example(
            "a proxy beside the server, which is what is meant",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                EXPOSE 80
                CMD ["/start.sh"]
                -- start.sh --
                #!/bin/sh
                /etc/init.d/nginx start
                exec gunicorn -b 0.0.0.0:8000 app:app
                -- app.py --
            """,
        ),
        Example(
            "a .flaskenv, and a service of the same name elsewhere",
            source="""
                -- name/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                EXPOSE 8000
                CMD ["flask", "run", "--host=0.0.0.0"]
                -- name/.flaskenv --
                FLASK_RUN_PORT=8000
                -- name/app.py --
                -- python/front/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--port=7777"]
                -- python/front/app.py --
                -- ruby/front/Dockerfile --
                FROM ruby:3
                CMD ["uvicorn", "app:app", "--port=7777"]
                -- go/front.yaml --
                apiVersion: v1
                kind: Service
                metadata: {name: front}
                spec:
                  selector: {app: front}
                  ports: [{port: 7007, targetPort: 7007}]
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: front}
                spec:
                  template:
                    metadata: {labels: {app: front}}
                    spec:
                      containers:
                        - {name: front, image: "front-go:1"}
            """,
        ),
        Example(
            "EXPOSE and a published port",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                EXPOSE 80  # <- port-mismatch
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8000"]
                -- app.py --
                -- compose.yaml --
                services:
                  web:
                    build: .
                    ports:
                      - "80:80"  # <- port-mismatch
            """,
        ),
        Example(
            "a default, and a call",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                EXPOSE 5000/tcp  # <- port-mismatch
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                EXPOSE 8000  # <- port-mismatch
                CMD ["python", "main.py"]
                -- b/main.py --
                from flask import Flask

                app = Flask(__name__)
                app.run(host="0.0.0.0")
            """,
        ),
        Example(
            "a probe and a Service",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                -- k8s.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  template:
                    metadata:
                      labels: {app: web}
                    spec:
                      containers:
                        - name: web
                          image: registry.example.org/web:1
                          ports:
                            - {name: http, containerPort: 8000}
                          readinessProbe:
                            httpGet: {path: /ready, port: 8080}  # <- port-mismatch
                          livenessProbe:
                            httpGet: {path: /live, port: http}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec:
                  selector: {app: web}
                  ports:
                    - port: 80
                      targetPort: 5000  # <- port-mismatch
                    - port: 81
                      targetPort: http
            """,
        ),
        Example(
            "nginx in front of it",
            source="""
                -- web/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- web/app.py --
                -- compose.yaml --
                services:
                  web:
                    build: ./web
                  proxy:
                    image: nginx:1.27
                -- nginx/default.conf --
                upstream app {
                    server web:5000;  # <- port-mismatch
                }
                server {
                    location / { proxy_pass http://app; }
                    location /api/ { proxy_pass http://web:8000/; }
                    location /old/ { proxy_pass http://web; }  # <- port-mismatch
                    location /other/ { proxy_pass http://other:9000; }
                    location /by-name/ { proxy_pass http://$backend:9000; }
                }
            """,
        ),
        Example(
            "a group of servers that another file of nginx's has",
            source="""
                -- web/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- web/app.py --
                -- compose.yaml --
                services:
                  web:
                    build: ./web
                -- nginx/proxy.conf --
                proxy_pass http://web;
                -- nginx/default.conf --
                upstream web {
                    include servers.conf;
                }
                server {
                    location / { include proxy.conf; }
                }
            """,
        ),
        Example(
            "the port that is bound, also through a variable",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV PORT=8000
                EXPOSE 8000 5678
                CMD exec gunicorn -b 0.0.0.0:$PORT app:app
                -- app.py --
                -- compose.yaml --
                services:
                  web:
                    build: .
                    environment:
                      PORT: 9000
                    ports: ["80:9000", "5678:5678"]
            """,
        ),
        Example(
            "a port that is not certain",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                EXPOSE 80
                CMD exec uvicorn app:app --port ${PORT:-8000}
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                EXPOSE 80
                CMD ["gunicorn", "-c", "conf.py", "app:app"]
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                EXPOSE 80
                CMD ["python", "main.py"]
                -- c/main.py --
                import uvicorn

                from settings import PORT

                uvicorn.run("app:app", port=PORT)
            """,
        ),
        Example(
            "a command of the compose file",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                EXPOSE 8000
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                -- compose.yaml --
                services:
                  web:
                    build: .
                    command: flask --app app run --host 0.0.0.0
                    ports: ["5000:5000"]
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    yield from _exposed(service, facts)
    yield from _composed(service, facts)
    yield from _proxied(service, facts)
    if len(service.released_images) == 1:
        for workload, container in service.deployed:
            if not container.init:
                yield from _deployed(service, facts, workload, container)


def _exposed(service: Service, facts: Facts) -> Iterator[Finding]:
    for image in service.released_images:
        process = _of_image(service, image.path)
        bound_ports = _ports(service, facts, process) if process is not None else None
        exposes = [one for one in image.instructions if one.keyword == "EXPOSE"]
        words = [expand(word, image.environment) for one in exposes for word in one.text.split()]
        exposed = _numbers(words)
        if process is None or bound_ports is None or not exposed or exposed & bound_ports:
            continue
        message = f"EXPOSE names {_shown(exposed)}, but the command listens on {_shown(bound_ports)}"
        related = ((process.span, "this is what listens"),)
        yield rule.at(image.path, exposes[0].at, message, subject="expose", related=related, severity=MEDIUM)


def _composed_process(service: Service, file: ComposeFile, one: ComposeService) -> Process | None:
    """What a compose service runs, with the environment that it gives; None where that cannot be told."""
    own = next(
        (p for p in service.processes if (p.source, p.name, p.span.path) == ("compose", one.name, file.path)), None
    )
    image = next((image for image in service.images if image.path == one.dockerfile), None)
    if one.target and (image is None or image.dockerfile.stages[-1].name != one.target):
        return None
    process = own or (_of_image(service, image.path) if image is not None else None)
    if process is None:
        return None
    given = {setting.name: setting.value for setting in one.environment}
    return replace(process, environment={**process.environment, **given})


def _composed(service: Service, facts: Facts) -> Iterator[Finding]:
    for file, one in service.composed:
        process = _composed_process(service, file, one)
        if process is None or not one.ports:
            continue
        bound_ports = _ports(service, facts, process, closed=not one.env_files)
        published = _numbers([port.target for port in one.ports])
        if bound_ports is None or not published or published & bound_ports:
            continue
        message = f"{one.name} publishes {_shown(published)}, but its server listens on {_shown(bound_ports)}"
        related = ((process.span, "this is what listens"),)
        yield rule.at(
            file.path,
            one.ports[0].at,
            message,
            subject=f"service:{one.name}",
            related=related,
            severity=HIGH if file.released else MEDIUM,
        )


def _proxied(service: Service, facts: Facts) -> Iterator[Finding]:
    """What nginx sends to a compose service by its name, on a port that it listens on in no compose file."""
    bound_ports: dict[str, set[int] | None] = {}
    places: dict[str, Process] = {}
    for file, one in service.composed:
        process = _composed_process(service, file, one)
        found = _ports(service, facts, process, closed=not one.env_files) if process is not None else None
        known = bound_ports.get(one.name, set())
        bound_ports[one.name] = None if found is None or known is None else known | found
        if process is not None:
            places.setdefault(one.name, process)
    for name, ports in bound_ports.items():
        for path, address in facts.repository.proxied.get(name, ()):
            if ports and int(address.port) not in ports:
                message = f"nginx sends to {name}:{address.port}, but its server listens on {_shown(ports)}"
                related = ((places[name].span, "this is what listens"),)
                yield rule.at(path, address.at, message, subject=f"proxy:{name}", related=related)


def _deployed(service: Service, facts: Facts, workload: Workload, container: Container) -> Iterator[Finding]:
    own = next(
        (
            process
            for process in service.processes
            if (process.source, process.name, process.span.path) == ("kubernetes", container.name, workload.path)
        ),
        None,
    )
    document = workload.document
    given: dict[str, str | None] = {setting.name: setting.value for setting in container.environment}
    given |= {reference.name: None for reference in container.references}
    process = own or _of_image(service, service.released_images[0].path)
    if process is None:
        return
    process = replace(process, environment={**process.environment, **given})
    closed = document.get(container.node, "envFrom") is None
    bound_ports = _ports(service, facts, process, closed=closed)
    if bound_ports is None:
        return
    related = ((process.span, "this is what listens"),)
    named = {name: number for name, number in container.ports if name}
    declared = {number for one in workload.containers for _, number in one.ports}
    for what, node in _targets(facts, workload, container):
        text = named.get(str(node.data), str(node.data))
        beside = text in declared and {str(number) for number in bound_ports} & declared
        if not text.isdigit() or int(text) in bound_ports or beside:
            continue
        message = f"{what} goes to port {text}, but {container.name} listens on {_shown(bound_ports)}"
        yield rule.at(
            workload.path, node.at, message, subject=f"{workload.name}:{container.name}:{what}", related=related
        )


def _targets(facts: Facts, workload: Workload, container: Container) -> Iterator[tuple[str, Node]]:
    """The nodes that name a port of a container: its probes' and those of Services in the same file."""
    document = workload.document
    for probe in _PROBES:
        for check_kind in _CHECKS:
            node = document.get(container.node, probe, check_kind, "port")
            if node is not None:
                yield probe, node
    resources = facts.file(workload.path).resources
    labels = next(
        (
            dict(_texts(one.document, one.document.get(one.node, "spec", "template", "metadata", "labels")))
            for one in resources
            if one.kind == workload.kind and one.name == workload.name and one.document is workload.document
        ),
        {},
    )
    for one in resources:
        if one.kind == "Service" and _selects(one, labels):
            for port in one.document.elements(one.document.get(one.node, "spec", "ports")):
                node = one.document.get(port, "targetPort")
                if node is not None:
                    yield f"Service {one.name}", node


def _selects(one: Resource, labels: dict[str, str]) -> bool:
    wanted = dict(_texts(one.document, one.document.get(one.node, "spec", "selector")))
    return bool(wanted) and wanted.items() <= labels.items()


def _texts(document: YamlDocument, node: Node | None) -> Iterator[tuple[str, str]]:
    for key, _, value in document.items(node) if node is not None else ():
        yield key, str(value.data)


def _of_image(service: Service, path: str) -> Process | None:
    return next((one for one in service.processes if one.source == "dockerfile" and one.span.path == path), None)


def _ports(service: Service, facts: Facts, process: Process, *, closed: bool = True) -> set[int] | None:
    """The ports that a process listens on; None where they are not certain.

    ``closed`` tells that its environment is known: otherwise only what the command states is certain.
    """
    if not process.steps or any(step.background or "nginx" in " ".join(step.words) for step in process.steps):
        return None
    found: set[int] = set()
    for step in process.steps:
        port = bound(step.launch, process.environment)
        if port is None:
            continue
        if (
            not port.numbers
            or not (closed or port.literal)
            or _may_be_configured(service, step.launch.program, port.option)
        ):
            return None
        found.update(port.numbers)
    for owner, _, entry in service.entries:
        if owner.span == process.span and owner.source == process.source:
            ports = _called(service, facts, entry)
            if ports is None:
                return None
            found |= ports
    return found or None


def _called(service: Service, facts: Facts, entry: str) -> set[int] | None:
    """The ports of the servers that a Python program starts by calls; None where one is not certain."""
    reached = frozenset(service.modules.reachable(entry))
    found: set[int] = set()
    for path, call in facts.calls(*CALLS):
        python = facts.file(path).python
        if path not in reached or python is None or (call.guarded and path != entry):
            continue
        number = port_of(call, python).number
        if number is None:
            return None
        found.add(number)
    return found


def _may_be_configured(service: Service, program: str, option: str) -> bool:
    """gunicorn reads ./gunicorn.conf.py by itself."""
    return (
        program == "gunicorn"
        and not option
        and any(path.rpartition("/")[2] == "gunicorn.conf.py" for path in service.files)
    )


def _numbers(words: Iterable[str | None]) -> set[int]:
    """The ports of EXPOSE or a mapping; none at all where one is a variable or a range."""
    found = set()
    for word in words:
        match = _WORD.fullmatch(word or "")
        if match is None:
            if (word or "").endswith("/udp"):
                continue
            return set()
        found.add(int(match.group(1)))
    return found


def _shown(ports: Iterable[int]) -> str:
    return " and ".join(str(port) for port in sorted(ports))
