"""The port that the service listens on is written into its start command.

## Why

The platform decides which port a process gets: two copies on one host network, a sidecar that needs the same number,
or a platform that assigns one in `PORT` each need another. A number in the image's command or in the code cannot be
changed without a new build.

## What it does not flag

- A port from the environment (`$PORT`, `${PORT:-8000}`, `os.getenv`), or a server that reads one by itself
  (`UVICORN_PORT`, gunicorn's `PORT`, `GUNICORN_CMD_ARGS`, `FLASK_RUN_PORT`).
- A command in a compose file or Kubernetes manifest: there the deployment states the port.
- EXPOSE, which binds nothing, and calls in files that the image does not start.

## How to fix

Read the port from the environment with a default: `CMD ["sh", "-c", "exec uvicorn app:app --port ${PORT:-8000}"]`,
`uvicorn.run(app, port=int(os.getenv("PORT", "8000")))`, or leave it out and let the server read its own variable.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, LOW, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.ports import CALLS, bound, port_of
from twelvefac.project.processes import Process, Step
from twelvefac.project.running import RUN_OF_OTHERS, started_call
from twelvefac.project.scan import anchors, calling
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

rule = Rule(
    __name__,
    factor=Factor.PORT_BINDING,
    summary="the port is written into the start command",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=(*calling(*CALLS), *anchors(RUN_OF_OTHERS)),
    names=frozenset(name.rpartition(".")[2] for name in CALLS),
    examples=(
        Example(
            "a constant of a module beside it",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                import uvicorn

                from settings import PORT

                if __name__ == "__main__":
                    uvicorn.run("main:app", host="0.0.0.0", port=PORT)  # <- fixed-port
                -- settings.py --
                PORT = 5002
            """,
        ),
        Example(
            "a server that only its file's own main guard starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "bot.py"]
                -- bot.py --
                import os
                from board import start

                start(int(os.environ["PORT"]))
                -- board.py --
                import uvicorn

                def start(port):
                    uvicorn.run("board:app", port=port)

                def run_standalone():
                    uvicorn.run("board:app", port=8080)

                if __name__ == "__main__":
                    run_standalone()
            """,
        ),
        Example(
            "an application that another module makes",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "run.py"]
                -- run.py --
                from shop import app

                app.run("0.0.0.0", 8000)  # <- fixed-port
                -- shop.py --
                from flask import Flask

                def create_app():
                    app = Flask(__name__)
                    return app

                app = create_app()
            """,
        ),
        Example(
            "in uWSGI's file, and in a Procfile that the image reads",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["uwsgi", "--ini", "uwsgi.ini"]
                -- a/uwsgi.ini --
                [uwsgi]
                http = :8000  # <- fixed-port
                stats = :9191
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["uwsgi", "--ini", "uwsgi.ini"]
                -- b/uwsgi.ini --
                [uwsgi]
                http = :$(PORT)
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["honcho", "start"]
                -- c/Procfile --
                web: gunicorn --bind 0.0.0.0:3000 app:app  # <- fixed-port
                -- c/app.py --
            """,
        ),
        Example(
            "in the image's command and in a script",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8000"]  # <- fixed-port
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./start.sh"]
                -- b/start.sh --
                #!/bin/sh
                exec gunicorn -b :5000 app:app  # <- fixed-port
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD gunicorn --bind=0.0.0.0:8000 app:app  # <- fixed-port
                -- c/app.py --
            """,
        ),
        Example(
            "a Procfile",
            source="""
                -- Procfile --
                web: gunicorn --bind 0.0.0.0:8000 app:app  # <- fixed-port
                -- app.py --
            """,
        ),
        Example(
            "in the code that the image starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                import uvicorn

                PORT = 8080

                if __name__ == "__main__":
                    uvicorn.run("app:app", host="0.0.0.0", port=PORT)  # <- fixed-port
            """,
        ),
        Example(
            "gRPC",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "server.py"]
                -- server.py --
                import grpc

                server = grpc.server(None)
                server.add_insecure_port("[::]:50051")  # <- fixed-port
            """,
        ),
        Example(
            "from the environment",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                EXPOSE 8000
                CMD exec uvicorn app:app --host 0.0.0.0 --port ${PORT:-8000}
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                ENV UVICORN_PORT=8000 PORT=8000
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- c/main.py --
                import os

                import uvicorn

                uvicorn.run("app:app", host="0.0.0.0", port=int(os.getenv("PORT", "8000")))
            """,
        ),
        Example(
            "a script that hands over, a sub-command for developers, a branch for debugging",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/wait.sh"]
                CMD ["bash", "-c", "alembic upgrade head && uvicorn app:app --port 5000"]  # <- fixed-port
                -- wait.sh --
                #!/bin/sh
                exec "$@"
                -- app.py --
                -- cli/Dockerfile --
                FROM python:3.12-slim
                CMD ["shop", "serve"]
                -- cli/pyproject.toml --
                [project]
                name = "shop"
                scripts = {shop = "shop:main"}
                -- cli/shop.py --
                import click
                import uvicorn

                @click.group()
                def main():
                    pass

                @main.command()
                def develop():
                    uvicorn.run("shop:app", port=8000, reload=True)

                @main.command("serve")
                def run():
                    if click.get_current_context().debug:
                        uvicorn.run("shop:app", port=8001)
                    else:
                        uvicorn.run("shop:app", port=8002)  # <- fixed-port
            """,
        ),
        Example(
            "stated by the deployment, or not what runs",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                -- app.py --
                from flask import Flask

                app = Flask(__name__)
                if __name__ == "__main__":
                    app.run(port=5000)
                -- start.sh --
                #!/bin/sh
                exec "$@"
                -- compose.yaml --
                services:
                  web:
                    build: .
                    entrypoint: ./start.sh
                    command: gunicorn -b 0.0.0.0:8000 app:app
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for process, step, server in service.servers:
        port = bound(step.launch, process.environment)
        if port is None or not port.literal or _is_stated_by_deployment(service, process, step):
            continue
        shown = " and ".join(str(number) for number in port.numbers)
        severity = _severity(service, process, port.numbers)
        message = f"{server.server.name} listens on {shown} ({port.option}) whatever the environment says"
        if severity is HIGH:
            message += ": the platform routes to PORT, where nothing answers"
        yield rule.on(step.span, message, subject=f"server:{server.server.name}", severity=severity)
    yield from _of_uwsgi(service, facts)
    for path, call in (*facts.calls(*CALLS), *facts.run_elsewhere(service)):
        python = facts.file(path).python
        step_of_call = started_call(service, python, path, call)
        if step_of_call is None or python is None:
            continue
        number, literal = port_of(service.modules.with_constants(call, path), python)
        if literal and number:
            shown = call.name.replace("()", "")
            message = f"{shown} listens on {number} whatever the environment says"
            related = ((step_of_call.span, "this starts it"),)
            yield rule.at(path, call.at, message, subject=f"server:{shown}", symbol=call.scope, related=related)


def _of_uwsgi(service: Service, facts: Facts) -> Iterator[Finding]:
    """``http = :8000`` in the file that uWSGI is started with; ``$(PORT)`` is what the environment says."""
    seen: set[str] = set()
    for process in service.released:
        for step in process.steps or () if process.source == "dockerfile" else ():
            for path, entries in facts.configurations(step.launch) if step.launch.program == "uwsgi" else ():
                if path not in seen:
                    seen.add(path)
                    for one in entries:
                        if one.key in ("http", "http-socket") and (match := _ADDRESS.fullmatch(one.value)):
                            message = f"uwsgi listens on {match.group(1)} ({one.key}) whatever the environment says"
                            related = ((step.span, "this starts it"),)
                            yield rule.at(path, one.at, message, subject="server:uwsgi", related=related)


_ADDRESS = regex(r"(?:[\w.\[\]:*-]{0,60}:)?(\d{2,5})")
_RUN_PROCFILES = frozenset(("honcho", "foreman", "hivemind", "overmind"))


def _is_stated_by_deployment(service: Service, process: Process, step: Step) -> bool:
    """Whether a manifest states the port: in its own command, or in the one it puts over the image's."""
    if process.source in ("compose", "kubernetes"):
        return process.states(step)
    if process.source == "procfile":  # with a Dockerfile it is honcho on a developer's machine that reads it
        programs = {one.program for other in service.released if other.source == "dockerfile" for one in other.launches}
        return bool(service.images) and _RUN_PROCFILES.isdisjoint(programs)
    return process.source == "dockerfile" and any(
        one.source in ("compose", "kubernetes") and step.launch.program in (other.program for other in one.launches)
        for one in service.released
    )


def _severity(service: Service, process: Process, numbers: tuple[int, ...]) -> Severity:
    if process.source == "procfile" and not service.images:
        return HIGH if process.name == "web" else LOW
    declared = {number for _, container in service.deployed for _, number in container.ports}
    return LOW if any(str(number) in declared for number in numbers) else MEDIUM
