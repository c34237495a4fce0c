"""A secret has a usable default in the code.

## Why

`os.getenv("SECRET_KEY", "change-me")` works without configuration, so one day it runs without: with a key that
everybody who reads the code knows. Nothing fails, nothing is logged. A missing secret must stop the boot.

## What it does not flag

- No default, an empty one or None; a default that is computed.
- Names that end in what is no secret: `TOKEN_URL`, `PASSWORD_FILE`, `API_KEY_HEADER`.
- Placeholders that cannot work anywhere, such as `<token>`.
- As high, a key of Stripe's test mode, with which nobody pays.
- RabbitMQ's guest on this machine (`amqp://guest:guest@localhost`), whom it lets in from nowhere else.

## How to fix

Drop the default and let the settings fail at boot, naming the variable.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project import credentials
from twelvefac.project.facts import Binding, EnvRead, Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_OF_ENVIRONMENT = ("getenv", "environ", "environs", "get env")
_OF_CONFIGURATION = ("decouple", "starlette config")
_READ = (
    r"[\w.]{0,40}[(\[]\s{0,60}(?:\w{1,10}[ \t]{0,2}=[ \t]{0,2})?"
    r"[rRbBuU]{0,2}['\"]\w{0,60}(?i:pass|pwd|secret|token|key|credential)[^'\"\n]{0,60}['\"]"
    # then something follows in the brackets, or an `or` or `if` behind them
    r"\s{0,40}(?:[^)\]\s]|[)\]][\w.()\s]{0,80}?\b(?:or|if)\b)"
)
"""Goes on from a function's name to a read of a variable with such a name that has a default.

