"""A service reports by `print`.

## Why

What `print` writes has no time, no level and no logger: it cannot be filtered, counted or found again, and in a format
that holds an event a line its lines are what breaks the parser.

## What it does not flag

- Command-line tools, management commands, scripts, and code under a main guard that the release does not start.
- A function that asks with `input`, or that ends the program with `sys.exit`.
- `print(…, file=…)`, which chose its stream.
- Modules that no released process runs; what a module prints while it is imported.
- Programs of many commands (`add_subparsers`), where it is not known which of them prints.

One finding a service: the other places are listed with it.

## How to fix

`logger = logging.getLogger(__name__)` and `logger.info("order %s accepted", order_id)`; the root logger's handler
writes to stdout.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.callgraph import only_by_hand
from twelvefac.project.facts import Call
from twelvefac.project.python_logs import may_print
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.tools import is_command, is_tool
from twelvefac.source.span import Span

_SHOWN = 10

rule = Rule(
    __name__,
    factor=Factor.LOGS,
    summary="a service reports by print",
    severity=LOW,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=(*anchors("print", confirm=may_print), *anchors("subparsers ~add_subparsers")),
    names=frozenset(("print", "add_subparsers", "input", "sys.exit")),
    examples=(
        Example(
            "what only a person starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "shop.main"]
                -- shop/__init__.py --
                -- shop/main.py --
                from shop import prices

                prices.load()
                -- shop/prices.py --
                def load():
                    return 1

                def write_table():
                    print("one")
                    print("two")

                if __name__ == "__main__":
                    write_table()
            """,
        ),
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
            "in what both a command before the server and the server load",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./start.sh"]
                -- start.sh --
                #!/bin/bash
                flask db upgrade
                gunicorn -b 0.0.0.0:8000 wsgi:app
                -- wsgi.py --
                from app import app
                -- app.py --
                from flask import Flask

                app = Flask(__name__)

                @app.post("/orders")
                def add():
                    print("new order")  # <- print-logging
                    print("done")
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
                    print("done")

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
            "a dialogue with the person who writes a first configuration",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "viewer"]
                -- viewer/__init__.py --
                -- viewer/__main__.py --
                import sys

                class Viewer:
                    def write_config(self):
                        def ask():
                            try:
                                return input("Overwrite? ")
                            except KeyboardInterrupt:
                                print("")

                        ask()
                        print("written")

                def main():
                    try:
                        Viewer().write_config()
                    except ImportError:
                        print("install the extra: viewer[server]")
                        sys.exit(1)

                main()
            """,
        ),
        Example(
            "a script that prepares the start",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- start.sh --
                #!/bin/sh
                python create_database.py
                exec gunicorn -b 0.0.0.0:8000 shop:app
                -- create_database.py --
                print("creating the database")
                -- shop.py --
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
    if any(path in service.started for path in _parsers(facts)):
        return  # a program of many commands, one of which is the service: who prints what is not known
    asked = {(path, call.scope) for path, call in facts.calls("input", "sys.exit") if call.scope}
    found = [
        (path, call)
        for path, call in facts.calls("print")
        if _is_report(service, facts, path, call) and not _is_dialogue(path, call.scope, asked)
    ]
    if len(found) < 2:  # one line by the way is no log
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


def _is_dialogue(path: str, scope: str, asked: set[tuple[str, str]]) -> bool:
    """Whether a function, or one around or in it, asks the person at the terminal, or says why it ends the program."""
    return any(
        path == where and (other == scope or other.startswith(f"{scope}.") or scope.startswith(f"{other}."))
        for where, other in asked
        if scope
    )


def _parsers(facts: Facts) -> Iterator[str]:
    for path, python in facts.python():
        if any(call.name.rpartition(".")[2] == "add_subparsers" for call in python.calls):
            yield path


def _is_report(service: Service, facts: Facts, path: str, call: Call) -> bool:
    if (
        not service.runs_there(path, guarded=call.guarded)
        or call.arg("file") is not None
        or is_tool(path)
        or service.is_of_developers(path)
    ):
        return False
    if not service.reached[path][0].last:
        return False  # a command that prepares the start, and is soon done
    if not call.scope and path in service.served:
        return False  # said once, before there is a request: usually why the service does not start
    python = facts.file(path).python
    if is_command(python, call.scope) or _is_script(service, path, call.scope) or python is None:
        return False
    return service.reached[path][1] == path or call.scope not in only_by_hand(path, python, service.modules)


def _is_script(service: Service, path: str, scope: str) -> bool:
    """Whether a function is what another console script starts, one that the release does not run."""
    others = [target for target in service.scripts.values() if target.rpartition(":")[2] == scope]
    entries = {entry for _, _, entry in service.entries}
    return path not in entries and any(service.modules.find(target) == path for target in others)
