"""An image is built on a base whose version is left open.

## Why

`FROM python` and `FROM python:latest` mean whatever the registry holds on the day of the build. The same commit gives
another image next month: another Python, other system libraries, and no way back to the one that worked.

## What it does not flag

- A tag that names a version, however coarse (`python:3.12-slim`), or a digest.
- `scratch`, and a name that is an earlier stage of the same file.
- A tag from a build argument that has a default; a name that a script fills in (`FROM %%BASE%%`).
- A name without a registry that the repository's own Makefile, script, pipeline or Compose file builds.
- The same image a second time in one file.
- A database with data to start from, which nothing that is deployed builds (`Dockerfile.db`).
- Dockerfiles and stages that are not released: `Dockerfile.dev`, `test.Dockerfile`, `FROM base AS dev` at the end, and
  stages that the released one takes nothing from.

## How to fix

Name the version that you test with: `FROM python:3.12-slim`. A digest beside the tag pins the bytes as well.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.images import Image
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_MOVING = frozenset("slim alpine stable edge lts mainline nightly rolling current".split())
"""Tags that name a flavour or a channel, and no version at all."""

rule = Rule(
    __name__,
    factor=Factor.DEPENDENCIES,
    summary="the base image's version is left open",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_image=True,
    examples=(
        Example(
            "no tag, latest, and a tag that nothing gives",
            source="""
                -- Dockerfile --
                ARG VERSION
                FROM node AS assets  # <- unpinned-base-image
                FROM python:${VERSION} AS build  # <- unpinned-base-image
                FROM python:slim AS tools  # <- unpinned-base-image
                FROM registry.example.com:5000/base/python:latest  # <- unpinned-base-image
                COPY --from=assets /a /a
                COPY --from=build /b /b
                COPY --from=tools /t /t
                COPY --from=ghcr.io/astral-sh/uv /uv /bin/  # <- unpinned-base-image
                CMD ["python", "-m", "app"]
                -- app.py --
            """,
        ),
        Example(
            "images for tests, and a database of developers",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "app"]
                -- app.py --
                -- Dockerfile.db --
                FROM postgres
                ADD seed.sql /docker-entrypoint-initdb.d
                -- app/integrationTests/Dockerfile --
                FROM ubuntu:latest
                -- taskcluster/docker/python/Dockerfile --
                FROM ubuntu:latest
            """,
        ),
        Example(
            "one image in several stages",
            source="""
                -- Dockerfile --
                ARG ALPINE=latest
                FROM alpine:${ALPINE} AS one  # <- unpinned-base-image
                FROM alpine:${ALPINE} AS two
                FROM shop-base AS three  # <- unpinned-base-image
                FROM python:3.12-slim
                COPY --from=one /a /a
                COPY --from=two /b /b
                COPY --from=three /c /c
                CMD ["python", "-m", "app"]
                -- app.py --
            """,
        ),
        Example(
            "names that are filled in, and images that the repository builds",
            source="""
                -- a/Dockerfile --
                ARG OTHER
                FROM $OTHER AS other
                FROM %%BASE_IMAGE%%
                COPY --from=other /o /o
                CMD ["python", "-m", "app"]
                -- a/app.py --
                -- b/Dockerfile --
                FROM shop-base
                CMD ["python", "-m", "app"]
                -- b/app.py --
                -- c/Dockerfile --
                FROM shop-builder AS wheels
                FROM shop/tools:latest
                COPY --from=wheels /wheels /wheels
                CMD ["python", "-m", "app"]
                -- c/app.py --
                -- base/Dockerfile --
                FROM python:3.12-slim
                -- Makefile --
                base: ; docker build --target base -t shop-base base
                -- build.sh --
                docker buildx build --tag=shop-builder:latest base
                -- compose.yaml --
                services: {tools: {build: base, image: "shop/tools"}}
            """,
        ),
        Example(
            "versions, digests, stages and scratch",
            source="""
                -- Dockerfile --
                ARG PYTHON=3.12
                FROM python:${PYTHON}-slim AS base
                FROM --platform=$BUILDPLATFORM node:22@sha256:0123456789abcdef AS assets
                FROM scratch AS empty
                FROM base
                COPY --from=assets /dist /dist
                COPY --from=0 /x /x
                CMD ["python", "-m", "app"]
                -- app.py --
            """,
        ),
        Example(
            "an image for development only",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "app"]
                -- Dockerfile.dev --
                FROM python
                -- web/Dockerfile --
                FROM python:3.12-slim AS builder
                CMD ["python", "-m", "app"]
                FROM builder AS dev-envs
                COPY --from=gloursdocker/docker / /
                -- api/Dockerfile --
                FROM python:3.12-slim AS build
                FROM build AS dev-envs
                COPY --from=gloursdocker/docker / /
                FROM scratch
                COPY --from=build /app /app
                -- vue/Dockerfile --
                FROM node:22 AS development
                CMD ["yarn", "serve"]
                FROM development AS dev-envs
                COPY --from=gloursdocker/docker / /
                -- web/app.py --
                -- app.py --
            """,
        ),
    ),
)


_WHOLE = regex(r"\$\{?\w{1,100}\}?")
"""An image that whoever builds names as a whole: its version is stated there."""
_FILLED_IN = regex(r"%%|\{\{|<%|@\w{1,60}@")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for image in service.released_images:
        if any(_STORE.search(one.raw_base) for one in image.lineage[:1]) and not _is_deployed(service, image):
            continue
        seen: set[str] = set()
        for finding in (*_bases(image, facts), *_copies(image, facts)):
            if finding.subject not in seen:
                seen.add(finding.subject)
                yield finding


_STORE = regex(r"(?:^|/)(?:postgres|postgis|mysql|mariadb|mongo|redis|rabbitmq|elasticsearch|opensearch)(?:[:@]|$)")


def _is_deployed(service: Service, image: Image) -> bool:
    """Whether something that is deployed builds an image: a store that nothing does is a developer's, with data."""
    return any(file.released and one.dockerfile == image.path for file, one in service.composed)


