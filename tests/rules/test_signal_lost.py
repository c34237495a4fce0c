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


def fix_of(folder: Path, dockerfile: str, script: str) -> str | None:
    files = {"Dockerfile": f"FROM python:3.12-slim\n{dockerfile}\n", "start.sh": script, "app.py": ""}
    [outcome] = audit_tree(files, load_rules(rules), folder, only="signal-lost").new
    return outcome.finding.fixes[0].title if outcome.finding.fixes else None


def test_both_shells_are_named_and_cured(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM python:3.12-slim\nCMD ./start.sh\n", "start.sh": "#!/bin/sh\ngunicorn app:app\n"}
    [outcome] = audit_tree(files | {"app.py": ""}, load_rules(rules), tmp_path, only="signal-lost").new

    assert outcome.finding.message == (
        "PID 1 is a shell that keeps SIGTERM to itself, and so does the script below it: gunicorn never hears of a "
        "stop and is killed with its work in flight"
    )
    assert [(span.path, span.line, note) for span, note in outcome.finding.related] == [
        ("start.sh", 2, "this waits as well, and needs exec")
    ]
    assert outcome.finding.fixes[0].title == "write the command as a JSON array and put exec before the last command"


@pytest.mark.parametrize(
    ("dockerfile", "script", "title"),
    [
        ('CMD ["./start.sh"]', "#!/bin/sh\ngunicorn app:app\n", "put exec before the last command"),
        ('CMD ["./start.sh"]', "#!/bin/sh\ncd /srv && gunicorn app:app\n", "put exec before the last command"),
        ('CMD ["./start.sh"]', "#!/bin/sh\ntrap clean EXIT\ngunicorn app:app\n", None),
        ('CMD ["./start.sh"]', "#!/bin/sh\nA=1 gunicorn app:app\n", None),
        ('CMD ["./start.sh"]', "#!/bin/sh\ncat x | gunicorn app:app\n", None),
        ('CMD ["./start.sh"]', "#!/bin/sh\ngunicorn app:app\nif [ $? != 0 ]; then\n  exit 1\nfi\n", None),
        ("CMD ./start.sh", "#!/bin/sh\nA=1 gunicorn app:app\n", None),
        ("CMD ./start.sh $WAIT", "#!/bin/sh\nexec gunicorn app:app\n", None),
        ("CMD . ./start.sh", "#!/bin/sh\nexec gunicorn app:app\n", None),
        ('ENTRYPOINT ./start.sh\nCMD ["x"]', "#!/bin/sh\nexec gunicorn app:app\n", None),
        ("ENTRYPOINT ./start.sh", "#!/bin/sh\nexec gunicorn app:app\n", "write the command as a JSON array"),
    ],
)
def test_a_fix_is_offered_only_where_it_cures_and_changes_nothing_else(
    tmp_path: Path, dockerfile: str, script: str, title: str | None
) -> None:
    assert fix_of(tmp_path, dockerfile, script) == title
