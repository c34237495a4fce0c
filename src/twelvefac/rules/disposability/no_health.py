"""Nothing tells the platform whether the service is well.

## Why

Without a readiness probe Kubernetes sends requests to a container that is still importing its code, and goes on sending
them to one that hangs. Without a health check Compose and Swarm take a process that exists for one that works, so a
broken deploy replaces the working one.

## What it does not flag

- Containers with any probe; images with HEALTHCHECK; Compose services with `healthcheck`.
- Images whose code has a health route that a platform can ask (`/healthz`, `/ping`, `/__heartbeat__`…).
- Jobs, workers, init containers; what is not told to serve requests.

## How to fix

Answer a light route (`/healthz/ready`) and name it where the service is deployed: `readinessProbe` in Kubernetes,
`healthcheck` in Compose, HEALTHCHECK in the image.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.glance import Glance, places
from twelvefac.project.kubernetes import Container
from twelvefac.project.margin import is_comment
from twelvefac.project.processes import Process
from twelvefac.project.running import RUN_OF_OTHERS, started_call
from twelvefac.project.scan import anchors, calling
from twelvefac.project.servers import CALLS, listening
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_LIBRARIES = frozenset(
    "dockerflow django-health-check django-watchman django-alive kinto py-healthcheck healthcheck fastapi-health "
    "fastapi-healthcheck flask-healthz flask-healthcheck aiohttp-healthcheck streamlit gradio django-healthz "
    "grpcio-health-checking starlette-healthcheck health-check django-healthchecks litestar".split()
)
"""Distributions that bring a health route."""

_END = r"(?:/|\$|\\Z|['\"{])"
_TEXT = regex(rb"['\"/}][_.^-]{0,4}\Z")
_SLASH = regex(rb"/[_.-]{0,2}\Z")
_CHECK = regex(rf"[_.-]{{0,2}}(?i:[-_]?check)?{_END}".encode())
_HEALTH = regex(rf"\w{{0,60}}[_.-]{{0,2}}(?i:[-_]?check)?{_END}".encode())
_ALONE = regex(_END.encode())
_PATHS = {
    **dict.fromkeys(b"heartbeat lbheartbeat livez liveness readyz readiness alive ping".split(), (_TEXT, _CHECK)),
    **dict.fromkeys(b"status ready live up version monitor".split(), (_SLASH, _ALONE)),
}
"""What stands before and behind a word of a health route; those that mean much else count as a part of a path only."""


def _has_health_path(file: Glance) -> bool:
    """Whether a text, or a part of a path in one, is what a platform asks."""
    wanted = [(word, *_PATHS[word]) for word in _PATHS.keys() & file.words]
    return any(
        before.search(file.data, max(at - 5, 0), at)
        and after.match(file.data, at + len(word))
        and not is_comment(file.data, at)
        for word, before, after in ((b"health", _TEXT, _HEALTH), *wanted)
        for at in places(file.plain, word)
    )


def _asks(service: Service, _: Facts) -> bool:
    """Whether routes matter: no manifest has the container, whose probes count then, and nothing else checks it."""
    return not (
        any(workload.serves and not container.init for workload, container in service.deployed)
        or any(one.keyword == "HEALTHCHECK" for image in service.images for one in image.instructions)
        or any(one.healthcheck for _, one in service.composed)
    )


rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="nothing tells the platform whether the service is well",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    asks=_asks,
    look=_has_health_path,
    anchors=(
        *calling(*CALLS),
        *anchors(RUN_OF_OTHERS),
    ),
    names=frozenset(name.rpartition(".")[2] for name in CALLS),
    examples=(
        Example(
            "a manifest that is a template, which may have the probes",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                from flask import Flask

                app = Flask(__name__)
                -- deploy/template.yaml --
                apiVersion: v1
                kind: Template
                objects:
                  - apiVersion: apps/v1
                    kind: Deployment
                    spec:
                      replicas: ${{REPLICAS}}
            """,
        ),
        Example(
            "a service whose name begins like a store's, and the store",
            source="""
                -- prometheus-adapter/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- prometheus-adapter/app.py --
                -- prometheus-adapter/deployment.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: adapter}
                spec:
                  template:
                    spec:
                      containers:
                        - name: adapter  # <- no-health
                          image: quay.io/shop/prometheus-adapter:1.2
                          ports: [{containerPort: 8000}]
                        - name: store
                          image: quay.io/shop/prometheus-store:1.2
                          ports: [{containerPort: 9090}]
            """,
        ),
        Example(
            "comments that speak of one",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop:app"]  # <- no-health
                -- shop.py --
                # see https://example.com/shop/status/12
                COLOR = "#fff"  # as in config["health"], curl localhost/healthz
                app = object()
            """,
        ),
        Example(
            "a route behind a text with a hash",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop:app"]
                -- shop.py --
                ROUTES = {"#top": top, "/readyz": ready}
                app = object()
            """,
        ),
        Example(
            "an image for Python in a folder that has none is built from above",
            source="""
                -- run/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop:app"]  # <- no-health
                -- shop.py --
                app = object()
            """,
        ),
        Example(
            "a container without probes, whatever routes it has",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- app.py --
                from fastapi import FastAPI

                app = FastAPI()

                @app.get("/healthz")
                def health():
                    return {}
                -- k8s/web.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  template:
                    spec:
                      containers:
                        - name: web  # <- no-health
                          image: registry.example.com/shop:1.0
                          ports: [{containerPort: 8000}]
            """,
        ),
        Example(
            "Compose in production, and an image alone",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                -- a/compose.prod.yaml --
                services:
                  web:  # <- no-health
                    build: .
                    ports: ["80:8000"]
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]  # <- no-health
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]  # <- no-health
                -- c/app.py --
                from flask import Flask

                app = Flask(__name__)

                @app.get("/hello")
                def hello():
                    return "hello"

                if __name__ == "__main__":
                    app.run(host="0.0.0.0")
            """,
        ),
        Example(
            "probes, a job, a worker",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- app.py --
                -- k8s/web.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  template:
                    spec:
                      containers:
                        - name: web
                          image: registry.example.com/shop:1.0
                          ports: [{containerPort: 8000}]
                          readinessProbe: {httpGet: {path: /, port: 8000}}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: worker}
                spec:
                  template:
                    spec:
                      containers:
                        - name: worker
                          image: registry.example.com/shop:1.0
                          ports: [{containerPort: 8000}]
                          command: [celery, -A, app, worker]
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: tasks}
                spec:
                  template:
                    spec:
                      containers:
                        - name: celery
                          image: registry.example.com/shop:1.0
                          command: [uvicorn, "app:app"]
                ---
                apiVersion: batch/v1
                kind: Job
                metadata: {name: migrate}
                spec:
                  template:
                    spec:
                      containers:
                        - name: migrate
                          image: registry.example.com/shop:1.0
                          ports: [{containerPort: 8000}]
            """,
        ),
        Example(
            "a chart, whose templates may have probes",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                -- chart/Chart.yaml --
                apiVersion: v2
                name: shop
                -- chart/templates/deployment.yaml --
                kind: {{ .Values.kind }}
            """,
        ),
        Example(
            "HEALTHCHECK, a route, a library, a compose healthcheck",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                HEALTHCHECK CMD curl -f http://127.0.0.1:8000/
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- b/app.py --
                urlpatterns = [path("health/", view)]
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- c/requirements.txt --
                dockerflow==2024.4.2
                -- c/app.py --
                -- e/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "scaler"]
                -- e/scaler.py --
                -- e/tutorial/app.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: e}
                spec:
                  template:
                    spec:
                      containers:
                        - {name: e, image: "shop/e:1.0", ports: [{containerPort: 80}]}
                -- d/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- d/compose.yaml --
                services:
                  web:
                    build: .
                    healthcheck: {test: [CMD, curl, -f, "http://127.0.0.1:8000"]}
                -- d/app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    if not service.python or (service.released_images and all(one.is_of_others for one in service.released_images)):
        return  # another language, whose routes are not read, or a store or proxy with a file or two added
    deployed = [(w, c) for w, c in service.deployed if w.serves and not c.init]
    for workload, container in deployed:
        probed = any(workload.document.get(container.node, probe) is not None for probe in _PROBES)
        if not probed and _serves(service, container):
            message = (
                f"{container.name} has no probe: requests are sent to it before it listens and while it hangs, and a "
                "broken release replaces the working one"
            )
            yield rule.at(workload.path, container.at, message, subject=f"container:{workload.name}/{container.name}")
    if not _asks(service, facts) or _has_route(service, facts):
        return
    released = [(file, one) for file, one in service.composed if file.released]
    for file, one in released:
        image = next((image for image in service.images if image.path == one.dockerfile), None)
        if image is not None and image.is_of_others:
            continue
        if one.ports and (one.command is None or _is_server(service, one.name, "compose")):
            message = f"{one.name} has no health check and no health route: a process that hangs counts as running"
            yield rule.at(file.path, one.at, message, subject=f"compose:{one.name}")
    if released or _has_templates(service, facts):
        return
    for process, step, server in service.servers:
        if process.source == "dockerfile":
            yield _image(process, server.server.name, step.launch.program)
            return
    for path, call in (*facts.calls(*CALLS), *facts.run_elsewhere(service)):
        step_of_call = started_call(service, facts.file(path).python, path, call)
        for process, step, _ in service.entries if step_of_call is not None else ():
            if step is step_of_call and process.source == "dockerfile":
                yield _image(process, CALLS[call.name].name, step.launch.program)
                return


