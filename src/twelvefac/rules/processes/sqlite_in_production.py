"""The database of what is released is a SQLite file.

## Why

The file lies on the disk of one container. It is lost when the container is replaced, which every deploy does; a second
replica has another one, so users see their data or not by chance; and on a shared network disk its locks do not hold.

## What it does not flag

- A default that the image, a manifest or an env file of the repository replaces with a database server, and one of a
  service that has a server's driver among its requirements: there the environment is what decides.
- `:memory:`, files opened read-only (`mode=ro`, `immutable=1`), caches.
- Settings for development and tests, and code that no released process loads.

## How to fix

Take a database server's URL from the environment and fail without it. Where one machine is enough on purpose, put the
file on a volume, run one replica, replicate it (litestream) and suppress this with the reason.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import Binding, Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

_URL = regex(r"sqlite(?:\+\w{1,30})?:///?[^:?\s]", re.IGNORECASE)
_SERVER_URL = regex(
    r"(?:postgres\w*|postgis|mysql|mariadb|mssql|oracle|cockroachdb|mongodb)(?:\+\w{1,30})*://", re.IGNORECASE
)
_HARMLESS = regex(r"mode=ro|immutable=1|:memory:|mode=memory|cache|test|/tmp/|celery", re.IGNORECASE)
_DEVELOPMENT = regex(
    r"(?:^|[/._-])(?:dev\w*|local\w*|test\w*|debug\w*|ci|example\w*|sample\w*|script\w*|tool\w*|seed\w*)(?:[/._-]|$)",
    re.IGNORECASE,
)
_DEVELOPMENT_CLASS = regex(r"dev|test|local|debug", re.IGNORECASE)
_DRIVERS = frozenset(
    "psycopg psycopg2 psycopg2-binary psycopg-binary asyncpg mysqlclient pymysql mysql-connector-python aiomysql "
    "asyncmy pyodbc oracledb cx-oracle mssql-django pg8000 django-cockroachdb pymongo motor".split()
)
_SERVERS = regex(r"(?:^|/)(?:postgres|postgis|timescaledb|pgvector|mysql|mariadb|percona|cockroach|mssql)")
_BACKEND = "django.db.backends.sqlite3"
_ENGINES = (
    "sqlalchemy.create_engine",
    "sqlalchemy.engine.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlmodel.create_engine",
    "databases.Database",
)
_FILES = ("sqlite3.connect", "aiosqlite.connect", "peewee.SqliteDatabase", "playhouse.sqlite_ext.SqliteExtDatabase")
_URLS = ("dj_database_url.config", "dj_database_url.parse")

rule = Rule(
    __name__,
    factor=Factor.PROCESSES,
    summary="the database of what is released is a SQLite file",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    anchors=anchors(
        r"databases ~DATABASES(?:\[|['\"]?\]?[ \t]{0,8}(?::[^=\n]{0,200})?=)",
        r"sqlite ~[sS](?:qlite|QLITE)(?:\+\w{1,30})?:/",
        r"sqlite3 ~sqlite3(?:\.connect|[ \t]{1,4}(?:import|as)\b)",
        r"backends sqlite3 ~backends\.sqlite3['\"]",
        "aiosqlite",
        "sqlitedatabase",
        "sqliteextdatabase",
        "django settings module ~DJANGO_SETTINGS_MODULE",
    ),
    names=frozenset(name.rpartition(".")[2] for name in (*_ENGINES, *_FILES, *_URLS)),
    examples=(
        Example(
            "production's settings, which take over these, read others from a file",
            source="""
                -- manage.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
                -- shop/settings.py --
                DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite"}}
                -- shop/production.py --
                import yaml

                from .settings import *

                with open(CONFIG) as file:
                    vars().update(yaml.safe_load(file))
            """,
        ),
        Example(
            "a URL that settings of one's own put together",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                from flask import Flask

                from config import Settings

                app = Flask(__name__)
                app.config.from_object(Settings())
                -- config.py --
                class Settings:
                    def __init__(self):
                        self.LOG_URL = "https://{}/logs".format("logs")
                        self.SQLALCHEMY_DATABASE_URI = "sqlite:///{}".format("shop.db")  # <- sqlite-in-production
            """,
        ),
        Example(
            "a file whose name is put together, or a constant",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "bot.py"]
                -- a/bot.py --
                import os

                import aiosqlite

                async def main():
                    await aiosqlite.connect(f"{os.path.dirname(__file__)}/bot.db")  # <- sqlite-in-production
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "bot.py"]
                -- b/bot.py --
                import sqlite3

                FILE = "bot.sqlite3"
                connection = sqlite3.connect(FILE)  # <- sqlite-in-production
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "bot.py"]
                -- c/bot.py --
                import sqlite3

                def read(name):
                    return sqlite3.connect(name)
            """,
        ),
        Example(
            "what takes the settings' place",
            source="""
                -- Procfile --
                web: gunicorn shop.wsgi
                -- manage.py --
                -- shop/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
                -- shop/settings.py --
                import dj_database_url

                DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
                DATABASES["default"].update(dj_database_url.config(conn_max_age=600))
                -- other/Procfile --
                web: gunicorn other.wsgi
                -- other/manage.py --
                -- other/other/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "other.settings")
                -- other/other/settings.py --
                import dj_database_url

                DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
                given = dj_database_url.config()
                DATABASES.update({"default": given})
            """,
        ),
        Example(
            "Django's settings",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- manage.py --
                -- shop/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
                -- shop/settings.py --
                DATABASES = {
                    "default": {
                        "ENGINE": "django.db.backends.sqlite3",  # <- sqlite-in-production
                        "NAME": "db.sqlite3",
                    }
                }
            """,
        ),
        Example(
            "an engine in what the server loads",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]
                -- app/__init__.py --
                -- app/main.py --
                from app.db import engine
                -- app/db.py --
                import os

                from sqlalchemy import create_engine

                URL = "sqlite:///" + os.path.join(os.getcwd(), "app.db")  # <- sqlite-in-production
                engine = create_engine(URL)
            """,
        ),
        Example(
            "a default that nothing replaces, and a file",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/requirements.txt --
                flask==3.1.0
                -- a/app.py --
                import os

                from flask import Flask

                app = Flask(__name__)
                app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("DB", "sqlite:///x.db")  # <- sqlite-in-production
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "bot.py"]
                -- b/bot.py --
                import sqlite3

                connection = sqlite3.connect("users.db")  # <- sqlite-in-production
            """,
        ),
        Example(
            "replaced by a manifest, or by the environment of a service with a driver",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                import os

                URL = os.getenv("DATABASE_URL", "sqlite:///x.db")
                -- compose.yaml --
                services:
                  web:
                    build: a
                    environment:
                      DATABASE_URL: postgresql://db/app
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- b/requirements.txt --
                psycopg[binary]==3.2.3
                -- b/app.py --
                import os

                URL = os.getenv("DATABASE_URL", "sqlite:///x.db")
            """,
        ),
        Example(
            "pydantic's settings, of a program that finds its commands when it runs",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["python", "-m", "shop"]
                CMD ["web"]
                -- src/shop/__init__.py --
                -- src/shop/__main__.py --
                from importlib import import_module
                from pkgutil import iter_modules

                from . import commands

                for found in iter_modules(commands.__path__):
                    import_module(f"{commands.__name__}.{found.name}").run()
                -- src/shop/commands/__init__.py --
                -- src/shop/commands/web.py --
                from ..settings import Settings
                -- src/shop/settings.py --
                from pydantic_settings import BaseSettings

                class Settings(BaseSettings):
                    database_url: str = "sqlite:///service.db"  # <- sqlite-in-production
            """,
        ),
        Example(
            "memory, read-only, a cache, development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                import sqlite3

                import config
                from sqlalchemy import create_engine

                memory = create_engine("sqlite:///:memory:")
                other = create_engine("sqlite://")
                words = create_engine("sqlite:///file:words.db?mode=ro&uri=true")
                seen = sqlite3.connect("cache.db")
                -- config.py --
                import os

                class DevelopmentConfig:
                    SQLALCHEMY_DATABASE_URI = "sqlite:///dev.db"

                class ProductionConfig:
                    SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]
                -- seed.py --
                import sqlite3

                sqlite3.connect("app.db")
            """,
        ),
        Example(
            "Django's settings for production",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV DJANGO_SETTINGS_MODULE=shop.settings.production
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- manage.py --
                -- shop/__init__.py --
                -- shop/wsgi.py --
                -- shop/settings/__init__.py --
                -- shop/settings/base.py --
                DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
                -- shop/settings/production.py --
                from .base import *

                DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
            """,
        ),
    ),
)


