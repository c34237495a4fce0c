"""A service in words: every kind of fact with its place, and no secret."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.registry import load_rules
from twelvefac.project.description import Description, Named, Place, StepLine
from twelvefac.project.variables import Given, shown
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
        "    env_file: [.env, gone.env]\n    ports: ['80:8000']\n"
        "    depends_on: [db, other]\n  db:\n    image: postgres:16\n  other:\n"
        "    image: acme/thing\n"
    ),
    "config.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  LOG_LEVEL: debug\n  SENTRY_DSN: https://x\n"
        "  COLOUR: red\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"
    ),
    "deploy.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"
        "      containers:\n        - name: web\n          image: acme/web:1\n          ports:\n"
        "            - {name: http, containerPort: 8000}\n          env:\n            - {name: MODE, value: web}\n"
        "            - name: DB_PASSWORD\n              valueFrom: {secretKeyRef: {name: db, key: password}}\n"
        "            - name: COLOUR\n              valueFrom: {configMapKeyRef: {name: web, key: COLOUR}}\n"
        "          envFrom:\n            - configMapRef: {name: web}\n"
        "            - {prefix: DB_, secretRef: {name: db}}\n"
        "            - configMapRef: {name: other}\n"
    ),
    ".env": "GREETING=hello\nAPI_TOKEN=hunter2\n",
    ".dockerignore": ".env*\n",
}


@pytest.fixture
def known(tmp_path: Path) -> Description:
    return described(tmp_path, TREE)


def described(folder: Path, tree: dict[str, str]) -> Description:
    root = folder / "web"
    for name, text in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    report = audit(str(root), load_rules(rules), AuditOptions(today=_DAY, version="test", describe=True))
    service = next(one for one in report.services if not one.root)
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
    all_of_web = "from all of the ConfigMap web, for deploy.yaml:19"
    compose = "from the env_file of compose service web"
    assert {one.name: one.places for one in known.environment} == {
        "API_TOKEN": (Given(".env", 2, compose, "***"),),
        "COLOUR": (
            Given("config.yaml", 7, all_of_web, "red"),
            Given("deploy.yaml", 16, "from the ConfigMap web", "red"),
        ),
        "DB_PASSWORD": (
            Given(".env.example", 1, "in an env file"),
            Given("app.py", 5, "read, needed"),
            Given("compose.yaml", 5, "set by compose", "***"),
            Given("deploy.yaml", 14, "from the Secret db", "***"),
        ),
        "DB_password": (Given("config.yaml", 12, "from all of the Secret db, for deploy.yaml:20", "***"),),
        "GREETING": (Given(".env", 1, compose, "hello"),),
        "HOME_URL": (Given("compose.yaml", 6, "passed on by compose"),),
        "LOG_LEVEL": (Given("config.yaml", 5, all_of_web, "debug"),),
        "MODE": (
            Given("Dockerfile", 2, "set by the image", "web"),
            Given("app.py", 6, "read, with a default", "web"),
            Given("deploy.yaml", 13, "set by the manifest", "web"),
        ),
        "PORT": (Given("Dockerfile", 2, "set by the image", "8000"),),
        "REDIS_HOST": (Given("app.py", 7, "read"),),
        "SENTRY_DSN": (Given("config.yaml", 6, all_of_web, "***"),),
    }


def test_what_is_not_in_the_tree_is_said(known: Description) -> None:
    assert known.undecided == (
        "compose.yaml:2: env_file gone.env is not in the tree",
        "deploy.yaml:21: the ConfigMap other is not in the tree: its variables are not known",
    )


def test_kustomize_makes_config_maps_too(tmp_path: Path) -> None:
    tree = {
        "Dockerfile": "FROM python:3.12\n",
        "app.py": "",
        "base/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nconfigMapGenerator:\n"
            "  - name: app\n    literals: [COLOUR=red]\n    envs: [app.env]\n"
        ),
        "base/app.env": "MODE=web\n",
        "base/app.yaml": (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
            "      containers:\n        - {name: app, image: acme/app:1, envFrom: [{configMapRef: {name: app}}]}\n"
        ),
    }
    found = {one.name: one.places for one in described(tmp_path, tree).environment}

    what = "from all of the ConfigMap app, for base/app.yaml:8"
    assert found["COLOUR"] == (Given("base/kustomization.yaml", 5, what, "red"),)
    assert Given("base/app.env", 1, what, "web") in found["MODE"]


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("MODE", "web", "web"),
        ("MODE", "", ""),
        ("DATABASE_URL", "postgres://db/shop", "postgres://db/shop"),
        ("DATABASE_URL", "postgres://a:hunter2@db/shop", "***"),
        ("DB_PASSWORD", "x", "***"),
        ("DB_PASSWORD", "${DB_PASSWORD}", "${DB_PASSWORD}"),
        ("SECRET_KEY", "dev", "***"),
        ("OPTIONS", "--password hunter2", "***"),
        ("ID", "kT9vQmZx42LpWb77", "***"),
        ("ID", "0123456789abcdef0123456789abcdef", "***"),
        ("PATH", "/usr/local/bin:/usr/bin", "/usr/local/bin:/usr/bin"),
        ("TEXT", "a\nb " + "c" * 80, "a b " + "c" * 55 + "…"),
    ],
)
def test_a_value_is_shown_unless_it_may_be_a_secret(name: str, value: str, seen: str) -> None:
    assert shown(name, value) == seen


def test_settings_are_the_module_of_django_and_classes(tmp_path: Path) -> None:
    tree = {
        "Dockerfile": (
            'FROM python:3.12\nENV DJANGO_SETTINGS_MODULE=shop.settings.prod\nCMD ["gunicorn", "shop.wsgi"]\n'
        ),
        "shop/wsgi.py": "import os\n",
        "shop/__init__.py": "",
        "shop/settings/__init__.py": "",
        "shop/settings/base.py": "import os\nDEBUG = os.environ.get('DEBUG')\n",
        "shop/settings/prod.py": "from shop.settings.base import *\n",
        "shop/conf.py": (
            "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    api_key: str = 'x'\n"
        ),
    }

    assert described(tmp_path, tree).settings == (
        Named("Settings", (Place("shop/conf.py", 2, "a class that reads the environment"),)),
        Named("shop.settings.prod", (Place("shop/settings/prod.py", 1, "Django's settings module, imports 1 more"),)),
    )


def test_backing_services_are_stores_and_clients(known: Description) -> None:
    assert known.backing == (
        Named("Redis", (Place("app.py", 7, "redis.Redis"),)),
        Named("postgres:16", (Place("compose.yaml", 11, "compose service db"),)),
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
                Place("compose.yaml", 8, "published as 80"),
                Place("deploy.yaml", 8, "container port http"),
            ),
        ),
        Named("9000", (Place("Dockerfile", 3, "EXPOSE"),)),
    )


def test_no_value_is_told(known: Description) -> None:
    assert "hunter2" not in repr(known)
