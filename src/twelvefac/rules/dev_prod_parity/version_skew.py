"""Tests or development run on another version than the release.

## Why

What is tested on Python 3.12 and PostgreSQL 16 and released on 3.9 and 12 has not been tested: syntax, library
versions, wire formats, query plans and defaults differ. The difference shows in production first.

## What it does not flag

- A pipeline that tests several versions, the released one among them.
- Differences in the patch level; versions that only a digest or a variable names.
- Pipelines that test in containers, or that run no tests; jobs that work in another directory than the service's.

## How to fix

Name one version, the image's, everywhere: in the pipeline, `.python-version`, `requires-python`, Compose.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.kubernetes import FOR_DEVELOPMENT, workloads
from twelvefac.project.services import Service
from twelvefac.project.versions import (
    Minor,
    PipelineVersions,
    Store,
    allows,
    pipeline_versions,
    python_of_image,
    python_version,
    store_of_image,
)
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

rule = Rule(
    __name__,
    factor=Factor.DEV_PROD_PARITY,
    summary="tests or development run on another version than the release",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_image=True,
    examples=(
        Example(
            "Python in the pipeline, for developers, and by the manifest",
            source="""
                -- Dockerfile --
                FROM python:3.10-slim  # <- version-skew
                CMD ["python", "app.py"]
                -- app.py --
                -- pyproject.toml --
                [project]
                name = "shop"
                requires-python = ">=3.11"
                -- .github/workflows/test.yml --
                jobs:
                  test:
                    steps:
                      - uses: actions/setup-python@v5
                        with:
                          python-version: "3.12"  # <- version-skew
                      - run: pytest
                -- .python-version --
                3.13.1
                -- expect --
                .python-version:1 version-skew
            """,
        ),
        Example(
            "a store",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
                -- compose.prod.yaml --
                services:
                  web: {build: .}
                  db: {image: "postgres:12-alpine"}
                -- compose.yaml --
                services:
                  db:
                    image: postgres:16  # <- version-skew
                -- .github/workflows/test.yml --
                jobs:
                  test:
                    services:
                      db:
                        image: postgres:15  # <- version-skew
                    steps:
                      - run: pytest
            """,
        ),
        Example(
            "a matrix with the released one, patch levels, equal stores",
            source="""
                -- Dockerfile --
                ARG PYTHON=3.12
                FROM python:${PYTHON}-slim AS base
                FROM base
                CMD ["python", "app.py"]
                -- app.py --
                -- pyproject.toml --
                [project]
                name = "shop"
                requires-python = ">=3.9,<3.14"
                -- docs.Dockerfile --
                FROM python:3.9
                -- .python-version --
                3.12.4
                -- compose.yaml --
                services:
                  db: {image: "postgres:16.2"}
                -- .github/workflows/test.yml --
                jobs:
                  test:
                    strategy:
                      matrix:
                        python-version: ["3.11", "3.12", "3.13"]
                    services:
                      db: {image: "postgres:16"}
                    steps:
                      - run: pytest
            """,
        ),
        Example(
            "a pipeline that tests in the image, one without tests, a digest",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
                -- .github/workflows/test.yml --
                jobs:
                  test:
                    steps:
                      - uses: actions/setup-python@v5
                        with: {python-version: "3.11"}
                      - run: docker compose run web pytest
                -- .github/workflows/docs.yml --
                jobs:
                  docs:
                    steps:
                      - uses: actions/setup-python@v5
                        with: {python-version: "3.11"}
                      - run: mkdocs build
                -- .github/workflows/client.yml --
                jobs:
                  test:
                    steps:
                      - uses: actions/setup-python@v5
                        with: {python-version: "3.11"}
                      - run: pytest
                        working-directory: client
                -- client/setup.cfg --
                -- other/Dockerfile --
                FROM python@sha256:0123456789abcdef
                CMD ["python", "app.py"]
                -- other/.python-version --
                3.11
                -- other/app.py --
            """,
        ),
    ),
)


_DOCUMENTS = regex(r"(?:^|[._/-])(?:docs?|sphinx|mkdocs|lint)(?:$|[._/-])", re.IGNORECASE)
"""Images in which nothing of the service runs."""


_OF_TESTS = regex(r"(?:^|[._/-])(?:e2e|tests?|testing|ci)(?:$|[._/-])", re.IGNORECASE)
"""Compose files that a pipeline starts: no development, and no release."""


class _Shipped(NamedTuple):
    version: Minor
    span: Span


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    pipelines = [(path, pipeline_versions(document, service.root)) for path, document in facts.pipelines()]
    shipped = _shipped(service)
    if shipped is not None:
        tested = {version for _, one in pipelines if one.tests for version, _ in one.pythons}
        found = [*_of_files(service, facts, shipped), *_of_pipelines(pipelines, shipped)]
        # the same cause once more: an image for tests has what the pipeline has
        yield from found or _of_images(service, shipped, tested)
    yield from _stores(facts, pipelines)


def _shipped(service: Service) -> _Shipped | None:
    for image in service.released_images:
        if image.lineage and (version := python_of_image(image.base)) is not None:
            return _Shipped(version, Span.of(image.path, image.lineage[0].base_at))
    return None


def _text(version: Minor) -> str:
    return f"{version[0]}.{version[1]}"


def _finding(path: str, at: Pos, shipped: _Shipped, version: Minor, what: str) -> Finding:
    message = f"{what} Python {_text(version)}, the released image {_text(shipped.version)}: what runs was not tested"
    return rule.at(path, at, message, subject=f"python:{_text(version)}", related=((shipped.span, "what is released"),))


def _of_images(service: Service, shipped: _Shipped, tested: set[Minor]) -> Iterator[Finding]:
    for image in service.images:
        version = python_of_image(image.base) if image.lineage else None
        if _DOCUMENTS.search(image.path):
            continue
        if version is not None and version != shipped.version and version not in tested:
            yield _finding(image.path, image.lineage[0].base_at, shipped, version, "this image has")


def _of_files(service: Service, facts: Facts, shipped: _Shipped) -> Iterator[Finding]:
    for path in service.files:
        name = path.rpartition("/")[2]
        text = facts.file(path).text
        if name in (".python-version", "runtime.txt") and text is not None:
            lines = text.split("\n")
            versions = [(number, python_version(line)) for number, line in enumerate(lines, 1) if line.strip()]
            known = [(number, version) for number, version in versions if version is not None]
            if known and all(version != shipped.version for _, version in known):
                number, version = known[0]
                at = (number, 1, number, len(lines[number - 1]) + 1)
                yield _finding(path, at, shipped, version, f"{name} names")
    for path, manifest in facts.manifests():
        if manifest.python and not allows(manifest.python, shipped.version):
            message = f"the image has Python {_text(shipped.version)}, {path} asks for {manifest.python}"
            yield rule.on(shipped.span, message, subject=f"python:{manifest.python}")


def _of_pipelines(pipelines: list[tuple[str, PipelineVersions]], shipped: _Shipped) -> Iterator[Finding]:
    testing = [(path, one) for path, one in pipelines if one.tests and one.pythons]
    if any(one.containers for _, one in pipelines):
        return
    if any(version == shipped.version for _, one in testing for version, _ in one.pythons):
        return
    seen: set[Minor] = set()
    for path, one in testing:
        version, at = max(one.pythons)
        if version not in seen:
            seen.add(version)
            yield _finding(path, at, shipped, version, "the pipeline tests with")


def _stores(facts: Facts, pipelines: list[tuple[str, PipelineVersions]]) -> Iterator[Finding]:
    released: list[tuple[Store, Span]] = []
    development: list[tuple[Store, Span]] = []
    for path, file in facts.compose_files():
        if not file.released and _OF_TESTS.search(path):
            continue
        for one in file.services:
            if (store := store_of_image(one.image or "")) is not None:
                (released if file.released else development).append((store, Span.of(path, one.image_at)))
    for path, resource in facts.resources():
        if FOR_DEVELOPMENT.search(path):
            continue
        for workload in workloads((resource,)):
            for container in workload.containers:
                if workload.serves and (store := store_of_image(container.image or "")) is not None:
                    released.append((store, Span.of(path, container.image_at)))
    tested = [(store, Span.of(path, at)) for path, one in pipelines for store, at in one.stores]
    for kind in sorted({store.kind for store, _ in released or development}):
        right = [(store, span) for store, span in released or development if store.kind == kind]
        if released:
            yield from _differing(
                right, [one for one in development if one[0].kind == kind], "development runs", MEDIUM
            )
        how = MEDIUM if released else LOW
        yield from _differing(right, [one for one in tested if one[0].kind == kind], "tests run", how)


def _differing(
    right: list[tuple[Store, Span]], others: list[tuple[Store, Span]], what: str, severity: Severity
) -> Iterator[Finding]:
    majors = {store.major for store, _ in right}
    if any(store.major in majors for store, _ in others):
        return
    for store, span in others[:1]:
        message = (
            f"{what} on {store.kind} {store.major}, {right[0][1].path} has {right[0][0].major}: queries, defaults and "
            "formats differ"
        )
        related = ((right[0][1], "the other version"),)
        yield rule.on(span, message, subject=f"{store.kind}:{store.major}", related=related, severity=severity)