class _Use(NamedTuple):
    """A place that makes SQLite the database; ``default`` if the environment may say otherwise, ``key`` by which."""

    path: str
    at: Pos
    default: bool
    key: str | None
    target: str


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    uses = sorted(_django(service, facts)) or sorted(set(_elsewhere(service, facts)))
    uses = [use for use in uses if not (use.default and _is_replaced(service, facts, use.key))]
    if not uses:
        return
    first = uses[0]
    kept = any(one.mounts for _, one in service.composed)
    severity = MEDIUM if first.default or kept else HIGH
    how = "unless the environment says otherwise" if first.default else "in what is released"
    message = (
        f"the database is a SQLite file {how}: every replica has its own, and it is lost with the container's disk"
    )
    related = tuple((Span.of(use.path, use.at), "here as well") for use in uses[1:5])
    yield rule.at(first.path, first.at, message, subject="sqlite", severity=severity, related=related)


def _django(service: Service, facts: Facts) -> Iterator[_Use]:
    """The ``default`` database of the settings in use; nothing where two values stand side by side."""
    for path in service.settings:
        python = facts.file(path).python
        given = [one for one in python.bindings if _is_databases(one)] if python is not None else []
        if not given:
            continue
        if len(given) > 1 or given[0].scope or given[0].value.kind != "dict":
            return
        if service.modules.is_filled_elsewhere(path):
            return
        default = given[0].value.entry("default")
        if default is None:
            return
        engine = default.entry("ENGINE") if default.kind == "dict" else default
        name = default.entry("NAME") if default.kind == "dict" else None
        if engine is None or (default.kind == "dict" and name is None and engine.text == _BACKEND):
            return  # without a name there is no file: nothing asks this database
        if name is not None and _HARMLESS.search(name.text or ""):
            return
        if engine.text == _BACKEND:
            yield _Use(path, engine.at, default=False, key=None, target="DATABASES")
        elif engine.kind == "env" and engine.data[1] is not None and engine.data[1].text == _BACKEND:
            yield _Use(path, engine.at, default=True, key=engine.data[0], target="DATABASES")
        elif (use := _use(path, engine, "DATABASES")) is not None:
            yield use
        return


