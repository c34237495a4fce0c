"""What is deployed is named by a tag that moves.

## Why

`image: app:latest` is another image after the next push. Two replicas of one Deployment run different code, a restart
is a release that nobody made, and there is nothing to roll back to.

## What it does not flag

- A version, a commit or a digest; a tag that the pipeline puts in (`${TAG}`, Kustomize `newTag`, Skaffold).
- The compose file for development.
- `latest` pushed beside a tag that does not move, or to Heroku, which numbers releases itself.

## How to fix

Tag each build with its commit and deploy that tag.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project import helm
from twelvefac.project.kubernetes import FOR_DEVELOPMENT, workloads
from twelvefac.project.pushing import Pushed, pushes
from twelvefac.project.services import Service
from twelvefac.project.yaml_nodes import YamlDocument
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
            "what a pipeline fills in",
            source="""
                -- deploy/deployment.yml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: shop}
                spec:
                  template:
                    spec:
                      containers:
                        - name: app
                          image: "<to be set by the pipeline>"
                        - name: worker
                          image: IMAGE_PLACEHOLDER
            """,
        ),
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
                -- docker-compose.stack.yml --
                services:
                  app:
                    image: registry.example.com/app:latest  # <- mutable-release
                -- k8s/broker.yaml --
                apiVersion: v1
                kind: ReplicationController
                metadata: {name: broker}
                spec:
                  template:
                    spec:
                      containers:
                        - name: broker
                          image: rabbitmq  # <- mutable-release
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
                -- full-stack.yml --
                services:
                  kafka:
                    image: confluentinc/cp-kafka
                -- scripts/stack.yml --
                services:
                  kafka:
                    image: confluentinc/cp-kafka
                -- app.py --
            """,
        ),
        Example(
            "what a pipeline pushes",
            source="""
                -- a/.github/workflows/ci.yml --
                env:
                  TAG: latest
                jobs:
                  build:
                    steps:
                      - run: |
                          docker build -t ghcr.io/shop/web:${{ env.TAG }} .
                          docker push ghcr.io/shop/web:${{ env.TAG }}  # <- mutable-release
                -- a/app.py --
            """,
        ),
        Example(
            "what a pipeline pushes beside a tag of its own, or to Heroku",
            source="""
                -- .github/workflows/ci.yml --
                jobs:
                  build:
                    steps:
                      - uses: docker/build-push-action@v6
                        with:
                          push: true
                          tags: shop/web:latest
                      - run: docker push registry.heroku.com/shop/web:latest
                -- .github/workflows/release.yml --
                jobs:
                  release:
                    steps:
                      - run: docker push shop/web:${{ github.sha }}
                -- app.py --
            """,
        ),
        Example(
            "a profile for production",
            source="""
                -- docker-compose.yml --
                services:
                  proxy:
                    image: nginx  # <- mutable-release
                    profiles: [prod]
                  queue:
                    image: redis:latest  # <- mutable-release
                    profiles: [dev, prod]
                  mail:
                    image: axllent/mailpit
                    profiles: [dev]
                  db:
                    image: postgres
                -- app.py --
            """,
        ),
        Example(
            "a chart",
            source="""
                -- chart/Chart.yaml --
                apiVersion: v2
                name: app
                version: 1.0.0
                appVersion: latest  # <- mutable-release
                -- chart/values.yaml --
                image:
                  repository: registry.example.com/app
                  tag: latest  # <- mutable-release
                sidecar:
                  image: registry.example.com/proxy:main  # <- mutable-release
                cache: {repository: redis, tag: "7.2"}
                tools: {image: registry.example.com/tools, tag: ""}
                -- app.py --
            """,
        ),
        Example(
            "templates: an image that one names itself, a tag that one compares, a test of a release",
            source="""
                -- chart/Chart.yaml --
                apiVersion: v2
                name: app
                version: 1.0.0
                -- chart/values.yaml --
                image: {repository: registry.example.com/app, tag: latest}
                -- chart/templates/app.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: {{ .Chart.Name }}}
                spec:
                  template:
                    spec:
                      initContainers:
                        - name: wait
                          image: "registry.example.com/curl:latest"  # <- mutable-release
                      containers:
                        - name: app
                          {{- if eq .Values.image.tag "latest" }}
                          image: {{ .Values.image.repository }}:{{ .Chart.AppVersion }}
                          {{- else }}
                          image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
                          {{- end }}
                        - name: proxy
                          image: nginx:1.29
                          {{- /* before:
                          image: nginx:latest */}}
                -- chart/templates/jobs.yaml --
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: {{ .Chart.Name }}}
                data:
                  job.yaml: |
                    {{- if .Values.image }}
                    spec:
                      image: busybox
                    {{- end }}
                -- chart/templates/tests/connection.yaml --
                apiVersion: v1
                kind: Pod
                metadata:
                  name: {{ .Chart.Name }}-test
                  annotations: {"helm.sh/hook": test}
                spec:
                  containers:
                    - name: wget
                      image: busybox
                -- app.py --
            """,
        ),
        Example(
            "a chart whose tag the pipeline or other values give",
            source="""
                -- a/chart/values.yaml --
                image: {repository: app, tag: latest}
                -- a/deploy.sh --
                helm upgrade --install app chart --set image.tag=$CI_COMMIT_SHA
                -- a/app.py --
                -- a/values-dev.yaml --
                image: {repository: app, tag: dev}
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

_SET = regex(r"--set(?:-string|-json)?[ =]{1,4}[\"']?[^\s]{0,200}(?:tag|version)[\w.]{0,20}=", re.IGNORECASE)
_MOVING = regex(r"latest(?:-.{1,60})?|main|master|develop|dev|edge|nightly|stable|production|prod|staging")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    deployed = list(_deployed(facts))
    yield from deployed
    if not deployed:  # what is deployed by such a tag is said where that stands
        yield from _pushed(facts)


def _pushed(facts: Facts) -> Iterator[Finding]:
    """Images that pipelines push by nothing but tags that move."""
    found: dict[str, list[tuple[str, Pushed]]] = {}
    for path, document in facts.pipelines():
        for one in pushes(document):
            if one.image.startswith("registry.heroku.com/"):
                continue  # Heroku numbers releases itself
            found.setdefault(one.image, []).append((path, one))
    if any(one.tag is None or not _MOVING.fullmatch(one.tag or "latest") for each in found.values() for _, one in each):
        return  # somewhere a release has a tag of its own; of another image, or of the same in other words
    for each in found.values():
        path, one = each[0]
        message = f"the pipeline pushes this image as {one.tag or 'latest'} only: a release has no name to go back to"
        yield rule.at(path, one.at, message, subject=f"push:{one.tag or 'latest'}")


def _deployed(facts: Facts) -> Iterator[Finding]:
    given = _given_by_kustomize(facts)
    by_skaffold = any(name in facts.repository.by_base for name in ("skaffold.yaml", "Tiltfile"))
    seen: set[tuple[str, str]] = set()
    for path, resource in facts.resources():
        if FOR_DEVELOPMENT.search(path):
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
        if not FOR_DEVELOPMENT.search(path):
            for one in file.services:
                if file.releases(one) and one.image and one.context is None and (why := _moves(one.image)):
                    yield rule.at(
                        path, one.image_at, f"{one.image} {why}", subject=f"image:{one.image}", symbol=one.name
                    )
    for path, template in facts.templates():
        for image, at in template.images if not FOR_DEVELOPMENT.search(path) else ():
            if (path, image) not in seen and (why := _moves(image)):
                seen.add((path, image))
                yield rule.at(path, at, f"{image} {why}", subject=f"image:{image}")
    for path, document in facts.values():
        if not FOR_DEVELOPMENT.search(path):
            yield from _values(path, document, facts)


def _values(path: str, document: YamlDocument, facts: Facts) -> Iterator[Finding]:
    """Tags of a chart's values, where no command, and no other values, puts one in."""
    compared = {route for _, template in facts.templates() for route in template.compared}
    for one in helm.images(document):
        if ".".join(one.route) in compared:
            continue  # a word that the template puts something else for
        if _MOVING.fullmatch(one.tag) and not _is_set(facts) and not _is_pinned(one, path, facts):
            why = _moves(f"{one.repository}:{one.tag}")
            subject = f"image:{one.repository}"
            yield rule.at(path, one.at, f"{one.repository}:{one.tag} {why}", subject=subject)
    version = document.get(document.root, "appVersion") if helm.is_chart(path) else None
    if version is not None and _MOVING.fullmatch(str(version.data)) and not _is_set(facts):
        message = f"the chart's appVersion, the tag of its images, is {version.data}: a restart may run other code"
        yield rule.at(path, version.at, message, subject="appVersion")


def _is_pinned(image: helm.ChartImage, path: str, facts: Facts) -> bool:
    """Whether values of another environment give this tag."""
    for other, document in facts.repository.values:
        if other != path and not FOR_DEVELOPMENT.search(other):
            for one in helm.settings(document):
                if one.route == image.route and one.value and not _MOVING.fullmatch(one.value):
                    return True
    return False


def _is_set(facts: Facts) -> bool:
    """Whether a pipeline, a Makefile or a script gives Helm the tag: ``--set image.tag=$SHA``."""
    for file in facts.repository.configuration.values():
        lines = [file.text or ""]
        lines += [one.value for document in file.pipeline for one in helm.settings(document)]
        lines += [" ".join(command.words) for command in (file.shell.commands if file.shell is not None else ())]
        if any(_SET.search(line) for line in lines):
            return True
    return False


_FILLED_IN = regex(r"[<>\s%]|^[A-Z][A-Z0-9_]{1,60}(?::[A-Z][A-Z0-9_]{0,60})?$|PLACEHOLDER|REPLACE|CHANGE_?ME")
"""What stands in a manifest until a pipeline puts the image there."""


def _moves(image: str) -> str | None:
    if not image or "@" in image or "$" in image or "{" in image or _FILLED_IN.search(image):
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
