"""A secret that the audit finds is printed nowhere."""

import json
import random
import re
import string
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.example import read_tree
from twelvefac.audit.registry import load_rules
from twelvefac.report.formats import format_names, renderer
from twelvefac.report.view import View

CATALOGUE = load_rules(rules)
SECRET_RULES = [rule for rule in CATALOGUE if "secret" in rule.name or "env-file" in rule.name]
OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1", describe=True)


def outputs(root: Path) -> dict[str, str]:
    """The report in every format, and how many findings it has."""
    report = audit(str(root), CATALOGUE, OPTIONS)
    assert report.new
    assert not report.errored
    texts = {name: renderer(name, "")(report, View(color=name == "text")) for name in format_names()}
    log = json.loads(texts["sarif"])
    del log["runs"][0]["tool"]["driver"]["rules"]  # the rules' own pages show bad code on purpose
    return texts | {"sarif": json.dumps(log)}


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@dataclass(frozen=True)
class Place:
    """Where a secret may stand; ``{}`` is the secret."""

    path: str
    text: str


PLACES = [
    Place("app.py", "DB_PASSWORD = '{}'\n"),
    Place("app.py", "def f():\n    connect(password='{}')\n"),
    Place("app.py", "OPTIONS = {{'api_key': '{}'}}\n"),
    Place("app.py", "app.secret_key = '{}'\n"),
    Place("app.py", "import os\nKEY = os.getenv('SECRET_KEY', '{}')\n"),
    Place("app.py", "import os\nKEY = os.environ.get('API_TOKEN') or '{}'\n"),
    Place("app.py", "URL = 'postgresql://app:{}@db.prod.example.com/app'\n"),
    Place("app.py", "import redis\nc = redis.Redis.from_url('redis://:{}@cache.example.com/0')\n"),
    Place("app.py", "from sqlalchemy import create_engine\ne = create_engine('mysql://a:{}@db.example.com/a')\n"),
    Place("app.py", "import requests\nrequests.get('https://u:{}@api.example.com/')\n"),
    Place("app.py", "class Settings(BaseSettings):\n    jwt_secret: str = '{}'\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nENV DB_PASSWORD={}\nCMD python app.py\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nARG API_TOKEN={}\nCMD python app.py\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nCMD gunicorn --password {} app:app\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nCMD DB_PASSWORD={} gunicorn app:app\n"),
    Place("Dockerfile", 'FROM python:3.12-slim\nCMD ["flask", "run", "--password={}"]\n'),
    Place("Dockerfile", "FROM python:3.12-slim\nCMD python migrate.py && exec gunicorn --api-key='{}' app:app\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nCMD exec gunicorn --dsn postgres://a:{}@db.example.com/x app:app\n"),
    Place("Procfile", "web: gunicorn --api-key {} app:app\n"),
    Place("compose.yaml", "services:\n  web:\n    build: .\n    environment:\n      DB_PASSWORD: {}\n"),
    Place(
        "compose.prod.yaml",
        "services:\n  web:\n    build: .\n    environment: ['DATABASE_URL=postgres://a:{}@db.x.com/a']\n",
    ),
    Place("compose.yaml", "services:\n  web:\n    build: .\n    command: gunicorn --password {} app:app\n"),
    Place(
        "k8s.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n"
        "  template:\n    spec:\n      containers:\n"
        "        - name: a\n          image: a:latest\n          env:\n            - name: DB_PASSWORD\n"
        "              value: '{}'\n",
    ),
    Place("k8s.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  password: '{}'\n"),
    Place(".env", "DB_PASSWORD={}\n"),
    Place("start.sh", "#!/bin/sh\nexport DB_PASSWORD={}\ngunicorn app:app\n"),
    Place("start.sh", "#!/bin/sh\nDB_PASSWORD={} gunicorn --password {} app:app\n"),
    Place("requirements.txt", "--index-url https://bot:{}@pypi.acme.io/simple\nrequests\n"),
    Place("requirements.txt", "requests @ git+https://bot:{}@git.acme.io/requests\n"),
    Place("requirements.txt", "-e git+https://bot:{}@git.acme.io/shop\n"),
    Place("requirements.txt", "-r https://bot:{}@git.acme.io/requirements.txt\n"),
    Place("Pipfile", '[[source]]\nurl = "https://bot:{}@pypi.acme.io/simple"\n[packages]\nrequests = "*"\n'),
    Place(
        "pyproject.toml",
        '[tool.poetry.dependencies]\nrequests = {{git = "https://bot:{}@git.acme.io/requests"}}\n',
    ),
    Place("Procfile", "web: DB_PASSWORD={} gunicorn app:app\n"),
    Place("Procfile", "web: gunicorn postgres://a:{}@db.acme.io/a app:app\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nRUN pip install -i https://bot:{}@pypi.acme.io/simple a\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nRUN pip install git+https://bot:{}@git.acme.io/a\n"),
    Place("Dockerfile", "FROM https://bot:{}@acme.io/python\nCMD python app.py\n"),
    Place("compose.yaml", "services:\n  web:\n    image: https://bot:{}@acme.io/web\n"),
    Place(
        "k8s.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n"
        "  template:\n    spec:\n      containers:\n"
        "        - name: a\n          image: a:latest\n          command: [gunicorn]\n"
        "          args: ['--password', '{}', '--dsn=postgres://a:{}@db.acme.io/a']\n",
    ),
    Place(".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    steps:\n      - run: pip install {}\n"),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.path}: {place.text[:40]!r}")