def _is_databases(binding: Binding) -> bool:
    """Whether it sets Django's databases, or one of them."""
    owner = binding.owner.rpartition(".")[2]
    return (binding.target == "DATABASES" and binding.kind != "key") or (
        binding.kind == "item" and owner == "DATABASES"
    )


def _elsewhere(service: Service, facts: Facts) -> Iterator[_Use]:
    """URLs and files in what a released process loads."""
    loaded = {**service.served, **service.started}
    settings = frozenset(service.settings)
    folders = {path.rpartition("/")[0] for path in loaded}
    for path, binding in facts.bindings():
        beside = binding.kind == "field" and path.rpartition("/")[0] in folders and not _DEVELOPMENT.search(path)
        if not (_ships(path, loaded, settings) or (beside and _has_base(facts, path, binding.owner, "BaseSettings"))):
            continue
        if binding.guarded or binding.kind in ("parameter", "key"):
            continue
        if _DEVELOPMENT_CLASS.search(binding.owner) or binding.target == "DATABASES":
            continue
        if binding.kind == "name" and binding.scope:  # in a function it usually stands under a condition
            continue
        use = _use(path, binding.value, binding.target)
        if use is not None and not _has_server_value(facts, binding.target):
            # a field of a class with a base is filled from the environment by pydantic
            fills = binding.kind == "field" and _has_base(facts, path, binding.owner)
            yield use._replace(default=True, key=binding.target.upper()) if fills and not use.default else use
    for path, call in facts.calls(*_ENGINES, *_FILES):
        if "sqlite" in path:
            continue  # an adapter, where there are others to choose from
        if not _ships(path, loaded, settings) or (call.guarded and loaded.get(path, (None, ""))[1] != path):
            continue
        value = call.args[0] if call.args else None
        if value is None:
            continue
        if call.name in _FILES:
            text = _file(facts, path, value)
            if text and not _HARMLESS.search(text) and not call.arg("uri"):
                yield _Use(path, call.at, default=False, key=None, target=call.name)
        elif (use := _use(path, value, call.name)) is not None:
            yield use


