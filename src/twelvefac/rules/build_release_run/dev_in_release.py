"""The released image holds tools and files for development.

## Why

Test tools, debuggers and sources that are mounted from a host make the image larger, open to more attacks, and
different from what was tested: a bind mount over the code runs what lies on the host, not the release.

## What it does not flag

- Builder stages, images for development, override files of compose.
- A group for development that the project does not have.
- `--no-dev`, `--without dev`, `--only main`.

## How to fix

Install the runtime dependencies only; leave tests and tools out of the final stage.
"""

import posixpath
import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.command import launch, split_shell
from twelvefac.project.compose import ComposeService, Mount
from twelvefac.project.facts import Instruction
from twelvefac.project.images import Image
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

rule = Rule(
    __name__,
    factor=Factor.BUILD_RELEASE_RUN,
    summary="the released image holds tools and files for development",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_image=True,
    examples=(
        Example(
            "a test runner among the dependencies of a project",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY pyproject.toml poetry.lock ./
                RUN poetry install --no-root
                CMD ["python", "app.py"]
                -- app.py --
                -- pyproject.toml --
                [tool.poetry.dependencies]
                python = "^3.12"
                flask = "^3.0"
                pytest = "^8.0"  # <- dev-in-release
            """,
        ),
        Example(
            "requirements and groups for development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN pip install -r requirements.txt -r requirements-dev.txt  # <- dev-in-release
                RUN poetry install --with dev  # <- dev-in-release
                COPY tests/ /srv/tests/  # <- dev-in-release
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "sources mounted in production",
            source="""
                -- docker-compose.prod.yml --
                services:
                  app:
                    build: .
                    volumes:
                      - .:/srv  # <- dev-in-release
                      - data:/data
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "groups that are installed unless one says no",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN uv sync --frozen  # <- dev-in-release
                RUN uv sync --frozen --no-dev
                RUN uv sync --frozen --no-editable
                RUN poetry install --only main && poetry install $OPTIONS
                CMD ["python", "app.py"]
                -- pyproject.toml --
                [project]
                name = "app"
                version = "1"
                [dependency-groups]
                dev = ["pytest>=8,<9"]
                -- app.py --
            """,
        ),
        Example(
            "no group for development",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN uv sync --frozen
                CMD ["python", "app.py"]
                -- pyproject.toml --
                [project]
                name = "app"
                version = "1"
                -- app.py --
            """,
        ),
        Example(
            "a builder, and without",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim AS test
                RUN pip install -r requirements-dev.txt
                COPY tests/ /srv/tests/
                FROM python:3.12-slim
                RUN poetry install --without dev,test && uv sync --no-dev
                RUN pip install -r requirements.txt
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
        Example(
            "developers' tools among the requirements",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                RUN pip install -r requirements.txt
                CMD ["python", "app.py"]
                -- a/requirements.txt --
                flask==3.1.0
                pytest==8.4.1  # <- dev-in-release
                black==25.1.0
                -- a/requirements-dev.txt --
                mypy==1.16.0
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                RUN pip install .
                CMD ["python", "app.py"]
                -- b/requirements.txt --
                pytest==8.4.1
                -- b/app.py --
                -- c/Dockerfile --
                FROM python:3.12-slim AS builder
                COPY pyproject.toml pdm.lock ./
                RUN pdm install
                FROM python:3.12-slim AS pages
                RUN pip install -r docs.txt && mkdocs build
                FROM python:3.12-slim
                COPY --from=builder /app/.venv/lib/ /usr/local/lib/
                COPY --from=pages /app/site /srv/site
                CMD ["python", "app.py"]
                -- c/pyproject.toml --
                [project]
                name = "c"
                dependencies = [
                    "flask>=3",
                    "black>=24",  # <- dev-in-release
                ]
                -- c/docs.txt --
                pytest==8.4.1
                -- c/app.py --
            """,
        ),
        Example(
            "a profile for production beside one for development",
            source="""
                -- docker-compose.yml --
                x-backend: &backend
                  build: ./backend
                  volumes:
                    - ./backend:/app  # <- dev-in-release
                services:
                  web:
                    <<: *backend
                    profiles: [prod]
                  worker:
                    <<: *backend
                    profiles: [prod]
                  web-dev:
                    build: ./backend
                    profiles: ["dev"]
                    command: sh -c "pip install ipdb && python manage.py migrate && python manage.py runserver"
                    volumes:
                      - ./backend:/app
                  db:
                    image: postgres:17
                    volumes:
                      - ./data:/var/lib/postgresql/data
                    profiles: [prod]
                -- backend/Dockerfile --
                FROM python:3.12-slim
                COPY app.py .
                CMD ["python", "app.py"]
                -- backend/app.py --
            """,
        ),
        Example(
            "the compose file for development",
            source="""
                -- docker-compose.yml --
                services:
                  app:
                    build: .
                    volumes: [".:/srv"]
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
    ),
)

_DEVELOPMENT_FILE = regex(r"(?:.*[/._-])?(?:dev|development|tests?|testing|lint|debug)(?:[/._-].*)?", re.IGNORECASE)
_WITHOUT = regex(r"--(?:no-dev|no-default-groups|only|without|no-group|only-group|only-root)\b|\$")
_GROUP = regex(r"(?:dev|develop|development|tests?|testing|lint)", re.IGNORECASE)
_TOOLS = frozenset(
    "pytest pytest-cov pytest-asyncio pytest-django pytest-mock pytest-xdist nose tox black flake8 pylint isort "
    "mypy autopep8 yapf ruff bandit pycodestyle pyflakes ipdb flake8-bugbear coverage".split()
)
"""Distributions that nothing which serves needs."""
_OF_PROJECT = regex(r"\b(?:poetry|pdm)[ \t]{1,4}(?:install|sync)\b|\buv[ \t]{1,4}sync\b")
"""Installs what the project's own manifest asks for."""
_PACKAGES = regex(r"venv|site-packages|/lib(?:/|\s)|/\.local\b|/usr/local/?\s|/install\b")
_TESTS = regex(r"(?:\./)?tests?/?(?:\*\*?)?")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for image in service.released_images:
        by_default = _by_default(facts, image)
        seen: set[str] = set()
        for one in image.instructions:
            what = _development(one, by_default=by_default)
            if what is not None and what not in seen:
                seen.add(what)
                message = f"{what} in the released image: larger, and not what runs in the other deploys"
                yield rule.at(image.path, one.at, message, subject=f"development:{what}")
    yield from _tools(service, facts)
    said: set[tuple[str, Pos]] = set()  # what several services take over from one anchor is one line
    for file, composed in service.composed:
        if not file.released:
            continue
        for mount in composed.mounts:
            if _is_code(file.path, composed, mount) and (file.path, mount.at) not in said:
                said.add((file.path, mount.at))
                message = f"{mount.source} is mounted over the image: what lies on the host runs, not the release"
                yield rule.at(file.path, mount.at, message, subject=f"mount:{mount.target}", symbol=composed.name)


def _is_code(path: str, composed: ComposeService, mount: Mount) -> bool:
    """Whether a mount puts what lies on the host over the code: the sources, or all that the image is built from."""
    if mount.source in (".", "./", "..") or mount.source.startswith(("./src", "./app")):
        return True
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), mount.source))
    return mount.is_bind and bool(composed.context) and folder == composed.context