A URL with a password is an anchor of `hardcoded-secret`.
"""
_IS_CONFIG = regex(
    rb"onfig\w{0,20}[ \t]{0,4}(?::[^=\n]{0,80})?=[^\n]{0,80}nv|nv\w{0,20}[ \t]{1,4}as[ \t]{1,4}\w{0,20}onfig"
)
"""The environment under the name of a configuration."""

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a secret has a usable default in the code",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    names=frozenset(("config",)),
    anchors=(
        *anchors(
            "dj database url",
            *(f"{words} ~nv{_READ}" for words in (*_OF_ENVIRONMENT, *_OF_CONFIGURATION)),
            *(f"{words} ~onfig{_READ}" for words in _OF_CONFIGURATION),
            r"secret key ~SECRET_KEY[ \t]{0,4}(?:[!=]=|in\b)",
            "basesettings",
            "baseappsettings",
            "baseenvironment",
        ),
        *anchors(
            *(f"{words} ~onfig{_READ}" for words in _OF_ENVIRONMENT),
            confirm=lambda file: _IS_CONFIG.search(file.data) is not None,
        ),
    ),
    examples=(
        Example(
            "words that say that nothing is there",
            source="""
                -- settings.py --
                import os

                FACEBOOK_WEBHOOK_SECRET = os.environ.get("FACEBOOK_WEBHOOK_SECRET", "MISSING_FACEBOOK_WEBHOOK_SECRET")
                -- development/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "config:app"]
                -- development/config.py --
                import os

                SECRET_KEY = os.environ.get("SECRET_KEY", "0123456789")
            """,
        ),
        Example(
            "under a condition for debugging, and words that the settings refuse",
            source="""
                -- a/settings.py --
                import os

                DEBUG = os.environ.get("DEBUG") == "1"
                if DEBUG:
                    os.environ.setdefault("SECRET_KEY", "insecure, for dev only")
                -- b/settings/base.py --
                import os

                SECRET_KEY = os.environ.get("SECRET_KEY") or "CHANGE_ME"
                -- b/settings/docker.py --
                from .base import *

                if ENVIRONMENT != "local":
                    assert SECRET_KEY != "CHANGE_ME"
            """,
        ),
        Example(
            "defaults of reads",
            source="""
                -- app.py --
                import os
                from os import environ

                from decouple import config

                KEY = os.getenv("SECRET_KEY", "change-me")  # <- secret-default
                PASSWORD = environ.get("DB_PASSWORD", default="hunter2")  # <- secret-default
                URL = os.environ.get("DATABASE_URL") or "postgresql://app:s3cret@db.internal/app"  # <- secret-default
                TOKEN = config("API_TOKEN", default="abc123def")  # <- secret-default
                BROKER = os.getenv("BROKER_URL", "amqp://guest:guest@rabbitmq:5672//")  # <- secret-default
            """,
        ),
        Example(
            "a function of one's own that reads the environment",
            source="""
                -- settings.py --
                from dataclasses import dataclass, field

                from shop.environment import get_env

                KEY = get_env("SECRET_KEY", "change-me")  # <- secret-default
                TITLE = get_env("TITLE", "a shop")

                @dataclass
                class Database:
                    url: str = field(default_factory=get_env("DB_URL", "pg://a:s3cret@db.shop/a"))  # <- secret-default
            """,
        ),
        Example(
            "fields of a settings class",
            source="""
                -- settings.py --
                from pydantic import Field, SecretStr
                from pydantic_settings import BaseSettings

                class Settings(BaseSettings):
                    jwt_secret: str = "dev-secret"  # <- secret-default
                    db_password: SecretStr = Field("postgres", alias="DB_PASS")  # <- secret-default
                    database_url: str = "postgresql://postgres:postgres@localhost:5432/app"  # <- secret-default
                    token_url: str = "https://auth.example.com/token"
                    api_key: str = ""
                    access_token_expire_minutes: int = 30
            """,
        ),
        Example(
            "no default, an empty one, and names that only sound like it",
            source="""
                -- app.py --
                import os

                KEY = os.environ["SECRET_KEY"]
                PASSWORD = os.getenv("DB_PASSWORD", "")
                TOKEN = os.getenv("API_TOKEN", None)
                FILE = os.getenv("DB_PASSWORD_FILE", "/run/secrets/db")
                HEADER = os.getenv("API_KEY_HEADER", "X-Api-Key")
                URL = os.getenv("DATABASE_URL", "postgresql://localhost/app")
                BROKER = os.getenv("BROKER_URL", "amqp://guest:guest@localhost:5672//")
                OTHER = os.getenv("GITHUB_TOKEN", "<your token>")
                TRIAL = os.getenv("NASA_API_KEY", "DEMO_KEY")
                SMS = os.getenv("SMS_API_KEY", "placeholder")
                MAIL = os.getenv("MAILGUN_API_KEY", "mail-gun-api-key")
                INTERNAL = os.getenv("INTERNAL_TOKEN", "not found")
                VOUCHERS = os.getenv("VOUCHERS_API_SECRET", "deadbeef-dead-beef-dead-beefdeadbeef")
            """,
        ),
        Example(
            "a switch whose name ends like a secret's, and a class for development",
            source="""
                -- settings.py --
                import os

                from pydantic_settings import BaseSettings

                if os.environ.get("ENV") == "LOCAL":
                    S3_SECRET = os.environ.get("AWS_SECRET_ACCESS_KEY", "AWSSAK")  # <- secret-default
                BY_PASSWORD = os.environ.get("ENABLE_EMAIL_PASSWORD", "1")
                GOOGLE = os.environ.get("GOOGLE_CLIENT_SECRET", "0")

                class Config:
                    FILES_API_KEY = os.environ.get("FILES_API_KEY", "my-secret-key")  # <- secret-default

                class Development(Config):
                    FILES_API_KEY = os.environ.get("FILES_API_KEY", "auth-token")

                class TestSettings(BaseSettings):
                    database_url: str = "postgresql://shop:shop@localhost/test"
            """,
        ),
        Example(
            "a library that reads the environment",
            source="""
                -- settings.py --
                import dj_database_url

                DATABASES = {
                    "default": dj_database_url.config(
                        default="postgres://shop:shop@localhost:5432/shop",  # <- secret-default
                        conn_max_age=600,
                    ),
                }
            """,
        ),
        Example(
            "a script of developers",
            source="""
                -- scripts/smoke.py --
                import os

                PASSWORD = os.getenv("POSTGRES_PASSWORD", "netbox")
                -- app.py --
            """,
        ),
        Example(
            "models in a settings class, which pydantic fills from the environment as well",
            source="""
                -- settings.py --
                from pydantic import BaseModel, Field, SecretStr
                from pydantic_settings import BaseSettings, SettingsConfigDict

                class Security(BaseModel):
                    jwt_secret_key: SecretStr = SecretStr("change-me-to-something-strong")  # <- secret-default
                    issuer: str = "shop"

                class Login(BaseModel):
                    password: str = "hunter2"  # <- secret-default

                class Database(BaseModel):
                    login: Login = Login()

                class Order(BaseModel):
                    password: str = "hunter2"

                class Settings(BaseSettings):
                    security: Security = Field(default_factory=Security)
                    database: Database = Database()
                    model_config = SettingsConfigDict(env_nested_delimiter="__")
                -- environment.py --
                import typed_environ

                class ShopEnvironment(typed_environ.BaseEnvironment):
                    CONTENT_ACCESS_TOKEN: str = "Fli_OMdKgUFw6tEX3uv6HqvptuG6A6jn9"  # <- secret-default
            """,
        ),
        Example(
            "a class that is no settings class",
            source="""
                -- forms.py --
                import os

                class LoginForm:
                    password = "password-field"
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    yield from (
        one._replace(severity=min(one.severity, MEDIUM)) if _is_beside_local_host(one, facts) else one
        for one in _findings(service, facts)
    )


