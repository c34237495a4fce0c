"""The platform kills the service before its own time to stop is over.

## Why

A server that is told to finish its requests within 60 seconds is given 30 by Kubernetes (10 by Compose) unless the
manifest says more. After that SIGKILL cuts off what is still running, on every deploy.

## What it does not flag

- Times that are equal, and defaults on both sides.
- Servers whose time is not stated, or read from the environment.

## How to fix

Make `terminationGracePeriodSeconds` (`stop_grace_period` in Compose) longer than the server's graceful timeout and the
`preStop` pause together.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.kubernetes import Container, Workload
from twelvefac.project.processes import Process
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

_OPTIONS = {
    "gunicorn": ("--graceful-timeout",),
    "uvicorn": ("--timeout-graceful-shutdown",),
    "hypercorn": ("--graceful-timeout",),
    "granian": ("--workers-kill-timeout",),
}
_KUBERNETES = 30.0
_COMPOSE = 10.0
_DURATION = regex(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s)?")

rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="the platform kills the service before its own time to stop is over",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    anchors=anchors("graceful timeout"),
    examples=(
        Example(
            "Kubernetes' default against a stated one, a preStop pause on top",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "--graceful-timeout", "60", "app:app"]
                -- app.py --
                -- k8s/web.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata:
                  name: web  # <- short-grace
                spec:
                  template:
                    spec:
                      containers:
                        - name: web
                          image: registry.example.com/shop:1.0
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata:
                  name: other
                spec:
                  template:
                    spec:
                      terminationGracePeriodSeconds: 65  # <- short-grace
                      containers:
                        - name: web
                          image: registry.example.com/shop:1.0
                          lifecycle: {preStop: {exec: {command: [sh, -c, sleep 10]}}}
            """,
        ),
        Example(
            "Compose, from a configuration file",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "app:app"]
                -- gunicorn.conf.py --
                graceful_timeout = 45
                -- app.py --
                -- compose.prod.yaml --
                services:
                  web:  # <- short-grace
                    build: .
                    stop_grace_period: 30s
            """,
        ),
        Example(
            "long enough, equal, or not stated",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--timeout-graceful-shutdown", "30"]
                -- app.py --
                -- k8s/web.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata:
                  name: web
                spec:
                  template:
                    spec:
                      terminationGracePeriodSeconds: 40
                      containers:
                        - name: web
                          image: registry.example.com/shop:1.0
                          lifecycle: {preStop: {sleep: {seconds: 5}}}
                -- compose.prod.yaml --
                services:
                  web:
                    build: .
                    stop_grace_period: 1m30s
            """,
        ),
        Example(
            "no time of its own",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "app:app"]
                -- app.py --
                -- k8s/web.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata:
                  name: web
                spec:
                  template:
                    spec:
                      terminationGracePeriodSeconds: 20
                      containers:
                        - name: web
                          image: registry.example.com/shop:1.0
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for workload, container in service.deployed:
        if container.init or not workload.serves:
            continue
        stated = _stated(service, facts, container.name, "kubernetes")
        if stated is None:
            continue
        wanted, where = stated
        pause = _pause(workload, container)
        grace = _number(workload.grace) if workload.grace is not None else _KUBERNETES
        if grace is not None and grace < wanted + pause:
            node = workload.document.get(workload.pod, "terminationGracePeriodSeconds")
            at: Pos = node.at if node is not None else workload.at
            before = f", after a preStop pause of {pause:g}" if pause else ""
            message = (
                f"Kubernetes kills the pod after {grace:g} seconds, the server takes up to {wanted:g} to finish its "
                f"requests{before}"
            )
            yield rule.at(
                workload.path,
                at,
                message,
                subject=f"grace:{workload.name}",
                related=((where, "the server's own time"),),
            )
    for file, one in service.composed:
        stated = _stated(service, facts, one.name, "compose") if file.released else None
        grace = _duration(one.grace) if one.grace is not None else _COMPOSE
        if stated is not None and grace is not None and grace < stated[0]:
            message = (
                f"Compose kills {one.name} after {grace:g} seconds, the server takes up to {stated[0]:g} to finish its "
                "requests"
            )
            related = ((stated[1], "the server's own time"),)
            yield rule.at(file.path, one.at, message, subject=f"grace:{one.name}", related=related)


def _stated(service: Service, facts: Facts, name: str, source: str) -> tuple[float, Span] | None:
    """The graceful timeout of the server that a container runs, where it is stated."""
    own = [one for one in service.processes if one.source == source and one.name == name]
    for process in own or [one for one in service.released if one.source == "dockerfile"]:
        found = _of_process(process, facts)
        if found is not None:
            return found
    return None


def _of_process(process: Process, facts: Facts) -> tuple[float, Span] | None:
    for step in process.steps or ():
        options = _OPTIONS.get(step.launch.program)
        if options is None:
            continue
        value = step.launch.option(*options)
        if value is not None:
            seconds = _number(value)
            return None if seconds is None else (seconds, step.span)
        if step.launch.program == "gunicorn":
            for path, binding in facts.bindings():
                set_there = binding.kind == "name" and binding.target == "graceful_timeout"
                if set_there and path.rpartition("/")[2].startswith("gunicorn"):
                    seconds = _number(str(binding.value.data))
                    return None if seconds is None else (seconds, Span.of(path, binding.value.at))
    return None


def _pause(workload: Workload, container: Container) -> float:
    document = workload.document
    seconds = document.text(container.node, "lifecycle", "preStop", "sleep", "seconds")
    if seconds is not None:
        return _number(seconds) or 0.0
    words = document.elements(document.get(container.node, "lifecycle", "preStop", "exec", "command"))
    match = re.search(r"\bsleep (\d{1,5})", " ".join(str(word.data) for word in words))
    return float(match.group(1)) if match else 0.0


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", text) else None


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
