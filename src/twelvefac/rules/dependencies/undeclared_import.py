"""A module that ships imports a package which nothing declares.

## Why

It works where somebody installed it by hand, or because another package pulls it in today. In a clean build, or after
that other package drops it, the import fails: at boot, or in the one request that needs it. A service without any
manifest declares nothing at all, which is said once.

## What it does not flag

- Imports that may fail: under `try`, `TYPE_CHECKING`, a platform check.
- What a lock pins although only another package asks for it; with a lock, what its text does not tell: an import whose
  distribution has a name that is not known.
- Packages that the image installs by name: that is `adhoc-install`.
- What a program with a Python inside brings (`uwsgi`, `mysqlsh`).
- The service's own modules, plug-in packages of large namespaces (`google`, `azure`).

## How to fix

Declare it with the version that you use.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.dependencies import normalised
from twelvefac.project.distributions import IMPORTS, NAMESPACES, SAME
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

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
            "what neither the manifest nor the lock has, though other packages are pinned",
            source="""
                -- a/pyproject.toml --
                [project]
                dependencies = ["flask"]
                -- a/uv.lock --
                version = 1

                [[package]]
                name = "flask"
                version = "3.1.0"

                [[package]]
                name = "werkzeug"
                version = "3.1.3"
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- a/app.py --
                import flask
                import some_plugin
                import werkzeug
                import requests  # <- undeclared-import
                -- a/tool.py --
                import redis
            """,
        ),
        Example(
            "a service without any manifest",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "/srv/app.py"]
                -- app.py --
                import os
                import requests  # <- undeclared-import
                from flask import Flask
                import helpers
                -- helpers.py --
                import redis
            """,
        ),
        Example(
            "without a manifest: only the standard library, or an image and a line of its own that install",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- a/app.py --
                import json
                -- b/Dockerfile --
                FROM acme/python-with-flask:1
                CMD ["python", "app.py"]
                -- b/app.py --
                import flask
                -- c/Dockerfile --
                FROM python:3.12-slim
                RUN pip install flask==3.1.0
                CMD ["python", "app.py"]
                -- c/app.py --
                import flask
                -- d/Dockerfile --
                FROM python:3.12-slim
                COPY --from=build /venv /venv
                CMD ["python", "app.py"]
                -- d/app.py --
                import flask
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
_SAYS = regex(
    r"^(?:Pipfile|setup\.(?:py|cfg)|BUILD(?:\.bazel)?|(?:conda|env)[\w.-]{0,60}\.ya?ml)$|requirements|constraints"
    r"|\.(?:lock|toml|whl)$"
)
"""Names of files that may say what to install, in whatever format."""
_INSTALLS = regex(r"install|\bsync\b|conda|\badd\b|\.whl|get-pip|setup\.py|pex|apk|apt|[Mm]akefile|\bmake\b|\.sh\b")
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
    "motor": frozenset(("bson", "pymongo", "gridfs")),
    "flask-pymongo": frozenset(("bson", "pymongo", "gridfs")),
    "django-prometheus": frozenset(("prometheus_client",)),
}
"""What a framework's own documentation has you import, although another package brings it."""


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    if _has_no_manifest(service, facts):
        yield from _without_manifest(service, facts)
        return
    declared = _declared(service, facts)
    if declared is None:
        return
    own = facts.repository.importable
    locked = bool(facts.repository.pinned)
    seen: set[str] = set()
    for path in _shipped(service, proven=locked):
        for name, at in facts.file(path).packages:
            if name in own or name in NAMESPACES or name in seen or _is_declared(name, declared):
                continue
            if locked and name not in IMPORTS and name not in SAME:
                continue  # the lock may have it by a name that is not known
            seen.add(name)
            message = f"{name} is imported and nothing declares it: it is there only while another package brings it"
            yield rule.at(path, at, message, subject=f"import:{name}")


def _has_no_manifest(service: Service, facts: Facts) -> bool:
    """Whether nothing at all says what to install: no file of the service or above it, no line of its images."""
    folders = {posixpath.dirname(path) for path in service.files} | set(_above(service.root))
    names = (posixpath.basename(path) for folder in folders for path in facts.repository.by_folder.get(folder, ()))
    if any(_SAYS.search(name) for name in names):
        return False
    if any(process.source not in ("dockerfile", "procfile") for process in service.released):
        return False  # an image that a manifest names may have been made elsewhere
    for image in service.released_images:
        if not _PYTHON_IMAGE.search(image.base):
            return False
        for one in (one for stage in image.built_from for one in stage.instructions):
            texts = (one.text, *one.args, *one.heredocs)
            if one.keyword == "RUN" and any(_INSTALLS.search(text) for text in texts):
                return False
            if one.keyword in ("COPY", "ADD") and ("from" in dict(one.flags) or "://" in one.text):
                return False
    return True


def _above(root: str) -> Iterator[str]:
    while root:
        root = posixpath.dirname(root)
        yield root


def _without_manifest(service: Service, facts: Facts) -> Iterator[Finding]:
    own = facts.repository.importable
    found = {
        name: (path, at)
        for path in reversed(_shipped(service, proven=True))
        for name, at in reversed(facts.file(path).packages)
        if name not in own
    }
    if found:
        (name, (path, at)), *others = reversed(found.items())
        more = f" and {len(others)} more are" if others else " is"
        message = f"{name}{more} imported, and the service has no manifest: nothing says what to install"
        related = tuple((Span.of(where, place), other) for other, (where, place) in others[:11])
        yield rule.at(path, at, message, subject=f"import:{name}", related=related)


def _shipped(service: Service, *, proven: bool = False) -> list[str]:
    """The files that the released processes load; where that is not known, all but scripts and tools, or none."""
    loaded = {*service.served, *service.started}
    if loaded or proven:
        return sorted(loaded)
    return [path for path in service.python if _ASIDE.isdisjoint(path.split("/")) and service.ships(path)]


def _declared(service: Service, facts: Facts) -> frozenset[str] | None:
    """The declared distributions, with what the image installs by name; None where that cannot be told."""
    pinned = facts.repository.pinned
    if pinned is None:
        return None  # a lock that is not read pins what other packages pull in, and nobody knows which
    names = {*facts.repository.requirements, *pinned}
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
    told = {word for word in own.split("-") if word not in _GENERAL}
    if sum(map(len, told)) >= _TELLING and any(told <= set(name.split("-")) for name in declared):
        return True  # rest_access_policy comes with drf-access-policy
    return any(
        own in name.split("-")
        or name.startswith(f"{own}-")
        or name.endswith(f"-{own}")
        or name.replace("-", "") in _spellings(own.replace("-", ""))
        for name in declared
    )


_GENERAL = frozenset("rest drf djangorestframework framework django flask fastapi python py lib client".split())
"""Words in names of packages that say what they are for, not what they are."""
_TELLING = 8  # letters


def _spellings(own: str) -> tuple[str, ...]:
    """``spellchecker`` is what pyspellchecker brings, ``humps`` what pyhumps does."""
    return own, f"py{own}", f"{own}py", f"python{own}", f"django{own}"
