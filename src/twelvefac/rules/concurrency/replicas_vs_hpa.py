"""A Deployment fixes the number of replicas that an autoscaler is to decide.

## Why

Each time the manifest is applied, Kubernetes sets the number that it states and stops the pods beyond it. The
autoscaler needs minutes to start them again: every deploy under load takes capacity away when it is needed.

## What it does not flag

- A Deployment without `replicas`, and one that no HorizontalPodAutoscaler targets.
- An autoscaler in another namespace, or in another part of the repository (an overlay may take the number out).

## How to fix

Take `replicas` out of the Deployment; `minReplicas` of the autoscaler says the least.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.kubernetes import Resource
from twelvefac.project.services import Service
from twelvefac.source.span import Span

_SCALED = frozenset(("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DeploymentConfig"))

rule = Rule(
    __name__,
    factor=Factor.CONCURRENCY,
    summary="a Deployment fixes the replicas that an autoscaler is to decide",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "beside the autoscaler",
            source="""
                -- app.py --
                -- k8s/deployment.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  replicas: 3  # <- replicas-vs-hpa
                  template: {spec: {containers: [{name: web, image: web}]}}
                -- k8s/hpa.yaml --
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: web}
                spec:
                  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
                  minReplicas: 2
                  maxReplicas: 10
            """,
        ),
        Example(
            "left to the autoscaler",
            source="""
                -- app.py --
                -- k8s/all.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  template: {spec: {containers: [{name: web, image: web}]}}
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: worker}
                spec:
                  replicas: 2
                  template: {spec: {containers: [{name: worker, image: web}]}}
                ---
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: web}
                spec:
                  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
                  maxReplicas: 10
            """,
        ),
        Example(
            "another namespace, another overlay, KEDA",
            source="""
                -- app.py --
                -- base/deployment.yaml --
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web, namespace: a}
                spec:
                  replicas: 3
                  template: {spec: {containers: [{name: web, image: web}]}}
                ---
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: web, namespace: b}
                spec:
                  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
                ---
                apiVersion: keda.sh/v1alpha1
                kind: ScaledObject
                metadata: {name: web, namespace: a}
                spec:
                  scaleTargetRef: {name: web}
                -- overlays/prod/hpa.yaml --
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: web, namespace: a}
                spec:
                  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, one in facts.resources():
        node = one.document.get(one.node, "spec", "replicas")
        if one.kind not in _SCALED or node is None or not str(node.data).isdigit():
            continue
        scaler = next(
            (scaler for scaler in facts.repository.autoscalers.get(one.name, ()) if _targets(scaler, one)), None
        )
        if scaler is not None:
            message = (
                f"{one.kind} {one.name} is set to {node.data} replicas by every deploy, whatever its autoscaler decided"
            )
            related = ((Span.of(scaler.path, scaler.at), "this scales it"),)
            yield rule.at(path, node.at, message, subject=f"{one.kind}:{one.name}", related=related)


def _targets(scaler: Resource, one: Resource) -> bool:
    document, target = scaler.document, ("spec", "scaleTargetRef")
    return (
        document.text(scaler.node, *target, "kind") == one.kind
        and document.text(scaler.node, "metadata", "namespace") == one.document.text(one.node, "metadata", "namespace")
        and posixpath.dirname(scaler.path) == posixpath.dirname(one.path)
    )
