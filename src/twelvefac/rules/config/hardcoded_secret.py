"""A credential is written in the code.

## Why

Whoever can read the repository, a fork, a backup or the image has it: in Python, in the URL of a package index, in a
start script or a Procfile. It is the same in every deploy, it cannot be
changed without a release, and git keeps it after it was deleted.

## What it does not flag

- Names of secrets, URLs, paths, templates, sentences, placeholders; values that are read from somewhere.
- Tests, examples and documentation; settings of developers by their name (`settings/dev.py`).
- A value that production's settings, which take over the file's names (`from .base import *`), set anew.

- The default of an environment read: that is `secret-default`.

A key for an API is medium: some are made to be seen (in browsers), which its text does not tell. So is a key of
Stripe's test mode, with which nobody pays.

## How to fix

Read it from the environment, and replace the credential: consider the old one known.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project import credentials
from twelvefac.project.facts import Binding, PythonFacts
from twelvefac.project.masking import given
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.tools import is_tool
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a credential is written in the code",
    severity=HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    names=frozenset(("config",)),
    anchors=(
        *anchors(*credentials.PARTS, *credentials.PROVIDER_WORDS),
        *anchors(*credentials.WORDS, confirm=credentials.may_give_away),
    ),
    examples=(
        Example(
            "what tests are made of",
            source="""
                -- shop/factories.py --
                import factory

                class UserFactory(factory.Factory):
                    password = "k9Lq2zXw8v"
                -- test_project/manage.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
                -- test_project/settings.py --
                SECRET_KEY = "k9Lq2zXw8vRt5nYb3mPd"
                -- shop/settings.py --
                class TestConfig:
                    TESTING = True
                    JWT_KEY = "AKIAQ3EGX4OPLZ7RTYUW"
            """,
        ),
        Example(
            "assigned, passed, stored, and in a URL",
            source="""
                -- app.py --
                from flask import Flask
                from sqlalchemy import create_engine

                app = Flask(__name__)
                app.secret_key = "super secret key"  # <- hardcoded-secret
                app.config["JWT_SECRET_KEY"] = "super-secret"  # <- hardcoded-secret
                DB_PASSWORD = "Tr0ub4dor&3"  # <- hardcoded-secret
                engine = create_engine("postgresql://app:Tr0ub4dor&3@db.prod.internal/app")  # <- hardcoded-secret
                client = connect(user="app", password="k9$Lq2!zXw")  # <- hardcoded-secret
                options = {"api_key": "4f1c8a90bb7e42d1a6"}  # <- hardcoded-secret
            """,
        ),
        Example(
            "a provider's own prefix needs no name",
            source="""
                -- mail.py --
                def send():
                    return post("x", headers={"X": "Bearer xoxb-2048169-AbCdEfGh12"})  # <- hardcoded-secret
            """,
        ),
        Example(
            "names, paths, placeholders, and what is read",
            source="""
                -- app.py --
                import os

                PASSWORD_FIELD = "password"
                placeholder_token = "client_id 1 client_secret AbC"
                TOKEN_URL = "https://auth.example.com/oauth/token"
                SECRET_NAME = "orders-db-credentials-v2"
                API_KEY = "<your api key>"
                password = os.environ["DB_PASSWORD"]
                auth_token = "user.auth.token"
                DB_PASSWORD = "${DB_PASSWORD}"

                class MockPayments:
                    webhook_secret = "whsec_123abc"

                class Docs:
                    SECRET_KEY = "not-a-secret-1"

                TASK = "zendesk-new-email-branding-report"
                next_token = "CAESEAoKMjAyNi0wMS0x9"
                HINT = {"password": "Choose a password of at least 8 characters"}
                URL = "postgresql://{user}:{password}@{host}/app"
                SHAPE = "postgresql://user:password@localhost:5432/test"
                CASES = [("http://us:pa@ex.co:42/a?_d=4", ["http://us:pa@ex.co:42/a?_d=4"])]
                OTHER = "postgresql://username:k9Lq2zXw@example.com/test"
                CORS_ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"
                MISSING = "Please set DATABASE_URL to something like postgresql://shop:k9Lq2zXw@db/shop"
                HELP = "inspect the broker, e.g. http://guest:guest@localhost:15672/api/"
                BROKER = "http://guest:guest@localhost:15672/api/"
                TEMPLATE = '''
                DATABASE_URL = "postgresql://shop:s3cret-9@db.example.com/shop"
                '''

                class TestConfig:
                    DB_URL = "mysql://shop:s3cret-9@localhost:3306/test"
                secret = "projects/1/secrets/db"
            """,
        ),
        Example(
            "common settings whose key production sets anew, a key of somebody's pages",
            source="""
                -- shop/settings/base.py --
                SECRET_KEY = "kgq$h3@!!vbb6*nzfz(dbze=*)zsroqa8"
                -- shop/settings/prod.py --
                from .base import *

                with open("/run/secrets/key") as file:
                    SECRET_KEY = file.read()
                -- site/settings.py --
                from configurations import Configuration, values

                class Base(Configuration):
                    SECRET_KEY = "ThisIsAnExampleKeyForDevPurposeOnly"

                class Production(Base):
                    SECRET_KEY = values.SecretValue()
                -- blog/settings/base.py --
                SECRET_KEY = "kgq$h3@!!vbb6*nzfz(dbze=*)zsroqa8"  # <- hardcoded-secret
                -- blog/settings/dev.py --
                from .base import *

                SECRET_KEY = "dev"
                -- search/youtube.py --
                URL = "https://www.youtube.com/youtubei/v1/search?key=AIzaSyAO_FJ2SlqU8Q4STEHLGCilw_Y9_11qcW8"
            """,
        ),
        Example(
            "for development, for the build, a name with a version, and what fills a preview",
            source="""
                -- shop/settings.py --
                import os

                DEBUG = os.environ.get("DEBUG") == "1"
                SECRET_KEY = os.environ.get("SECRET_KEY")
                if DEBUG and not SECRET_KEY:
                    SECRET_KEY = "xxx"
                if not SECRET_KEY:
                    SECRET_KEY = "super secret"  # <- hardcoded-secret
                RENT_INFO_SESSION_KEY = "rent_info_v1"
                preview = {"verification_token": "aBcDXyZ123-"}
                -- shop/environment.py --
                import typed_environ

                class ShopEnvironment(typed_environ.BaseEnvironment):
                    CONTENT_ACCESS_TOKEN: str = "Fli_OMdKgUFw6tEX3uv6HqvptuG6A6jn9"

                class PipelineDefaults(ShopEnvironment):
                    SECRET_KEY = "for the build only"
                -- shop/pages.py --
                import jinja2

                class Database:
                    password = "k9Lq2zXw8v"  # <- hardcoded-secret

                class Pages(jinja2.Environment):
                    database = Database()
                -- shop/config.py --
                class Config:
                    DEBUG = False

                class Development(Config):
                    SECRET_KEY = "dev-secret-key"

                class Scanning(Config):
                    SECRET_KEY = "dev-secret-key"
            """,
        ),
        Example(
            "the shape of a key, in the description of a field",
            source="""
                -- settings.py --
                from pydantic import BaseModel, Field

                class Github(BaseModel):
                    private_key: str = Field(
                        ...,
                        examples=["-----BEGIN RSA PRIVATE KEY-----\\nabc123MeowMeow456abc123MeowMeow456\\netc"],
                    )
            """,
        ),
        Example(
            "one key in two files",
            source="""
                -- shop/youtube.py --
                API_KEY = "37699zuaj90n9hxado2m7"  # <- hardcoded-secret
                -- shop/youtube_lists.py --
                API_KEY = "37699zuaj90n9hxado2m7"
            """,
        ),
        Example(
            "tests and documentation",
            source="""
                -- tests/test_login.py --
                PASSWORD = "k9$Lq2!zXw"
                -- app.py --
                def connect(url):
                    '''Connect to postgresql://user:k9$Lq2!zXw@host/db.'''
                    return url
            """,
        ),
    ),
)


_SHORTEST = 3
"""Of a password in a URL: what is shorter is there to show, or to check a parser with."""
_LONG = 16
_EXAMPLE_WORDS = frozenset("placeholder example dummy fake sample mock hint".split())


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    yield from _beside_code(service, facts)
    said: set[str] = set()  # keys; what stands in several files is one to replace
    for path, python in facts.python():
        if service.is_of_developers(path) or _OF_TESTS.search(path):
            continue
        worst = HIGH if service.is_proven(path) else MEDIUM
        seen: set[Pos] = set()
        defaults = _defaults(python)
        for_developers = {
            (one.target, one.value.text) for one in python.bindings if one.kind == "field" and _is_for_developers(one)
        }
        for binding in python.bindings:
            what = _named(binding)
            if what is not None and binding.kind == "name" and not binding.scope:
                what = None if service.modules.set_again(path, binding.target) else what
            if what is not None and binding.kind == "field" and _is_set_in_production(binding, python):
                what = None
            if binding.kind == "field" and (binding.target, binding.value.text) in for_developers:
                what = None  # the words of the class for development once more
            if what is not None and (python.is_debugged(binding.value.at) or python.is_for_tests(binding.owner)):
                what = None
            if what is not None and binding.value.at not in defaults:
                seen.add(binding.value.at)
                if _is_said(binding.value.text, said):
                    continue
                why, severity = what
                yield _finding(path, binding.value.at, binding.target, why, min(severity, worst), binding.scope)
        targets = {one.value.at: one.target for one in python.bindings}
        for literal in python.literals:
            text = literal.value.text or ""
            if literal.value.at in seen or literal.value.at in defaults:
                continue
            if python.is_for_tests(literal.scope) or _FOR_TESTS.search(targets.get(literal.value.at, "")):
                continue
            whose = credentials.provider(text)
            if (whose is not None or credentials.url_password(text) is not None) and _is_said(text, said):
                continue
            if whose is not None and "/youtubei/" not in text:  # the key of YouTube's own pages
                # Google has keys for browsers, which every visitor sees, and for servers: the text does not tell
                harmless = whose == "Google API key" or credentials.is_of_test_mode(text)
                severity = MEDIUM if harmless else HIGH
                article = "an" if whose[0] in "AO" else "a"
                yield _finding(path, literal.value.at, whose, f"{article} {whose}", severity, literal.scope)
            elif (
                credentials.url_password(text) is not None
                and not _is_shown(text, literal.scope)
                and not python.is_debugged(literal.value.at)
                and not (is_tool(path) and credentials.url_is_local(text))
            ):
                # a host that is put in elsewhere is as often as not this machine
                severity = MEDIUM if credentials.url_is_made_up(text) or _HOST_PUT_IN.search(text) else HIGH
                severity = min(severity, worst)
                yield _finding(path, literal.value.at, "url", "the password in a URL", severity, literal.scope)


def _beside_code(service: Service, facts: Facts) -> Iterator[Finding]:
    """Where packages come from, the scripts that run, and the lines of a Procfile."""
    for path, manifest in facts.manifests():
        if not service.is_for_developers(path):
            for what, at in manifest.secrets:
                yield _finding(path, at, what, what, HIGH, "")
    started = {step.span.path for process in service.released for step in process.steps or ()}
    for path in sorted(started):
        shell = facts.file(path).shell
        for what, at in shell.secrets if shell is not None else ():
            yield _finding(path, at, what, what, HIGH, "")
    for process in service.released:
        if process.source == "procfile":
            for what in given(process.argv):
                message = f"{what} is in the code: everybody who can read the repository or the image has it"
                yield rule.on(process.span, message, subject=f"secret:{what}")


_FOR_TESTS = regex(r"(?:^|_)test(?:s|ing)?(?:_|$)", re.IGNORECASE)
"""In the name that a credential is given to."""
_OF_TESTS = regex(r"(?:^|/)(?:features/steps/|factories\.py$)|[._-](?:example|sample|dist)\.py$")
"""behave's steps and factory_boy's factories, which make what tests need; what is copied and filled in."""
_HOST_PUT_IN = regex(r"@(?:\{\w{0,60}\}|%s|%\(\w{1,60}\)s)")


def _is_said(text: str | None, said: set[str]) -> bool:
    """Whether a key, long enough to be one, was reported before; it counts as reported from now on."""
    if text is None or len(text) < _LONG:
        return False
    known = text in said
    said.add(text)
    return known


def _is_shown(text: str, scope: str) -> bool:
    """Whether a URL is there to be read, as in a help text or a template, or names a store of the developer's own."""
    if len(credentials.url_password(text) or "") < _SHORTEST:  # us:pa@ex.co
        return True
    if "://user:password@" in text or any(mark.isspace() for mark in text.strip()):
        return True
    return credentials.url_is_local(text) and (
        credentials.url_is_made_up(text, local=False) or credentials.STAND_IN.search(scope) is not None
    )


