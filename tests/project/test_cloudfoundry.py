"""Manifests of Cloud Foundry: the commands of their applications."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.project.envfile import ProcfileEntry
from twelvefac.project.scan import Scanner
from twelvefac.testing import audit_tree, places

MANIFEST = """---
defaults: &defaults
  memory: 1G
applications:
- <<: *defaults
  name: shop
  instances: ((instances))
  command: flask run --port 8080
  processes:
  - type: worker
    command: celery -A app worker
- name: other
  command: ((command))
- name: third
"""


def read(path: str, text: str) -> tuple[ProcfileEntry, ...]:
    return Scanner((), ()).scan(path, "yaml", text.encode()).procfile


def test_the_commands_of_applications_and_their_processes() -> None:
    assert read("deploy/manifest.yml", MANIFEST) == (
        ProcfileEntry("shop", "flask run --port 8080", (8, 12, 8, 33)),
        ProcfileEntry("worker", "celery -A app worker", (11, 14, 11, 34)),
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("manifest-dev.yml", MANIFEST),
        ("other.yml", MANIFEST),
        ("manifest.yml", "apiVersion: v1\nkind: ConfigMap\ndata: {applications: a}\n"),
        ("manifest.yml", "applications: 1\n"),
        ("manifest.yml", "applications: [{name: [a], command: [b]}, 3]\n"),
        ("manifest.yml", "applications:\n- command: {{ command }}\n"),
    ],
)
def test_what_is_none(path: str, text: str) -> None:
    assert read(path, text) == ()


def test_they_are_what_ships(tmp_path: Path) -> None:
    found = places(audit_tree({"manifest.yml": MANIFEST, "app.py": ""}, load_rules(rules), tmp_path, only="dev-server"))

    assert found == (("dev-server", "manifest.yml", 8),)
