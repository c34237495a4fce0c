"""Every start of the service changes the database's schema.

## Why

A release starts several processes at once, and a crash or a scale-up starts one at any time. Each of them migrates:
they race for the same tables, the old code meets the new schema in the middle of a roll-out, a migration that takes
long is killed by the liveness probe, and a rollback cannot start because the schema is ahead. `create_all` besides
never changes a table that exists, so the schema drifts from the models in silence.

## What it does not flag

- A process whose only work it is: a job, a release phase, an init container, a Compose service.
- A branch of a start script that something has to choose (`case migrate)`, `if [ "$MIGRATE" ]`).
- Commands, tests, scripts.

## How to fix

Run migrations once a release, as a one-off process of the same image: a Kubernetes Job, Heroku's `release:`, a step of
the pipeline.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.callgraph import Place, called, loaded
from twelvefac.project.command import Launch
from twelvefac.project.facts import Call, Function
from twelvefac.project.processes import Step
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.tools import is_tool
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_COMMANDS = {
    "alembic": ("upgrade",),
    "flask": ("db upgrade",),
    "aerich": ("upgrade",),
    "manage.py": ("migrate",),
    "django-admin": ("migrate",),
    "prisma": ("migrate deploy", "db push"),
    "yoyo": ("apply",),
    "pem": ("migrate",),
    "piccolo": ("migrations forwards",),
}
_HOOKS = frozenset(
    ("on_event", "before_first_request", "before_serving", "before_server_start", "on_startup", "lifespan")
)
_HOOK_LINE = regex(r"[ \t]{0,8}(?:hook-|exec-)[\w-]{1,40}[ \t]{0,8}=.{0,200}(?:\bmigrate\b|\bupgrade\b)")
_ALWAYS = frozenset(("", "while", "until"))
"""Where a step of a script stands that runs whatever happens: also in a loop that tries until it succeeds."""
_SHOWN = 10
_FACTORIES = frozenset(("create_app", "make_app", "get_app", "build_app", "get_application", "create_application"))

rule = Rule(
    __name__,
    factor=Factor.ADMIN_PROCESSES,
    summary="every start of the service changes the database's schema",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    anchors=anchors(
        r"create all ~create_all(?<=\.create_all)",
        r"app ~def[ \t]{1,4}(?:create|make|build|init|get)_(?:\w{0,20}_)?app(?:lication)?\b",
        r"alembic ~command(?:\.upgrade|[ \t]{1,4}(?:import|as))\b",
        r"flask migrate ~upgrade\b",
        "call command migrate ~call_command",
        "generate schemas ~generate_schemas",
        "register tortoise",
        "registertortoise",
        "lifespan",
        r"on event ~@[\w.]{1,100}on_event",
    ),
    names=frozenset(
        "create_all run_sync alembic.command.upgrade flask_migrate.upgrade call_command generate_schemas "
        "register_tortoise RegisterTortoise".split()
    ),
    examples=(
        Example(
            "a command of one's own that migrates",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./boot.sh"]
                -- boot.sh --
                #!/bin/sh
                while true; do
                    flask deploy  # <- migrate-on-boot
                    [ "$?" = 0 ] && break
                done
                flask warm-up
                exec gunicorn -b :5000 shop:app
                -- shop.py --
                from flask import Flask
                from flask_migrate import upgrade

                app = Flask(__name__)

                @app.cli.command()
                def deploy():
                    upgrade()

                @app.cli.command()
                def warm_up():
                    pass
            """,
        ),
        Example(
            "a script behind poetry or pipenv, which it takes the place of",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD poetry --no-interaction run ./start.sh
                -- a/start.sh --
                #!/bin/bash
                flask db upgrade  # <- migrate-on-boot
                exec gunicorn shop:app
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["pipenv", "run", "sh", "-c", "exec ./start.sh"]
                -- b/start.sh --
                #!/bin/bash
                alembic upgrade head  # <- migrate-on-boot
                exec gunicorn shop:app
                -- b/app.py --
            """,
        ),
        Example(
            "started by a Compose file of another name",
            source="""
                -- docker/Dockerfile --
                FROM python:3.12-slim
                -- docker/default.yml --
                services:
                  web:
                    build: {context: .., dockerfile: docker/Dockerfile}
                    entrypoint: ["./docker/entry.sh"]
                -- docker/values.yml --
                services:
                  - web
                -- docker/entry.sh --
                #!/bin/bash
                python manage.py migrate  # <- migrate-on-boot
                exec gunicorn shop.wsgi
                -- manage.py --
            """,
        ),
        Example(
            "in the start line and in a start script",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD alembic upgrade head && exec uvicorn app:app --host 0.0.0.0  # <- migrate-on-boot
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/entrypoint.sh"]
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- b/entrypoint.sh --
                #!/bin/sh
                python manage.py migrate --noinput  # <- migrate-on-boot
                exec "$@"
                -- b/manage.py --
                -- b/shop/wsgi.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["uwsgi", "/srv/uwsgi.ini"]
                -- c/uwsgi.ini --
                [uwsgi]
                hook-pre-app = exec:./manage.py migrate  # <- migrate-on-boot
                -- c/manage.py --
            """,
        ),
        Example(
            "at import, and from a start-up hook through another file",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
                -- a/main.py --
                from db import Base, engine

                Base.metadata.create_all(bind=engine)  # <- migrate-on-boot
                -- a/db.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
                -- b/main.py --
                from contextlib import asynccontextmanager

                from db import init

                @asynccontextmanager
                async def lifespan(app):
                    await init()
                    yield
                -- b/db.py --
                from models import Base, engine

                async def init():
                    async with engine.begin() as connection:
                        await connection.run_sync(Base.metadata.create_all)  # <- migrate-on-boot
                -- b/models.py --
            """,
        ),
        Example(
            "a process of its own, a chosen branch, a release phase",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/entrypoint.sh"]
                CMD ["web"]
                -- entrypoint.sh --
                #!/bin/sh
                case "$1" in
                  migrate) exec alembic upgrade head ;;
                  web) exec gunicorn -b 0.0.0.0:8000 app:app ;;
                esac
                -- app.py --
                -- compose.prod.yaml --
                services:
                  migrate:
                    build: .
                    entrypoint: [alembic, upgrade, head]
                -- other/Procfile --
                release: python manage.py migrate
                web: gunicorn shop.wsgi
                -- other/requirements.txt --
                -- other/manage.py --
            """,
        ),
        Example(
            "in a command and under a main guard",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                from flask import Flask
                from flask_sqlalchemy import SQLAlchemy

                app = Flask(__name__)
                db = SQLAlchemy(app)

                @app.cli.command("create")
                def create():
                    db.create_all()

                if __name__ == "__main__":
                    db.create_all()
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    replicas = _replicas(service)
    own = {call.scope for _, call in facts.calls("flask_migrate.upgrade", "alembic.command.upgrade")}
    seen: set[Span] = set()
    for process in service.released:
        steps = process.steps or ()
        if not steps or _what(steps[-1].launch) is not None:
            continue  # migrating is all that it does
        for step in steps[:-1]:
            what = _what(step.launch) or _own_command(step.launch, own)
            if what is None or step.block not in _ALWAYS or step.background or step.span in seen:
                continue
            seen.add(step.span)
            message = f"each start of {process.name} runs `{what}`: processes that start together race for the schema"
            related = () if step.span == process.span else ((process.span, "this starts it"),)
            yield rule.on(step.span, message + replicas, subject=f"migrate:{what}", related=related)
        yield from _hooks(service, facts, steps)
    yield from _in_code(service, facts, replicas)


def _hooks(service: Service, facts: Facts, steps: tuple[Step, ...]) -> Iterator[Finding]:
    """uwsgi runs what its configuration names before it loads the application."""
    names = {word.rpartition("/")[2] for step in steps if step.launch.program == "uwsgi" for word in step.words}
    for path in service.files:
        text = facts.file(path).text
        if text is None or path.rpartition("/")[2] not in names:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if _HOOK_LINE.match(line):
                message = "each start of uwsgi migrates: processes that start together race for the schema"
                yield rule.at(path, (number, 1, number, len(line) + 1), message, subject="migrate:uwsgi")


def _replicas(service: Service) -> str:
    for workload, container in service.deployed:
        count = workload.replicas or ""
        if workload.serves and not container.init and count.isdigit() and int(count) > 1:
            return f" ({workload.name} has {count} replicas)"
    return ""


def _what(start: Launch) -> str | None:
    program, args = start.program, start.args
    if program == "python" and args and args[0].rpartition("/")[2] == "manage.py":
        program, args = "manage.py", args[1:]
    words = " ".join(word for word in args if not word.startswith("-"))
    for command in _COMMANDS.get(program, ()):
        if f" {words} ".startswith(f" {command} ") or (
            program in ("alembic", "flask") and f" {command} " in f" {words} "
        ):
            return f"{program} {command}"
    return None


def _own_command(start: Launch, functions: set[str]) -> str | None:
    """``flask deploy``, where the service has a command ``deploy`` that migrates."""
    name = next((word for word in start.args if not word.startswith("-")), "")
    return f"flask {name}" if start.program == "flask" and name.replace("-", "_") in functions else None


def _in_code(service: Service, facts: Facts, replicas: str) -> Iterator[Finding]:
    known = {path: python for path, python in facts.python() if path in service.reached}
    if not any(_changes_schema(call) for python in known.values() for call in python.calls):
        return
    roots: set[Place] = set()
    for path, python in known.items():
        entry = service.started.get(path, (None, ""))[1] == path
        if not is_tool(path):
            roots.update(loaded(path, python, service.modules, entry=entry))
            roots.update((path, one.name) for one in python.functions if _is_hook(one) or one.name in _FACTORIES)
    running = called(roots, known, service.modules)
    found = [
        (path, call, what)
        for path, python in known.items()
        for call in python.calls
        if (what := _changes_schema(call)) is not None
        and not is_tool(path)
        and ((path, call.scope) in running or (not call.scope and service.runs_there(path, guarded=call.guarded)))
    ]
    if found:
        path, call, what = found[0]
        when = f"each start of the service, through {call.scope}," if call.scope else "importing this module"
        message = f"{when} runs {what}: processes that start together race for the schema{replicas}"
        related = [(service.reached[path][0].span, "this starts it")]
        related += [(Span.of(where, one.at), f"runs {it}") for where, one, it in found[1:]]
        yield rule.at(
            path, call.at, message, subject=f"schema:{what}", symbol=call.scope, related=tuple(related[:_SHOWN])
        )


def _is_hook(function: Function) -> bool:
    for decorator in function.decorators:
        name = str(decorator.data[0] if decorator.kind == "call" and decorator.data else decorator.data)
        last = name.rpartition(".")[2]
        if last in _HOOKS:
            first = decorator.data[1][0].text if decorator.kind == "call" and decorator.data[1] else None
            return first != "shutdown"
        if last == "asynccontextmanager" and "lifespan" in function.name.lower():
            return True
    return False


def _changes_schema(call: Call) -> str | None:
    """What a call does to the schema; None for one that leaves it alone."""
    last = call.name.rpartition(".")[2]
    if last == "create_all" and not call.name.startswith("sqlalchemy.MetaData"):
        return "create_all"
    if last == "run_sync" and any(
        value.kind == "name" and str(value.data).endswith(".create_all") for value in call.args
    ):
        return "create_all"
    if call.name in ("alembic.command.upgrade", "flask_migrate.upgrade"):
        return call.name
    if last == "call_command" and call.args and call.args[0].text == "migrate":
        return "migrate"
    if last == "generate_schemas":
        return "generate_schemas"
    if last in ("register_tortoise", "RegisterTortoise"):
        given = call.arg("generate_schemas")
        return "generate_schemas" if given is not None and given.data is True else None
    return None