def _is_beside_local_host(one: Finding, facts: Facts) -> bool:
    """Whether the file's defaults for the same thing name this machine: together they open nothing elsewhere."""
    python, prefix = facts.file(one.primary.path).python, _prefix(one.subject.removeprefix("env:"))
    return python is not None and bool(prefix) and any(_is_local_host(read, prefix) for read in python.env)


def _prefix(key: str) -> tuple[str, ...]:
    return credentials.words_of(key)[:-1]


def _is_local_host(read: EnvRead, prefix: tuple[str, ...]) -> bool:
    words = credentials.words_of(read.key or "")
    return (
        words[:-1] == prefix
        and words[-1] in ("host", "hostname", "server", "address")
        and read.default is not None
        and read.default.text in ("localhost", "127.0.0.1")
    )


def _refused(facts: Facts) -> Iterator[str]:
    """The words that the settings themselves refuse: ``assert SECRET_KEY != "change me"``."""
    yield from (
        value.text
        for _, python in facts.python()
        for one in python.comparisons
        for value in one.rights
        if value.text and (credentials.holds_secret(one.name) or credentials.signs_sessions(one.name))
    )


def _findings(service: Service, facts: Facts) -> Iterator[Finding]:
    seen: set[tuple[str, int, int] | str] = set(_refused(facts))
    settings = {path: python.settings_classes() for path, python in facts.python()}
    for path, binding in facts.bindings():
        key, default = _default(binding, settings[path])
        if default is not None and service.ships(path):
            scope = binding.owner if binding.kind == "field" else binding.scope
            for finding in _judge(service, path, key, default, scope, seen):
                # further in, a module's own name stands under a condition: what ships may not come by there
                under = binding.kind == "name" and not scope and binding.value.at[1] - len(binding.target) - 4 > 1
                yield finding._replace(severity=min(finding.severity, MEDIUM)) if under else finding
    for path, read in facts.env_reads():
        python = facts.file(path).python
        if read.api == "os.environ.setdefault" and python is not None and python.is_debugged(read.at):
            continue  # what only developers are given
        if read.default is not None and service.ships(path):
            yield from _judge(service, path, read.key or "", read.default, read.scope, seen)
    for path, call in facts.calls("dj_database_url.config"):
        default = call.arg("default")
        if default is not None and service.ships(path):
            yield from _judge(service, path, "DATABASE_URL", default, call.scope, seen)


