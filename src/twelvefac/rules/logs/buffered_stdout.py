"""What the service prints comes late or never.

## Why

Python collects what goes to a pipe until 8 KiB are full. In a container that means: the line that says what went wrong
appears minutes later, and when the process is killed it never does.

## What it does not flag

- `PYTHONUNBUFFERED` in the image or where it is deployed, `python -u`, `print(…, flush=True)`, a stream that is set to
  line buffering.
- Services that only log: the standard library's handlers flush each event.
- Images on a base of one's own, which may set it.

## How to fix

Add `ENV PYTHONUNBUFFERED=1` to the image.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule, Safety, with_fix
from twelvefac.factors import Factor
from twelvefac.project.command import base_name
from twelvefac.project.facts import Call
from twelvefac.project.images import Image
from twelvefac.project.processes import Process, Step
from twelvefac.project.python_logs import may_print
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.tools import is_command, is_tool
from twelvefac.source.edit import Replace
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_PLAIN_BASES = regex(r"(?:^|/)(?:python|debian|ubuntu|alpine|uv|buildpack-deps)(?:[:@]|$)")
"""Bases that are known not to set it."""
_VARIABLE = "PYTHONUNBUFFERED"
_SERVERS = frozenset("python gunicorn uvicorn hypercorn granian daphne celery flask fastapi dramatiq arq rq".split())

rule = Rule(
    __name__,
    factor=Factor.LOGS,
    summary="what the service prints comes late or never",
    severity=LOW,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    fix=Safety.SAFE,
    anchors=(*anchors("print", confirm=may_print), *anchors("stdout reconfigure")),
    names=frozenset(("print", "sys.stdout.reconfigure")),
    examples=(
        Example(
            "print, and nothing that empties the buffer",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                WORKDIR /srv
                CMD ["python", "worker.py"]  # <- buffered-stdout
                -- worker.py --
                print("waiting for messages")
            """,
            fixed="""
                -- Dockerfile --
                FROM python:3.12-slim
                WORKDIR /srv
                ENV PYTHONUNBUFFERED=1
                CMD ["python", "worker.py"]
                -- worker.py --
                print("waiting for messages")
            """,
        ),
        Example(
            "a module",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python3", "-m", "worker"]  # <- buffered-stdout
                -- worker.py --
                print("waiting for messages")
                -- other/Dockerfile --
                FROM python:3.12-slim
                CMD ["python3", "-u", "-m", "worker"]
                -- other/worker.py --
                print("waiting for messages")
            """,
        ),
        Example(
            "set in the image, by the option, where it is deployed, or by the call",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim AS base
                ENV PYTHONUNBUFFERED=1
                FROM base
                CMD ["python", "worker.py"]
                -- a/worker.py --
                print("a")
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-u", "worker.py"]
                -- b/worker.py --
                print("b")
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- c/worker.py --
                print("c", flush=True)
                -- d/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- d/compose.yaml --
                services:
                  worker:
                    build: .
                    environment: {PYTHONUNBUFFERED: "1"}
                -- d/worker.py --
                print("d")
            """,
        ),
        Example(
            "logging only, stderr, or a base that may set it",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                import logging
                import sys

                logging.basicConfig(stream=sys.stdout)
                logging.info("waiting")
                print("careful", file=sys.stderr)
                -- other/Dockerfile --
                FROM registry.example.com/bases/service:3
                CMD ["python", "worker.py"]
                -- other/worker.py --
                print("waiting")
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    if any(True for _ in facts.calls("sys.stdout.reconfigure")) or _is_set_where_deployed(service):
        return
    prints = [
        (path, call)
        for path, call in facts.calls("print")
        if service.runs_there(path, guarded=call.guarded)
        and not _is_debugging(facts, path, call)
        and call.arg("file") is None
        and call.arg("flush") is None
        and not is_tool(path)
        and not is_command(facts.file(path).python, call.scope)
    ]
    if not prints:
        return
    path, first = prints[0]
    for image in service.released_images:
        process = next((one for one in service.released if one.span.path == image.path), None)
        if process is not None and any(one.program == "celery" and "worker" in one.args for one in process.launches):
            continue  # it sends what tasks print to its log
        if process is None or image.command is None or not _PLAIN_BASES.search(image.base) or _is_unbuffered(process):
            continue
        message = (
            "what the service prints is held back until 8 KiB are full, and lost when it is killed: the image does not "
            f"set {_VARIABLE}"
        )
        related = ((Span.of(path, first.at), "printed here"),)
        finding = rule.on(image.command.span, message, subject=f"env:{_VARIABLE}", related=related)
        yield with_fix(finding, f"set {_VARIABLE}=1 in the image", Safety.SAFE, _line_before(image))


def _is_debugging(facts: Facts, path: str, call: Call) -> bool:
    python = facts.file(path).python
    return python is not None and python.is_debugged(call.at)


def _is_set_where_deployed(service: Service) -> bool:
    names = {one.name for _, container in service.deployed for one in container.environment}
    names |= {one.name for _, container in service.deployed for one in container.references}
    names |= {setting.name for _, one in service.composed for setting in one.environment}
    return _VARIABLE in names


def _is_unbuffered(process: Process) -> bool:
    if process.environment.get(_VARIABLE, "") != "":
        return True
    steps = process.steps
    if not steps or not any(_is_python(step) for step in steps):
        return True  # something else starts it, whose settings are not known
    return any("-u" in step.words[:4] or f"{_VARIABLE}=1" in step.words for step in steps)


def _is_python(step: Step) -> bool:
    """Whether a step starts Python: by one of its servers, as a script, or a module with ``python -m``."""
    program, first = step.launch.program, base_name(step.words[0]) if step.words else ""
    return program in _SERVERS or program.endswith(".py") or first.startswith("python")


def _line_before(image: Image) -> Replace:
    assert image.command is not None
    line, column, _, _ = image.command.statement.at
    return Replace(Span.of(image.path, (line, column, line, column)), f"ENV {_VARIABLE}=1\n{' ' * (column - 1)}")
