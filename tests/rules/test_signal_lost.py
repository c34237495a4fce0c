"""What the examples of signal-lost do not say."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.testing import audit_tree, places


@pytest.mark.parametrize("command", ["['gunicorn', 'app:app']", '["chmod", "+x", \'/start.sh\']', '["gunicorn",]'])
def test_an_array_that_is_no_json_starts_nothing_that_could_lose_a_signal(tmp_path: Path, command: str) -> None:
    files = {"Dockerfile": f"FROM python:3.12-slim\nCMD {command}\n", "app.py": ""}

    assert places(audit_tree(files, load_rules(rules), tmp_path, only="signal-lost")) == ()
