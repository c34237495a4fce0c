"""A failing call is tried again for ever.

## Why

A retry without a last attempt turns the other side's outage into this service's: requests pile up behind it, the
process looks alive and does nothing, and when the other side comes back all its clients fall on it at once. Without a
pause it also burns a core.

## What it does not flag

- Retries that end: `stop=…`, `max_tries=…`, a counter, a handler that raises, returns or leaves the loop.
- Loops that wait longer each time; loops that never end by intent (a consumer's, a supervisor's).

## How to fix

Give up after a few attempts or some seconds and let the error out: the process ends and is restarted, the message goes
back to its queue. `@retry(stop=stop_after_attempt(5), wait=wait_exponential_jitter())`, `max_tries=5`.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import Loop, Value
from twelvefac.project.scan import anchors, calling, has_any
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_LIMITS = {
    "tenacity.retry": ("stop",),  # tenacity 9: stop_never
    "tenacity.Retrying": ("stop",),
    "tenacity.AsyncRetrying": ("stop",),
    "backoff.on_exception": ("max_tries", "max_time"),  # backoff 2.2: both None
    "backoff.on_predicate": ("max_tries", "max_time"),
    "retrying.retry": ("stop_max_attempt_number", "stop_max_delay", "stop", "stop_func"),  # retrying 1.4
    "retry.retry": ("tries",),  # retry 0.9: tries=-1
    "retry.api.retry": ("tries",),
}
_POSITIONS = {"retry.retry": 1, "retry.api.retry": 1, "tenacity.retry": 1}  # how many may stand before the limit
_TASKS = ("task", "shared_task")
_NETWORK = frozenset(
    "requests.get requests.post requests.put requests.delete requests.request httpx.get httpx.post httpx.request "
    "urllib.request.urlopen psycopg2.connect psycopg.connect pymysql.connect MySQLdb.connect mysql.connector.connect "
    "asyncpg.connect asyncpg.create_pool aiomysql.connect pika.BlockingConnection aio_pika.connect "
    "aio_pika.connect_robust kafka.KafkaProducer kafka.KafkaConsumer socket.create_connection smtplib.SMTP "
    "aiopg.connect aiopg.create_pool redis.Redis().ping redis.from_url().ping redis.StrictRedis().ping "
    "psycopg2.pool.SimpleConnectionPool sqlalchemy.create_engine().connect".split()
)
_PEERS = calling(*_NETWORK)

rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="a failing call is tried again for ever",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    anchors=(
        *anchors(
            "tenacity",
            r"backoff ~on_(?:exception|predicate)",
            r"retrying ~(?:from|import)[ \t]{1,4}retrying\b",
            r"retry ~from[ \t]{1,4}retry\b",
            r"retry ~import[ \t]{1,4}retry\b",
            r"max retries none ~max_retries[ \t]{0,4}=[ \t]{0,4}None",
        ),
        *anchors(
            r"while true except ~while[ \t(]{1,4}True",
            r"while 1 except ~while[ \t(]{1,4}1\b",
            confirm=lambda file: has_any(file, _PEERS),
        ),
    ),
    names=frozenset(name.rpartition(".")[2] for name in _LIMITS if not name.endswith(".retry")),
    examples=(
        Example(
            "libraries whose default is for ever",
            source="""
                -- app.py --
                import backoff
                from celery import shared_task
                from tenacity import Retrying, retry, wait_fixed

                @retry  # <- unbounded-retry
                def first():
                    ...

                @retry(wait=wait_fixed(2))  # <- unbounded-retry
                def second():
                    ...

                @backoff.on_exception(backoff.expo, OSError)  # <- unbounded-retry
                def third():
                    ...

                @shared_task(bind=True, max_retries=None)  # <- unbounded-retry
                def fourth(self):
                    ...
            """,
        ),
        Example(
            "a loop around a connection",
            source="""
                -- app.py --
                import time

                import psycopg2

                def connect(url):
                    while True:  # <- unbounded-retry
                        try:
                            return psycopg2.connect(url)
                        except psycopg2.OperationalError:
                            time.sleep(2)
            """,
        ),
        Example(
            "limits",
            source="""
                -- app.py --
                import backoff
                from celery import shared_task
                from tenacity import retry, stop_after_attempt

                @retry(stop=stop_after_attempt(3))
                def first():
                    ...

                @backoff.on_exception(backoff.expo, OSError, max_time=60)
                def second():
                    ...

                @shared_task(bind=True, max_retries=5)
                def third(self):
                    ...

                @retry(**options)
                def fourth():
                    ...
            """,
        ),
        Example(
            "loops with a counter, with more and more patience, or for ever by intent",
            source="""
                -- app.py --
                import time

                import psycopg2
                import requests
                import tenacity

                def connect(url):
                    attempts = 0
                    while True:
                        try:
                            return psycopg2.connect(url)
                        except psycopg2.OperationalError:
                            attempts += 1
                            if attempts > 5:
                                raise
                            time.sleep(2)

                def patient(url):
                    pause = 1
                    while True:
                        try:
                            return psycopg2.connect(url)
                        except psycopg2.OperationalError:
                            time.sleep(pause)
                            pause *= 2

                @tenacity.retry(wait=tenacity.wait_fixed(5))
                def supervise():
                    while True:
                        try:
                            requests.post("https://jobs.example.com/next", timeout=3)
                        except requests.RequestException:
                            time.sleep(5)
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, function in facts.functions():
        if _is_endless(facts, path, function.name):
            continue
        for decorator in function.decorators:
            name = decorator.data if decorator.kind == "name" else decorator.data[0] if decorator.data else None
            if name in _LIMITS and not _ends(name, decorator):
                message = f"{function.name} is retried for ever: while the other side is down, work piles up behind it"
                yield rule.at(path, decorator.at, message, subject=f"retry:{function.name}", symbol=function.name)
            elif decorator.kind == "call" and str(name).rpartition(".")[2] in _TASKS and _no_limit(decorator):
                message = f"the task {function.name} is retried for ever: a message that cannot succeed never leaves"
                yield rule.at(path, decorator.at, message, subject=f"task:{function.name}", symbol=function.name)
    decorators = {decorator.at for _, function in facts.functions() for decorator in function.decorators}
    for path, call in facts.calls(*_LIMITS):
        if call.at in decorators or call.is_open or any(call.arg(word) for word in _LIMITS[call.name]):
            continue
        message = f"{call.name} has no limit: while the other side is down, work piles up behind it"
        yield rule.at(path, call.at, message, subject=f"retry:{call.scope}", symbol=call.scope)
    for path, python in facts.python():
        for loop in python.loops:
            peer = _retried(loop)
            if peer is not None and service.comes_by(path, guarded=loop.guarded):
                how = "without a pause" if not loop.pauses else "after the same pause each time"
                message = f"{peer} is tried again for ever, {how}: the process looks alive and does nothing"
                yield rule.at(
                    path,
                    loop.at,
                    message,
                    subject=f"loop:{peer}",
                    symbol=loop.scope,
                    severity=LOW if loop.pauses else MEDIUM,
                )


