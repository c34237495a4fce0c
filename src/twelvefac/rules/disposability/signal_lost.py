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

Write the command as a JSON array. Where a shell is needed, put `exec` before the last command.
"""

import json
import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, Confidence, Example, Finding, Rule, Safety, with_fix
from twelvefac.factors import Factor
from twelvefac.project.command import SimpleCommand, base_name, has_init, launch
from twelvefac.project.services import Command, Image, Service
from twelvefac.source.edit import Replace
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
_BUSYBOX = re.compile(r"alpine|busybox", re.IGNORECASE)
_BASH = re.compile(
    r"(?:^|[/:_.-])(?:ubi\d*|centos|fedora|rocky\w*|alma\w*|amazonlinux|oraclelinux|opensuse|archlinux)", re.IGNORECASE
)
_SYNTAX = re.compile(r"[$*?~|&;<>()`#\\{}\[\]!'\"=]")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for image in service.images:
        command = image.command
        if not image.released or command is None or image.shell_changed or has_init(command.argv):
            continue
        if command.line is None:
            yield from _runner(command)
        else:
            yield from _shell(image, command)


def _runner(command: Command) -> Iterator[Finding]:
    program = base_name(command.argv[0]) if command.argv else ""
    if program in _RUNNERS:
        message = (
            f"PID 1 is {program}, which does not pass SIGTERM on: the service is killed with its requests in flight"
        )
        yield rule.at(command.span.path, command.statement.at, message, subject=f"pid1:{program}")


def _shell(image: Image, command: Command) -> Iterator[Finding]:
    parts = command.commands
    if not parts or not parts[-1].words or parts[-1].after == "&":
        return
    last = parts[-1]
    if launch(last.words).replaced or _replaces_itself(_shell_of(image, command), parts):
        return
    program = launch(last.words).program or last.words[0]
    message = (
        f"PID 1 is a shell that keeps SIGTERM to itself: {program} never hears of a stop and is killed with its work "
        "in flight"
    )
    finding = rule.at(command.span.path, command.statement.at, message, subject=f"pid1:{command.statement.keyword}")
    exec_form = _exec_form(command, parts)
    if exec_form is not None:
        place = Span.of(command.span.path, command.statement.text_at)
        finding = with_fix(finding, "write the command as a JSON array", Safety.SAFE, Replace(place, exec_form))
    yield finding


def _shell_of(image: Image, command: Command) -> str:
    """``bash``, ``busybox`` or ``dash``: what the shell of this image does with its last command."""
    program = base_name(command.argv[0])
    if program == "bash":
        return "bash"
    base = image.lineage[0].base or ""
    if _BUSYBOX.search(base):
        return "busybox"
    return "bash" if _BASH.search(base) else "dash"


def _replaces_itself(shell: str, parts: tuple[SimpleCommand, ...]) -> bool:
    if shell == "bash":
        return parts[-1].after == "" and (len(parts) < 2 or parts[-2].after != "|")
    return shell == "busybox" and len(parts) == 1


def _exec_form(command: Command, parts: tuple[SimpleCommand, ...]) -> str | None:
    """The JSON form, where it does the same: one command in the shell form, no shell syntax, on one line."""
    statement = command.statement
    if (
        statement.form != "shell"
        or len(parts) != 1
        or _SYNTAX.search(statement.text)
        or statement.at[0] != statement.at[2]
        or (command.entrypoint is not None and command.entrypoint is not statement)
    ):
        return None
    return json.dumps(list(parts[0].words), ensure_ascii=False)
