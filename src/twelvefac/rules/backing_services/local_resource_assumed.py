"""A backing service is taken to run on the same machine.

## Why

In a container `localhost` is the container itself: nothing but this service listens there. What works on a developer's
machine cannot work in any deploy, and no configuration can mend it.

## What it does not flag

- A default beside a read of the environment: the deploy sets it.
- A URL or host from settings; `localhost` at a port that is computed, as the near end of a tunnel has.
- Tests and scripts for development.

## How to fix

Take the URL from the environment.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.clients import CLIENTS, LOCAL, LOCALS, NAMING, POOLS
from twelvefac.project.facts import Call, Value
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

rule = Rule(
    __name__,
    factor=Factor.BACKING_SERVICES,
    summary="a backing service is taken to run on the same machine",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=(*NAMING, *LOCALS),
    names=frozenset(name.rpartition(".")[2] for name in CLIENTS),
    examples=(
        Example(
            "localhost, and a constructor's own default",
            source="""
                -- app.py --
                import pika
                import redis
                from pymongo import MongoClient

                cache = redis.Redis()  # <- local-resource-assumed
                other = redis.StrictRedis(host="localhost", port=6379)  # <- local-resource-assumed
                broker = pika.BlockingConnection(pika.ConnectionParameters("localhost"))  # <- local-resource-assumed
                documents = MongoClient("mongodb://127.0.0.1:27017/")  # <- local-resource-assumed
            """,
        ),
        Example(
            "a constant of another module, and what may be set from anywhere",
            source="""
                -- config.py --
                STORE = "localhost"
                -- app.py --
                import redis
                import config

                cache = redis.Redis(host=config.STORE)  # <- local-resource-assumed
                -- engine.py --
                import redis

                host = "localhost"

                def connect():
                    return redis.Redis(host=host)
            """,
        ),
        Example(
            "a default of a read",
            source="""
                -- app.py --
                import os

                import redis

                cache = redis.Redis(host=os.getenv("REDIS_HOST", "localhost"))
                pool = redis.ConnectionPool.from_url(os.environ["REDIS_URL"])
                sized = redis.ConnectionPool(max_connections=9).from_url(os.environ["REDIS_URL"])
                other = redis.Redis(connection_pool=pool)
                options = {"host": os.environ["REDIS_HOST"]}
                third = redis.Redis(**options)
                tunnel = open_tunnel(os.environ["REDIS_HOST"])
                fourth = redis.Redis(host="localhost", port=tunnel.local_bind_port)
            """,
        ),
        Example(
            "for tests, and under a main guard that nothing starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "app:app"]
                -- app.py --
                from pymongo import MongoClient

                def get_test_db():
                    return MongoClient().test
                -- measure.py --
                from pymongo import MongoClient

                if __name__ == "__main__":
                    MongoClient().routes
            """,
        ),
        Example(
            "elsewhere",
            source="""
                -- app.py --
                import redis

                cache = redis.Redis(host="redis.internal")
                -- tests/test_app.py --
                import redis

                cache = redis.Redis()
            """,
        ),
    ),
)

_IN_TESTS = regex(r"(?:^|[._])(?:test|mock|fake)(?:$|_)|[._]test$")
"""Functions that give what tests use: ``get_test_db``."""


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    renamed = {(path, call.at[:2]) for path, call in facts.calls(*(f"{name}().from_url" for name in CLIENTS))}
    for path, call in facts.calls(*CLIENTS):
        client = CLIENTS[call.name]
        if (path, call.at[:2]) in renamed:
            continue  # ConnectionPool(max_connections=9).from_url(URL): the URL says where it is
        if (
            _is_local(service.modules.with_constants(call, path))
            and service.comes_by(path, guarded=call.guarded)
            and not _IN_TESTS.search(call.scope)
        ):
            message = f"{client.store} is taken to run on the same machine, where in a container only this service is"
            yield rule.at(path, call.at, message, subject=f"resource:{client.store}:localhost", symbol=call.scope)


def _is_local(call: Call) -> bool:
    client = CLIENTS[call.name]
    given = False
    port = call.arg("port")
    if port is not None and port.kind in ("name", "other") and call.arg("host") is not None:
        return False  # the near end of a tunnel, which something has just opened
    for parameter in (client.url, client.host):
        value = call.arg(*parameter) if parameter[0] else None
        if value is not None:
            given = True
            if _names_local(value):
                return True
    if given or call.is_open or any(name in POOLS for name, _ in call.kwargs):
        return False
    return client.default in LOCAL


def _names_local(value: Value) -> bool:
    if value.kind == "list":
        return bool(value.data) and all(_names_local(one) for one in value.data)
    text = value.text
    if text is None:
        return False
    rest = text.partition("://")[2] or text
    host = rest.rpartition("@")[2].partition("/")[0]
    host = host if host.startswith("[") else host.partition(":")[0]
    return host in LOCAL or "host=localhost" in text or "host=127.0.0.1" in text
