"""Files that tell App Engine and Render what to start."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.project.envfile import ProcfileEntry
from twelvefac.project.scan import Scanner
from twelvefac.testing import audit_tree, places

APP_ENGINE = "runtime: python312\nservice: shop\nentrypoint: flask run --port 8080\n"
RENDER = """services:
  - type: web
    name: shop
    runtime: python
    buildCommand: pip install -r requirements.txt
    startCommand: flask run --port 8080
  - type: worker
    name: mails
    runtime: python
    startCommand: celery -A app worker
  - type: web
    name: pages
    runtime: node
    startCommand: npm start
  - type: web
    name: image
    runtime: docker
"""


def read(path: str, text: str) -> tuple[ProcfileEntry, ...]:
    return Scanner((), ()).scan(path, "yaml", text.encode()).procfile


def test_the_entrypoint_of_app_engine() -> None:
    assert read("shop/app.yaml", APP_ENGINE) == (ProcfileEntry("shop", "flask run --port 8080", (3, 13, 3, 34)),)


def test_the_start_commands_of_render_that_are_for_python() -> None:
    assert read("render.yaml", RENDER) == (
        ProcfileEntry("shop", "flask run --port 8080", (6, 19, 6, 40)),
        ProcfileEntry("mails", "celery -A app worker", (10, 19, 10, 39)),
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.yaml", "runtime: nodejs20\nentrypoint: npm start\n"),
        ("app.yaml", "runtime: python312\n"),
        ("app.yaml", "entrypoint: [1]\nruntime: [python]\n"),
        ("app.yaml", "runtime: python312\nentrypoint: {{ command }}\n"),
        ("other.yaml", APP_ENGINE),
        ("render.yml.yaml", RENDER),
        ("render.yaml", "services: 1\n"),
        ("render.yaml", "services: [1, {runtime: python, startCommand: [a]}]\n"),
    ],
)
def test_what_is_none(path: str, text: str) -> None:
    assert read(path, text) == ()


@pytest.mark.parametrize(("path", "text", "line"), [("app.yaml", APP_ENGINE, 3), ("render.yaml", RENDER, 6)])
def test_they_are_what_ships(tmp_path: Path, path: str, text: str, line: int) -> None:
    found = places(audit_tree({path: text, "app.py": ""}, load_rules(rules), tmp_path, only="dev-server"))

    assert found == (("dev-server", path, line),)


def test_an_image_beside_them_is_released_too(tmp_path: Path) -> None:
    tree = {"render.yaml": RENDER, "app.py": "", "Dockerfile": "FROM python:3.12-slim\nCMD flask run --port 5000\n"}
    found = places(audit_tree(tree, load_rules(rules), tmp_path, only="dev-server"))

    assert found == (("dev-server", "Dockerfile", 2), ("dev-server", "render.yaml", 6))
