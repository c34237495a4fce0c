"""The whole directory is copied into the image, and nothing is left out.

## Why

`COPY . .` without a `.dockerignore` takes `.git`, `.env`, virtual environments and caches along: history and secrets
end in the image, every local change breaks the build cache, and the context takes minutes to send.

## What it does not flag

- A `.dockerignore` beside the Dockerfile or in the context, or `Dockerfile.dockerignore`.
- COPY of named files and directories, and from other stages.

## How to fix

Add a `.dockerignore`; the safest one leaves out everything (`*`) and lets in what the image needs (`!src`).
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
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
        for stage in image.dockerfile.stages:
            for one in stage.instructions:
                sources = one.args[:-1] if one.form == "exec" else tuple(one.text.split()[:-1])
                if one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags) and {".", "./"} & set(sources):
                    message = "COPY . without a .dockerignore takes .git, .env and caches into the image"
                    yield rule.at(image.path, one.at, message, subject="copy:.")
                    break
            else:
                continue
            break
