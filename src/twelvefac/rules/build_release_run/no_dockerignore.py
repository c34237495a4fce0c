"""The whole directory is copied into the image, and nothing is left out.

## Why

`COPY . .` without a `.dockerignore` takes `.git`, `.env`, virtual environments and caches along: history and secrets
end in the image, every local change breaks the build cache, and the context takes minutes to send.

## What it does not flag

- A `.dockerignore` beside the Dockerfile or in the context, or `Dockerfile.dockerignore`.
- COPY of named files and directories, and from other stages.
- A builder's `COPY . .` where the image takes from it only what was built.

## How to fix

Add a `.dockerignore`; the safest one leaves out everything (`*`) and lets in what the image needs (`!src`).
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.dockerfile import expand
from twelvefac.project.facts import Instruction, Stage
from twelvefac.project.images import Image
from twelvefac.project.services import Service

rule = Rule(
    __name__,
    factor=Factor.BUILD_RELEASE_RUN,
    summary="everything is copied into the image and nothing is left out",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_image=True,
    examples=(
        Example(
            "no ignore file",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv  # <- no-dockerignore
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "a variable for the sources",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENV SOURCES=./
                ARG CONF
                COPY $SOURCES /srv  # <- no-dockerignore
                COPY $CONF /etc/app
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "what the compose file for production builds, and what services are copied from",
            source="""
                -- shop/compose.prod.yaml --
                services:
                  users: {build: ./users}
                  scores: {build: ./scores}
                -- shop/users/Dockerfile --
                FROM python:3.12-slim
                COPY . .  # <- no-dockerignore
                CMD ["gunicorn", "app:app"]
                -- shop/users/app.py --
                -- shop/scores/Dockerfile --
                FROM python:3.12-slim
                COPY . .  # <- no-dockerignore
                CMD ["gunicorn", "app:app"]
                -- shop/scores/app.py --
                -- shop/base/Dockerfile --
                FROM python:3.12-slim
                COPY . .
                CMD ["gunicorn", "app:app"]
                -- shop/base/app.py --
                -- shop/pages/Dockerfile --
                FROM python:3.12-slim
                COPY . .  # <- no-dockerignore
                CMD ["gunicorn", "app:app"]
                -- shop/pages/app.yaml --
                runtime: python
                entrypoint: gunicorn app:app
                -- shop/pages/app.py --
                -- other/Dockerfile --
                FROM python:3.12-slim
                COPY . .  # <- no-dockerignore
                CMD ["gunicorn", "app:app"]
                -- other/app.py --
            """,
        ),
        Example(
            "an ignore file",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                CMD ["python", "app.py"]
                -- .dockerignore --
                .git
                -- app.py --
            """,
        ),
        Example(
            "a builder whose whole directory the image takes",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS build
                WORKDIR /srv
                COPY . .  # <- no-dockerignore
                FROM python:3.12-slim
                COPY --from=build /srv /srv
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "a builder that the image takes a program from, and a stage for tests",
            source="""
                -- Dockerfile --
                FROM golang:1.24 AS build
                WORKDIR /src
                COPY . .
                RUN go build -o /app
                FROM python:3.12-slim AS release
                COPY --from=build /app /app
                COPY app.py .
                CMD ["python", "app.py"]
                FROM release AS unittests
                COPY . .
                -- app.py --
            """,
        ),
        Example(
            "named files, another stage, the context's ignore file",
            source="""
                -- services/web/docker/Dockerfile --
                FROM python:3.12-slim AS build
                COPY . /srv
                FROM python:3.12-slim
                COPY --from=build . /srv
                COPY app.py requirements.txt /srv/
                CMD ["python", "app.py"]
                -- services/web/.dockerignore --
                .git
                -- services/web/app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    names = facts.repository.names
    for image in service.released_images:
        folder = image.path.rpartition("/")[0]
        contexts = {service.root, folder, ""}  # which one it is the build command says, which is not read
        candidates = {f"{image.path}.dockerignore"} | {f"{one}/.dockerignore".lstrip("/") for one in contexts}
        if candidates & names:
            continue
        for stage, one in _everything(image):
            if stage in image.lineage or _is_taken(image, stage, one):
                message = "COPY . without a .dockerignore takes .git, .env and caches into the image"
                yield rule.at(image.path, one.at, message, subject="copy:.")
                break


def _everything(image: Image) -> Iterator[tuple[Stage, Instruction]]:
    for stage in image.built_from:
        for one in stage.instructions:
            if one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags):
                sources = {expand(word, image.environment) for word in _words(one)[:-1]}
                if {".", "./"} & sources:
                    yield stage, one


def _words(one: Instruction) -> tuple[str, ...]:
    return one.args if one.form == "exec" else tuple(one.text.split())


def _is_taken(image: Image, builder: Stage, copied: Instruction) -> bool:
    """Whether another stage takes the directory that a builder's COPY filled, and not only what was made in it."""
    folder = "/"
    for one in builder.instructions:
        if one is copied:
            break
        if one.keyword == "WORKDIR":
            folder = posixpath.join(folder, one.text.strip("\"'"))
    target = posixpath.normpath(posixpath.join(folder, _words(copied)[-1]))
    return any(
        target == source or target.startswith(source.rstrip("/") + "/")
        for stage in image.built_from
        for one in stage.instructions
        if one.keyword == "COPY" and builder.name and dict(one.flags).get("from", "").lower() == builder.name.lower()
        for source in (posixpath.normpath(posixpath.join("/", word)) for word in _words(one)[:-1])
    )
