"""The service waits or loads from the network before it serves.

## Why

A process that sleeps, waits without limit for a store, or asks other services while its modules are imported is slow
to start and starts only while all others are up. Scaling up and restarting after a crash take as long, and where the
wait never ends the container neither works nor fails, so that nothing restarts it or tells anybody.

## What it does not flag

- A wait that ends (`for i in $(seq 30)`, a counter, `exit 1`, `timeout 60 …`, wait-for-it's own limit).
- `sleep` in a loop of a worker, or as all that the container does.
- Network calls in functions; in scripts whose work they are.

## How to fix

Start at once, connect on first use with a limit and a few attempts, and report not ready until then. The platform
orders starts where it must: `depends_on` with a condition, an init container.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.processes import Process, Step
from twelvefac.project.scan import anchors, calling
from twelvefac.project.services import Service
from twelvefac.project.shell import ShellFacts
from twelvefac.source.pattern import regex

_METHODS = ("get", "post", "put", "request", "head")
_CALLS = {
    **{f"requests.{method}": "asks another service" for method in _METHODS},
    **{f"httpx.{method}": "asks another service" for method in _METHODS},
    "urllib.request.urlopen": "asks another service",
    "urllib.request.urlretrieve": "downloads a file",
    "nltk.download": "downloads a corpus",
    "spacy.cli.download": "downloads a model",
    "huggingface_hub.snapshot_download": "downloads a model",
    "huggingface_hub.hf_hub_download": "downloads a model",
    "psycopg2.connect": "connects to its database",
    "psycopg.connect": "connects to its database",
    "pymysql.connect": "connects to its database",
    "MySQLdb.connect": "connects to its database",
    "mysql.connector.connect": "connects to its database",
    "pika.BlockingConnection": "connects to its broker",
    "kafka.KafkaProducer": "connects to its broker",  # kafka-python 2: asks for the brokers' version when made
    "kafka.KafkaConsumer": "connects to its broker",
}
"""Calls that talk to the network at once; clients that connect on first use are not among them."""
_ASKED = (
    rf"(?:\.(?:{'|'.join(_METHODS)})\b|[ \t]{{1,4}}(?:as\b|import[ \t]{{1,4}}(?:\(|[^\n]{{0,300}}?\b"
    rf"(?:{'|'.join(_METHODS)})\b)))"
)
"""What follows the name of a client's module: a method, or an import that may give it or the module a new name."""
_LIMITS = regex(r"-(?:lt|le|gt|ge|eq)$|^\(\(|SECONDS")
_ENDS = frozenset(("exit", "break", "return", "timeout"))

rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="the service waits or loads from the network before it serves",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=(
        *anchors(r"sleep ^sleep[ \t]{0,4}\(", rf"requests ^requests{_ASKED}", rf"httpx ^httpx{_ASKED}"),
        *calling(*(name for name in _CALLS if not name.startswith(("requests.", "httpx."))), outside=True),
    ),
    names=frozenset((*_CALLS, "time.sleep")),
    examples=(
        Example(
            "a pause and an endless wait in start lines",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD sleep 10 && exec gunicorn -b 0.0.0.0:8000 app:app  # <- slow-start
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/entrypoint.sh"]
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- b/entrypoint.sh --
                #!/bin/sh
                while ! nc -z db 5432; do  # <- slow-start
                  sleep 0.1
                done
                exec "$@"
                -- b/app.py --
            """,
        ),
        Example(
            "while modules are imported",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                import time

                import psycopg2
                import requests

                time.sleep(5)  # <- slow-start
                KEYS = requests.get("https://login.example.com/keys", timeout=3).json()  # <- slow-start
                connection = psycopg2.connect("dbname=app")  # <- slow-start
            """,
        ),
        Example(
            "waits that end",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/entrypoint.sh"]
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- entrypoint.sh --
                #!/bin/sh
                for i in $(seq 30); do
                  nc -z db 5432 && break
                  sleep 1
                done
                tries=0
                until pg_isready -h db; do
                  tries=$((tries + 1))
                  if [ "$tries" -gt 30 ]; then
                    exit 1
                  fi
                  sleep 1
                done
                probe() {
                  scp key db:/tmp
                }
                while true; do
                  probe
                  sleep 5
                done &
                while [ "$DEMO" ]; do
                  probe
                done
                exec "$@"
                -- app.py --
            """,
        ),
        Example(
            "in functions, where the module gets by without, in a worker's loop, in a script that is not served",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                import requests

                def keys():
                    return requests.get("https://login.example.com/keys", timeout=3).json()

                try:
                    PROJECT = requests.get("http://metadata.example.com/project", timeout=3).text
                except Exception:
                    PROJECT = ""
                -- worker/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker/worker.py --
                import time

                import requests

                while True:
                    requests.post("https://jobs.example.com/next", timeout=3)
                    time.sleep(5)
                -- fetch.py --
                import requests

                print(requests.get("https://example.com", timeout=3).text)
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for process in service.released:
        yield from _lines(process, facts)
    for path, call in facts.calls(*_CALLS, "time.sleep"):
        if call.scope or call.guarded or path not in service.reached:
            continue
        step, entry = service.reached[path]
        if path == entry and path not in service.served:
            continue  # a script that the container starts: this may be its work
        related = ((step.span, "this starts it"),)
        shown = call.name.replace("()", "")
        python = facts.file(path).python
        if call.name == "time.sleep":
            looping = python is not None and any(not loop.scope for loop in python.loops)
            pause = call.arg("secs", 0)
            if looping or pause is None or pause.kind not in ("int", "float") or pause.data < 1:
                continue
            message = f"importing this module sleeps {pause.data:g} seconds before the service serves"
        elif python is not None and python.is_attempt(call.at):
            continue  # it starts without the answer; that none may ever come is no-timeout's finding
        else:
            message = f"importing this module {_CALLS[call.name]}: the service does not start while the other is down"
        yield rule.at(path, call.at, message, subject=f"call:{shown}", related=related)


def _lines(process: Process, facts: Facts) -> Iterator[Finding]:
    steps = process.steps or ()
    waited: set[str] = set()
    for index, step in enumerate(steps):
        if step.background or step.last or index == len(steps) - 1:
            continue
        if step.block in ("while", "until"):
            shell = facts.file(step.span.path).shell
            if (
                step.words[0] != "sleep"
                and step.span.path not in waited
                and shell is not None
                and _endless(shell)
                and _is_in_the_loop(shell, step)
            ):
                waited.add(step.span.path)
                what = " ".join(step.words)[:60]
                message = f"waits without limit for `{what}`: the container neither serves nor fails while it waits"
                yield rule.on(step.span, message, subject=f"wait:{step.words[0]}")
        elif step.words[0] == "sleep" and not step.block and _follows(steps[index + 1 :]):
            pause = step.words[1] if len(step.words) > 1 else ""
            message = f"sleeps {pause} before the service starts: each start, restart and scale-up takes that longer"
            yield rule.on(step.span, message, subject="sleep")


def _is_in_the_loop(shell: ShellFacts, step: Step) -> bool:
    """Whether a command is what a loop asks: not work that a function does, or a loop without a condition."""
    loops = [one for one in shell.commands if one.block == step.block]
    return any(one.at[0] == step.span.line for one in loops) and all(one.words[0] not in ("true", ":") for one in loops)


def _follows(steps: tuple[Step, ...]) -> bool:
    return any(step.words[0] != "sleep" and not step.background for step in steps)


def _endless(shell: ShellFacts) -> bool:
    """Whether nothing in a script looks like the end of a wait: an exit, a break, a number that is compared."""
    for one in shell.commands:
        if one.words[:1] and one.words[0] in _ENDS and (one.words[0] != "exit" or one.words[1:2] != ("0",)):
            return False
        if any(_LIMITS.search(word) for word in one.words):
            return False
    return True