def test_it_stands_in_no_report_wherever_it_is_found(tmp_path: Path, place: Place) -> None:
    chosen = random.Random(place.text)
    for number in range(3):
        secret = "".join(chosen.choices(string.ascii_letters, k=12)) + "".join(chosen.choices(string.digits, k=4))
        root = tmp_path / str(number)
        write(root, "app.py", "import requests\nrequests.get('x')\n")
        if place.path != "Dockerfile":
            write(root, "Dockerfile", "FROM python\nCOPY . .\nENTRYPOINT ./start.sh\n")
        write(root, place.path, place.text.replace("{}", secret).replace("{{", "{").replace("}}", "}"))

        for name, text in outputs(root).items():
            assert secret not in text, name


def literals(line: str) -> list[str]:
    """Strings on a line that may be a secret: quoted, or what follows = or a colon; not the names of variables."""
    found = re.findall(r"[\"']([^\"']{6,})[\"']", line) + re.findall(r"[=:] ?([^\s\"']{6,})", line)
    return [one for one in found if not re.fullmatch(r"[A-Z][A-Z0-9_]*|[a-z_]+|Bearer.*|[\w.]+\(.*|.*[<$(].*", one)]


@pytest.mark.parametrize("rule", SECRET_RULES, ids=lambda rule: rule.name)
def test_none_of_the_examples_is_printed(tmp_path: Path, rule: object) -> None:
    from twelvefac.audit.rule import Rule

    assert isinstance(rule, Rule)
    checked = 0
    for number, example in enumerate(rule.examples):
        tree = read_tree(example.source)
        if not tree.expected or tree.untracked:
            continue
        root = tmp_path / str(number)
        for path, text in tree.files.items():
            write(root, path, text)
        printed = outputs(root)
        for _, path, line in tree.expected:
            for literal in literals(tree.files[path].split("\n")[line - 1]):
                checked += 1
                for name, text in printed.items():
                    assert literal not in text, (name, path, line)
    assert checked or rule.name == "committed-env-file"


BROKEN = [
    Place("Dockerfile", "FROM python:3.12-slim\nENV A=1\nDB_PASSWORD={}\n"),
    Place("Dockerfile", "FROM python:3.12-slim\nRUN a\n{}\n"),
    Place("Dockerfile", "ENV DB_PASSWORD={}\nFROM python:3.12-slim\n"),
    Place("compose.yaml", "services:\n  web:\n    environment:\n      PASSWORD: '{}\n"),
    Place("compose.yaml", "services: [*{}\n"),
    Place("compose.yaml", "services: !{}!a {{\n"),
    Place("compose.yaml", "%{} a\nservices: [\n"),
    Place("compose.yaml", "a: &{} &{} b\n"),
    Place("k8s.yaml", "apiVersion: v1\nkind: Secret\nstringData: {{a: {}\n"),
    Place("pyproject.toml", "[project]\nname = {}\n"),
    Place("pyproject.toml", "[project]\n{} = 1\n{} = 2\n"),
    Place("Pipfile", "[{}]\n[{}]\n"),
    Place("Pipfile", "[packages\n{}\n"),
    Place("secret.py", "PASSWORD = '{}\n"),
    Place("secret.py", "PASSWORD = {}!\n"),
    Place("secret.py", "# -*- coding: {} -*-\n"),
    Place("secret.py", "PASSWORD = '\\N{{{}}}'\n"),
    Place("secret.py", "def f({}, {}): pass\nreturn = {}\n"),
    Place("secret.py", "PASSWORD = f'{{{} {}}}'\n"),
    Place("secret.py", "f({}=1, {}=2)\n"),
]
"""Files that no reader can read: a parser's own words quote some of them."""


@pytest.mark.parametrize("place", BROKEN, ids=lambda place: f"{place.path}: {place.text[:40]!r}")
def test_a_file_that_cannot_be_read_is_not_quoted(tmp_path: Path, place: Place) -> None:
    secret = "hunter2Tr0ub4dor"
    write(tmp_path, "app.py", "import requests\nrequests.get('x')\n")
    write(tmp_path, place.path, place.text.replace("{}", secret).replace("{{", "{").replace("}}", "}"))

    report = audit(str(tmp_path), CATALOGUE, OPTIONS)

    for name in format_names():
        assert secret.lower() not in renderer(name, "")(report, View()).lower(), name
