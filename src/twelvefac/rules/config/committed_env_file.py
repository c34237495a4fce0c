"""A file with live credentials is in git.

## Why

Whoever clones the repository has them, in each fork and each backup, and git keeps them after the file is deleted.

## What it does not flag

- `.env.example`, `.env.sample`, `.env.template` and the like; files for tests and development.
- Files that only a compose file without `prod` in its name reads, while all their values are made-up words
  (`changethis`, `postgres`).
- Files without a secret, with placeholders, or with encrypted values (SOPS, dotenvx).
- Files that git does not track.

## How to fix

`git rm --cached .env`, add it to `.gitignore`, and replace the credentials: consider them known.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project import credentials
from twelvefac.project.envfile import EnvEntry
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a file with live credentials is in git",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "an env file",
            source="""
                -- .env --
                DEBUG=1
                DB_PASSWORD=Tr0ub4dor3  # <- committed-env-file
                API_TOKEN=k9Lq2zXw77abc
                -- app.py --
            """,
        ),
        Example(
            "one for production, with a URL",
            source="""
                -- config/prod.env --
                export DATABASE_URL="postgres://app:Tr0ub4dor3@db.internal/app"  # <- committed-env-file
                -- app.py --
            """,
        ),
        Example(
            "examples and files without a secret",
            source="""
                -- .env.example --
                DB_PASSWORD=Tr0ub4dor3
                -- .env --
                PORT=8000
                DB_PASSWORD=
                API_KEY=${API_KEY}
                SECRET_KEY=<your key>
                JWT_SECRET=changethis
                TOKEN_URL=https://auth.example.com/token
                -- app.py --
            """,
        ),
        Example(
            "made-up words for the compose file of developers, and real ones",
            source="""
                -- docker-compose.yml --
                services:
                  app:
                    build: .
                    env_file: [conf/app.env, conf/real.env]
                -- .env --
                SECRET_KEY=changethis
                -- conf/app.env --
                POSTGRES_PASSWORD=ve_db_user_app_pwd
                -- conf/real.env --
                POSTGRES_PASSWORD=Tr0ub4dor3  # <- committed-env-file
                -- app.py --
            """,
        ),
        Example(
            "used in production too",
            source="""
                -- docker-compose.yml --
                services: {app: {build: ., env_file: app.env}}
                -- docker-compose.prod.yml --
                services: {app: {image: app:1, env_file: app.env}}
                -- app.env --
                POSTGRES_PASSWORD=ve_db_user_app_pwd  # <- committed-env-file
                -- app.py --
            """,
        ),
        Example(
            "words to get started: the end of the name, the user's name",
            source="""
                -- deploy/.env.docker --
                SECRET_KEY='secret-key'
                DATABASE_USER=shop
                DATABASE_PASSWORD=shop
                -- app.py --
            """,
        ),
        Example(
            "not tracked",
            source="""
                -- .env (untracked) --
                DB_PASSWORD=Tr0ub4dor3
                -- app.py --
            """,
        ),
    ),
)

_SAMPLE = regex(
    r"example|sample|template|dist|default|tests?|tpl|skeleton|(?:^|[/._-])(?:ci|dev\w*|local\w*)(?:[/._-]|$)",
    re.IGNORECASE,
)
_CHANGE = regex(r"(?:please[-_]?)?change[-_]?(?:this|me|it)\w{0,20}", re.IGNORECASE)
_ENCRYPTED = ("encrypted:", "ENC[", "op://", "vault:", "ssm:", "arn:aws:")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    tracked = facts.repository.tracked
    in_development = facts.repository.env_files_of_development
    for path, entries in facts.envfiles():
        if _SAMPLE.search(path) or (tracked is not None and path not in tracked):
            continue
        others = credentials.users((one.name, one.value) for one in entries)
        live = [one for one in entries if _is_live(one) and not credentials.is_made_up(one.name, one.value, others)]
        if path in in_development and not any(_is_real(entry) for entry in live):
            continue
        if live:
            names = ", ".join(entry.name for entry in live[:3])
            more = f" and {len(live) - 3} more" if len(live) > 3 else ""
            message = f"{path} is in git with {names}{more}: everybody who can clone the repository has the values"
            related = tuple((Span.of(path, entry.at), entry.name) for entry in live[1:])
            local = any(_is_local(entry) for entry in entries)
            severity = MEDIUM if local or not any(_is_real(entry) for entry in live) else HIGH
            yield rule.at(path, live[0].at, message, subject=f"file:{path}", related=related, severity=severity)


def _is_real(entry: EnvEntry) -> bool:
    """Whether a value is more than a word that somebody made up to get started: ``changethis``, ``app_db_password``."""
    value = entry.value
    if credentials.provider(value):
        return True
    password = credentials.url_password(value)
    return credentials.looks_secret(entry.name, value if password is None else password)


def _is_local(entry: EnvEntry) -> bool:
    """Whether an entry says that the file is for a developer's machine: a database on this host."""
    if credentials.words_of(entry.name)[-1:] in (("host",), ("hostname",), ("server",)):
        return entry.value in ("localhost", "127.0.0.1")
    return credentials.url_password(entry.value) is not None and credentials.url_is_local(entry.value)


_FOR_BROWSERS = (
    "REACT_APP_", "VITE_", "VUE_APP_", "NEXT_PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "EXPO_PUBLIC_", "PUBLIC_",
)  # fmt: skip
"""Beginnings of the names whose values a build puts into the pages that every visitor gets."""


def _is_live(entry: EnvEntry) -> bool:
    value = entry.value
    if not value or "$" in value or value.startswith(_ENCRYPTED) or value[:1] in "</{":
        return False
    if entry.name.startswith(_FOR_BROWSERS):
        return False
    if credentials.provider(value) or (credentials.url_password(value) is not None):
        return True
    if not credentials.holds_secret(entry.name) and not credentials.signs_sessions(entry.name):
        return False
    return not credentials.is_switch(value) and not credentials.is_placeholder(value) and not _CHANGE.fullmatch(value)
