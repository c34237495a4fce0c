"""Development runs on another kind of database than production.

## Why

SQLite takes any type in any column, has no server, no concurrent writers and other functions than PostgreSQL or MySQL.
What works on a developer's SQLite fails in production, and a migration that was tested on one is a guess on the other.
Where the fallback is silent, a forgotten variable in production starts the service on an empty file.

## What it does not flag

- A database in memory, or a class or file for tests.
- Services that run on SQLite everywhere, or whose Compose file has a database that another service uses.

## How to fix

Run the same kind everywhere (`docker compose up db` is enough on a laptop) and let the URL have no default.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.compose import ComposeFile, ComposeService, interpolated
from twelvefac.project.facts import Literal, PythonFacts
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.versions import pipeline_versions, store_kind
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_SERVERS = {"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
_SCHEME = regex(r"(postgres|postgis|mysql|mariadb)")
_TESTS = regex(r"test|mock|fake|example|sample|\bci\b", re.IGNORECASE)
_PRODUCTION = regex(r"(?:^|[/._-])prod(?:uction)?(?:[/._-]|$)", re.IGNORECASE)
_ENGINES = {
    "django.db.backends.postgresql": "PostgreSQL",
    "django.db.backends.postgresql_psycopg2": "PostgreSQL",
    "django.contrib.gis.db.backends.postgis": "PostgreSQL",
    "django.db.backends.mysql": "MySQL",
}
_SQLITE = "django.db.backends.sqlite3"

rule = Rule(
    __name__,
    factor=Factor.DEV_PROD_PARITY,
    summary="development runs on another kind of database than production",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    anchors=anchors(
        r"sqlite ~sqlite(?:\+\w{1,20})?://",
        r"sqlite3 ~backends\.sqlite3",
        r"engine postgresql ~ENGINE['\"]",
        r"engine psycopg2 ~ENGINE['\"]",
        r"engine mysql ~ENGINE['\"]",
        r"engine postgis ~ENGINE['\"]",
    ),
    examples=(
        Example(
            "a fallback in the code, PostgreSQL in Compose",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- compose.yaml --
                services:
                  web:
                    build: .
                    depends_on: [db]
                  db: {image: "postgres:16"}
                -- app.py --
                import os

                URL = os.getenv("DATABASE_URL", "sqlite:///app.db")  # <- different-backing
            """,
        ),
        Example(
            "settings by environment",
            source="""
                -- shop/settings/dev.py --
                DATABASES = {
                    "default": {
                        "ENGINE": "django.db.backends.sqlite3",  # <- different-backing
                        "NAME": "db.sqlite3",
                    }
                }
                -- shop/settings/production.py --
                DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
            """,
        ),
        Example(
            "in memory, for tests, or everywhere",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/compose.yaml --
                services:
                  web:
                    build: .
                    environment: {DATABASE_URL: "postgresql://app@db/app"}
                -- a/app.py --
                class TestingConfig:
                    SQLALCHEMY_DATABASE_URI = "sqlite:///test.db"

                engine = create_engine("sqlite:///:memory:")
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- b/app.py --
                URL = "sqlite:////data/app.db"
                -- c/compose.yaml --
                services:
                  web: {build: ., depends_on: [db]}
                  db: {image: "postgres:16"}
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- c/app.py --
                import os

                SQLITE_PREFIX = os.getenv("SQLITE_PREFIX", "sqlite:///")
            """,
        ),
        Example(
            "another service's database",
            source="""
                -- compose.yaml --
                services:
                  web: {build: web}
                  keycloak: {image: "quay.io/keycloak/keycloak:26.0", depends_on: [db]}
                  db: {image: "postgres:16"}
                -- web/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- web/app.py --
                URL = "sqlite:////data/app.db"
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    deployed = _deployed(service, facts)
    if deployed is None:
        return
    what, where = deployed
    for span, how in _light(service, facts):
        message = f"{how} SQLite, {where.path} runs on {what}: what works here fails there"
        related = ((where, f"{what} is what is deployed"),)
        yield rule.on(span, message, subject=f"store:{what}", related=related, severity=_severity(service, facts, what))
        return  # one service, one finding


def _severity(service: Service, facts: Facts, what: str) -> Severity:
    """LOW where the pipeline tests with the deployed kind as well: then only a developer's own runs differ."""
    stores = {
        store.kind for _, document in facts.pipelines() for store, _ in pipeline_versions(document, service.root).stores
    }
    return LOW if any(_SERVERS.get(kind) == what for kind in stores) else MEDIUM


def _deployed(service: Service, facts: Facts) -> tuple[str, Span] | None:
    """The database server that this service is deployed with, and where that is written."""
    for path, binding in facts.bindings():
        engine = _ENGINES.get(binding.value.text or "")
        if binding.kind == "key" and binding.target == "ENGINE" and engine and _PRODUCTION.search(path):
            return engine, Span.of(path, binding.value.at)
    for workload, container in service.deployed:
        for setting in container.environment:
            if (kind := _scheme(setting.value or "")) is not None:
                return kind, Span.of(workload.path, setting.at)
    for file, one in sorted(service.composed, key=lambda pair: not pair[0].released):
        found = None if _TESTS.search(file.path) else _in_compose(file, one)
        if found is not None:
            return found
    return None


def _scheme(value: str) -> str | None:
    head, separator, _ = interpolated(value).partition("://")
    match = _SCHEME.match(head) if separator else None
    return _SERVERS[{"postgis": "postgres"}.get(match.group(1), match.group(1))] if match is not None else None


def _in_compose(file: ComposeFile, one: ComposeService) -> tuple[str, Span] | None:
    for setting in one.environment:
        if (kind := _scheme(setting.value or "")) is not None:
            return kind, Span.of(file.path, setting.at)
    needed = {name for name, _ in one.depends} | {setting.value for setting in one.environment}
    for other in file.services:
        if other.name in needed and (kind := store_kind(other.image or "")) in _SERVERS:
            return _SERVERS[kind], Span.of(file.path, other.image_at)
    return None


def _is_for_tests(python: PythonFacts, literal: Literal) -> bool:
    scope = literal.scope
    return _TESTS.search(scope) is not None or python.is_for_tests(scope) or "/test" in (literal.value.text or "")


def _light(service: Service, facts: Facts) -> Iterator[tuple[Span, str]]:
    for path, python in facts.python():
        if _TESTS.search(path) or _PRODUCTION.search(path) or "sqlite" in path:  # an export, an adapter
            continue
        for binding in python.bindings:
            engine = binding.kind == "key" and binding.target == "ENGINE" and binding.value.text == _SQLITE
            if engine and not _TESTS.search(binding.scope) and "settings" in path:
                yield Span.of(path, binding.value.at), "these settings use"
        defaults = {read.default.at for read in python.env if read.default is not None}
        for literal in python.store_urls:
            text = literal.value.text or ""
            memory = (
                ":memory:" in text or "mode=memory" in text or re.fullmatch(r"sqlite(?:\+\w+)?://", text) is not None
            )
            if text.endswith(":///") and literal.value.at in defaults:
                continue  # a setting for what addresses of SQLite begin with
            known = path in service.reached or "config" in path or "settings" in path
            if text.startswith("sqlite") and not memory and known and not _is_for_tests(python, literal):
                yield Span.of(path, literal.value.at), "without a URL the service uses"
