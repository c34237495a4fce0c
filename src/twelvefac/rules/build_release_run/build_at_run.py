"""The container builds itself when it starts.

## Why

An install, a compilation or a download in the start command runs on every start of every replica: it needs the network
and write access in production, takes the time that a restart has, and gives each replica other code.

## What it does not flag

- The same commands in RUN, in a pipeline or in a job of their own.
- Migrations: that is `migrate-on-boot`.

## How to fix

Do it in a build stage; the start command only starts.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, LOW, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.processes import Process, Step
from twelvefac.project.services import Service
from twelvefac.source.span import Span

rule = Rule(
    __name__,
    factor=Factor.BUILD_RELEASE_RUN,
    summary="the container installs or builds when it starts",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    examples=(
        Example(
            "in a start script",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- start.sh --
                #!/bin/sh
                pip install -r requirements.txt  # <- build-at-run
                python manage.py collectstatic --noinput  # <- build-at-run
                exec gunicorn -b:8000 app.wsgi
                -- manage.py --
            """,
        ),
        Example(
            "in the command",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD git pull && npm run build && exec python app.py  # <- build-at-run x2
                -- app.py --
            """,
        ),
        Example(
            "uv run, which syncs first",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uv", "run", "uvicorn", "app:app", "--host", "0.0.0.0"]  # <- build-at-run
                -- app.py --
            """,
        ),
        Example(
            "built before",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN pip install -r requirements.txt && python manage.py collectstatic --noinput
                CMD ["uv", "run", "--no-sync", "gunicorn", "-b:8000", "app.wsgi"]
                -- manage.py --
            """,
        ),
        Example(
            "what the build has done, for those who ask for it once more",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS static
                RUN python manage.py collectstatic --noinput
                FROM python:3.12-slim
                COPY --from=static /app/static /app/static
                ENTRYPOINT ["./entry.sh"]
                -- entry.sh --
                #!/bin/bash
                if [ "$COLLECT_STATIC" = 1 ]; then
                    python manage.py collectstatic --noinput
                fi
                exec gunicorn shop.wsgi
                -- manage.py --
            """,
        ),
        Example(
            "the compose file for development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b:8000", "app:app"]
                -- docker-compose.yml --
                services:
                  app:
                    build: .
                    command: sh -c "pip install -r requirements-dev.txt && flask run"
                -- app.py --
            """,
        ),
    ),
)

_LOCAL = ("collectstatic", "compilemessages", "compress")
_NODE = frozenset(("npm", "yarn", "pnpm"))
_BUILDS = frozenset(("install", "ci", "build", "i"))


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    seen: set[tuple[Span, str]] = set()
    for process in service.released:
        for step in process.steps or ():
            found = _builds(process, step)
            if found is not None:
                what, severity = found
                if (step.span, what) in seen:  # the same script, started by another process
                    continue
                seen.add((step.span, what))
                if step.asked and what in _LOCAL and _is_built(service, what):
                    continue
                if step.block and step.block not in ("else", "while"):  # something has to choose it
                    severity = LOW if what in _LOCAL else min(severity, MEDIUM)
                why = "a restart takes as long" if what in _LOCAL else "a restart needs the network and gets other code"
                message = f"{what} runs at each start of each replica: {why}"
                related = () if step.span == process.span else ((process.span, "this starts the script"),)
                yield rule.on(step.span, message, subject=f"command:{what}", severity=severity, related=related)


def _is_built(service: Service, what: str) -> bool:
    """Whether the build of a released image does it already: the script has it for those who ask, as developers do."""
    return any(
        what in one.text
        for image in service.released_images
        for stage in image.built_from
        for one in stage.instructions
        if one.keyword == "RUN"
    )


def _builds(process: Process, step: Step) -> tuple[str, Severity] | None:
    start = step.launch
    program, args = start.program, start.args
    first = args[0] if args else ""
    if re.fullmatch(r"pip[\d.]{0,4}", program) and first == "install":
        return "pip install", HIGH
    if program in ("poetry", "pipenv", "pdm") and first in ("install", "sync"):
        return f"{program} {first}", HIGH
    if program == "uv" and (first in ("sync", "pip") or args[:2] == ("pip", "install")):
        return f"uv {first}", HIGH
    if program == "build" and not _NODE.isdisjoint(start.wrappers):
        return f"{start.wrappers[-1]} run build", HIGH
    if program in _NODE and (first in _BUILDS or args[:2] == ("run", "build")):
        return f"{program} {' '.join(args[:2])}", HIGH
    if program in ("apt-get", "apt", "apk", "yum", "dnf") and {"install", "add"} & set(args):
        return f"{program} install", HIGH
    if program == "git" and first in ("pull", "clone"):
        return f"git {first}", HIGH
    if "collectstatic" in args or "compilemessages" in args or "compress" in args[1:2]:
        return next((word for word in _LOCAL if word in args), "compress"), MEDIUM
    words = step.words
    if "uv" in start.wrappers and "--no-sync" not in words and "UV_NO_SYNC" not in process.environment:
        if "--frozen" in words or "--locked" in words or any(word.startswith("$") for word in words[:4]):
            return None  # it still syncs, which is nothing to do where the image was built from the same lock
        return "uv run", LOW
    return None
