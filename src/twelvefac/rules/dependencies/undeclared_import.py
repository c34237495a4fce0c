"""A module that ships imports a package which nothing declares.

## Why

It works where somebody installed it by hand, or because another package pulls it in today. In a clean build, or after
that other package drops it, the import fails: at boot, or in the one request that needs it.

## What it does not flag

- Imports that may fail: under `try`, `TYPE_CHECKING`, a platform check.
- What a lock pins although only another package asks for it.
- Packages that the image installs by name: that is `adhoc-install`.
- What a program with a Python inside brings (`uwsgi`, `mysqlsh`).
- The service's own modules, plug-in packages of large namespaces (`google`, `azure`).

## How to fix

Declare it with the version that you use.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.dependencies import normalised
from twelvefac.project.distributions import IMPORTS, NAMESPACES
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

rule = Rule(
    __name__,
    factor=Factor.DEPENDENCIES,
    summary="a module that ships imports a package which nothing declares",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    examples=(
        Example(
            "a package that is not declared",
            source="""
                -- requirements.txt --
                flask==3.1.0
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . .
                RUN pip install -r requirements.txt
                CMD ["python", "app.py"]
                -- app.py --
                import os

                import yaml  # <- undeclared-import
                from flask import Flask
                from helpers import x
                -- helpers.py --
                x = 1
            """,
        ),
        Example(
            "other names, optional ones, own modules",
            source="""
                -- requirements.txt --
                PyYAML==6.0.3
                pyspellchecker==0.9.0
                python-dateutil==2.9.0
                opensearch-py==3.2.0
                django-oauth-toolkit==3.0.1
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
                from typing import TYPE_CHECKING

                import yaml
                from dateutil import parser
                from oauth2_provider.models import AccessToken
                from opensearchpy import OpenSearch
                from spellchecker import SpellChecker

                try:
                    import ujson as json
                except ImportError:
                    import json
                import mysqlsh
                if TYPE_CHECKING:
                    import pandas
            """,
        ),
        Example(
            "a lock pins it, or the image installs it",
            source="""
                -- a/pyproject.toml --
                [project]
                dependencies = ["fastapi"]
                -- a/uv.lock --
                version = 1
                -- a/app.py --
                import pydantic
                -- b/requirements.txt --
                flask==3.1.0
                -- b/Dockerfile --
                FROM python:3.12-slim
                RUN pip install requests
                CMD ["python", "app.py"]
                -- b/app.py --
                import requests
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- c/Dockerfile --
                FROM apache/airflow:slim-2.10-python3.12
                -- c/requirements.txt --
                arrow==1.3.0
                -- c/dags.py --
                import pendulum
            """,
        ),
    ),
)

_ASIDE = frozenset("scripts tools bin utils hack dev ci setup.py".split())
_PYTHON_IMAGE = regex(
    r"(?:^|/)(?:python|uv|pypy|debian|ubuntu|alpine)(?::|@|$)|(?:^|/)[\w.-]{0,40}python-?\d[\w.-]{0,40}(?::|@|$)"
)
"""Images that bring Python and nothing else."""
_COMES_WITH: dict[str, frozenset[str]] = {
    "flask": frozenset(("werkzeug", "jinja2", "click", "markupsafe", "itsdangerous", "blinker")),
    "fastapi": frozenset(("starlette", "pydantic", "anyio", "typing_extensions")),
    "django": frozenset(("asgiref", "sqlparse")),
    "requests": frozenset(("urllib3", "certifi", "idna", "chardet", "charset_normalizer")),
    "celery": frozenset(("kombu", "billiard", "vine", "amqp", "click")),
    "boto3": frozenset(("botocore", "s3transfer", "dateutil")),
    "sqlalchemy": frozenset(("greenlet", "typing_extensions")),
    "flask-sqlalchemy": frozenset(("sqlalchemy",)),
    "flask-migrate": frozenset(("alembic", "flask_sqlalchemy", "mako")),
    "flask-wtf": frozenset(("wtforms",)),
    "pydantic": frozenset(("typing_extensions", "annotated_types", "pydantic_core")),
    "pandas": frozenset(("numpy", "dateutil", "pytz")),
    "aiohttp": frozenset(("yarl", "multidict", "async_timeout", "attr", "aiosignal")),
    "httpx": frozenset(("anyio", "httpcore", "certifi", "idna", "sniffio")),
    "uvicorn": frozenset(("click", "h11")),
    "quart": frozenset(("werkzeug", "jinja2", "hypercorn", "flask", "click", "itsdangerous", "markupsafe")),
    "aio-pika": frozenset(("aiormq", "yarl")),
    "djangorestframework": frozenset(("django",)),
    "tensorflow": frozenset(("numpy", "keras", "google")),
    "scikit-learn": frozenset(("numpy", "scipy", "joblib")),
    "starlette": frozenset(("anyio",)),
    "django-prometheus": frozenset(("prometheus_client",)),
}
"""What a framework's own documentation has you import, although another package brings it."""


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    declared = _declared(service, facts)
    if declared is None:
        return
    own = facts.repository.importable
    seen: set[str] = set()
    for path in _shipped(service):
        for name, at in facts.file(path).packages:
            if name in own or name in NAMESPACES or name in seen or _is_declared(name, declared):
                continue
            seen.add(name)
            message = f"{name} is imported and nothing declares it: it is there only while another package brings it"
            yield rule.at(path, at, message, subject=f"import:{name}")


def _shipped(service: Service) -> list[str]:
    """The files that the released processes load; where that is not known, all but scripts and tools."""
    loaded = {*service.served, *service.started}
    if loaded:
        return sorted(loaded)
    return [path for path in service.python if _ASIDE.isdisjoint(path.split("/")) and service.ships(path)]


def _declared(service: Service, facts: Facts) -> frozenset[str] | None:
    """The declared distributions, with what the image installs by name; None where that cannot be told."""
    if facts.repository.is_locked:
        return None  # it pins what other packages pull in; reading which ones is more than this rule does
    names = set(facts.repository.requirements)
    if not names or any(
        name.endswith(("setup.py", "setup.cfg", "environment.yml")) for name in facts.repository.by_base
    ):
        return None
    for image in service.images:
        for instruction in (one for stage in image.dockerfile.stages for one in stage.instructions):
            if instruction.keyword == "RUN" and " install" in instruction.text:
                names |= {normalised(word.split("[")[0].split("=")[0]) for word in instruction.text.split()}
    if any(image.base and not _PYTHON_IMAGE.search(image.base) for image in service.images):
        return None  # a base image of one's own, or a product's, may bring anything
    return frozenset(names)


def _is_declared(top: str, declared: frozenset[str]) -> bool:
    candidates = {normalised(top), *IMPORTS.get(top, ())}
    if candidates & declared:
        return True
    if any(top in brought for name, brought in _COMES_WITH.items() if name in declared):
        return True
    # distributions are often called python-x, x-python, django-x, or share a first part with the import
    own = normalised(top)
    return any(
        own in name.split("-")
        or name.startswith(f"{own}-")
        or name.endswith(f"-{own}")
        or name.replace("-", "") in _spellings(own.replace("-", ""))
        for name in declared
    )


def _spellings(own: str) -> tuple[str, ...]:
    """``spellchecker`` is what pyspellchecker brings, ``humps`` what pyhumps does."""
    return own, f"py{own}", f"{own}py", f"python{own}", f"django{own}"
