"""The process manager's SIGTERM does not reach the service.

## Why

On every deploy and every scale-down the platform sends SIGTERM to PID 1 and waits. Where PID 1 is a shell, or a
package runner, the signal ends there: the service goes on as if nothing had happened until it is killed, with
requests in flight, unacknowledged messages and open transactions.

The shell form `CMD python app.py` runs `/bin/sh -c "python app.py"`. Debian's shell (dash) stays PID 1 and waits; bash
and busybox replace themselves by a single command.

## What it does not flag

- The exec form, and `exec` in front of the last command.
- An init in front (`tini`, `dumb-init`).
- A single command in the shell form on Alpine, and `bash -c "a && b"`: both replace the shell.
- HEALTHCHECK and RUN; images for development.

## How to fix

Write the command as a JSON array. Where a shell is needed, put `exec` before the last command. A shell form over a
script needs both: `/bin/sh -c` waits for the script, and the script for what it starts.
"""

import json
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule, Safety, with_fix
from twelvefac.factors import Factor
from twelvefac.project.command import Launch, base_name
from twelvefac.project.masking import hidden
from twelvefac.project.processes import Process, Step
from twelvefac.project.servers import listening
from twelvefac.project.services import Service
from twelvefac.source.edit import Replace
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="SIGTERM ends at a shell or a package runner",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    fix=Safety.SAFE,
    examples=(
        Example(
            "the shell form behind a program that takes its place, and an image whose shell is busybox",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["ddtrace-run"]
                CMD flask run --host=0.0.0.0  # <- signal-lost
                -- app.py --
                -- replay/Dockerfile --
                FROM bash:5.1
                ENTRYPOINT replay.sh --loop
            """,
        ),
        Example(
            "one script of several processes, and what a branch behind the last command runs",
            source="""
                -- Procfile --
                web: ./web.sh
                short: ./run.sh short.py
                long: ./run.sh long.py
                -- web.sh --
                #!/bin/bash
                python manage.py migrate
                if [ "$1" = "" ]; then
                    exec gunicorn shop.wsgi
                fi
                -- run.sh --
                #!/bin/bash
                python $1  # <- signal-lost
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["/app/start-dev.sh"]
                -- start-dev.sh --
                #!/bin/bash
                python manage.py runserver 0.0.0.0:8000
                -- manage.py --
                -- short.py --
                -- long.py --
            """,
        ),
        Example(
            "the shell form on Debian",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD uvicorn app:app --host 0.0.0.0  # <- signal-lost
                -- app.py --
            """,
            fixed="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- app.py --
            """,
        ),
        Example(
            "the shell form over a script without exec, and over one that has no first line for the kernel",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ./start.sh --wait  # <- signal-lost
                -- start.sh --
                #!/bin/sh
                set -e
                python migrate.py
                gunicorn -b 0.0.0.0:8000 app:app
                -- app.py --
                -- worker/Dockerfile --
                FROM python:3.12-slim
                CMD ./work.sh  # <- signal-lost
                -- worker/work.sh --
                exec python worker.py
                -- worker/worker.py --
            """,
            fixed="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh", "--wait"]
                -- start.sh --
                #!/bin/sh
                set -e
                python migrate.py
                exec gunicorn -b 0.0.0.0:8000 app:app
                -- app.py --
                -- worker/Dockerfile --
                FROM python:3.12-slim
                CMD ["/bin/sh", "./work.sh"]
                -- worker/work.sh --
                exec python worker.py
                -- worker/worker.py --
            """,
        ),
        Example(
            "a shell line without exec",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["sh", "-c", "python migrate.py && gunicorn -b 0.0.0.0:$PORT app:app"]  # <- signal-lost
                -- app.py --
            """,
        ),
        Example(
            "npm as PID 1",
            source="""
                -- Dockerfile --
                FROM nikolaik/python-nodejs:python3.12-nodejs22
                CMD ["npm", "run", "serve"]  # <- signal-lost
                -- app.py --
                -- webpack/Dockerfile --
                FROM node:22-alpine
                CMD ["yarn", "production"]
            """,
        ),
        Example(
            "a start script without exec",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                ENTRYPOINT ["/srv/start.sh"]
                -- start.sh --
                #!/bin/sh
                set -e
                python migrate.py
                gunicorn -b 0.0.0.0:$PORT app:app  # <- signal-lost
                -- app.py --
            """,
            fixed="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                ENTRYPOINT ["/srv/start.sh"]
                -- start.sh --
                #!/bin/sh
                set -e
                python migrate.py
                exec gunicorn -b 0.0.0.0:$PORT app:app
                -- app.py --
            """,
        ),
        Example(
            "branches that a script ends with, one of them for debugging",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["/start.sh"]
                -- start.sh --
                #!/bin/bash
                if [[ $DEBUG == "True" ]] && [[ $TEST_SERVER == "True" ]]; then
                    python manage.py runserver 0.0.0.0:8001
                elif [ -n "$CONFIG" ]; then
                    uwsgi --ini "$CONFIG"  # <- signal-lost
                else
                    python manage.py migrate
                    uwsgi --ini /etc/uwsgi.ini
                fi
                -- manage.py --
            """,
        ),
        Example(
            "a script that hands over below a shell line, and the service's own console script",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT /entry.sh $0 $@  # <- signal-lost
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- entry.sh --
                #!/bin/bash
                exec "${BEFORE[@]}" "$@"
                -- app.py --
                -- api/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/enter.sh"]
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "api:app"]
                -- api/enter.sh --
                #!/bin/sh
                "$@"  # <- signal-lost
                -- api/api.py --
                -- worker/Dockerfile --
                FROM python:3.12-slim
                CMD ["/run.sh"]
                -- worker/run.sh --
                #!/bin/sh
                nameko run shop.service  # <- signal-lost
                -- worker/shop.py --
                -- bot/Dockerfile --
                FROM python:3.12-slim
                CMD ["/start.sh"]
                -- bot/start.sh --
                #!/bin/sh
                shop-bot  # <- signal-lost
                -- bot/pyproject.toml --
                [project]
                name = "bot"
                scripts = {shop-bot = "bot:main"}
                -- bot/bot.py --
            """,
        ),
        Example(
            "a script that hands over",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./docker-entrypoint.sh"]
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- docker-entrypoint.sh --
                #!/bin/bash
                if [ "$1" = worker ]; then
                    exec celery -A app worker
                fi
                exec "$@"
                -- app.py --
            """,
        ),
        Example(
            "exec form, exec, an init",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                HEALTHCHECK CMD curl -f http://127.0.0.1:8000/ || exit 1
                ENTRYPOINT ["tini", "--"]
                CMD ["uvicorn", "app:app"]
                -- worker/Dockerfile --
                FROM python:3.12-slim
                CMD python migrate.py && exec python worker.py
                -- worker/worker.py --
                -- app.py --
            """,
        ),
        Example(
            "a branch for development, and the one that is taken otherwise",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- start.sh --
                #!/bin/bash
                if [ "$APP_CONFIG" = "Development" ]; then
                    python manage.py runserver 0.0.0.0:8000
                else
                    gunicorn app:app -b 0.0.0.0:8000  # <- signal-lost
                fi
                -- manage.py --
            """,
        ),
        Example(
            "a tool that is soon done",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD gcloud info
                -- app.py --
            """,
        ),
        Example(
            "a chore of Django's, and a command that goes on",
            source="""
                -- Procfile --
                web: gunicorn shop.wsgi
                seed: ./bin/seed.sh
                worker: ./bin/worker.sh
                -- bin/seed.sh --
                #!/bin/bash
                set -e
                python manage.py seedusers
                -- bin/worker.sh --
                #!/bin/bash
                python manage.py process_tasks  # <- signal-lost
                -- manage.py --
                -- shop/wsgi.py --
            """,
        ),
        Example(
            "shells that replace themselves",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-alpine
                CMD python app.py
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["bash", "-c", "python migrate.py && python app.py"]
                -- b/app.py --
            """,
        ),
    ),
)

_RUNNERS = frozenset(("npm", "yarn", "pnpm"))
"""Runners that stay in front and do not pass SIGTERM on; pipenv and poetry exec, uv passes signals on."""
_BUILDS = frozenset("build production watch compile bundle lint test dev develop".split())
"""Scripts of runners that make something and end; no request is lost with them."""
_SYNTAX = regex(r"[$*?~|&;<>()`#\\{}\[\]!'\"=]")
_LASTING = frozenset(
    "python gunicorn uvicorn hypercorn granian daphne waitress-serve uwsgi celery rq rqworker dramatiq arq "
    "huey_consumer faust flask fastapi django-admin manage.py sanic litestar streamlit supervisord node java locust "
    "airflow nameko kopf twistd honcho circusd prefect dagster mlflow bentoml chainlit scrapyd procrastinate taskiq "
    "rqscheduler odoo nginx".split()
)
"""Programs that run for ever; what a script ends with may be a command that is soon done."""

_OF_SHELLS = frozenset(". source cd export eval set umask ulimit exec".split())
"""Commands that only a shell has."""
_SOON_DONE = frozenset("gcloud gsutil aws az kubectl helm terraform ansible echo cat ls true env chmod".split())
"""Tools that an image is made to hold: what they do is soon done."""
_GOES_ON = regex(
    r"run|serv|work|consum|listen|daemon|bot|watch|beat|process|loop|schedul|celery|rq|huey|cluster|subscri|poll|gunicorn|"
    r"uvicorn|daphne|uwsgi|start|stream|receiv|relay|dramatiq|queue|monitor"
)
"""In the name of a management command: it is no chore that is soon done."""


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    seen: set[Span | str] = set()
    for process in service.released:
        if process.has_init or _shell_changed(service, process):
            continue
        for step in process.steps or ():
            if step.words and step.words[0].startswith("["):  # an array that is no JSON: nothing is started at all
                continue
            if step.block in ("if", "elif") and _is_for_development(process, step):
                continue  # what the script starts otherwise is what ships
            if step.last and step.keepers and (place := _place(step)) not in seen and _matters(service, step):
                seen.add(place)
                yield _shell(service, facts, process, step)
        program = base_name(process.argv[0]) if process.argv else ""
        if program in _RUNNERS and _BUILDS.isdisjoint(process.argv[1:]):
            message = (
                f"PID 1 is {program}, which does not pass SIGTERM on: the service is killed with its requests in flight"
            )
            yield rule.on(process.span, message, subject=f"pid1:{program}")


def _place(step: Step) -> Span | str:
    """What is said once: a script, whatever its branches end with, or a line."""
    outermost = step.keepers[0]
    return outermost.span.path if outermost.name == "script" else outermost.span


def _is_for_development(process: Process, step: Step) -> bool:
    server = listening(step.launch, process.environment)
    return server is not None and server.server.dev


def _matters(service: Service, step: Step) -> bool:
    """Whether what is held lives long enough to lose anything."""
    program = step.launch.program
    if _is_chore(step.launch):
        return False
    if step.keepers[-1].name != "script":
        return program not in _SOON_DONE
    if program in _LASTING or program.endswith(".py") or program in service.scripts:
        return True
    return service.modules.find(program) is not None


def _is_chore(start: Launch) -> bool:
    """Whether it is a management command of Django whose name does not say that it goes on for ever."""
    words = start.args
    if start.program == "python" and words and words[0].rpartition("/")[2] == "manage.py":
        words = words[1:]
    elif start.program not in ("manage.py", "django-admin"):
        return False
    name = next((word for word in words if not word.startswith("-")), "$")
    return "$" not in name and not _GOES_ON.search(name)


def _shell_changed(service: Service, process: Process) -> bool:
    return any(image.shell_changed for image in service.images if image.path == process.span.path)


def _shell(service: Service, facts: Facts, process: Process, step: Step) -> Finding:
    plain = step.launch.program or step.words[0]
    program = (
        plain
        if not plain.startswith("$")
        else next((word for word in step.words if not word.startswith("$")), "what it starts")
    )
    first, *others = step.keepers
    also = f", and so does the {'script' if others[-1].name == 'script' else 'shell'} below it" if others else ""
    message = (
        f"PID 1 is a {'script' if first.name == 'script' else 'shell'} that keeps SIGTERM to itself{also}: {program} "
        "never hears of a stop and is killed with its work in flight"
    )
    related = () if first.span == process.span else ((process.span, "this starts the script"),)
    waiting = tuple((keeper.span, "this waits as well, and needs exec") for keeper in others)
    # Heroku signals every process of a dyno, Cloud Foundry and others the first one: a Procfile does not tell which
    severity = MEDIUM if process.source == "procfile" else HIGH
    subject = f"pid1:{process.name}:{program}"
    finding = rule.on(first.span, message, subject=subject, related=related + waiting, severity=severity)
    edits: list[Replace] = []
    for keeper in step.keepers:
        edit = _exec_before(facts, keeper.span) if keeper.name == "script" else _exec_form(service, process)
        if edit is None:  # a cure of one shell alone would leave the finding
            return finding
        edits.append(edit)
    done = dict.fromkeys(
        "put exec before the last command" if keeper.name == "script" else "write the command as a JSON array"
        for keeper in step.keepers
    )
    return with_fix(finding, " and ".join(done), Safety.SAFE, *edits)


def _exec_before(facts: Facts, span: Span) -> Replace | None:
    """``exec`` before the command at ``span``, where the script does nothing behind it and nothing when it ends."""
    shell = facts.file(span.path).shell
    if shell is None or shell.traps:
        return None
    commands = sorted(shell.commands, key=lambda one: one.at)
    last = commands[-1] if commands else None
    if last is None or Span.of(span.path, last.at) != span or last.block or last.joined.startswith("|"):
        return None
    if not last.words or (last.words[0].startswith("$") and last.words[0] != "$@") or "=" in last.words[0]:
        return None
    return Replace(Span(span.path, span.line, span.column, span.line, span.column), "exec ")


def _exec_form(service: Service, process: Process) -> Replace | None:
    """The JSON form, where it does the same: one command in the shell form, no shell syntax, on one line."""
    image = next((image for image in service.images if image.path == process.span.path), None)
    if image is None or image.command is None:
        return None
    command, statement = image.command, image.command.statement
    if (
        statement.form != "shell"
        or _SYNTAX.search(statement.text)
        or statement.at[0] != statement.at[2]
        or (command.entrypoint is not None and command.entrypoint is not statement)
        # which the shell form leaves alone, and the array would be given
        or (statement.keyword == "ENTRYPOINT" and any(one.keyword == "CMD" for one in image.instructions))
    ):
        return None
    words = tuple(statement.text.split())
    if hidden(words) != words:  # a fix is printed, and a credential must not be
        return None
    if not words or words[0] in _OF_SHELLS:
        return None
    script = process.scripts(words[0])
    if script is not None and not script[1].interpreter:  # the kernel starts no script without its first line
        words = ("/bin/sh", *words)
    return Replace(Span.of(image.path, statement.text_at), json.dumps(words, ensure_ascii=False))
