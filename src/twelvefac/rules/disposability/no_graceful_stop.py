"""A worker's own loop is cut off by SIGTERM.

## Why

On every deploy and every scale-down the platform sends SIGTERM and, after a grace period, SIGKILL. Python has no
handler for SIGTERM: as PID 1 of a container the process ignores it and is killed with its work in hand, anywhere else
it ends at once in the middle of a message. Servers and task queues (gunicorn, uvicorn, Celery, Dramatiq, arq) handle it
themselves; a loop of one's own has to.

## What it does not flag

- Code that sets a handler for SIGTERM (`signal.signal`, `loop.add_signal_handler`) anywhere in the process.
- A Kafka consumer that ends by itself (`consumer_timeout_ms`).
- Loops that end: waiting for a store, reading pages, prompts.
- Loops in threads and in functions that the released entry does not call; loops that only sleep beside threads at work.
- SIG_IGN in a function: processes that are already stopping shield themselves so.

## How to fix

Set a handler that sets a flag, finish the message in hand when it is set, then close connections:
`signal.signal(signal.SIGTERM, lambda *_: stop.set())` and `while not stop.is_set(): …`.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.callgraph import called, loaded
from twelvefac.project.facts import Call, Loop, PythonFacts
from twelvefac.project.python_flow import may_be_endless
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service

_HANDLERS = frozenset(("signal.signal", "signal.sigwait", "signal.set_wakeup_fd"))
_CONSUMING = frozenset(("start_consuming", "run_mainloop", "consume_forever", "drain_events"))
"""Methods that read messages for ever (pika, kombu)."""
_CONSUMERS = ("kafka.KafkaConsumer", "aiokafka.AIOKafkaConsumer", "redis.Redis().pubsub", "redis.StrictRedis().pubsub",
              "redis.from_url().pubsub", "redis.Redis.from_url().pubsub")  # fmt: skip
_ITERATED = frozenset((*(f"{name}().__iter__" for name in _CONSUMERS), *(f"{name}().listen" for name in _CONSUMERS)))
"""What a loop over a consumer's messages calls, which ends with the process."""

rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="a worker's own loop is cut off by SIGTERM",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=(
        *anchors("while true", "while 1", confirm=may_be_endless),
        *anchors(
            *(f"{name.replace('_', ' ')} ~{name}" for name in sorted(_CONSUMING)),
            "kafkaconsumer",
            "aiokafkaconsumer",
            "pubsub listen",
            r"signal ~signal(?:\.(?:signal|sigwait|set_wakeup_fd)\b|[ \t]{1,4}(?:import|as)\b)",
            "add signal handler ~add_signal_handler",
            r"os exit ~_exit\b",
        ),
    ),
    names=frozenset(
        "__iter__ listen KafkaConsumer AIOKafkaConsumer signal sigwait set_wakeup_fd add_signal_handler "
        "os._exit uvicorn.Server uvicorn.run serve run_app".split()
    )
    | _CONSUMING,
    examples=(
        Example(
            "a loop over messages in an endless one is said once",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                from kafka import KafkaConsumer

                consumer = KafkaConsumer("orders")
                while True:
                    for message in consumer:  # <- no-graceful-stop
                        handle(message)
            """,
        ),
        Example(
            "a consumer that gives up when no message comes, asked again and again",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                from kafka import KafkaConsumer

                consumer = KafkaConsumer("orders", consumer_timeout_ms=1000)
                while True:  # <- no-graceful-stop
                    for message in consumer:
                        handle(message)
                    flush()
            """,
        ),
        Example(
            "a loop without an end, and a consumer",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- a/worker.py --
                import time

                import jobs

                class Worker:
                    def run(self):
                        while True:  # <- no-graceful-stop
                            jobs.do_next()
                            time.sleep(1)

                if __name__ == "__main__":
                    Worker().run()
                -- a/jobs.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "mail"]
                -- b/mail/__init__.py --
                -- b/mail/__main__.py --
                from mail.consumer import main

                main()
                -- b/mail/consumer.py --
                import pika

                def main():
                    channel = pika.BlockingConnection().channel()
                    channel.start_consuming()  # <- no-graceful-stop
            """,
        ),
        Example(
            "a console script",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["orders", "work"]
                -- pyproject.toml --
                [project]
                name = "orders"
                scripts = {orders = "orders.cli:main"}
                -- orders/__init__.py --
                -- orders/cli.py --
                from orders.worker import run

                def main():
                    run()
                -- orders/worker.py --
                from orders import jobs

                def run():
                    while True:  # <- no-graceful-stop
                        jobs.do_next()
                -- orders/jobs.py --
            """,
        ),
        Example(
            "a loop that starts a server again, which is told",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "serve.py"]
                -- serve.py --
                import uvicorn

                def main():
                    while True:
                        server = uvicorn.Server(uvicorn.Config("app:app"))
                        server.run()
                        if not server.started:
                            continue

                main()
                -- app.py --
            """,
        ),
        Example(
            "SIGTERM switched off, or a handler that drops everything",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                import signal

                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # <- no-graceful-stop
                -- other/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- other/worker.py --
                import os
                import signal

                def stop(signum, frame):
                    os._exit(0)  # <- no-graceful-stop

                signal.signal(signal.SIGTERM, stop)
            """,
        ),
        Example(
            "a loop over a consumer's messages",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- a/app.py --
                from kafka import KafkaConsumer

                if __name__ == "__main__":
                    consumer = KafkaConsumer("orders", group_id="billing")
                    for message in consumer:  # <- no-graceful-stop
                        print(message.value)
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- b/app.py --
                from kafka import KafkaConsumer

                names = ["a", "b"]
                consumer = KafkaConsumer("orders", consumer_timeout_ms=1000)
                for name in names:
                    print(name)
                for message in consumer:
                    print(message.value)
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- c/app.py --
                import redis

                def main():
                    pubsub = redis.Redis(host="r").pubsub()
                    for message in pubsub.listen():  # <- no-graceful-stop
                        print(message)

                main()
            """,
        ),
        Example(
            "a handler in another file of the process",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                import stopping

                stopping.install()
                while True:
                    if stopping.wanted():
                        stopping.finish()
                -- stopping.py --
                import signal

                def install():
                    signal.signal(signal.SIGTERM, print)
            """,
        ),
        Example(
            "loops that end, in threads, not called, or not what is released",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                import threading
                import time

                def wait():
                    while True:
                        try:
                            open("/ready").close()
                            break
                        except OSError:
                            time.sleep(1)

                def refresh():
                    while True:
                        open("/rates").read()

                def rest():
                    while True:
                        time.sleep(60)

                wait()
                threading.Thread(target=refresh, daemon=True).start()
                rest()
                -- tool.py --
                while True:
                    print(input())
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    if not service.reached:
        return
    python = {path: one for path, one in facts.python() if path in service.reached}
    signals = [(path, call) for path, one in python.items() for call in one.calls if _handles(call)]
    for path, call in signals:
        if _is_ignored(call) and not call.scope and service.runs_there(path, guarded=call.guarded):
            message = "SIGTERM is ignored: on every deploy the process runs on until it is killed with its work in hand"
            yield rule.at(path, call.at, message, subject="signal:SIGTERM", symbol=call.scope)
    if not any(not _is_ignored(call) for _, call in signals):
        yield from _loops(service, facts)
    for path, one in python.items():
        handlers = {str(call.args[1].data) for call in one.calls if _handles(call) and len(call.args) > 1}
        for call in one.calls:
            if call.name == "os._exit" and call.scope.rpartition(".")[2] in handlers and call.scope:
                message = "SIGTERM ends the process with os._exit: nothing is flushed or closed, work in hand is lost"
                yield rule.at(path, call.at, message, subject="call:os._exit", symbol=call.scope)


def _ends(python: PythonFacts, loop: Call) -> bool:
    """Whether a consumer of the file gives up when no message comes, or the loop is left by itself."""
    return any(call.name == loop.name.rpartition("().")[0] and call.arg("consumer_timeout_ms") for call in python.calls)


def _handles(call: Call) -> bool:
    if call.name not in _HANDLERS and not call.name.endswith(".add_signal_handler"):
        return False
    first = call.args[0] if call.args else None
    # SIGINT alone is the keyboard's; anything that is not a plain name may be SIGTERM
    return first is None or first.kind != "name" or not str(first.data).endswith(("SIGINT", "SIGHUP", "SIGUSR1"))


def _is_ignored(call: Call) -> bool:
    names = [str(value.data) for value in call.args if value.kind == "name"]
    return names[-1:] == ["signal.SIG_IGN"] and names[0].endswith("SIGTERM")


def _is_inside(call: Call, loop: Loop) -> bool:
    """Whether a loop over messages stands further in below an endless loop of the same function."""
    return call.name in _ITERATED and call.scope == loop.scope and call.at[0] > loop.at[0] and call.at[1] > loop.at[1]


_SERVERS = frozenset(("uvicorn.Server", "uvicorn.run", "hypercorn.asyncio.serve", "aiohttp.web.run_app"))


def _loops(service: Service, facts: Facts) -> Iterator[Finding]:
    for entry in sorted({path for _, _, path in service.entries}):
        python = facts.file(entry).python
        if python is None:
            continue
        step = service.started[entry][0]
        related = ((step.span, "this starts it"),)
        known = {path: one for path in service.started if (one := facts.file(path).python) is not None}
        roots = [*loaded(entry, python, service.modules, entry=True)]
        roots += [(entry, target.partition(":")[2]) for target in service.scripts.values()]
        running = called(roots, known, service.modules)
        for path, one in known.items():
            served = {call.scope for call in one.calls if call.name in _SERVERS}
            for loop in one.loops:
                if loop.scope in served:  # which is told, and hands the loop its end
                    continue
                at_top = not loop.scope and path == entry
                idle = all(name.rpartition(".")[2] == "sleep" for name in loop.calls)
                if any(_is_inside(call, loop) and not _ends(one, call) for call in one.calls):
                    continue  # a loop over messages, of which the same is said
                if not loop.leaves and not idle and (at_top or (path, loop.scope) in running) and path in service.files:
                    message = "this loop is not told of SIGTERM: on every deploy it is killed in the middle of its work"
                    yield rule.at(
                        path, loop.at, message, subject=f"loop:{loop.scope}", symbol=loop.scope, related=related
                    )
            for call in one.calls:
                method = call.name.rpartition(".")[2]
                at_top = not call.scope and path == entry
                if method in ("__iter__", "listen"):
                    if call.name not in _ITERATED or _ends(one, call):
                        continue
                    method = "this loop over messages"
                if (method in _CONSUMING or " " in method) and (at_top or (path, call.scope) in running):
                    message = (
                        f"{method} is not told of SIGTERM: on every deploy it is killed in the middle of a message"
                    )
                    yield rule.at(path, call.at, message, subject=f"call:{method}", symbol=call.scope, related=related)
