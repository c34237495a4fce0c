"""The image's command names something that is not in the image.

## Why

The build succeeds, the push succeeds, and every container of the release dies at once with "No such file" or "No module
named". It is found in production, because nothing before it starts the image.

## What it does not flag

- Entry points of installed packages, files that the build makes, other languages.
- A path that may come from a directory the Dockerfile does not show.

## How to fix

Name a module or script that COPY brings into the image; let the pipeline start the image once.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.images import Image
from twelvefac.project.processes import Process, Step
from twelvefac.project.services import Service
from twelvefac.source.span import Span

rule = Rule(
    __name__,
    factor=Factor.BUILD_RELEASE_RUN,
    summary="the image's command names something that is not in it",
    severity=HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    needs_command=True,
    examples=(
        Example(
            "a script and an app that do not exist",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                WORKDIR /srv
                COPY . .
                CMD ["python", "server.py"]  # <- dead-command
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                WORKDIR /srv
                COPY . .
                CMD ["uvicorn", "shop.main:app", "--host", "0.0.0.0"]  # <- dead-command
                -- b/shop/app.py --
                -- b/shop/__init__.py --
            """,
        ),
        Example(
            "what is there",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                WORKDIR /srv
                COPY src/ .
                CMD ["uvicorn", "shop.main:app", "--host", "0.0.0.0"]
                -- src/shop/main.py --
                -- src/shop/__init__.py --
            """,
        ),
        Example(
            "installed, made by the build, or not ours",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                RUN pip install apache-superset && echo 'x' > /srv/made.py
                CMD ["gunicorn", "-b:8088", "superset.app:create_app()"]
                -- a/config.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                RUN python generate.py > /srv/made.py
                COPY . /srv
                CMD ["python", "/srv/made.py"]
                -- b/generate.py --
            """,
        ),
    ),
)

_SERVERS = frozenset(("uvicorn", "gunicorn", "hypercorn", "granian", "daphne"))


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    images = {image.path: image for image in service.released_images}
    for process in service.released:
        image = images.get(process.span.path)
        if process.source != "dockerfile" or image is None or not service.python or not _copies_everything(image):
            continue
        for step in process.steps or ():
            what = _missing(service, facts, image, step)
            if what is not None:
                message = f"{what} is not in the image: every container of this release dies when it starts"
                yield rule.on(step.span, message, subject=f"command:{what}", related=_related(process, step))


def _related(process: Process, step: Step) -> tuple[tuple[Span, str], ...]:
    return () if step.span == process.span else ((process.span, "this starts the script"),)


def _copies_everything(image: Image) -> bool:
    """Whether the whole service is copied and nothing in the build makes files of unknown names."""
    copied = False
    for one in image.instructions:
        if one.keyword in ("COPY", "ADD"):
            if "from" in dict(one.flags):
                return False
            sources = one.args[:-1] if one.form == "exec" else tuple(one.text.split()[:-1])
            copied = copied or bool({".", "./", "src/", "src", "app", "./app", "app/"} & set(sources))
        elif one.keyword == "RUN" and (">" in one.text or "mv " in one.text or "cp " in one.text or "git " in one.text):
            return False
    return copied


def _missing(service: Service, facts: Facts, image: Image, step: Step) -> str | None:
    start = step.launch
    if start.program == "python" and start.args and start.args[0].endswith(".py"):
        script = start.args[0]
        base = posixpath.basename(script)
        exists = base in facts.repository.by_base
        return None if exists or "$" in script else script
    if start.program in _SERVERS:
        target = next((word for word in start.args if ":" in word and "/" not in word and _is_target(word)), None)
        if target is None:
            return None
        module = target.partition(":")[0]
        top = module.partition(".")[0]
        own = {posixpath.basename(path).removesuffix(".py") for path in service.python} | {
            part for path in service.python for part in path.split("/")[:-1]
        }
        if top not in own or service.modules.find(module) is not None:
            return None  # installed, or there
        last = module.rpartition(".")[2]
        return target if facts.repository.by_base.keys().isdisjoint((f"{last}.py", last)) else None
    return None


def _is_target(word: str) -> bool:
    module, _, app = word.partition(":")
    return bool(app) and app[0].isalpha() and all(part.isidentifier() for part in module.split("."))
