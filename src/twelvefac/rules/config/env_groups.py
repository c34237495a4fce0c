"""Behaviour is switched on the name of an environment.

## Why

Settings grouped as "development", "staging" and "production" do not scale: each new deploy needs a new group and a
release, and what differs between two deploys is spread over the code instead of being listed in their environment.

## What it does not flag

- Single switches from the environment (`DEBUG`, `LOG_LEVEL`).
- The name as a label: in a log entry, for Sentry, as a metric's tag.
- Settings for tests.

## How to fix

Give each thing that differs a variable of its own, with the value set in the deploy.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.environment import READERS
from twelvefac.project.facts import Class, Comparison
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.tools import is_tool
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_NAMES = regex(r"(?:prod(?:uction)?|stag(?:e|ing)|dev(?:el(?:opment)?)?|qa|uat|preprod|live|local)", re.IGNORECASE)
_VARIABLE = regex(
    r"(?:[A-Z]{2,20}_)?(?:ENV|ENVIRONMENT|STAGE|APP_ENV|FLASK_ENV|DJANGO_ENV|APP_SETTINGS|FLASK_CONFIG|CONFIG_NAME|"
    r"RUN_ENV|DEPLOY_ENV|DEPLOYMENT|CHANNEL|TIER)|env|environment|app_env|stage",
)
_HOLDERS = frozenset("settings config cfg conf self app_settings app_config".split())
_GROUP_CLASS = regex(
    r"(Prod|Stag|Dev)(?:uction|e|ing|elopment)?(?:Config|Settings|Configuration|[A-Z]\w{0,20}(?:Config|Settings))?"
)

_QUOTED = (
    r"['\"](?:[pP](?:re)?(?:rod|ROD)(?:uction|UCTION)?|[sS](?:tag|TAG)(?:e|E|ing|ING)|"
    r"[dD](?:ev|EV)(?:el|EL)?(?:opment|OPMENT)?|qa|QA|uat|UAT)['\"]"
)
_WORD = regex(_QUOTED.encode())
_BEFORE = regex(rb"(?:[=!]=|\bin)[\s(\[{]{0,8}(?:['\"][\w-]{0,30}['\"],\s{0,20}){0,8}\Z")
_AFTER = regex(rb"[ \t]{0,4}[=!]=")
_FURTHEST = 400  # bytes from the comparison to the last of its texts


def _may_compare(data: bytes) -> bool:
    """Whether something may be compared with the name of an environment."""
    return any(
        _AFTER.match(data, word.end()) or _BEFORE.search(data, max(word.start() - _FURTHEST, 0), word.start())
        for word in _WORD.finditer(data)
    )


rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="behaviour is switched on the name of an environment",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    anchors=(
        *anchors(
            *"prod production stage staging dev devel development qa uat preprod".split(),
            confirm=lambda file: _may_compare(file.data),
        ),
        *anchors(
            r"~class[ \t]{1,4}(?:Prod|Stag|Dev)(?:uction|e|ing|elopment)?"
            r"(?:Config|Settings|Configuration|[A-Z]\w{0,20}(?:Config|Settings))?\b",
        ),
    ),
    examples=(
        Example(
            "comparisons",
            source="""
                -- app.py --
                import os

                ENV = os.getenv("APP_ENV", "development")
                if ENV == "production":  # <- env-groups
                    TIMEOUT = 10
                else:
                    TIMEOUT = 100

                RELEASE_CHANNEL = os.environ["RELEASE_CHANNEL"]
                PRETTY = RELEASE_CHANNEL in ["local", "dev"]

                def mail():
                    if os.environ["ENVIRONMENT"] in ("prod", "staging"):
                        return "smtp"
                    return "console"
            """,
        ),
        Example(
            "a class for each",
            source="""
                -- config.py --
                class Config:
                    DEBUG = False

                class DevelopmentConfig(Config):  # <- env-groups
                    DEBUG = True

                class ProductionConfig(Config):
                    URL = "https://shop.example.com"

                config = {"development": DevelopmentConfig, "production": ProductionConfig}
            """,
        ),
        Example(
            "a class for each, in a file for each",
            source="""
                -- settings/development.py --
                from settings.app import AppSettings

                class DevAppSettings(AppSettings):  # <- env-groups
                    debug = True
                -- settings/production.py --
                from settings.app import AppSettings

                class ProdAppSettings(AppSettings):
                    debug = False
            """,
        ),
        Example(
            "a field of a record",
            source="""
                -- models.py --
                from django.db import models

                class Account(models.Model):
                    environment = models.TextField()

                    def clean(self):
                        if self.environment not in ["test", "prod"]:
                            raise ValueError
            """,
        ),
        Example(
            "switches and labels",
            source="""
                -- app.py --
                import os

                import sentry_sdk

                DEBUG = os.getenv("DEBUG") == "1"
                sentry_sdk.init(environment=os.getenv("ENVIRONMENT", "production"))
                SENTRY_ENVIRONMENT = os.getenv("SENTRY_ENVIRONMENT", "prod")
                if SENTRY_ENVIRONMENT == "prod" and not os.getenv("ORIGIN"):
                    SENTRY_ENVIRONMENT = "local"
                -- management/commands/fill.py --
                import os

                if os.environ["ENVIRONMENT"] == "production":
                    raise SystemExit("never here")
                -- modes.py --
                import os

                DEBUG = False
                mode = os.getenv("MODE")
                if mode == "worker":
                    DEBUG = False
            """,
        ),
        Example(
            "a class for tests, and one that only sounds like it",
            source="""
                -- config.py --
                class Config:
                    DEBUG = False

                class TestingConfig(Config):
                    TESTING = True

                class Production:
                    '''A film production.'''

                def is_live(status):
                    return status == "production"
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    places: list[tuple[Span, str]] = []
    kinds: set[str] = set()
    classes: list[tuple[Span, str]] = []
    for path, python in facts.python():
        if not is_tool(path):  # one that refuses to run in production is no part of the service
            records = {one.name for one in python.classes if any(base.endswith(_RECORDS) for base in one.bases)}
            places += [
                (Span.of(path, one.at), _shown(one))
                for one in python.comparisons
                if _is_group(one)
                and not (one.name.startswith("self.") and (_owner(one.scope) in records or path.endswith(_DATA)))
            ]
        for one in python.classes:
            match = _GROUP_CLASS.fullmatch(one.name.rpartition(".")[2])
            if match is not None and _is_config(one):
                kinds.add(match.group(1))
                classes.append((Span(path, *one.at[:2], one.at[0], one.at[1] + 5), one.name))
    if len(kinds) > 1:
        places += classes
    if places:
        places.sort()
        first, what = places[0]
        more = f", and in {len(places) - 1} more places" if len(places) > 1 else ""
        message = (
            f"behaviour depends on the name of the environment ({what}{more}): each new deploy needs a code change"
        )
        yield rule.on(first, message, subject="env-groups", related=tuple(places[1:12]))