def _tools(service: Service, facts: Facts) -> Iterator[Finding]:
    """Test runners, formatters and linters among the requirements that a released image installs."""
    texts = [text for image in service.released_images for text in _installed_by(image)]
    for path, manifest in facts.manifests():
        base = posixpath.basename(path)
        of_project = base == "pyproject.toml" and any(_OF_PROJECT.search(text) for text in texts)
        named = path.endswith(".txt") and any(base in text for text in texts)
        if (of_project or named) and not manifest.locks:
            tools = [one for one in manifest.requirements if one.name in _TOOLS and not one.group]
            if tools:
                more = f" and {len(tools) - 1} more" if len(tools) > 1 else ""
                message = f"{tools[0].name}{more} for developers is installed in the released image: larger for nothing"
                related = tuple((Span.of(path, one.at), one.name) for one in tools[1:8])
                yield rule.at(
                    path, tools[0].at, message, subject=f"tool:{tools[0].name}", severity=LOW, related=related
                )


def _installed_by(image: Image) -> Iterator[str]:
    """The lines that put packages into an image: its own, and those of a stage that it copies packages from."""
    stages = list(image.lineage)
    for one in image.instructions:
        stage = dict(one.flags).get("from", "") if one.keyword == "COPY" and _PACKAGES.search(one.text) else ""
        stages += [other for other in image.dockerfile.stages if stage and (other.name or "").lower() == stage.lower()]
    for found in stages:
        yield from (one.text for one in found.instructions if one.keyword == "RUN")


def _by_default(facts: Facts, image: Image) -> bool:
    """Whether installers put a group ``dev`` into the image unless they are told not to."""
    groups = {
        one.group for path, manifest in facts.manifests() if path.endswith(".toml") for one in manifest.requirements
    }
    told = {"UV_NO_DEV", "UV_NO_DEFAULT_GROUPS", "POETRY_WITHOUT", "POETRY_ONLY"}
    return "dev" in groups and told.isdisjoint(image.environment)


def _development(one: Instruction, *, by_default: bool) -> str | None:
    if one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags):
        sources = one.args[:-1] if one.form == "exec" else tuple(one.text.split()[:-1])
        tests = next((source for source in sources if _TESTS.fullmatch(source)), None)
        return f"{tests} is copied" if tests else None
    if one.keyword != "RUN":
        return None
    for line in (one.text, *(line for body in one.heredocs for line in body.split("\n"))):
        for command in split_shell(line) or ():
            what = _installs(command.words, by_default=by_default)
            if what is not None:
                return what
    return None


def _installs(words: tuple[str, ...], *, by_default: bool) -> str | None:
    start = launch(words)
    program, args = start.program, start.args
    if re.fullmatch(r"pip[\d.]{0,4}", program) or (program == "uv" and args[:1] == ("pip",)):
        for index, word in enumerate(args[:-1]):
            if word in ("-r", "--requirement") and _DEVELOPMENT_FILE.fullmatch(args[index + 1].rpartition(".")[0]):
                return f"{args[index + 1]} is installed"
        extras = next((re.search(r"^\.?\[([^\]]{1,100})\]$", word) for word in args if "[" in word), None)
        groups = [extra for extra in extras.group(1).split(",") if _GROUP.fullmatch(extra.strip())] if extras else []
        return f"the extra {groups[0]} is installed" if groups else None
    if program == "poetry" and args[:1] == ("install",):
        group = start.option("--with")
        if by_default and _WITHOUT.search(" ".join(args)) is None:
            return "the group dev is installed"
        return (
            f"the group {group} is installed" if group and any(_GROUP.fullmatch(x) for x in group.split(",")) else None
        )
    if program == "pipenv" and args[:1] in (("install",), ("sync",)) and start.has("--dev", "-d"):
        return "the group dev is installed"
    if program == "uv" and args[:1] == ("sync",):
        group = start.option("--group", "--extra")
        if by_default and group is None and _WITHOUT.search(" ".join(args)) is None:
            return "the group dev is installed"
        return f"the group {group} is installed" if group and _GROUP.fullmatch(group) else None
    return None