def _default(binding: Binding, settings: frozenset[str]) -> tuple[str, Value | None]:
    """The variable and its default that a binding states: an environment read, or a field of a settings class."""
    value = binding.value
    if value.kind == "env":
        return value.data[0] or binding.target, value.data[1]
    if binding.kind != "field" or binding.owner not in settings:
        return "", None
    if value.kind == "call":
        if str(value.data[0]).rpartition(".")[2] not in ("Field", "SecretStr"):
            return "", None
        words = dict(value.data[2])
        value = words.get("default") or (value.data[1][0] if value.data[1] else value)
    return binding.target, value


def _judge(
    service: Service, path: str, key: str, default: Value, scope: str, seen: set[tuple[str, int, int] | str]
) -> Iterator[Finding]:
    text, python = default.text, service.modules.facts(path)
    if text is None and default.kind == "call" and str(default.data[0]).endswith("SecretStr") and default.data[1]:
        text = default.data[1][0].text
    if not text or text in seen or (path, *default.at[:2]) in seen:
        return
    severity = _severity(key, text)
    if severity is None or _OF_DEVELOPERS.search(scope) or (python is not None and python.is_for_tests(scope)):
        return
    if not service.is_proven(path) or (python is not None and python.is_debugged(default.at)):
        severity = min(severity, MEDIUM)
    seen.add((path, *default.at[:2]))
    message = (
        f"{key or 'a secret'} falls back to a value in the code ({credentials.described(text)}): "
        "a deploy that forgets it runs with a secret that every reader of the code knows"
    )
    yield rule.at(path, default.at, message, subject=f"env:{key}", symbol=scope, severity=severity)


_REFUSED = frozenset("demo public anonymous placeholder dummy deadbeef".split())
_SAYS_NONE = regex(
    r"(?:not|no)[ _-](?:found|set|configured|given|provided|available)|unset|missing|n/a|unknown[!?.]{0,3}|"
    r"undefined|none given",
    re.IGNORECASE,
)
_OF_DEVELOPERS = regex(
    r"(?:^|\.)(?:Dev|Devel|Development|Local|Tests?|Testing)(?:Config|Configuration|Settings)?(?:$|\.)", re.IGNORECASE
)
"""Classes of settings that no release uses."""


def _is_of_an_api(key: str) -> bool:
    """Whether a credential opens something at somebody else's, where a made-up word opens nothing."""
    words = credentials.words_of(key)
    return (
        credentials.names_api_key(key)
        or words[-2:] in (("api", "secret"), ("api", "token"))
        or not {"smtp", "email", "mail", "aws"}.isdisjoint(words)
    )


def _severity(key: str, text: str) -> Severity | None:
    if credentials.is_own_guest(text):
        return None
    if credentials.url_password(text) is not None:
        return MEDIUM if credentials.url_is_made_up(text) else HIGH
    if credentials.provider(text):
        return MEDIUM if credentials.is_of_test_mode(text) else HIGH
    if not credentials.holds_secret(key) and not credentials.signs_sessions(key):
        return None
    if text.startswith(("<", "${", "{{", "/")) or credentials.is_switch(text):
        return None
    if not credentials.signs_sessions(key) and _SAYS_NONE.fullmatch(text.strip()):
        return None
    if credentials.says_missing(key, text):
        return None
    if not credentials.signs_sessions(key) and credentials.names_itself(key, text):
        # at somebody else's it opens nothing; where the name does not tell whose it is, it may
        return None if _is_of_an_api(key) else MEDIUM
    if not _is_of_an_api(key):
        return HIGH
    if not _REFUSED.isdisjoint(credentials.words_of(text)) or text.lower().startswith(("update me", "your ", "your_")):
        return None  # what an API gives to everybody who tries it, or what it refuses
    return HIGH if credentials.looks_secret(key, text) else MEDIUM  # a made-up word opens nothing at somebody else's
