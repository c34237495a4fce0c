"""A backing service is named in the code.

## Why

A database, broker or cache that the code names by host cannot be swapped without a release: not for another
environment, not for a replica after a failure, not for a test.

## What it does not flag

- A URL or host from the environment or from settings.
- SQLite, in-memory stores, names of regions and queues.
- The service's own machine: that is `local-resource-assumed`.

## How to fix

Take one URL per backing service from the environment.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.clients import CLIENTS, LOCAL, NAMING, SCHEMES
from twelvefac.project.facts import Binding, Call, PythonFacts, Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_GIVEN = r"(?:['\"]\])?[ \t]{0,8}=[ \t]{0,8}['\"]\w"
_URL_NEAR = r"[^\n]{0,80}(?:\n[^\n]{0,60}){0,2}://"

rule = Rule(
    __name__,
    factor=Factor.BACKING_SERVICES,
    summary="a backing service is named in the code",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=(
        *NAMING,
        *anchors(
            rf"sqlalchemy database uri ~SQLALCHEMY_DATABASE_URI{_URL_NEAR}",
            rf"mongo uri ~MONGO_URI{_URL_NEAR}",
            rf"broker url ~BROKER_URL{_URL_NEAR}",
            rf"redis url ~REDIS_URL{_URL_NEAR}",
            rf"celery result backend ~CELERY_RESULT_BACKEND{_URL_NEAR}",
            rf"mail server ~MAIL_SERVER{_GIVEN}",
            rf"email host ~EMAIL_HOST{_GIVEN}",
            r"host engine ~HOST['\"][ \t]{0,8}:\s{0,8}[uUrRbB]{0,2}['\"]",
        ),
    ),
    names=frozenset(name.rpartition(".")[2] for name in CLIENTS),
    examples=(
        Example(
            "a class for each environment",
            source="""
                -- config.py --
                class DevelopmentConfig:
                    SQLALCHEMY_DATABASE_URI = "mysql://shop@host.docker.internal/shop_dev"

                class ProductionConfig:
                    SQLALCHEMY_DATABASE_URI = "mysql://shop@orders-db/shop"  # <- fixed-resource
            """,
        ),
        Example(
            "a constant of another module, and names that are no such",
            source="""
                -- worker.py --
                from kafka import KafkaConsumer, KafkaProducer

                from names import BROKER, CHOSEN, GIVEN

                consumer = KafkaConsumer("orders", bootstrap_servers=[BROKER])  # <- fixed-resource
                again = KafkaProducer(bootstrap_servers=BROKER)
                producer = KafkaProducer(bootstrap_servers=GIVEN)
                other = KafkaProducer(bootstrap_servers=CHOSEN)
                -- names.py --
                import os

                BROKER = "broker:29092"  # as Compose calls it
                GIVEN = os.environ["BROKER"]
                CHOSEN = "first:9092"
                if os.environ.get("SECOND"):
                    CHOSEN = "second:9092"
            """,
        ),
        Example(
            "constants that something else gives as well",
            source="""
                -- worker.py --
                from redis import Redis

                from first import FIRST
                from second import SECOND
                from third import THIRD

                HOST = "cache.internal"
                first, second, third = Redis(host=FIRST), Redis(host=SECOND), Redis(host=THIRD)

                def connect(HOST):
                    return Redis(host=HOST)
                -- first.py --
                import os

                FIRST = "cache.internal"
                if "FIRST" in os.environ:
                    PORT, FIRST = 6379, os.environ["FIRST"]
                -- second.py --
                SECOND = "cache.internal"
                try:
                    from production import (
                        SECOND,
                    )
                except ImportError:
                    pass
                -- third.py --
                THIRD = "cache.internal"
                from local_settings import *
            """,
        ),
        Example(
            "the server for mail",
            source="""
                -- config.py --
                import os

                app = object()
                app.config["MAIL_SERVER"] = "smtp.mail.yahoo.com"  # <- fixed-resource
                -- shop/settings.py --
                EMAIL_HOST = "smtp.gmail.com"  # <- fixed-resource
                -- other/settings.py --
                import os

                EMAIL_HOST = os.environ.get("EMAIL_HOST", "smtp.gmail.com")
                MAIL_SERVER = "smtp.example.com"
                -- third/settings.py --
                EMAIL_HOST = "localhost"
                -- third/dev_settings.py --
                EMAIL_HOST = "mailhog"
            """,
        ),
        Example(
            "defaults that the environment replaces, and a class for tests",
            source="""
                -- config.py --
                from pydantic_settings import BaseSettings

                class Settings(BaseSettings):
                    CELERY_BROKER_URL: str = "redis://redis:6379"

                class Config:
                    TESTING = False

                class Mocked(Config):
                    TESTING = True
                    REDIS_URL = "redis://you-forgot-to-mock-this"
            """,
        ),
        Example(
            "constructors",
            source="""
                -- app.py --
                import pika
                import redis
                from kafka import KafkaProducer
                from sqlalchemy import create_engine

                cache = redis.Redis(host="redis", port=6379)  # <- fixed-resource
                engine = create_engine("postgresql://db.internal/app")  # <- fixed-resource
                broker = pika.ConnectionParameters("rabbitmq")  # <- fixed-resource
                producer = KafkaProducer(bootstrap_servers=["kafka-1:9092"])  # <- fixed-resource
            """,
        ),
        Example(
            "settings of frameworks",
            source="""
                -- shop/settings.py --
                DATABASES = {
                    "default": {
                        "ENGINE": "django.db.backends.postgresql",
                        "HOST": "db",  # <- fixed-resource
                    }
                }
                -- app.py --
                from flask import Flask

                app = Flask(__name__)
                app.config["SQLALCHEMY_DATABASE_URI"] = "mysql://mysql/app"  # <- fixed-resource
            """,
        ),
        Example(
            "from the environment",
            source="""
                -- app.py --
                import os

                import redis
                from sqlalchemy import create_engine

                from settings import settings

                cache = redis.Redis(host=os.environ["REDIS_HOST"])
                other = redis.from_url(settings.redis_url)
                engine = create_engine(os.getenv("DATABASE_URL", "postgresql://localhost/app"))
            """,
        ),
        Example(
            "not over the network",
            source="""
                -- app.py --
                from sqlalchemy import create_engine

                engine = create_engine("sqlite:///app.db")
                memory = create_engine("sqlite://")
                hosts = {"HOST": "db"}
            """,
        ),
    ),
)

_URL = regex(r"([a-z][a-z0-9]{1,20})(?:\+[a-z0-9]{1,20})?://(?:[^@/\s]{0,200}@)?(\[[^\]]{1,60}\]|[^/:?\s]{0,200})")
_KEYS = frozenset(
    "SQLALCHEMY_DATABASE_URI MONGO_URI CELERY_BROKER_URL BROKER_URL REDIS_URL CELERY_RESULT_BACKEND".split()
)
_MAIL_SERVERS = ("MAIL_SERVER", "EMAIL_HOST")
"""Flask-Mail's and Django's."""
_SHOWN = regex(r"(?:^|\.)(?:example|domain|your\w{0,20}|localhost|localdomain|test|invalid)(?:\.|$)", re.IGNORECASE)
"""In a host's name that stands for another one."""


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    said: set[tuple[str, str]] = set()  # by a constant, which is one place to change, whoever uses it
    for path, call in facts.calls(*CLIENTS):
        found = _named(call)
        if found is None and (found := _named(service.modules.with_constants(call, path))) is not None:
            if found in said or not service.comes_by(path, guarded=call.guarded):
                continue
            said.add(found)
        if found is not None and found[1] not in LOCAL and service.comes_by(path, guarded=call.guarded):
            store, host = found
            message = (
                f"{store} is named in the code ({host}): another one needs a release, not a change of configuration"
            )
            yield rule.at(path, call.at, message, subject=f"resource:{store}:{host}", symbol=call.scope)
    django = {
        path for path, one in facts.bindings() if one.kind == "key" and one.target == "ENGINE" and _is_server(one)
    }
    for path, binding in facts.bindings():
        setting = _setting(binding, in_django=path in django)
        python = facts.file(path).python
        if binding.kind == "field" and python is not None and _is_a_default(python, binding.owner):
            continue
        if binding.kind == "field" and _DEVELOPMENT_CLASS.search(binding.owner):
            continue  # what is chosen by the class's name: production has another
        if setting is not None and setting not in LOCAL and service.ships(path):
            message = f"a backing service is named in the code ({setting}): another one needs a release"
            yield rule.at(path, binding.value.at, message, subject=f"resource:{binding.target}", symbol=binding.scope)


