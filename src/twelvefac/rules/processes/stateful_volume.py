"""A Deployment keeps data on a volume that only one pod, or one node, can use.

## Why

A volume that is mounted read-write by one node (ReadWriteOnce) or lies on a node's disk (hostPath) ties the service to
that place. A second replica on another node waits for the volume for ever, and a rolling update of a single one does as
well: the new pod needs the volume that the old one holds.

## What it does not flag

- Volumes for a container's lifetime (emptyDir), configuration and secrets, and those mounted read-only.
- A claim that many nodes may mount (ReadWriteMany), or whose access modes are not in the repository.
- StatefulSets and images of stores.
- Sockets and files of the node (`/var/run/docker.sock`, `/etc/localtime`).

## How to fix

Keep the data in a backing service: a database, an object store (S3). Where a disk is needed, use a StatefulSet.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.kubernetes import Container, Workload
from twelvefac.project.services import Service
from twelvefac.project.yaml_nodes import Node
from twelvefac.source.span import Span

_KINDS = frozenset(("Deployment", "ReplicaSet", "ReplicationController", "DeploymentConfig"))
_OF_NODE = ("/var/run", "/run", "/etc", "/proc", "/sys", "/dev", "/usr", "/lib", "/var/log")
_ONE_NODE = frozenset(("ReadWriteOnce", "ReadWriteOncePod"))

rule = Rule(
    __name__,
    factor=Factor.PROCESSES,
    summary="a Deployment keeps data on a volume of one node",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "a claim for one node, and a directory of the node",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                -- app.py --
                -- k8s.yaml --
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: uploads}
                spec: {accessModes: [ReadWriteOnce]}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  replicas: 2
                  template:
                    spec:
                      containers:
                        - name: web
                          image: registry.example.org/web:1
                          volumeMounts:
                            - {name: uploads, mountPath: /srv/uploads}  # <- stateful-volume
                            - {name: data, mountPath: /srv/data}  # <- stateful-volume
                      volumes:
                        - name: uploads
                          persistentVolumeClaim: {claimName: uploads}
                        - name: data
                          hostPath: {path: /data}
            """,
        ),
        Example(
            "for the container's lifetime, shared, read-only or unknown",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                -- app.py --
                -- k8s.yaml --
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: shared}
                spec: {accessModes: [ReadWriteMany]}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  template:
                    spec:
                      containers:
                        - name: web
                          image: registry.example.org/web:1
                          volumeMounts:
                            - {name: tmp, mountPath: /tmp}
                            - {name: shared, mountPath: /srv/shared}
                            - {name: other, mountPath: /srv/other}
                            - {name: models, mountPath: /srv/models, readOnly: true}
                            - {name: socket, mountPath: /var/run/docker.sock}
                            - {name: config, mountPath: /etc/app}
                      volumes:
                        - {name: tmp, emptyDir: {}}
                        - {name: shared, persistentVolumeClaim: {claimName: shared}}
                        - {name: other, persistentVolumeClaim: {claimName: other}}
                        - {name: models, hostPath: {path: /models}}
                        - {name: socket, hostPath: {path: /var/run/docker.sock}}
                        - {name: config, configMap: {name: app}}
            """,
        ),
        Example(
            "a store, and a StatefulSet",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                -- app.py --
                -- k8s.yaml --
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: data}
                spec: {accessModes: [ReadWriteOnce]}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: db}
                spec:
                  template:
                    spec:
                      containers:
                        - name: db
                          image: postgres:17
                          volumeMounts: [{name: data, mountPath: /var/lib/postgresql}]
                      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
                ---
                apiVersion: apps/v1
                kind: StatefulSet
                metadata: {name: index}
                spec:
                  template:
                    spec:
                      containers:
                        - name: index
                          image: registry.example.org/index:1
                          volumeMounts: [{name: data, mountPath: /data}]
                      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for workload, container in service.deployed:
        if workload.kind not in _KINDS or container.init:
            continue
        document = workload.document
        volumes = {document.text(one, "name"): one for one in document.elements(document.get(workload.pod, "volumes"))}
        for mount in document.elements(document.get(container.node, "volumeMounts")):
            volume = volumes.get(document.text(mount, "name"))
            if volume is None or document.text(mount, "readOnly") == "true":
                continue
            finding = _judge(facts, workload, container, mount, volume)
            if finding is not None:
                yield finding


def _judge(facts: Facts, workload: Workload, container: Container, mount: Node, volume: Node) -> Finding | None:
    document = workload.document
    target = document.text(mount, "mountPath") or ""
    several = (workload.replicas or "").isdigit() and int(workload.replicas or "0") > 1
    path = document.text(volume, "hostPath", "path")
    related: tuple[tuple[Span, str], ...] = ()
    if path is not None:
        if path.startswith(_OF_NODE) or document.text(volume, "hostPath", "type") in ("Socket", "File", "CharDevice"):
            return None
        message = f"{target} is a directory of the node ({path}): on another node the pod finds another one, or none"
    else:
        claim = document.text(volume, "persistentVolumeClaim", "claimName")
        found = _claim(facts, claim) if claim else None
        if found is None:
            return None
        related = ((found, "the claim"),)
        what = f"{target} is a volume of one node ({claim})"
        if several:
            message = f"{what} and {workload.name} has {workload.replicas} replicas: those on other nodes never start"
        else:
            message = f"{what}: a second replica, or the new pod of a rolling update, may wait for it for ever"
    return rule.at(
        workload.path,
        mount.at,
        message,
        subject=f"{workload.name}:{container.name}:{target}",
        related=related,
        severity=HIGH if several and related else MEDIUM,
    )


def _claim(facts: Facts, name: str) -> Span | None:
    """Where a claim is stated that only one node can mount; None where it is not in the repository, or for many."""
    for one in facts.repository.resources.get("PersistentVolumeClaim", ()):
        if one.name == name:
            modes = one.document.elements(one.document.get(one.node, "spec", "accessModes"))
            return Span.of(one.path, one.at) if modes and {str(mode.data) for mode in modes} <= _ONE_NODE else None
    return None