def _file(facts: Facts, path: str, value: Value) -> str | None:
    """The file that is opened, or the end of its name where that is put together or a constant of the module."""
    if value.kind == "name":
        python = facts.file(path).python
        given = [one.value for one in python.bindings if one.target == value.data] if python is not None else []
        return given[0].text if len(given) == 1 and _is_file(given[0].text) else None
    if value.kind == "joined" and value.data:
        return value.data[-1].text if _is_file(value.data[-1].text) else None
    if value.kind == "call" and value.data[0] == "os.path.join" and value.data[1]:
        return value.data[1][-1].text if _is_file(value.data[1][-1].text) else None
    return value.text


def _is_file(text: str | None) -> bool:
    return text is not None and text.endswith((".db", ".sqlite", ".sqlite3", ".db3"))


def _ships(path: str, loaded: Mapping[str, object], settings: frozenset[str]) -> bool:
    return (path in loaded or path in settings) and not _DEVELOPMENT.search(path)


def _use(path: str, value: Value, target: str) -> _Use | None:
    """The value as one that means SQLite: a URL, an engine, or an environment read with one as its default."""
    if _is_sqlite(_text(value)):
        stands_in = "default" in target.lower().split("_")
        return _Use(path, value.at, default=stands_in, key=None, target=target)
    if value.kind == "env":
        default = value.data[1]
        if default is not None and _is_sqlite(_text(default)):
            return _Use(path, value.at, default=True, key=value.data[0], target=target)
    if value.kind == "call" and value.data[0] in _URLS:
        words = dict(value.data[2])
        default = words.get("default") or (value.data[1][0] if value.data[1] else None)
        if default is not None and default.kind == "env":
            return _use(path, default, target)
        if default is not None and _is_sqlite(_text(default)):
            key = words["env"].text if "env" in words else "DATABASE_URL"
            return _Use(path, value.at, default=value.data[0].endswith("config"), key=key, target=target)
    return None


def _is_sqlite(text: str | None) -> bool:
    return text is not None and not _HARMLESS.search(text) and _URL.match(text) is not None


def _text(value: Value) -> str | None:
    """A text, or what one begins with that is put together from parts."""
    if value.kind == "joined" and value.data and value.data[0].text:
        return f"{value.data[0].text}…"
    return value.text


def _has_base(facts: Facts, path: str, owner: str, base: str = "") -> bool:
    """Whether the class has a base, one of that name if one is given."""
    python = facts.file(path).python
    return python is not None and any(
        one.name == owner and any(name.endswith(base) for name in one.bases) for one in python.classes
    )


def _has_server_value(facts: Facts, target: str) -> bool:
    """Whether the same name is given something else in another class or file: which one is in use is not known."""
    return any(
        binding.target == target
        and not _DEVELOPMENT_CLASS.search(binding.owner)
        and not (_text(binding.value) is not None and not _SERVER_URL.match(_text(binding.value) or ""))
        and not _is_default(binding.value)
        for _, binding in facts.bindings()
    )


def _is_default(value: Value) -> bool:
    return value.kind == "env" and value.data[1] is not None and _is_sqlite(_text(value.data[1]))


def _is_replaced(service: Service, facts: Facts, key: str | None) -> bool:
    """Whether something in the repository says that a database server takes the default's place."""
    given: list[tuple[str, str | None]] = []
    for _, one in service.composed:
        given += [(setting.name, setting.value) for setting in one.environment]
    for _, container in service.deployed:
        given += [(setting.name, setting.value) for setting in container.environment]
        given += [(reference.name, None) for reference in container.references]
    for image in service.released_images:
        given += list(image.environment.items())
    for file in facts.repository.configuration.values():
        given += [(entry.name, entry.value) for entry in file.environment]
    if any(_SERVER_URL.match(value or "") or (name == key and not _is_sqlite(value)) for name, value in given):
        return True
    requirements = (one.name for _, manifest in facts.manifests() for one in manifest.requirements)
    if not _DRIVERS.isdisjoint(requirements):
        return True
    return any(
        _SERVERS.search(one.image or "")
        for file in facts.repository.configuration.values()
        if file.compose is not None
        for one in file.compose.services
    )