def _is_set_in_production(binding: Binding, python: PythonFacts) -> bool:
    """Whether a class for production (django-configurations) gives the field another value, which is no text."""
    return any(
        one.kind == "field"
        and one.target == binding.target
        and one.owner.lower().startswith("prod")
        and one.owner != binding.owner
        and one.value.kind != "str"
        for one in python.bindings
    )


def _defaults(python: PythonFacts) -> set[Pos]:
    """Places of the defaults of environment reads and of settings fields, which are another rule's."""
    places = {read.default.at for read in python.env if read.default is not None}
    settings = python.settings_classes()
    for call in python.calls:
        default = call.arg("default") if call.name == "dj_database_url.config" else None
        if default is not None:
            places.add(default.at)
    for binding in python.bindings:
        if binding.value.kind == "env" and binding.value.data[1] is not None:
            places.add(binding.value.data[1].at)
        if binding.kind == "field" and binding.owner in settings:
            places.add(binding.value.at)
            if binding.value.kind == "call":
                places |= {value.at for value in binding.value.data[1]}
                places |= {value.at for _, value in binding.value.data[2]}
    return places


_FOR_DEVELOPERS = frozenset("dev development local pipeline ci testing".split())
"""Words in the name of a class whose values no release has."""


def _is_for_developers(binding: Binding) -> bool:
    return not _FOR_DEVELOPERS.isdisjoint(credentials.words_of(binding.owner))


