"""Debugging is on in what is released.

## Why

Django's and Flask's debug pages show source, settings and environment to whoever causes an error; Werkzeug's debugger
runs any code that a visitor types into it. A value that is on unless somebody switches it off is on in production.

## What it does not flag

- A value from the environment that is off by default.
- Settings for development or tests (`settings/dev.py`, `class TestConfig`), and a value that production's settings,
  which take over the file's names, set anew.
- A call under `if __name__ == "__main__":` in a file that the image does not start.

## How to fix

Read it from the environment with `False` as the default.
"""

import re
from collections.abc import Iterator, Mapping

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.dockerfile import assignments
from twelvefac.project.facts import Binding, Value
from twelvefac.project.scan import anchors
from twelvefac.project.servers import CALLS
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_RUNS = {name: call.debug for name, call in CALLS.items() if call.debug}
_APPS = ("fastapi.FastAPI", "starlette.applications.Starlette", "litestar.Litestar")
_DEVELOPMENT = regex(
    r"(?:^|[/._-])(?:dev\w*|local\w*|(?:py)?test\w*|debug\w*|ci|circleci|travis\w*|jenkins|github|gitlab|e2e|example\w*|sample\w*)"
    r"(?:[/._-]|$)",
    re.IGNORECASE,
)
_DEVELOPMENT_CLASS = regex(r"dev|test|local|debug|staging|migrat", re.IGNORECASE)
_TRUE = frozenset(("1", "true", "yes", "on", "t", "y"))
_FLASK = ("FLASK_DEBUG", "QUART_DEBUG")
"""What the frameworks themselves read; what DEBUG does, a service says."""
_VARIABLES = ("DEBUG", "FLASK_DEBUG", "DJANGO_DEBUG", "APP_DEBUG", "QUART_DEBUG")

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="debugging is on in what is released",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=anchors(
        *(
            rf"debug ~{name}['\"]?\]?[ \t]{{0,4}}(?::[^=\n]{{0,100}})?=(?!=)[^\n]{{0,160}}(?:\n[^\n]{{0,120}}){{0,3}}?"
            r"(?:[tT](?:rue|RUE)|1|[oO](?:n|N)|[yY](?:es|ES))\b"
            for name in ("DEBUG", "debug")
        ),
        "django settings module ~DJANGO_SETTINGS_MODULE",  # which settings are released
        "ptvsd",
        "debugpy",
    ),
    names=frozenset((*(name.rpartition(".")[2] for name in (*_RUNS, *_APPS)), "listen", "enable_attach")),
    examples=(
        Example(
            "settings of tests below the released ones",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "--chdir", "web", "core.wsgi"]
                -- web/__init__.py --
                -- web/core/__init__.py --
                -- web/core/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
                -- web/core/settings/__init__.py --
                DEBUG = True  # <- debug-on
                -- web/core/settings/quick/__init__.py --
                DEBUG = True
            """,
        ),
        Example(
            "on by default, compared with a text",
            source="""
                -- a/settings.py --
                import os

                DEBUG = os.environ.get("DJANGO_DEBUG", "true") == "true"  # <- debug-on
                -- b/settings.py --
                import os

                DEBUG = os.environ.get("DJANGO_DEBUG", "false") == "true"
            """,
        ),
        Example(
            "settings that nothing loads, beside those that are",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV DJANGO_SETTINGS_MODULE=shop.settings.live
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- manage.py --
                -- shop/wsgi.py --
                -- shop/settings/live.py --
                DEBUG = True  # <- debug-on
                -- shop/settings/training.py --
                DEBUG = True
            """,
        ),
        Example(
            "a service that is called an example, and what a manifest sets",
            source="""
                -- Procfile --
                web: gunicorn tasks_example.wsgi
                -- manage.py --
                -- tasks_example/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasks_example.settings")
                -- tasks_example/settings.py --
                DEBUG = True  # <- debug-on
                -- api/Dockerfile --
                FROM python:3.12-slim
                CMD ["flask", "run", "--host=0.0.0.0"]
                -- api/app.py --
                from flask import Flask

                app = Flask(__name__)
                -- api/requirements.txt --
                flask==2.2.0
                -- deploy/api.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: api}
                spec:
                  template:
                    spec:
                      containers:
                        - name: api
                          image: registry.example.com/api:1.0
                          env:
                            - name: FLASK_DEBUG
                              value: "1"  # <- debug-on
            """,
        ),
        Example(
            "a branch for developers, a bot's own debugging",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:create_app()"]
                -- app.py --
                from flask import Flask

                def create_app(args):
                    app = Flask(__name__)
                    if args.dev:
                        app.config["DEBUG"] = True
                    return app
                -- bot/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "bot.py"]
                -- bot/bot.py --
                from pydantic_settings import BaseSettings

                class Client(BaseSettings):
                    debug: bool = True
            """,
        ),
        Example(
            "settings",
            source="""
                -- shop/settings.py --
                import os

                DEBUG = True  # <- debug-on
                TEMPLATE_DEBUG = DEBUG
                -- blog/config.py --
                import os

                class Config:
                    DEBUG = os.getenv("DEBUG", "True")  # <- debug-on

                class DevelopmentConfig(Config):
                    DEBUG = True
                -- app.py --
                from fastapi import FastAPI

                app = FastAPI(debug=True)  # <- debug-on
            """,
        ),
        Example(
            "what the image starts and sets",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV FLASK_DEBUG=1  # <- debug-on
                CMD ["python", "app.py"]
                -- app.py --
                from flask import Flask

                app = Flask(__name__)
                if __name__ == "__main__":
                    app.run(host="0.0.0.0", debug=True)  # <- debug-on
            """,
        ),
        Example(
            "off by default, for development, or not what runs",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV FLASK_DEBUG=0
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                import os

                from flask import Flask

                DEBUG = os.getenv("DEBUG", "false").lower() == "true"
                app = Flask(__name__)
                if __name__ == "__main__":
                    app.run(debug=True)
                -- shop/settings/dev.py --
                DEBUG = True
                -- tower/settings/defaults.py --
                DEBUG = True
                -- tower/settings/production.py --
                from .defaults import *

                DEBUG = False
                -- samples/profiled.py --
                DEBUG = True
                -- shop/settings/base.py --
                import os

                DEBUG = os.environ.get("DEBUG") == "1"
            """,
        ),
        Example(
            "a module's own name, and a class for tests",
            source="""
                -- shop/citations/match.py --
                DEBUG = True
                -- shop/config.py --
                class Config:
                    TESTING = False
                    DEBUG = False

                class Feature(Config):
                    TESTING = True
                    DEBUG = True
            """,
        ),
        Example(
            "a word that is not a switch",
            source="""
                -- app.py --
                import logging
                import os

                from fastapi import FastAPI

                DEBUG = 10
                if in_debug_mode():
                    app = FastAPI(debug=True)
                elif os.getenv("DEPLOYMENT") in ("dev", "stg"):
                    app = FastAPI(debug=True)
                elif os.getenv("DEPLOYMENT") != "production":
                    app = FastAPI(debug=True)
                else:
                    app = FastAPI()
                LEVEL = logging.DEBUG
                DEBUG_TOOLBAR = False
                options = {"debug": True}
            """,
        ),
    ),
)


_FRAMEWORKS = frozenset("flask django fastapi starlette quart sanic litestar tornado bottle aiohttp falcon".split())


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    yield from _settings(service, facts)
    yield from _compared(service, facts)
    yield from _calls(service, facts)
    for image in service.released_images:
        given = {one.name for file, used in service.composed if file.released for one in used.environment}
        for instruction in image.instructions:
            pairs = dict(assignments(instruction.text)) if instruction.keyword == "ENV" else {}
            for name in _VARIABLES:
                if _is_on(pairs.get(name)) and _is_on(image.environment.get(name)):
                    message = f"the image sets {name} on: errors show source and settings to visitors"
                    yield rule.at(image.path, instruction.at, message, subject=f"env:{name}")
                if "FLASK_ENV" in given:
                    continue  # what is deployed is told otherwise
                if name == "FLASK_DEBUG" and _is_development(pairs, image.environment) and _reads_flask_env(facts):
                    message = "the image sets FLASK_ENV to development, which switches debugging on before Flask 2.3"
                    yield rule.at(image.path, instruction.at, message, subject="env:FLASK_ENV", severity=MEDIUM)
    for workload, container in service.deployed:
        for setting in container.environment:
            if setting.name in _FLASK and workload.serves and _is_on(setting.value):
                message = f"the manifest sets {setting.name} on: errors show source and settings to visitors"
                yield rule.at(workload.path, setting.at, message, subject=f"env:{setting.name}")


def _settings(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, binding in facts.bindings():
        if _is_switch(binding) and not _is_for_development(service, path) and service.ships(path):
            severity = _severity(
                binding.value, default=binding.kind == "field" and binding.owner in _settings_classes(facts, path)
            )
            if severity is None or _DEVELOPMENT_CLASS.search(binding.owner) or binding.guarded:
                continue
            python = facts.file(path).python
            if python is not None and (python.is_debugged(binding.value.at) or python.is_for_tests(binding.owner)):
                continue
            if binding.kind == "name" and not _may_be_settings(service, facts, path):
                continue
            if binding.kind == "field" and binding.target == "debug" and not _answers_visitors(service, facts):
                continue  # a level of the log, as far as the text tells
            if binding.kind == "field" and (
                _is_off_in_production(binding, facts, path) or _is_beside_production(binding, facts, path)
            ):
                continue
            # a module's own name further in stands under a condition, which some wish or failure makes true
            if binding.kind == "name" and binding.value.at[1] - len(binding.target) - 4 in range(2, 33, 2):
                continue
            if binding.kind == "name" and (
                service.modules.set_again(path, binding.target) or _is_other_settings(service, path)
            ):
                continue
            how = "is on" if severity is HIGH else "is on unless the environment switches it off"
            message = f"{binding.target} {how}: errors show source and settings to visitors"
            yield rule.at(
                path,
                binding.value.at,
                message,
                subject=f"name:{binding.target}",
                symbol=binding.scope,
                severity=severity if service.is_proven(path) else MEDIUM,
            )


_SETTINGS = regex(
    r"settings?|config\w*|conf|env\w*|constants?|defaults?|base|common|prod\w*|global\w*|core|main|app|__init__"
)
_OF_SETTINGS = frozenset("SECRET_KEY DATABASES INSTALLED_APPS ALLOWED_HOSTS MIDDLEWARE ROOT_URLCONF TESTING".split())


def _may_be_settings(service: Service, facts: Facts, path: str) -> bool:
    """Whether a module's names may be settings: by its name, by others that it has, or as what the release starts."""
    *folders, name = path.lower().removesuffix(".py").split("/")
    if _SETTINGS.fullmatch(name) or any(_SETTINGS.fullmatch(one) for one in folders[-1:]):
        return True
    python = facts.file(path).python
    if service.started.get(path, (None, ""))[1] == path or path in service.settings[:1] or python is None:
        return True
    names = {one.target for one in python.bindings if one.kind == "name"}
    return bool(names & _OF_SETTINGS) or any(one.name.rpartition(".")[2] in _MAKERS for one in python.calls)


_MAKERS = frozenset(("Flask", "FastAPI", "Starlette", "Quart", "Sanic", "run"))


def _compared(service: Service, facts: Facts) -> Iterator[Finding]:
    """``DEBUG = os.environ.get("DEBUG", "true") == "true"``: on, unless the environment switches it off."""
    for path, python in facts.python():
        if _is_for_development(service, path) or not service.ships(path) or _is_other_settings(service, path):
            continue
        for one in python.comparisons:
            key, default = one.left.data[:2] if one.left.kind == "env" else ("", None)
            text = default.text if default is not None else None
            on = (
                key in _VARIABLES and not one.scope and _is_on(text) and any(right.text == text for right in one.rights)
            )
            if on and not service.modules.set_again(path, "DEBUG"):  # which reads the files beside it
                message = "DEBUG is on unless the environment switches it off: errors show settings to visitors"
                yield rule.at(path, one.at, message, subject="name:DEBUG", severity=MEDIUM)


def _is_for_development(service: Service, path: str) -> bool:
    """Whether a path says so; a service that is itself called an example or a sample is what there is."""
    match = _DEVELOPMENT.search(path)
    if match is None:
        return False
    shown = match.group().strip("/._-").lower().startswith(("example", "sample"))
    return not (shown and path in (*service.reached, *service.settings[:1]))


def _answers_visitors(service: Service, facts: Facts) -> bool:
    """Whether the service has a server or a web framework, which debugging makes talkative."""
    return bool(service.servers) or not facts.repository.requirements.isdisjoint(_FRAMEWORKS)


def _is_other_settings(service: Service, path: str) -> bool:
    """Whether a module beside the settings that are released is not one of them: settings of some other deploy."""
    released = service.settings
    if not released or path in released:
        return False
    folder, own = released[0].rpartition("/")[0], path.rpartition("/")[0]
    # settings/__init__.py with settings/pytest/__init__.py beside it
    return own == folder or (released[0].endswith("/__init__.py") and own.startswith(f"{folder}/"))


def _is_switch(binding: Binding) -> bool:
    if binding.kind == "name":
        return binding.target == "DEBUG" and not binding.scope
    if binding.kind == "field":
        return binding.target in ("DEBUG", "debug", "FLASK_DEBUG")
    if binding.kind == "attribute":
        # inside a function it usually stands under a condition, which is not followed
        return binding.target in ("app.debug", "application.debug", "app.config.DEBUG") and not binding.scope
    return binding.kind == "item" and binding.target == "DEBUG" and binding.owner.endswith(".config")


def _is_off_in_production(binding: Binding, facts: Facts, path: str) -> bool:
    """Whether a class for production switches off what the class that it extends has on."""
    python = facts.file(path).python
    heirs = [one.name for one in python.classes if binding.owner in one.bases] if python is not None else []
    return python is not None and any(
        one.kind == "field"
        and one.target == binding.target
        and one.owner in heirs
        and one.owner.lower().startswith("prod")
        and one.value.data is False
        for one in python.bindings
    )


def _is_beside_production(binding: Binding, facts: Facts, path: str) -> bool:
    """Whether a file has a class for production that is not made from the one that is asked about."""
    python = facts.file(path).python
    bases = {one.name: one.bases for one in python.classes} if python is not None else {}
    queue = [name for name in bases if "prod" in name.lower()]
    known = bool(queue)
    made_from: set[str] = set()
    while queue:
        name = queue.pop().rpartition(".")[2]
        if name not in made_from:
            made_from.add(name)
            queue += bases.get(name, ())
    return known and binding.owner not in made_from


def _settings_classes(facts: Facts, path: str) -> frozenset[str]:
    """Classes with a base: pydantic fills their fields from the environment, the value is a default."""
    python = facts.file(path).python
    return frozenset(one.name for one in python.classes if one.bases) if python else frozenset()


def _severity(value: Value, *, default: bool) -> Severity | None:
    """HIGH for a constant, MEDIUM for a default that is on; None where it is off or cannot be told."""
    if value.kind == "bool":
        return (MEDIUM if default else HIGH) if value.data else None
    given: Value | None = None
    if value.kind == "env":
        given = value.data[1]
    elif value.kind == "call" and str(value.data[0]).endswith("Field"):
        words = dict(value.data[2])
        given = words.get("default") or (value.data[1][0] if value.data[1] else None)
    if given is None:
        return None
    on = given.data is True or (given.text is not None and _is_on(given.text)) or given.data == 1
    return MEDIUM if on else None


def _is_development(pairs: Mapping[str, str | None], final: Mapping[str, str | None]) -> bool:
    return pairs.get("FLASK_ENV") == "development" == final.get("FLASK_ENV") and "FLASK_DEBUG" not in final


def _reads_flask_env(facts: Facts) -> bool:
    """Whether the Flask that is pinned, if one is, is older than 2.3, which reads FLASK_ENV no more."""
    pins = [one.specifier for _, manifest in facts.manifests() for one in manifest.requirements if one.name == "flask"]
    return not any(re.search(r"(?:==|>=|~=|\^)\s{0,4}(?:2\.(?:[3-9]|\d\d)|[3-9])", pin) for pin in pins)


def _is_on(value: str | None) -> bool:
    return value is not None and value.strip().lower() in _TRUE


def _calls(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, call in (*facts.calls(*_APPS, *_RUNS), *facts.run_elsewhere(service)):
        value = call.arg(_RUNS.get(call.name, "debug"))
        if value is None or value.data is not True or _is_for_development(service, path):
            continue
        python = facts.file(path).python
        if python is not None and python.is_debugged(call.at):
            continue
        related: tuple[tuple[Span, str], ...] = ()
        if call.name in _RUNS:
            started = service.started.get(path)
            if started is None or (call.guarded and started[1] != path):
                continue
            related = ((started[0].span, "this starts it"),)
        shown = call.name.replace("()", "")
        harm = "sees its source" if call.name in _APPS else "runs code in Werkzeug's debugger"
        message = f"{shown} runs with debugging on: a visitor who causes an error {harm}"
        severity = HIGH if service.is_deployed else MEDIUM
        yield rule.at(
            path, call.at, message, subject=f"call:{shown}", symbol=call.scope, related=related, severity=severity
        )
