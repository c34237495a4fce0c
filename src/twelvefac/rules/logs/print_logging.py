"""A service reports by `print`.

## Why

What `print` writes has no time, no level and no logger: it cannot be filtered, counted or found again, and in a format
that holds an event a line its lines are what breaks the parser.

## What it does not flag

- Command-line tools, management commands, scripts, and code under a main guard that the release does not start.
- `print(…, file=…)`, which chose its stream.
- Modules that no released process runs.

One finding a service: the other places are listed with it.

## How to fix

`logger = logging.getLogger(__name__)` and `logger.info("order %s accepted", order_id)`; the root logger's handler
writes to stdout.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import Call
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.span import Span

_TOOLS = re.compile(
    r"(?:^|/)(?:management/commands|commands|scripts?|bin|tools?|cli|utils/scripts|console)(?:/|$)|"
    r"(?:^|/)(?:cli|commands?|console|manage|setup|\w{0,40}_cli|settings|__version__)\.py$"
)
_SHOWN = 10

rule = Rule(
    __name__,
    factor=Factor.LOGS,
    summary="a service reports by print",
    severity=LOW,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    anchors=anchors("print"),
    names=frozenset(("print",)),
    examples=(
        Example(
            "in what the server loads",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                from flask import Flask

                import orders

                app = Flask(__name__)

                @app.post("/orders")
                def add():
                    print("new order")  # <- print-logging
                    print("done")
                    return orders.add()
                -- orders.py --
                def add():
                    print("added")
            """,
        ),
        Example(
            "in the worker that the image starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                def main():
                    print("waiting for messages")  # <- print-logging

                if __name__ == "__main__":
                    main()
            """,
        ),
        Example(
            "tools, scripts, a main guard, a stream of its own",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                import sys

                import cli

                app = object()

                def warn():
                    print("careful", file=sys.stderr)

                if __name__ == "__main__":
                    print("try gunicorn")
                -- cli.py --
                def hello():
                    print("hello")
                -- scripts/seed.py --
                print("seeding")
            """,
        ),
        Example(
            "a Django command",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- manage.py --
                print("manage")
                -- shop/wsgi.py --
                -- shop/management/commands/seed.py --
                print("seeding")
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    found = [(path, call) for path, call in facts.calls("print") if _is_report(service, facts, path, call)]
    if not found:
        return
    (path, first), others = found[0], found[1:]
    step, _ = service.reached[path]
    related = [(step.span, "this starts it")]
    related += [(Span.of(where, call.at), "print") for where, call in others[:_SHOWN]]
    places = f" at {len(found)} places" if others else ""
    files = len({where for where, _ in found})
    if files > 1:
        places += f" in {files} files"
    message = f"the service reports by print{places}: no time, no level, nothing to filter or search by"
    yield rule.at(path, first.at, message, subject="print", symbol=first.scope, related=tuple(related))


def _is_report(service: Service, facts: Facts, path: str, call: Call) -> bool:
    if not service.runs_there(path, guarded=call.guarded) or _TOOLS.search(path) or call.arg("file") is not None:
        return False
    return not _is_command(facts, path, call.scope)


def _is_command(facts: Facts, path: str, scope: str) -> bool:
    """Whether a function is a command of click, typer or Flask: its output is for the person who called it."""
    python = facts.file(path).python
    for function in python.functions if python is not None else ():
        if scope == function.name or scope.startswith(f"{function.name}."):
            for decorator in function.decorators:
                name = str(decorator.data[0] if decorator.kind == "call" else decorator.data)
                if name.rpartition(".")[2] in ("command", "group", "callback") or ".cli." in f".{name}.":
                    return True
    return False