_DEVELOPMENT_CLASS = regex(r"dev|test|local|debug", re.IGNORECASE)


def _named(call: Call) -> tuple[str, str] | None:
    """The store and the host that a constructor names by a literal; None where something else decides."""
    client = CLIENTS[call.name]
    for parameter in (client.url, client.host):
        value = call.arg(*parameter) if parameter[0] else None
        if value is None:
            continue
        if value.kind == "list" and value.data:
            value = value.data[0]
        host = _host(value)
        return (client.store, host) if host else None
    return None


def _host(value: Value) -> str | None:
    text = value.text
    if not text or "{" in text or "$" in text or "%" in text:
        return None
    match = _URL.match(text)
    if match:
        scheme, host = match.group(1), match.group(2)
        return str(host) if scheme in SCHEMES and scheme != "sqlite" and host else None
    if re.search(r"\bhost=", text):
        found = re.search(r"\bhost=([^\s']{1,200})", text)
        return found.group(1) if found else None
    return text.partition(":")[0] if re.fullmatch(r"[A-Za-z0-9][\w.-]{0,200}(?::\d{1,5})?", text) else None


def _is_server(binding: Binding) -> bool:
    return "sqlite" not in str(binding.value.text) and "backends" in str(binding.value.text)


def _setting(binding: Binding, *, in_django: bool) -> str | None:
    if binding.kind == "key" and binding.target == "HOST" and in_django:
        return _host(binding.value)
    if binding.target in _MAIL_SERVERS and binding.kind in ("name", "item", "field"):
        host = _host(binding.value)
        return host if host is not None and "." in host and not _SHOWN.search(host) else None
    if binding.target in _KEYS and binding.kind in ("name", "item", "field", "key"):
        text = binding.value.text or ""
        return _host(binding.value) if _URL.match(text) else None
    return None


def _is_a_default(python: PythonFacts, owner: str) -> bool:
    """Whether the environment fills a class's fields, or the class is for tests."""
    bases = next((one.bases for one in python.classes if one.name == owner), ())
    return python.is_for_tests(owner) or any(base.rpartition(".")[2].endswith("BaseSettings") for base in bases)