def _named(binding: Binding) -> tuple[str, Severity] | None:
    """What a binding gives away, in words, and how bad that is; None where name and value do not agree."""
    text, target = binding.value.text, binding.target
    if not text or not (credentials.holds_secret(target) or credentials.signs_sessions(target)):
        return None  # most bindings are neither
    if "\n" in text:
        return None  # a text: the first line of a file for passwd(5)
    if credentials.STAND_IN.search(binding.scope):
        return None
    if binding.kind == "field" and _is_for_developers(binding):
        return None
    if binding.kind == "parameter" and len(text) < 8:
        return None
    if credentials.provider(text) or credentials.url_password(text) is not None:
        return None  # said once, where the literal is
    if not _EXAMPLE_WORDS.isdisjoint(credentials.words_of(target)):
        return None
    if credentials.signs_sessions(target) and binding.kind in ("name", "attribute", "item", "field"):
        if (credentials.is_placeholder(text) and text[:1] in "<${") or len(text.split()) > 6 or text.startswith("/"):
            return None
        # a module's own name further in stands under a condition, such as an except: what ships may not come by there
        indented = binding.value.at[1] - len(target) - 4
        under = binding.kind == "name" and not binding.scope and indented in range(2, 33, 2)
        strong = len(text) >= _LONG and credentials.looks_secret(target, text)
        return f"the value of {target}", HIGH if strong and not under else MEDIUM
    if credentials.holds_secret(target) and credentials.looks_secret(target, text):
        return f"the value of {target}", MEDIUM if credentials.names_api_key(target) else HIGH
    return None


def _finding(path: str, at: Pos, subject: str, what: str, severity: Severity, scope: str) -> Finding:
    message = f"{what} is in the code: everybody who can read the repository or the image has it"
    return rule.at(path, at, message, subject=f"secret:{subject}", symbol=scope, severity=severity)
