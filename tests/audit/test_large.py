"""A large repository: the work grows with the files, whatever grows in number.

Calls are counted, not seconds, so that a busy machine fails nothing. 100 000 files themselves (60 000 of Python, 100
services, 30 folders deep): 12.9 s of CPU, 168 MiB.
"""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import FrameType

import pytest

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.registry import load_rules
from twelvefac.audit.result import AuditReport

CATALOGUE = load_rules(rules)
OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1")
IMAGE = 'FROM python:3.12-slim\nCOPY . /app\nCMD ["gunicorn", "-b", "0.0.0.0:8000", "app.main:app"]\n'
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: s{n}}}
spec:
  replicas: 2
  template:
    metadata: {{labels: {{app: s{n}}}}}
    spec: {{containers: [{{name: s{n}, image: "r/s{n}:1.0", args: [gunicorn, "app.main:app"]}}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: s{n}}}
spec: {{scaleTargetRef: {{kind: Deployment, name: s{n}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: s{n}}}
spec: {{selector: {{app: s{n}}}, ports: [{{port: 80, targetPort: 8000}}]}}
"""

Files = dict[str, str]


def services(count: int) -> Files:
    found: Files = {}
    for n in range(count):
        found |= {
            f"s{n}/Dockerfile": IMAGE,
            f"s{n}/app/main.py": "from flask import Flask\napp = Flask(__name__)\n",
            f"s{n}/requirements.txt": "flask==3.0\n",
            f"s{n}/compose.yaml": f"services:\n  s{n}: {{build: ., command: gunicorn app.main:app, env_file: .env}}\n",
            f"s{n}/.env": "DB_PASSWORD=Tr0ub4dor3x\n",
            f"s{n}/k8s.yaml": WORKLOAD.format(n=n),
        }
    return found


def manifests(count: int) -> Files:
    found: Files = {}
    for n in range(count):
        found |= {
            f"s{n}/a.py": "import flask\n",
            f"s{n}/requirements.txt": "flask\n",
            f"s{n}/Procfile": "web: python a.py",
        }
    return found


def one_compose_file(count: int) -> Files:
    found: Files = {}
    for n in range(count):
        found |= {f"s{n}/a.py": "", f"s{n}/Dockerfile": "FROM python:3.12-slim\nCMD python a.py\n"}
    entries = "".join(f"  s{n}: {{build: ./s{n}, command: python a.py, depends_on: [s0]}}\n" for n in range(count))
    return found | {"compose.yaml": f"services:\n{entries}"}


def resources_of_one_service(count: int) -> Files:
    found = {"Dockerfile": IMAGE, "app/main.py": "import flask\n"}
    return found | {f"k8s/{n}.yaml": WORKLOAD.format(n=n) for n in range(count)}


def a_flat_folder(count: int) -> Files:
    found = {"Dockerfile": "FROM python:3.12-slim\nCMD python m0.py\n"}
    return found | {f"m{n}.py": f"import m{n + 1}\nimport requests\nprint(requests.get('x'))\n" for n in range(count)}


def a_deep_folder(count: int) -> Files:
    found = {"Dockerfile": "FROM python:3.12-slim\nCMD python m.py\n"}
    for n in range(count):
        folder = "d/" * n
        found |= {f"{folder}__init__.py": "", f"{folder}m.py": "import requests\nrequests.get('x')\n"}
    return found


def scripts(count: int) -> Files:
    found = {"Dockerfile": 'FROM python:3.12-slim\nCOPY s0.sh /run.sh\nCMD ["/run.sh"]\n', "m.py": ""}
    return found | {f"s{n}.sh": "#!/bin/sh\nexec python m.py\n" for n in range(count)}


def counted(root: Path, files: Files) -> tuple[int, AuditReport]:
    """The calls, of Python and of C, that an audit makes."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        report = audit(str(root), CATALOGUE, OPTIONS)
    finally:
        sys.setprofile(before)
    return count, report


@pytest.mark.parametrize(
    ("shape", "unit", "limit"),
    [
        (services, 40, 5),
        (manifests, 60, 5),
        (one_compose_file, 60, 5),
        (resources_of_one_service, 40, 5),
        (a_flat_folder, 60, 5),
        (a_deep_folder, 60, 8),  # its paths together are sixteen times as long
        (scripts, 60, 5),
    ],
)
def test_four_times_the_files_take_four_times_the_work(
    tmp_path: Path, shape: Callable[[int], Files], unit: int, limit: int
) -> None:
    counted(tmp_path / "first", shape(3))  # imports and compiles what the count must not hold

    few, _ = counted(tmp_path / "few", shape(unit))
    many, report = counted(tmp_path / "many", shape(4 * unit))

    assert report.files >= 4 * unit
    assert not report.errored
    assert many < limit * few


def test_every_file_of_several_thousands_is_judged(tmp_path: Path) -> None:
    found: Files = {}
    for n in range(40):
        deep = "/".join(f"d{depth}" for depth in range(n))
        found |= {f"s{n}/Dockerfile": IMAGE, f"s{n}/{deep}/app.py": "import requests\nrequests.get('x')\n"}
        found |= {f"s{n}/pkg/m{number}.py": "x = 1\n" for number in range(60)}
        found |= {f"s{n}/data/d{number}.json": "{}\n" for number in range(40)}
    _, report = counted(tmp_path, found)

    assert (len(report.services), report.files, report.notices) == (40, 40 * 62, ())
    assert len([one for one in report.new if one.finding.rule == "no-timeout"]) == 40