def _bases(image: Image, facts: Facts) -> Iterator[Finding]:
    earlier: set[str] = set()
    released = {id(stage) for stage in image.built_from}
    for stage in image.dockerfile.stages:
        if id(stage) in released and (stage.base is None or stage.base.lower() not in earlier):
            yield from _judge(image.path, stage.base, stage.raw_base, stage.base_at, facts)
        earlier.add(stage.name.lower())


def _copies(image: Image, facts: Facts) -> Iterator[Finding]:
    stages = {stage.name.lower() for stage in image.dockerfile.stages}
    for stage in image.built_from:
        for instruction in stage.instructions:
            source = dict(instruction.flags).get("from", "")
            if instruction.keyword == "COPY" and re.search(r"[/:.]", source) and source.lower() not in stages:
                yield from _judge(image.path, None if "$" in source else source, source, instruction.at, facts)


def _judge(path: str, base: str | None, raw: str, at: Pos, facts: Facts) -> Iterator[Finding]:
    subject = f"image:{raw}"
    if _FILLED_IN.search(raw):
        return
    if base is None:
        if "$" in raw.partition("@")[0] and not _WHOLE.fullmatch(raw):
            message = f"the base image {raw} takes its version from a build argument without a default"
            yield rule.at(path, at, f"{message}: each build decides anew", subject=subject)
        return
    if base.lower() == "scratch" or "@" in base or not base:
        return
    name, colon, tag = base.rpartition("/")[2].partition(":")
    if not colon:
        message = f"{name} has no tag, which means latest: the same commit builds another image next month"
    elif tag.startswith("latest") or tag in _MOVING:
        message = f"{name}:{tag} moves: the same commit builds another image next month"
    else:
        return
    plain = base.removesuffix(f":{tag}") if colon else base
    # from a registry another machine pulls what is there; what is built right before is as fixed as its own base
    if "." in plain.partition("/")[0] or plain not in facts.repository.built_images:
        yield rule.at(path, at, message, subject=subject)
