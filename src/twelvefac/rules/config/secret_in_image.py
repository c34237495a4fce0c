"""A secret is baked into the image.

## Why

What ENV, ARG, COPY or a command puts into an image is in each of its layers: everybody who can pull it reads it, every
deploy has the same one, and a later `RUN rm` does not take it out.

## What it does not flag

- Where a secret is, not what it is: `PASSWORD_FILE=/run/secrets/db`, `SECRET_NAME`.
- `RUN --mount=type=secret`, a build argument without a default, an empty value.
- `.env.example` and the like; a file that is called as a private key is (`key.pem`) and holds none.
- As high, what a store's image has for its first password: whoever deploys that gives it another.
- Images for development; what a build needs to pass and nothing ever uses (`ARG SECRET_KEY=insecure-build-key`).

## How to fix

Give it to the container when it starts; for the build use `RUN --mount=type=secret,id=…`.
"""

import posixpath
import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project import credentials
from twelvefac.project.dockerfile import assignments
from twelvefac.project.facts import Instruction
from twelvefac.project.ignorefile import is_left_out
from twelvefac.project.images import Image
from twelvefac.project.masking import given
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a secret is baked into the image",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_image=True,
    examples=(
        Example(
            "ENV, ARG and a copied env file",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ARG NPM_TOKEN=k9Lq2zXw77  # <- secret-in-image
                ENV DB_PASSWORD=hunter2 \\
                    DB_HOST=db
                COPY .env /srv/.env  # <- secret-in-image
                CMD ["python", "app.py"]
                -- .env --
                DB_PASSWORD=hunter2
                -- app.py --
                -- expect --
                Dockerfile:3 secret-in-image
            """,
        ),
        Example(
            "everything is copied, and an env file with it",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv  # <- secret-in-image
                CMD ["python", "app.py"]
                -- .env --
                DB_PASSWORD=Tr0ub4dor3
                -- app.py --
            """,
        ),
        Example(
            "everything is copied, and a private key with it",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                COPY . /srv  # <- secret-in-image
                CMD ["python", "app.py"]
                -- a/key.pem --
                -----BEGIN PRIVATE KEY-----
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "app.py"]
                -- b/.dockerignore --
                *.pem
                -- b/key.pem --
                -----BEGIN PRIVATE KEY-----
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "app.py"]
                -- c/cert.pem --
                -----BEGIN CERTIFICATE-----
                -- c/jwt_public_key.pem --
                -----BEGIN PUBLIC KEY-----
                -- c/translation_key.pem --
                -----BEGIN PUBLIC KEY-----
                -- c/tests/fixtures/key.pem --
                -----BEGIN PRIVATE KEY-----
                -- c/app.py --
                -- d/Dockerfile --
                FROM python:3.12-slim
                COPY translation_key.pem /srv/
                CMD ["python", "app.py"]
                -- d/translation_key.pem --
                -----BEGIN PUBLIC KEY-----
                -- d/app.py --
            """,
        ),
        Example(
            "an env file of words that are made up for development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "app.py"]
                -- .env --
                POSTGRES_USER=postgres
                POSTGRES_PASSWORD=postgres
                DATABASE_URL=postgres://app:app@postgres/app
                -- app.py --
            """,
        ),
        Example(
            "the env file of a store that developers start, whose password is the user's name",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "app.py"]
                -- .dockerignore --
                .git
                -- postgres.env --
                POSTGRES_USER=shop
                POSTGRES_PASSWORD=shop
                -- app.py --
            """,
        ),
        Example(
            "what the build needs to pass",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS static
                ARG SECRET_KEY=foo
                ENV DATABASE_URL=postgres://shop:asdf@postgresql/shop
                RUN python manage.py collectstatic
                FROM python:3.12-slim
                ARG DJANGO_SECRET_KEY=insecure_docker_build_key_1
                ENV SECRET_KEY=insecure-key  # <- secret-in-image
                COPY --from=static /static /static
                CMD ["gunicorn", "shop.wsgi"]
                -- shop/wsgi.py --
            """,
        ),
        Example(
            "left out of the context",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "app.py"]
                -- .dockerignore --
                .env*
                -- .env --
                DB_PASSWORD=Tr0ub4dor3
                -- app.py --
            """,
        ),
        Example(
            "where it is, and secrets for the build",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ARG TOKEN
                ENV DB_PASSWORD_FILE=/run/secrets/db SECRET_NAME=orders-db DB_PASSWORD= API_KEY=${TOKEN}
                COPY .env.example /srv/.env.example
                RUN --mount=type=secret,id=token cat /run/secrets/token
                CMD ["python", "app.py"]
                -- .env.example --
                DB_PASSWORD=hunter2
                -- app.py --
            """,
        ),
    ),
)

