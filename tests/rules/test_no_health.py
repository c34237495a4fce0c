"""Which manifests that are not judged keep no-health silent."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.testing import audit_tree, places

IMAGE = 'FROM python:3.12-slim\nCMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]\n'
TREE = {"orders/Dockerfile": IMAGE, "orders/app.py": "", "users/Dockerfile": IMAGE, "users/app.py": ""}
TEMPLATE = "apiVersion: v1\nkind: Template\nobjects:\n- kind: Deployment\n  spec: {replicas: ${{REPLICAS}}}\n"


@pytest.mark.parametrize(
    ("path", "judged"),
    [
        ("users/deploy/template.yaml", ["orders"]),
        ("orders/template.yaml", ["users"]),
        ("deploy/template.yaml", []),
        ("template.yaml", []),
    ],
)
def test_a_template_may_have_the_probes_of_its_own_service(tmp_path: Path, path: str, judged: list[str]) -> None:
    report = audit_tree(TREE | {path: TEMPLATE}, load_rules(rules), tmp_path, only="no-health")

    assert places(report) == tuple(("no-health", f"{service}/Dockerfile", 2) for service in judged)
