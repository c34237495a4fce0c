"""The number of workers is written into the start command.

## Why

How many workers fit depends on the machine: on the memory and the processors that a deploy is given. A number in the
image is too high where it is small (the processes are killed) and wastes it where it is large, and cannot be changed
without a new build.

## What it does not flag

- A number from the environment (`$WEB_CONCURRENCY`, `${WORKERS:-4}`, `$(nproc)`), or none: the servers then read
  `WEB_CONCURRENCY` themselves.
- One worker, where the platform adds replicas.
- gunicorn's configuration file, over which `GUNICORN_CMD_ARGS` wins, and a command in a compose file or Kubernetes
  manifest: there the deployment states it.

## How to fix

Leave the option out and set `WEB_CONCURRENCY` in the environment (gunicorn, uvicorn, hypercorn), or give the option a
variable with a default: `--concurrency=${CELERY_CONCURRENCY:-4}`.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service

_OPTIONS = {
    "gunicorn": ("-w", "--workers"),
    "uvicorn": ("--workers",),
    "hypercorn": ("-w", "--workers"),
    "granian": ("--workers",),
    "sanic": ("-w", "--workers"),
    "fastapi": ("--workers",),
    "litestar": ("--wc", "--web-concurrency"),
    "celery": ("-c", "--concurrency"),
    "dramatiq": ("-p", "--processes"),
    "uwsgi": ("-p", "--processes", "--workers"),
    "huey_consumer": ("-w", "--workers"),
    "huey_consumer.py": ("-w", "--workers"),
}
_THREADS = {
    "gunicorn": ("--threads",),
    "waitress-serve": ("--threads",),
    "dramatiq": ("-t", "--threads"),
    "uwsgi": ("--threads",),
}
_CALLS = {"uvicorn.run": "workers", "uvicorn.Config": "workers", "sanic.Sanic().run": "workers"}

rule = Rule(
    __name__,
    factor=Factor.CONCURRENCY,
    summary="the number of workers is written into the start command",
    severity=LOW,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=anchors("uvicorn workers", "sanic workers"),
    names=frozenset(name.rpartition(".")[2] for name in _CALLS),
    examples=(
        Example(
            "commands",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-w", "4", "-b", "0.0.0.0:8000", "app:app"]  # <- fixed-workers
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD exec celery -A app worker --concurrency=8  # <- fixed-workers
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- c/main.py --
                import uvicorn

                uvicorn.run("app:app", host="0.0.0.0", workers=4)  # <- fixed-workers
            """,
        ),
        Example(
            "from the environment, or one",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                ENV WEB_CONCURRENCY=4
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD exec celery -A app worker --concurrency=${CONCURRENCY:-4}
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--workers", "1"]
                -- c/app.py --
                -- d/Dockerfile --
                FROM python:3.12-slim
                CMD gunicorn --workers $(nproc) app:app
                -- d/app.py --
            """,
        ),
        Example(
            "stated by the deployment",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                -- compose.prod.yaml --
                services:
                  web:
                    build: .
                    command: gunicorn -w 8 -b 0.0.0.0:8000 app:app
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for process in service.released:
        for step in process.steps or ():
            program = step.launch.program
            tables = () if process.states(step) else ((_OPTIONS, "workers"), (_THREADS, "threads"))
            for table, kind in tables:
                options = table.get(program, ())
                number = step.launch.option(*options) if options else None
                if number is not None and number.isdigit() and int(number) > 1:
                    message = f"{program} starts {number} {kind} ({options[-1]}) whatever machine it is given"
                    yield rule.on(step.span, message, subject=f"workers:{program}")
                    break
    for path, call in facts.calls(*_CALLS):
        started = service.started.get(path)
        value = call.arg(_CALLS[call.name])
        if started is None or (call.guarded and started[1] != path) or value is None:
            continue
        if value.kind == "int" and value.data > 1:
            shown = call.name.replace("()", "")
            message = f"{shown} starts {value.data} workers whatever machine it is given"
            related = ((started[0].span, "this starts it"),)
            yield rule.at(path, call.at, message, subject=f"workers:{shown}", symbol=call.scope, related=related)
