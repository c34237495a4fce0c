"""A secret is written in a manifest that is deployed.

## Why

A literal in a Deployment, a Secret with its data in git, a compose file for production or a pipeline is readable by
everybody who can read the repository; it is the same in each deploy and changes only with a commit.

## What it does not flag

- References: `secretKeyRef`, `existingSecret`, ExternalSecret, SealedSecret, SOPS, `${{ secrets.X }}`, `${X}`.
- The compose file for development and a pipeline's own throw-away database.
- Where a secret is: `PASSWORD_FILE`, `SECRET_NAME`.

## How to fix

Refer to a secret that is made outside of git: `valueFrom: secretKeyRef`, an ExternalSecret, a sealed one.
"""

import base64
import binascii
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project import credentials, helm
from twelvefac.project.compose import Setting
from twelvefac.project.images import PRODUCTION
from twelvefac.project.kubernetes import FOR_DEVELOPMENT, Resource, workloads
from twelvefac.project.masking import given
from twelvefac.project.services import Service
from twelvefac.project.yaml_nodes import YamlDocument
from twelvefac.source.span import Pos

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a secret is written in a manifest that is deployed",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "a container's environment, a Secret and a ConfigMap",
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
                          image: app:1
                          env:
                            - name: DB_PASSWORD
                              value: hunter2abc  # <- secret-in-manifest
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: app}
                stringData:
                  API_TOKEN: k9Lq2zXw77  # <- secret-in-manifest
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: db}
                data:
                  password: aHVudGVyMmFiYw==  # <- secret-in-manifest
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: jwt}
                data:
                  jwt.key: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlKS3dJQkFBS0NBZ0VB  # <- secret-in-manifest
                -- app.py --
            """,
        ),
        Example(
            "a compose file for production",
            source="""
                -- docker-compose.prod.yml --
                services:
                  app:
                    image: app:1
                    environment:
                      - DATABASE_URL=postgres://app:Tr0ub4dor3@db/app  # <- secret-in-manifest
                -- app.py --
            """,
        ),
        Example(
            "a chart's values",
            source="""
                -- chart/Chart.yaml --
                apiVersion: v2
                name: app
                version: 1.0.0
                -- chart/values.yaml --
                database:
                  password: k9Lq2zXw77  # <- secret-in-manifest
                env:
                  - name: API_TOKEN
                    value: 8fKq1LmZ03xV  # <- secret-in-manifest
                -- chart/values-production.yaml --
                database: {password: shopshopshop}  # <- secret-in-manifest
                -- app.py --
            """,
        ),
        Example(
            "a chart's placeholders, references and values for development",
            source="""
                -- chart/values.yaml --
                database:
                  password: ""
                  existingSecret: app-db-2024-vars
                  user: {passwordSecretRef: {name: app-db, key: password}}
                cache: {password: changeme}
                auth: {token: "{{ .Release.Name }}-token"}
                agent: {token: PFRoaXJ0eVgyWGNoYXJhY3RlcnNYbG9uZ1h0b2tlbj4=}
                env: {TEST_DATABASE_URL: "postgres://app:k9Lq2zXw77@db/test"}
                -- chart/values-dev.yaml --
                database: {password: k9Lq2zXw77}
                -- chart/templates/secret.yaml --
                apiVersion: v1
                kind: Secret
                stringData: {password: {{ .Values.database.password }}}
                -- app.py --
            """,
        ),
        Example(
            "references",
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
                          image: app:1
                          env:
                            - name: DB_PASSWORD
                              valueFrom: {secretKeyRef: {name: db, key: password}}
                            - name: DB_PASSWORD_FILE
                              value: /run/secrets/db
                ---
                apiVersion: bitnami.com/v1alpha1
                kind: SealedSecret
                metadata: {name: db}
                spec: {encryptedData: {password: AgBy3i4OJSWK}}
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: sops}
                stringData: {password: "ENC[AES256_GCM,data:x]"}
                -- docker-compose.prod.yml --
                services:
                  app:
                    image: app:1
                    environment: {DB_PASSWORD: "${DB_PASSWORD}"}
                -- app.py --
            """,
        ),
        Example(
            "the compose file for development",
            source="""
                -- docker-compose.yml --
                services:
                  db:
                    image: postgres:16
                    environment: {POSTGRES_PASSWORD: postgres}
                -- app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, file in facts.compose_files():
        if not FOR_DEVELOPMENT.search(path):
            for one in (each for each in file.services if file.releases(each)):
                others = credentials.users((item.name, item.value) for item in one.environment)
                for setting in one.environment:
                    yield from _setting(path, setting, others | {one.name.lower()})
                yield from _command(path, one.command_at, (*(one.entrypoint or ()), *(one.command or ())))
    for path, resource in facts.resources():
        if FOR_DEVELOPMENT.search(path):
            continue
        for workload in workloads((resource,)):
            for container in workload.containers:
                for setting in container.environment:
                    yield from _setting(path, setting)
                words = (*(container.command or ()), *(container.args or ()))
                yield from _command(path, container.command_at, words)
        if resource.kind in ("Secret", "ConfigMap"):
            yield from _data(path, resource)
    for path, document in facts.values():
        if not FOR_DEVELOPMENT.search(path):
            yield from _values(path, document)


def _values(path: str, document: YamlDocument) -> Iterator[Finding]:
    """Values of a chart: those of production are what is deployed, others a default that a deploy may put aside."""
    released = PRODUCTION.search(path.lower()) is not None
    for one in helm.settings(document):
        if "test" in credentials.words_of(one.name):
            continue
        known = credentials.provider(one.value) or credentials.url_password(one.value) is not None
        if credentials.is_placeholder(_decoded(one.value) or ""):
            continue
        if _is_secret(one.name, one.value) and (released or known or credentials.looks_secret(one.name, one.value)):
            message = f"{one.name} is written in the chart's values: everybody who can read the repository has it"
            subject, severity = f"values:{'.'.join(one.route)}", HIGH if released else MEDIUM
            yield rule.at(path, one.at, message, subject=subject, severity=severity)


_STARTERS = frozenset("postgres mysql root admin guest redis mongo rabbitmq user minio minioadmin changeme".split())
"""What the images of stores have, or show, as their first password."""


def _setting(path: str, setting: Setting, others: frozenset[str] = frozenset()) -> Iterator[Finding]:
    if setting.value is not None and _is_secret(setting.name, setting.value):
        message = f"{setting.name} is written in the manifest: everybody who can read the repository has it"
        value = setting.value.strip()
        made_up = value.lower() in (others | _STARTERS) or credentials.url_is_made_up(value)
        severity = MEDIUM if made_up else HIGH
        yield rule.at(path, setting.at, message, subject=f"env:{setting.name}", severity=severity)


def _command(path: str, at: Pos, words: tuple[str, ...]) -> Iterator[Finding]:
    for what in given(words):
        message = f"{what} is written in the manifest's command: everybody who can read the repository has it"
        yield rule.at(path, at, message, subject=f"command:{what}")


def _data(path: str, resource: Resource) -> Iterator[Finding]:
    for section, encoded in (("stringData", False), ("data", resource.kind == "Secret")):
        node = resource.document.get(resource.node, section)
        if node is None:
            continue
        for key, _, value in resource.document.items(node):
            text = _decoded(str(value.data)) if encoded else str(value.data)
            if value.kind == "scalar" and text and _is_secret(key, text) and not key.lower().startswith("demo"):
                message = f"{resource.kind} {resource.name} has the value of {key} in git"
                yield rule.at(path, value.at, message, subject=f"{resource.kind}:{resource.name}:{key}")


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _is_secret(name: str, value: str) -> bool:
    value = value.strip()
    if credentials.provider(value) == "private key":
        return True
    if not value or "$" in value or "ENC[" in value or value[:1] in "</{" or "\n" in value:
        return False
    if credentials.provider(value) or credentials.url_password(value) is not None:
        return True
    if not credentials.holds_secret(name) and not credentials.signs_sessions(name):
        return False
    return not (credentials.is_switch(value) or credentials.is_placeholder(value) or credentials.is_reference(value))