_CERTIFICATE = regex(r"cert|chain|\bca\b|bundle|(?:^|[_.-])pub(?:lic)?(?:[_.-]|$)|dhparam|root", re.IGNORECASE)
"""In the name of a file that holds no secret."""
_STAND_IN = regex(r"insecure|dummy|fake|build|static|unused|not[-_ ]|only|temp|example|test|dev", re.IGNORECASE)
_DEVELOPMENT = regex(r"(?:^|[/._-])(?:dev|development|local|tests?|ci)(?:[/._-]|$)", re.IGNORECASE)
_SAMPLE = regex(r"example|sample|template|dist|default|test|\bci\b|dev|local", re.IGNORECASE)
_KEY_FILE = regex(
    r"\.env(?:\.[\w.-]+)?|[\w.-]+\.env|id_(?:rsa|dsa|ecdsa|ed25519)|[\w.-]+\.(?:pem|p12|pfx)", re.IGNORECASE
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for image in service.released_images:
        final = {id(stage) for stage in image.lineage}
        for stage in image.released_stages:
            severity = HIGH if id(stage) in final else MEDIUM  # a builder's layers stay on the build machine
            for one in stage.instructions:
                if one.keyword in ("ENV", "ARG"):
                    for name, value in assignments(one.text):
                        lasts = one.keyword == "ENV" and id(stage) in final
                        if _is_secret(name, value) and (lasts or not _is_for_the_build(name, value or "")):
                            local = value is not None and credentials.url_is_made_up(value)
                            message = f"{name} is written into the image: everybody who can pull it reads it"
                            yield rule.at(
                                image.path,
                                one.at,
                                message,
                                subject=f"env:{name}",
                                severity=MEDIUM if local or image.is_of_others else severity,
                            )
                elif one.keyword in ("RUN", "CMD", "ENTRYPOINT"):
                    for what in given((*(one.args if one.form == "exec" else (one.text,)), *one.heredocs)):
                        message = f"{what} is written into the image: everybody who can pull it reads it"
                        yield rule.at(image.path, one.at, message, subject=f"command:{what}", severity=severity)
                elif one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags) and id(stage) in final:
                    yield from _copied(service, facts, image, one)


def _is_secret(name: str, value: str | None) -> bool:
    if not value or "$" in value or value.startswith(("/", "<")) or credentials.is_switch(value) or value == "dummy":
        return False
    if credentials.provider(value) or credentials.url_password(value) is not None:
        return True
    return credentials.holds_secret(name) or credentials.signs_sessions(name)


def _is_for_the_build(name: str, value: str) -> bool:
    """Whether a value that only the build sees is there to let it pass: collectstatic wants a key, whatever it is."""
    if credentials.provider(value):
        return False
    password = credentials.url_password(value)
    if password is not None:
        name, value = "password", password
    return _STAND_IN.search(value) is not None or not credentials.looks_secret(name, value)


def _copied(service: Service, facts: Facts, image: Image, one: Instruction) -> Iterator[Finding]:
    sources = one.args[:-1] if one.form == "exec" else tuple(one.text.split()[:-1])
    for source in sources:
        name = posixpath.basename(source.rstrip("/"))
        if facts.file(posixpath.normpath(posixpath.join(service.root, source))).holds_key is False:
            continue
        if _KEY_FILE.fullmatch(name) and not _SAMPLE.search(name) and not _CERTIFICATE.search(name):
            message = f"{name} is copied into the image: everybody who can pull it reads what is in it"
            yield rule.at(image.path, one.at, message, subject=f"file:{name}")
        elif source in (".", "./"):
            yield from _whole_context(service, facts, image, one)


def _whole_context(service: Service, facts: Facts, image: Image, one: Instruction) -> Iterator[Finding]:
    root = f"{service.root}/" if service.root else ""
    ignore = facts.file(f"{image.path}.dockerignore").text or facts.file(f"{root}.dockerignore").text or ""
    for path, entries in facts.envfiles():
        inside = path[len(root) :]
        tracked = facts.repository.tracked
        others = credentials.users((one.name, one.value) for one in entries)
        live = any(
            _is_secret(one.name, one.value)
            and not credentials.is_made_up(one.name, one.value, others)
            and not credentials.url_is_made_up(one.value)
            for one in entries
        )
        if (
            live
            and not _SAMPLE.search(posixpath.basename(path))
            and not _DEVELOPMENT.search(inside)
            and not is_left_out(ignore, inside)
        ):
            if tracked is not None and path not in tracked:
                continue  # an untracked file is one developer's: the pipeline that builds the image has none
            message = f"COPY . takes {inside} into the image: no .dockerignore leaves it out"
            yield rule.at(image.path, one.at, message, subject=f"file:{inside}")
    keys = [
        path[len(root) :]
        for path in facts.repository.private_keys
        if path.startswith(root) and (facts.repository.tracked is None or path in facts.repository.tracked)
    ]
    keys = [
        inside
        for inside in keys
        if not _SAMPLE.search(inside)
        and not _CERTIFICATE.search(posixpath.basename(inside))
        and not is_left_out(ignore, inside)
    ]
    if keys:
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        message = f"COPY . takes the private key {keys[0]}{more} into the image: no .dockerignore leaves it out"
        yield rule.at(image.path, one.at, message, subject=f"file:{keys[0]}")
