"""What is deployed is named by a tag that moves.

## Why

`image: app:latest` is another image after the next push. Two replicas of one Deployment run different code, a restart
is a release that nobody made, and there is nothing to roll back to.

## What it does not flag

- A version, a commit or a digest; a tag that the pipeline puts in (`${TAG}`, Kustomize `newTag`, Skaffold).
- The compose file for development.
- `latest` pushed beside a tag that does not move.

## How to fix

Tag each build with its commit and deploy that tag.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.kubernetes import workloads
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

rule = Rule(
    __name__,
    factor=Factor.BUILD_RELEASE_RUN,
    summary="what is deployed is named by a tag that moves",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "Kubernetes and compose for production",
            source="""
                -- k8s/app.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: app}
                spec:
                  template:
                    spec:
                      containers:
                        - name: app
                          image: registry.example.com/app:latest  # <- mutable-release
                        - name: proxy
                          image: registry.example.com/proxy  # <- mutable-release
                -- docker-compose.prod.yml --
                services:
                  app:
                    image: registry.example.com/app:main  # <- mutable-release
                -- app.py --
            """,
        ),
        Example(
            "versions, and tags that are put in",
            source="""
                -- k8s/app.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: app}
                spec:
                  template:
                    spec:
                      containers:
                        - {name: app, image: "registry.example.com/app:1.4.2"}
                        - {name: side, image: "registry.example.com/side@sha256:0123"}
                        - {name: tool, image: "registry.example.com/tool:${TAG}"}
                -- docker-compose.yml --
                services:
                  app:
                    build: .
                    image: app:latest
                -- app.py --
            """,
        ),
        Example(
            "Kustomize gives the tag",
            source="""
                -- base/app.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: app}
                spec: {template: {spec: {containers: [{name: app, image: app}]}}}
                -- overlays/production/kustomization.yaml --
                apiVersion: kustomize.config.k8s.io/v1beta1
                kind: Kustomization
                resources: [../../base]
                images:
                  - name: app
                    newTag: 1.4.2
                -- app.py --
            """,
        ),
    ),
)

_MOVING = regex(r"latest(?:-.{1,60})?|main|master|develop|dev|edge|nightly|stable|production|prod|staging")
_NOT_RELEASED = regex(
    r"(?:^|[/._-])(?:dev|development|local|tests?|examples?|sample|ci|kind|minikube)(?:[/._-]|$)", re.IGNORECASE
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    given = _given_by_kustomize(facts)
    by_skaffold = any(name in facts.repository.by_base for name in ("skaffold.yaml", "Tiltfile"))
    seen: set[tuple[str, str]] = set()
    for path, resource in facts.resources():
        if _NOT_RELEASED.search(path):
            continue
        for workload in workloads((resource,)):
            for container in workload.containers:
                image = container.image or ""
                name = re.sub(r"(?::[\w.-]{1,128})?(?:@.{1,100})?$", "", image)
                if (path, image) in seen:
                    continue
                seen.add((path, image))
                if name not in given and not (by_skaffold and "/" not in image) and (why := _moves(image)):
                    subject = f"image:{name}"
                    yield rule.at(path, container.image_at, f"{image} {why}", subject=subject, symbol=workload.name)
    for path, file in facts.compose_files():
        if file.released and not _NOT_RELEASED.search(path):
            for one in file.services:
                if one.image and one.context is None and (why := _moves(one.image)):
                    yield rule.at(
                        path, one.image_at, f"{one.image} {why}", subject=f"image:{one.image}", symbol=one.name
                    )


def _moves(image: str) -> str | None:
    if not image or "@" in image or "$" in image or "{" in image:
        return None
    _, colon, tag = image.rpartition("/")[2].partition(":")
    if colon and not _MOVING.fullmatch(tag):
        return None
    what = f"is deployed by the tag {tag}, which moves" if colon else "is deployed without a tag, which means latest"
    return f"{what}: a restart may run other code, and there is nothing to roll back to"


def _given_by_kustomize(facts: Facts) -> set[str]:
    names: set[str] = set()
    for resource in facts.repository.resources.get("Kustomization", ()):
        for entry in resource.document.elements(resource.document.get(resource.node, "images")):
            names.add(resource.document.text(entry, "name") or "")
    return names
