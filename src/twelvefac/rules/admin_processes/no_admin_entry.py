"""A service with a schema of its own has no command to change it.

## Why

Tables are declared in the code and nothing in the repository creates or changes them for a release: neither migrations
nor a command. So it is done by hand, in a shell on the production host, differently each time and by nobody's review.

## What it does not flag

- Alembic, Django, Flask-Migrate, Aerich and their like; a console script, a Makefile target, a Job, a release phase.
- Tables that are reflected from a database which somebody else owns.
- Services whose released code declares no tables; libraries.

## How to fix

Add migrations (`alembic init`) and a one-off command that runs them from the released image, such as `orders migrate`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from twelvefac.audit.facts import Facts, Repository
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import Class
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_TOOLS = frozenset(
    "alembic flask-migrate django aerich yoyo-migrations peewee-migrate piccolo prisma flask-alembic django-ninja "
    "sqlalchemy-migrate flask-script pgmigrate migra atlas-provider-sqlalchemy".split()
)
_BASES = frozenset(
    "flask_sqlalchemy.SQLAlchemy().Model sqlalchemy.ext.declarative.declarative_base() "
    "sqlalchemy.orm.declarative_base() sqlalchemy.declarative_base()".split()
)
_REFLECTED = ("automap_base", "DeferredReflection", "autoload_with", "reflect")
_COMMAND = regex(
    r"migrat|alembic|flyway|liquibase|upgrade|initdb|init[-_]db|create[-_](?:db|tables)|schema", re.IGNORECASE
)


def _asks(service: Service, facts: Facts) -> bool:
    """Whether nothing but the code may have a command that makes the tables."""
    prefix = f"{service.root}/" if service.root else ""
    for _, manifest in facts.manifests():
        if manifest.scripts or any(one.name in _TOOLS for one in manifest.requirements):
            return False
    if any(
        _COMMAND.search(word) for process in service.processes for step in process.steps or () for word in step.words
    ):
        return False
    made, scripts = _made_elsewhere(facts.repository)
    return not made and not any(path.startswith(prefix) for path in scripts)


@lru_cache(maxsize=1)
def _made_elsewhere(repository: Repository) -> tuple[bool, tuple[str, ...]]:
    """Whether a file or folder has the name of what makes tables, and the SQL files; each service asks.

    The schema may be somebody else's business anywhere in the repository, a migrator of its own.
    """
    made = any(map(_COMMAND.search, repository.by_base)) or any(
        "/migrations/" in f"/{folder}/" for folder in repository.by_folder
    )
    return made, tuple(path for path in repository.names if path.endswith(".sql"))


rule = Rule(
    __name__,
    factor=Factor.ADMIN_PROCESSES,
    summary="a service with a schema of its own has no command to change it",
    severity=LOW,
    confidence=Confidence.MEDIUM,
    since="0.1",
    needs_command=True,
    asks=_asks,
    anchors=anchors(
        r"sqlalchemy class ~(?:declarative_base|SQLAlchemy)(?:[ \t]{0,4}\(|[ \t]{1,4}as\b)",
        r"command ~@[\w.]{0,100}command",
        r"typer ~Typer[ \t]{0,4}\(",
        "automap base",
        "deferredreflection",
        "autoload with",
        r"reflect ~\.reflect\(",
    ),
    names=frozenset((*_REFLECTED, "command", "Typer")),
    examples=(
        Example(
            "models, and nothing that creates their tables",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- app.py --
                import models
                -- models.py --
                from sqlalchemy.orm import declarative_base

                Base = declarative_base()

                class Order(Base):  # <- no-admin-entry
                    __tablename__ = "orders"

                class Item(Base):
                    __tablename__ = "items"
            """,
        ),
        Example(
            "migrations, by the requirement",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- requirements.txt --
                alembic==1.17.0
                -- app.py --
                from flask_sqlalchemy import SQLAlchemy

                db = SQLAlchemy()

                class Order(db.Model):
                    __tablename__ = "orders"
            """,
        ),
        Example(
            "a command of its own, and SQL that something runs",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- a/app.py --
                from flask_sqlalchemy import SQLAlchemy

                db = SQLAlchemy()

                class Order(db.Model):
                    __tablename__ = "orders"
                -- a/cli.py --
                import click

                @click.command()
                def create():
                    ...
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
                -- b/app.py --
                from flask_sqlalchemy import SQLAlchemy

                db = SQLAlchemy()

                class Order(db.Model):
                    __tablename__ = "orders"
                -- b/db/migrations/0001.sql --
                create table orders ();
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    tables = [(path, one) for path, one in facts.classes() if path in service.reached and _is_table(one)]
    if not tables or not _asks(service, facts) or _has_command(facts):
        return
    path, first = tables[0]
    more = f" and {len(tables) - 1} more" if len(tables) > 1 else ""
    message = f"{first.name}{more}: tables are declared, and no migration or command of the repository makes them"
    related = ((service.reached[path][0].span, "this starts the service"),)
    yield rule.at(path, first.at, message, subject="schema", related=related)


def _is_table(one: Class) -> bool:
    return any(base in _BASES for base in one.bases)


def _has_command(facts: Facts) -> bool:
    for _, python in facts.python():
        if any(call.name.rpartition(".")[2] in (*_REFLECTED, "Typer") for call in python.calls):
            return True
        if any("command" in str(value.data) for one in python.functions for value in one.decorators):
            return True
    return False