def _is_group(one: Comparison) -> bool:
    key = _key(one)
    if not _VARIABLE.fullmatch(key) or key.startswith("SENTRY_"):
        return False
    if (
        key.islower()
        and one.left.kind == "name"
        and one.name.partition(".")[0] not in _HOLDERS
        and one.left.data.rstrip("()") not in READERS
    ):
        return False  # a parameter or local name may mean anything
    return any(value.text is not None and _NAMES.fullmatch(value.text) for value in one.rights)


_RECORDS = ("Model", "Serializer", "Form", "Document", "Schema", "View", "ViewSet")
"""Ends of the names of classes whose instances are data: what a field called environment says is the user's."""
_DATA = ("models.py", "forms.py", "serializers.py")


def _owner(scope: str) -> str:
    return scope.rpartition(".")[0]


def _shown(one: Comparison) -> str:
    return f"{_key(one)} compared with a name"


def _key(one: Comparison) -> str:
    return str(one.left.data[0] or "") if one.left.kind == "env" else one.name.rpartition(".")[2]


def _is_config(one: Class) -> bool:
    name = one.name.rpartition(".")[2]
    return name.endswith(("Config", "Settings", "Configuration")) or any(
        base.rpartition(".")[2].endswith(("Config", "Settings")) for base in one.bases
    )
