"""Nothing builds and tests a change before it is released.

## Why

Without a pipeline the build stage is somebody's laptop: what is released is what happened to lie there, and whether
the tests ran is a matter of trust.

## What it does not flag

- Any pipeline that the repository holds: GitHub, GitLab, CircleCI, Azure, Bitbucket, Jenkins, Drone, Woodpecker,
  Travis, Tekton, Cloud Build, Buildkite, AWS CodeBuild.
- A directory that is no git work tree of its own (the pipeline may lie above).

## How to fix

Add a pipeline that lints, tests, and builds the image with an immutable tag.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.services import Service
from twelvefac.source.span import Span

rule = Rule(
    __name__,
    factor=Factor.BUILD_RELEASE_RUN,
    summary="no pipeline builds and tests a change",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    examples=(
        Example(
            "a git repository without a pipeline",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim  # <- no-ci
                CMD ["python", "app.py"]
                -- app.py --
                -- notes.txt (untracked) --
            """,
        ),
        Example(
            "with one",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- .github/workflows/ci.yml --
                on: push
                -- app.py --
                -- notes.txt (untracked) --
            """,
        ),
        Example(
            "one of Zuul",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- .zuul.yaml --
                - project: {check: {jobs: [tests]}}
                -- app.py --
                -- notes.txt (untracked) --
            """,
        ),
        Example(
            "a Procfile, which a platform releases from",
            source="""
                -- Procfile --
                web: gunicorn app:app  # <- no-ci
                -- app.py --
                -- notes.txt (untracked) --
            """,
        ),
        Example(
            "not a git repository",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- app.py --
            """,
        ),
    ),
)

_FILES = frozenset(
    ".gitlab-ci.yml .travis.yml circle.yml .taskcluster.yml azure-pipelines.yml azure-pipelines.yaml "
    "bitbucket-pipelines.yml Jenkinsfile .drone.yml cloudbuild.yaml cloudbuild.yml buildspec.yml appveyor.yml "
    ".appveyor.yml .woodpecker.yml .cirrus.yml codefresh.yml wercker.yml .semaphore/semaphore.yml skaffold.yaml "
    "cog.yaml .zuul.yaml zuul.yaml .prow.yaml".split()
)
_FOLDERS = (".github/workflows/", ".circleci/", ".gitlab/", ".woodpecker/", ".tekton/", ".buildkite/", ".azuredevops/",
            ".azure-pipelines/", ".gitea/workflows/", ".forgejo/workflows/", ".concourse/", "ci/", ".ci/", "Jenkins",
            ".semaphore/", ".harness/", ".travis", ".teamcity/", ".zuul.d/", "zuul.d/")  # fmt: skip


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    repository = facts.repository
    if repository.tracked is None or (place := _place(service, facts)) is None:
        return
    for name in repository.names:
        if name.rpartition("/")[2] in _FILES or name.startswith(_FOLDERS):
            return
    message = "no pipeline in this repository: what is released is what happened to lie on somebody's machine"
    yield rule.on(place, message, subject="pipeline")


def _place(service: Service, facts: Facts) -> Span | None:
    """The repository's first Dockerfile, or a Procfile: one finding for the repository, not one for each service."""
    files = facts.repository.configuration.items()
    first = min((path for path, file in files if file.dockerfile is not None), default=None)
    if first is not None:
        own = service.images[0] if service.images else None
        return Span.of(first, own.dockerfile.stages[0].base_at) if own is not None and own.path == first else None
    return next((process.span for process in service.released if process.source == "procfile"), None)