_LISTENS = regex(r"listen|consum|subscri|watch", re.IGNORECASE)


def _is_endless(facts: Facts, path: str, function: str) -> bool:
    """Whether a function never ends by intent: a listener that is started again is retried rightly."""
    python = facts.file(path).python
    if _LISTENS.search(function):
        return True
    return python is not None and any(loop.scope == function and not loop.leaves for loop in python.loops)


def _ends(name: str, decorator: Value) -> bool:
    if decorator.kind == "name":
        return False
    _, args, kwargs = decorator.data
    if any(word == "**" for word, _ in kwargs) or any(value.kind == "splat" for value in args):
        return True
    given = dict(kwargs)
    if any(word in given and given[word].kind != "none" for word in _LIMITS[name]):
        return True
    return len(args) >= _POSITIONS.get(name, 99) + (name.startswith("retry."))


def _no_limit(decorator: Value) -> bool:
    return any(word == "max_retries" and value.kind == "none" for word, value in decorator.data[2])


def _retried(loop: Loop) -> str | None:
    """The call that a loop repeats until it succeeds, with nothing else that could end it."""
    if not loop.leaves or not loop.handlers or any(handler.leaves for handler in loop.handlers):
        return None
    if not all(pause.is_literal for pause in loop.pauses):
        return None
    peers = [name for name in loop.calls if name in _NETWORK]
    return peers[0].replace("()", "") if peers else None
