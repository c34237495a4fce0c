"""A service in words: every kind of fact with its place, and no secret."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.registry import load_rules
from twelvefac.project.description import Description, Named, Place, StepLine
from twelvefac.testing import _DAY

TREE = {
    "Dockerfile": 'FROM python:3.12-alpine\nENV MODE=web PORT=8000\nEXPOSE 8000/tcp 9000\nENTRYPOINT ["./start.sh"]\n',
    "start.sh": "#!/bin/sh\npython manage.py migrate\ncelery -A app worker &\ngunicorn app:app\n",
    "app.py": (
        "import os\n\nimport redis\n\nkey = os.environ['DB_PASSWORD']\nmode = os.environ.get('MODE', 'web')\n"
        "r = redis.Redis(host=os.environ.get('REDIS_HOST'))\n"
    ),
    ".env.example": "DB_PASSWORD=\n",
    "compose.yaml": (
        "services:\n  web:\n    build: .\n    environment:\n      DB_PASSWORD: hunter2\n      HOME_URL:\n"
        "    ports: ['80:8000']\n    depends_on: [db, other]\n  db:\n    image: postgres:16\n  other:\n"
        "    image: acme/thing\n"
    ),
    "deploy.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"
        "      containers:\n        - name: web\n          image: acme/web:1\n          ports:\n"
        "            - {name: http, containerPort: 8000}\n          env:\n            - {name: MODE, value: web}\n"
        "            - name: DB_PASSWORD\n              valueFrom: {secretKeyRef: {name: db, key: password}}\n"
    ),
}


@pytest.fixture
def known(tmp_path: Path) -> Description:
    root = tmp_path / "web"
    root.mkdir()
    for name, text in TREE.items():
        (root / name).write_text(text)
    report = audit(str(root), load_rules(rules), AuditOptions(today=_DAY, version="test", describe=True))
    [service] = report.services
    assert service.description is not None
    return service.description


def test_a_process_is_followed_to_its_last_program(known: Description) -> None:
    [process] = known.processes

    assert (process.name, process.argv, process.place) == (
        "image",
        ("./start.sh",),
        Place("Dockerfile", 4, "dockerfile"),
    )
    assert process.steps == (
        StepLine(("python", "manage.py", "migrate"), Place("start.sh", 2, ""), "first"),
        StepLine(("celery", "-A", "app", "worker"), Place("start.sh", 3, ""), "background"),
        StepLine(("gunicorn", "app:app"), Place("start.sh", 4, ""), "last, below the script"),
    )


def test_servers_have_address_and_port(known: Description) -> None:
    assert known.servers == (Named("gunicorn on 0.0.0.0, 8000", (Place("start.sh", 4, "started by image"),)),)


def test_variables_have_all_the_places_that_speak_of_them(known: Description) -> None:
    assert known.environment == (
        Named(
            "DB_PASSWORD",
            (
                Place(".env.example", 1, "in an env file"),
                Place("app.py", 5, "read, needed"),
                Place("compose.yaml", 5, "set by compose"),
                Place("deploy.yaml", 14, "from a secretKeyRef"),
            ),
        ),
        Named("HOME_URL", (Place("compose.yaml", 6, "passed on by compose"),)),
        Named(
            "MODE",
            (
                Place("Dockerfile", 2, "set by the image"),
                Place("app.py", 6, "read, with a default"),
                Place("deploy.yaml", 13, "set by the manifest"),
            ),
        ),
        Named("PORT", (Place("Dockerfile", 2, "set by the image"),)),
        Named("REDIS_HOST", (Place("app.py", 7, "read"),)),
    )


def test_backing_services_are_stores_and_clients(known: Description) -> None:
    assert known.backing == (
        Named("Redis", (Place("app.py", 7, "redis.Redis"),)),
        Named("postgres:16", (Place("compose.yaml", 10, "compose service db"),)),
    )


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.12\nCMD ["gunicorn", "-c", "conf.py", "app:app"]\n')
    (tmp_path / "app.py").write_text("")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  web: {build: ., depends_on: [chmod, db]}\n  chmod: {image: alpine:3.23}\n  db: {image: redis:7}\n"
    )
    report = audit(str(tmp_path), load_rules(rules), AuditOptions(today=_DAY, version="test", describe=True))
    found = report.services[0].description

    assert found is not None
    assert [one.name for one in found.servers] == ["gunicorn on an address not known, a port not known"]
    assert [one.name for one in found.backing] == ["redis:7"]


def test_exposures_are_ordered_by_number(known: Description) -> None:
    assert known.exposures == (
        Named(
            "8000",
            (
                Place("Dockerfile", 3, "EXPOSE"),
                Place("compose.yaml", 7, "published as 80"),
                Place("deploy.yaml", 8, "container port http"),
            ),
        ),
        Named("9000", (Place("Dockerfile", 3, "EXPOSE"),)),
    )


def test_no_value_is_told(known: Description) -> None:
    assert "hunter2" not in repr(known)
