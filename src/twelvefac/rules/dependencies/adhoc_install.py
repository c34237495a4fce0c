"""A package is installed by name beside the declared dependencies.

## Why

`RUN pip install gunicorn` puts whatever version is newest into the image. No manifest names it, no lock pins it, and a
local environment made from the manifest does not have it.

## What it does not flag

- Installs from a file or of the project itself (`-r requirements.txt`, `.`, `-e .`).
- Installs without an index (`--no-index`): what is there was built or fetched before.
- Pinned tools (`pip install uv==0.9.2`), upgrades of pip, setuptools and wheel, and installers of dependencies
  (poetry, pipenv, uv, pip-tools) in a stage that is not the final one.
- Stages that the released image takes nothing from (`FROM base AS dev`).
- Packages of the operating system.

## How to fix

Declare it with the other dependencies and install from the lock.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.command import launch, split_shell
from twelvefac.project.facts import Instruction
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

rule = Rule(
    __name__,
    factor=Factor.DEPENDENCIES,
    summary="a package is installed by name beside the declared dependencies",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_image=True,
    examples=(
        Example(
            "an installer in a builder",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS build
                RUN pip install -U pip poetry && poetry install --only main  # <- adhoc-install
                FROM python:3.12-slim
                COPY --from=build /venv /venv
                CMD ["python", "app.py"]
                -- tool.Dockerfile --
                FROM python:3.12-slim
                RUN pip install pyinstaller
                RUN pyinstaller app.py
                -- app.py --
            """,
        ),
        Example(
            "in the image",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN pip install --no-cache-dir -r requirements.txt && pip install gunicorn  # <- adhoc-install
                RUN pip install "psycopg2-binary" debugpy  # <- adhoc-install
                RUN pip --no-cache-dir install poetry  # <- adhoc-install
                CMD ["gunicorn", "-b:8000", "app:app"]
                -- app.py --
            """,
        ),
        Example(
            "instrumentation that installs by itself",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN opentelemetry-bootstrap -a install  # <- adhoc-install
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "files, pins and installers",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS build
                RUN pip install --upgrade pip setuptools wheel
                RUN pip install poetry
                RUN python -m pip install uv==0.9.2
                FROM python:3.12-slim
                COPY requirements.txt .
                RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt
                RUN pip install --no-deps . && pip install --find-links /wheels /wheels/*.whl
                RUN pip install --no-index --find-links /wheels shop
                RUN apt-get update && apt-get install -y curl
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "a stage that nothing is taken from, options that are not known here",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS base
                RUN uv pip install --system --no-python-downloads --python-preference system -r requirements.txt
                FROM base AS dev
                RUN pip install watchdog
                FROM base AS final
                CMD ["gunicorn", "-b:8000", "app:app"]
                FROM base AS dev-envs
                RUN pip install ipdb
                -- app.py --
            """,
        ),
        Example(
            "an image for development",
            source="""
                -- Dockerfile.dev --
                FROM python:3.12-slim
                RUN pip install ipdb
                -- frontend/Dockerfile --
                FROM node:22-alpine
                ENV NODE_ENV development
                RUN pip install watchdog
                CMD ["npm", "start"]
                -- scripts/Dockerfile.schema --
                FROM python:3.12-slim
                RUN pip install json-schema-for-humans
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
    ),
)

_BASICS = frozenset(("pip", "setuptools", "wheel"))
_INSTALLERS = frozenset(
    ("poetry", "pipenv", "pipx", "uv", "pip-tools", "pdm", "hatch", "build", "virtualenv", "tox", "nox")
)
_VALUE_OPTIONS = frozenset(
    "-r --requirement -c --constraint -e --editable -t --target -f --find-links -i --index-url --extra-index-url "
    "--root --prefix --python --timeout --retries --trusted-host --cache-dir --platform --python-version --only-binary "
    "--no-binary --log --src --group --proxy --cert".split()
)
_FLAGS = frozenset(
    "--upgrade --quiet --no-cache-dir --no-cache --user --no-deps --pre --force-reinstall --ignore-installed --verbose "
    "--no-build-isolation --require-hashes --prefer-binary --break-system-packages --system --no-index --no-input "
    "--disable-pip-version-check --compile --no-compile --no-warn-script-location --all-extras --exact".split()
)
_NAME = regex(r"([A-Za-z0-9][A-Za-z0-9._-]{0,80})(?:\[[^\]]{0,100}\])?")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for image in service.released_images:
        final = {id(stage) for stage in image.lineage}
        for stage in image.built_from:
            for one in stage.instructions:
                if one.keyword == "RUN":
                    names = _installed(one)
                    builds_only = id(stage) not in final and _INSTALLERS.issuperset(names)
                    if names:
                        shown = ", ".join(names[:4])
                        message = f"{shown} installed by name: no manifest declares it, no lock pins its version"
                        severity = LOW if builds_only else rule.severity
                        yield rule.at(image.path, one.at, message, subject=f"package:{names[0]}", severity=severity)


def _installed(one: Instruction) -> list[str]:
    """The packages that a RUN installs by bare name."""
    lines = [one.text, *(line for body in one.heredocs for line in body.split("\n"))]
    names: list[str] = []
    for line in lines:
        for command in split_shell(line) or ():
            start = launch(command.words)
            program, args = start.program, list(start.args)
            if program == "uv" and args[:1] == ["pip"]:
                args = args[1:]
            elif program == "opentelemetry-bootstrap" and "install" in args:
                names.append("opentelemetry-bootstrap")
                continue
            elif not re.fullmatch(r"pip[\d.]{0,4}|easy_install", program):
                continue
            while args and args[0].startswith("--"):  # pip --no-cache-dir install
                args = args[1:]
            if args[:1] == ["install"] or program == "easy_install":
                names += _bare(args[1:] if args[:1] == ["install"] else args)
    return names


def _bare(args: list[str]) -> list[str]:
    names: list[str] = []
    if "--no-index" in args:
        return names
    index = 0
    while index < len(args):
        word = args[index]
        index += 1
        if word in _VALUE_OPTIONS:
            index += 1
        elif word.startswith("--") and "=" not in word and not word.startswith("--no-") and word not in _FLAGS:
            index += 1  # an option that is not known here may take a value
        elif not word.startswith("-") and (match := _NAME.fullmatch(word)) and "/" not in word:
            name = match.group(1).lower()
            if name not in _BASICS and not name.endswith((".txt", ".whl", ".gz")):
                names.append(name)
    return names
