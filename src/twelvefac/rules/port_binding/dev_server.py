"""The image starts a server that is made for development.

## Why

`flask run`, `app.run()`, `manage.py runserver`, `fastapi dev` and `uvicorn --reload` serve one developer: they do not
stop gracefully, watch files, show internals on errors, and their own documentation says not to release them.

## What it does not flag

- The same call under `if __name__ == "__main__":` in a file that the image does not start.
- Images for development (`Dockerfile.dev`), branches for debugging (`if args.debug:`), sub-commands that the image
  does not name.
- bottle in a server that it is told of (`run(server="waitress")`).

## How to fix

Start a production server: `gunicorn app:app`, `uvicorn app:app`, `fastapi run`.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.callgraph import Place, called, loaded
from twelvefac.project.facts import Call
from twelvefac.project.processes import Process, Step
from twelvefac.project.running import RUN_OF_OTHERS, started_call
from twelvefac.project.scan import anchors, calling
from twelvefac.project.servers import CALLS, listening
from twelvefac.project.services import Service

_CALLS = {name: call for name, call in CALLS.items() if call.dev}
_FOR_PRODUCTION = frozenset("gunicorn uwsgi hypercorn granian daphne waitress-serve supervisord".split())
_RELOADING = ("uvicorn.run", "uvicorn.Config")

rule = Rule(
    __name__,
    factor=Factor.PORT_BINDING,
    summary="the image starts a development server",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=(*calling(*_CALLS, *_RELOADING), *anchors(RUN_OF_OTHERS)),
    names=frozenset(name.rpartition(".")[2] for name in (*_CALLS, *_RELOADING)),
    examples=(
        Example(
            "nothing but the script says how it is started",
            source="""
                -- shop/app.py --
                from flask import Flask

                app = Flask(__name__)

                if __name__ == "__main__":
                    app.run(port=5003)  # <- dev-server
                -- demo/app.py --
                from flask import Flask

                app = Flask(__name__)

                if __name__ == "__main__":
                    app.run(port=5003)
            """,
        ),
        Example(
            "a configuration of a server for production, which no script starts",
            source="""
                -- app.py --
                from flask import Flask

                app = Flask(__name__)

                if __name__ == "__main__":
                    app.run(port=5003)
                -- gunicorn.conf.py --
                accesslog = "-"
            """,
        ),
        Example(
            "an application that another module makes",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "run.py"]
                -- a/run.py --
                from shop import create_app

                app = create_app()

                if __name__ == "__main__":
                    app.run(host="0.0.0.0")  # <- dev-server
                -- a/shop/__init__.py --
                from flask import Flask

                def create_app():
                    app = Flask(__name__)
                    return app
                -- b/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["./wait-for-it.sh", "db:5432", "--", "python", "run.py"]
                -- b/run.py --
                from shop import app
                app.run(host="0.0.0.0")  # <- dev-server
                -- b/shop.py --
                import flask
                app = flask.Flask(__name__)
                -- c/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "run.py"]
                -- c/run.py --
                from shop import app
                app.run(host="0.0.0.0")
                -- c/shop.py --
                from pyrogram import Client
                app = Client("shop")
                -- d/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "run.py"]
                -- d/run.py --
                from parts import set_up

                [app, database, log] = set_up()

                if __name__ == "__main__":
                    app.run(host="0.0.0.0")  # <- dev-server
                -- d/parts.py --
                from flask import Flask

                def make() -> Flask:
                    return Flask(__name__)

                def set_up(
                    name="shop",
                ):
                    app = make()
                    return [app, object(), app.logger]
                -- e/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["python", "run.py"]
                -- e/run.py --
                from parts import set_up

                app, log = set_up()
                app.run()
                -- e/parts.py --
                def set_up():
                    return Client("shop"), object()

                def health():
                    app = Flask(__name__)
                    return app
            """,
        ),
        Example(
            "commands",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["flask", "--app", "app", "run", "--host=0.0.0.0"]  # <- dev-server
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD python manage.py migrate && exec python manage.py runserver 0.0.0.0:8000  # <- dev-server
                -- b/manage.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--reload"]  # <- dev-server
                -- c/app.py --
            """,
        ),
        Example(
            "the entry script's own server",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
                from flask import Flask

                app = Flask(__name__)

                if __name__ == "__main__":
                    app.run(host="0.0.0.0")  # <- dev-server
            """,
        ),
        Example(
            "a main that a pool of threads runs",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                from concurrent.futures import ThreadPoolExecutor

                from flask import Flask
                from web.api import main as serve

                def run():
                    with ThreadPoolExecutor() as executor:
                        executor.submit(serve)

                run()
                -- web/__init__.py --
                -- web/api.py --
                from flask import Flask

                app = Flask(__name__)

                def main():
                    app.run(host="0.0.0.0")  # <- dev-server
            """,
        ),
        Example(
            "bottle in another server, a branch for debugging",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
                import bottle
                from waitress import serve
                from werkzeug.serving import run_simple

                args = bottle.request
                if args.debug and args.port:
                    run_simple("0.0.0.0", 8000, bottle.app())
                elif args.tiny:
                    bottle.run(host="0.0.0.0", server="waitress")
                else:
                    bottle.run(host="0.0.0.0")  # <- dev-server
            """,
        ),
        Example(
            "a main guard that the image does not run",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                from flask import Flask

                app = Flask(__name__)

                if __name__ == "__main__":
                    app.run(debug=True)
            """,
        ),
        Example(
            "another file's own main, and a branch that the image does not take",
            source="""
                -- web/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- web/main.py --
                import uvicorn

                from app import settings

                def main():
                    uvicorn.run("app:app", host="0.0.0.0", port=settings.port)

                if __name__ == "__main__":
                    main()
                -- web/app.py --
                import uvicorn

                settings = object()

                def main():
                    uvicorn.run("app:app", reload=True)

                if __name__ == "__main__":
                    main()
                -- api/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./entrypoint.sh"]
                CMD ["api"]
                -- api/entrypoint.sh --
                #!/bin/bash
                if [[ "$1" == "api" ]]; then
                    exec gunicorn -b 0.0.0.0:8000 app:app
                elif [[ "$1" == "api-dev" ]]; then
                    exec gunicorn --reload -b 0.0.0.0:8000 app:app
                fi
                -- api/app.py --
                -- jobs/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./run.sh"]
                -- jobs/run.sh --
                #!/bin/bash
                SERVICE=$1
                case ${SERVICE} in
                worker) exec python worker.py ;;
                fake) exec flask run ;;
                esac
                -- jobs/worker.py --
                -- shop/Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- shop/start.sh --
                #!/bin/bash
                if [ "$DEBUG" = 1 ]; then
                    exec flask run
                else
                    exec gunicorn app:app
                fi
                -- shop/app.py --
                -- preview/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./entry.sh"]
                -- preview/entry.sh --
                #!/bin/bash
                case "$@" in
                web) exec gunicorn app:app ;;
                web-local) exec flask run ;;
                esac
                -- preview/app.py --
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
            "a branch of a script that a condition has to choose, and one that is taken without",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- a/start.sh --
                #!/bin/bash
                if [ "$APP_CONFIG" = "config.DevelopmentConfig" ]; then
                    python manage.py runserver 0.0.0.0:8000
                else
                    gunicorn app:app -b 0.0.0.0:8000
                fi
                -- a/manage.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- b/start.sh --
                #!/bin/bash
                if [ "$USE_GUNICORN" = "True" ]; then
                    gunicorn app:app -b 0.0.0.0:8000
                else
                    python manage.py runserver 0.0.0.0:8000  # <- dev-server
                fi
                -- b/manage.py --
            """,
        ),
        Example(
            "a script's branch that a stage for development switches on",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS base
                ENTRYPOINT ["./entry.sh"]
                FROM base AS development
                ENV DEV_SERVER=1
                FROM base AS production
                -- entry.sh --
                #!/bin/bash
                if [[ -n "$*" ]]; then
                    "$@"
                elif [[ "$DEV_SERVER" = "1" ]]; then
                    python -Wd ./manage.py runserver 0.0.0.0:8080
                else
                    uwsgi --ini .prod/uwsgi.ini
                fi
                -- manage.py --
            """,
        ),
        Example(
            "developers' image with a script of its own, beside the one that is released",
            source="""
                -- docker/Dockerfile --
                FROM python:3.12-slim
                COPY requirements/dev.txt requirements/
                RUN pip install -r requirements/dev.txt
                COPY . .
                CMD ["/app/docker/run.sh"]
                -- docker/run.sh --
                #!/bin/bash
                python manage.py migrate
                exec python manage.py runserver 0.0.0.0:8000
                -- docker/Dockerfile-cloud --
                FROM python:3.12-slim
                COPY . .
                CMD ["gunicorn", "shop.wsgi"]
                -- manage.py --
                -- shop/wsgi.py --
            """,
        ),
        Example(
            "an image for end-to-end tests",
            source="""
                -- Dockerfile.e2e --
                FROM python:3.12-slim
                CMD ["python", "manage.py", "runserver"]
                -- Procfile --
                web: gunicorn shop.wsgi -b 0.0.0.0:$PORT
                -- manage.py --
                -- shop/wsgi.py --
            """,
        ),
        Example(
            "an image for development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- Dockerfile.dev --
                FROM python:3.12-slim
                CMD ["flask", "run"]
                -- app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for process, step, server in service.servers:
        name = server.server.name
        # a compose file that is not called so may be for development, also where nothing else says what ships
        severity = MEDIUM if process.source == "compose" else HIGH
        if server.server.dev and step.block in ("if", "elif") and _has_other(process, step):
            continue  # a condition has to choose it, and without it a server for production starts
        if server.server.dev:
            message = f"{name} is a development server: it does not stop gracefully and is not made for load"
            yield rule.on(step.span, message, subject=f"server:{name}", severity=severity)
        elif server.reloads:
            message = f"{name} reloads on file changes, which a release never has: a second process watches for nothing"
            yield rule.on(step.span, message, subject=f"reload:{name}", severity=severity)
    for path, call in (*facts.calls(*_CALLS, *_RELOADING), *facts.run_elsewhere(service)):
        started = started_call(service, facts.file(path).python, path, call)
        entry = service.started[path][1] if started is not None else path
        if started is None or _has_other_server(call):
            continue
        if call.scope and entry != path and not _is_called(service, facts, entry, (path, call.scope)):
            continue
        related = ((started.span, "this starts it"),)
        if call.name in _CALLS:
            name = _CALLS[call.name].name
            message = f"{name} is a development server: it does not stop gracefully and is not made for load"
            yield rule.at(path, call.at, message, subject=f"server:{name}", symbol=call.scope, related=related)
        elif (reload := call.arg("reload")) is not None and reload.data is True:
            message = f"{call.name} reloads on file changes, which a release never has"
            yield rule.at(path, call.at, message, subject=f"reload:{call.name}", symbol=call.scope, related=related)


def _has_other_server(call: Call) -> bool:
    """Whether bottle is told to run in a server that is made for more than development."""
    server = call.arg("server") if call.name.startswith("bottle.") else None
    return server is not None and server.text != "wsgiref"


def _has_other(process: Process, step: Step) -> bool:
    """Whether the same script starts another server where nothing is chosen."""
    for other in process.steps or ():
        if other.span.path == step.span.path and other.block not in ("if", "elif"):
            if other.launch.program in _FOR_PRODUCTION:
                return True
            server = listening(other.launch, process.environment)
            if server is not None and not server.server.dev:
                return True
    return False


def _is_called(service: Service, facts: Facts, entry: str, function: Place) -> bool:
    """Whether the entry file's start leads to a function of another file; yes where the entry was not read."""
    known = {path: python for path, python in facts.python() if path in service.started}
    if entry not in known:
        return not function[1].endswith("main")
    roots = [place for path, python in known.items() for place in loaded(path, python, service.modules, entry=False)]
    roots += loaded(entry, known[entry], service.modules, entry=True)
    return function in called(roots, known, service.modules, threads=True)