def _has_templates(service: Service, facts: Facts) -> bool:
    """Whether there are manifests that are not judged, and may have the probes: templates, of a chart or alone."""
    known = facts.repository
    charts = known.by_base.get("deployment.yaml", ()) if "Chart.yaml" in known.by_base else ()
    others = known.with_images.difference(posixpath.dirname(image.path) for image in service.images)
    return any(others.isdisjoint(_folders(path)) for path in (*charts, *known.templates))


def _folders(path: str) -> Iterator[str]:
    """The folders that a file lies in, the audited one left out."""
    while path := posixpath.dirname(path):
        yield path


def _image(process: Process, server: str, program: str) -> Finding:
    message = (
        f"the image starts {server} without HEALTHCHECK, and its code has no health route: a process that hangs "
        "counts as running"
    )
    return rule.on(process.span, message, subject=f"image:{program}", severity=LOW)


_WORKER = regex(r"(?:^|[-_])(?:worker|workers|celery|consumer|beat|scheduler|cron)(?:$|[-_\d])")


def _serves(service: Service, container: Container) -> bool:
    if _WORKER.search(container.name):
        return False
    if container.ports:
        return True
    if container.command is None and container.args is None:
        return any(process.source == "dockerfile" for process, _, _ in service.servers)
    return _is_server(service, container.name, "kubernetes")


def _is_server(service: Service, name: str, source: str) -> bool:
    return any(
        listening(launch, process.environment) is not None
        for process in service.processes
        if process.source == source and process.name == name
        for launch in process.launches
    )


def _has_route(service: Service, facts: Facts) -> bool:
    if facts.seen(rule.name):
        return True
    return any(one.name in _LIBRARIES for _, manifest in facts.manifests() for one in manifest.requirements)
