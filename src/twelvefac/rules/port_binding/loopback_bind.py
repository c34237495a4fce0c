"""The released server listens on the loopback address only.

## Why

Inside a container `127.0.0.1` is the container itself: the port is open, the logs say that the server runs, and no
request from outside ever arrives. uvicorn, gunicorn, hypercorn, flask and `runserver` bind it unless told otherwise.

Linters that demand the opposite (ruff S104, bandit B104) speak of programs on a shared host. A container's network
belongs to the platform, which decides what reaches it.

## What it does not flag

- A server under `if __name__ == "__main__":` in a file that the image does not start.
- A host from the environment (`UVICORN_HOST`, `FLASK_RUN_HOST`, gunicorn with `PORT`), a unix socket, or a
  configuration file that may set it.

## How to fix

Bind every address: `uvicorn app:app --host 0.0.0.0`, `gunicorn -b 0.0.0.0:$PORT app:app`, `app.run(host="0.0.0.0")`.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.running import RUN_OF_OTHERS, started_call
from twelvefac.project.scan import anchors, calling
from twelvefac.project.servers import CALLS, LOOPBACK
from twelvefac.project.services import Service

rule = Rule(
    __name__,
    factor=Factor.PORT_BINDING,
    summary="the released server is reachable from inside its container only",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=(*calling(*CALLS), *anchors(RUN_OF_OTHERS)),
    names=frozenset(name.rpartition(".")[2] for name in CALLS),
    examples=(
        Example(
            "gunicorn where a manifest gives PORT",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "app:app"]
                -- docker-compose.yml --
                services:
                  web:
                    build: .
                    environment:
                      PORT: 80
                -- app.py --
            """,
        ),
        Example(
            "an application that a function makes",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "run.py"]
                -- run.py --
                import shop

                shop.create_app().run(port=8000)  # <- loopback-bind
                -- shop.py --
                from flask import Flask

                def create_app():
                    return Flask(__name__)
            """,
        ),
        Example(
            "uvicorn's default",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--port", "8000"]  # <- loopback-bind
                -- app.py --
            """,
        ),
        Example(
            "a script's default, and a literal reached from the entry",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                WORKDIR /srv
                CMD ["python", "main.py"]
                -- main.py --
                from server import serve

                serve()
                -- server.py --
                import uvicorn

                def serve():
                    uvicorn.run("server:app", host="127.0.0.1", port=8000)  # <- loopback-bind
            """,
        ),
        Example(
            "stated, from the environment, or not what runs",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV UVICORN_HOST=0.0.0.0
                CMD ["uvicorn", "app:app"]
                -- app.py --
                import uvicorn

                app = object()
                if __name__ == "__main__":
                    uvicorn.run(app, host="127.0.0.1", reload=True)
            """,
        ),
        Example(
            "another command of the program than the one that the image starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["shop"]
                CMD ["server", "start", "--host=0.0.0.0"]
                -- pyproject.toml --
                [project]
                name = "shop"
                version = "1"
                [project.scripts]
                shop = "shop.cli:entry"
                -- shop/cli.py --
                import click
                import uvicorn

                @click.group()
                def entry():
                    pass

                @entry.group("server")
                def server():
                    pass

                @server.command("develop")
                def develop():
                    uvicorn.run("shop.main:app", reload=True, port=8000)

                @server.command()
                def routes():
                    pass

                server.add_command(uvicorn.main, name="start")
            """,
        ),
        Example(
            "gunicorn with PORT, and with a configuration file",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                ENV PORT=8000
                CMD ["gunicorn", "app:app"]
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "app:app"]
                -- b/gunicorn.conf.py --
                bind = "0.0.0.0:8000"
                -- b/app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for _, step, server in service.servers:
        if server.host not in LOOPBACK or (not server.stated and _may_be_configured(service, server.server.name)):
            continue
        how = "is told to bind" if server.stated else "binds"
        default = "" if server.stated else " by default"
        message = f"{server.server.name} {how} {server.host}{default}: nothing outside the container reaches it"
        yield rule.on(step.span, message, subject=f"server:{server.server.name}")
    for path, call in (*facts.calls(*CALLS), *facts.run_elsewhere(service)):
        step_of_call = started_call(service, facts.file(path).python, path, call)
        if step_of_call is None or call.is_open:
            continue
        server_call = CALLS[call.name]
        value = call.arg(*server_call.host)
        host = server_call.default if value is None else value.text
        if host in LOOPBACK:
            message = f"{server_call.name} binds {host}: nothing outside the container reaches it"
            related = ((step_of_call.span, "this starts it"),)
            # inside a function of another file than the one that is started, what leads there is not followed
            sure = not call.scope or service.started[path][1] == path
            yield rule.at(
                path,
                call.at,
                message,
                subject=f"server:{server_call.name}",
                symbol=call.scope,
                related=related,
                severity=HIGH if sure else MEDIUM,
            )


def _may_be_configured(service: Service, server: str) -> bool:
    """gunicorn reads ./gunicorn.conf.py by itself, and with PORT it binds every address."""
    if server != "gunicorn":
        return False
    given = {one.name for _, item in service.composed for one in item.environment}
    given |= {one.name for _, container in service.deployed for one in container.environment}
    return "PORT" in given or any(path.rpartition("/")[2] == "gunicorn.conf.py" for path in service.files)
