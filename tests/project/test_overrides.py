"""Compose files over others: who runs what, as far as it is proved."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.project.compose import ComposeFile, by_name, read_compose
from twelvefac.project.facts import FileFacts
from twelvefac.project.overrides import find_bases, with_bases
from twelvefac.project.scan import Scanner
from twelvefac.project.yaml_nodes import read_yaml
from twelvefac.testing import audit_tree

BASE = "services:\n  web:\n    build: .\n    command: gunicorn app:app\n    environment: {A: base, B: base}\n"
PROD = "services:\n  web:\n    command: gunicorn -w 2 app:app\n    environment: {B: prod}\n"
IMAGE = "services:\n  web:\n    image: acme/web:1\n    command: gunicorn -w 2 app:app\n"


def merged(tree: dict[str, str], path: str) -> tuple[str | None, tuple[str, ...] | None, dict[str, str | None]]:
    """The build context, command and environment of the service ``web`` of a file."""
    scanner = Scanner((), ())
    kinds = {"Makefile": "text", "up.sh": "shell", ".github/workflows/ci.yml": "pipeline", ".env": "envfile"}
    files = {name: scanner.scan(name, kinds.get(name, "compose"), text.encode()) for name, text in tree.items()}
    composes = by_name({name: facts.compose for name, facts in files.items() if facts.compose is not None})
    [one] = composes[path].values()
    one = with_bases(path, one, composes, find_bases(files, composes))
    return one.context, one.command, {setting.name: setting.value for setting in one.environment}


def make(options: str) -> dict[str, str]:
    return {"Makefile": f"up:\n\tdocker compose {options} up\n"}


OVER = ("", ("gunicorn", "-w", "2", "app:app"), {"A": "base", "B": "prod"})
ALONE: tuple[None, tuple[str, ...], dict[str, str | None]] = (None, ("gunicorn", "-w", "2", "app:app"), {})
LIVE = "compose.live.yaml"
WORKFLOW = "jobs:\n  a:\n    steps:\n      - run: |\n          docker compose -f compose.yaml -f compose.live.yaml up\n"
PAIR = {"compose.yaml": BASE, "compose.live.yaml": IMAGE}
TOGETHER = ("", ("gunicorn", "-w", "2", "app:app"), {"A": "base", "B": "base"})


@pytest.mark.parametrize(
    ("tree", "path", "found"),
    [
        ({"compose.yaml": BASE, "compose.override.yaml": PROD}, "compose.override.yaml", OVER),
        ({"docker-compose.yml": BASE, "docker-compose.prod.yml": PROD}, "docker-compose.prod.yml", OVER),
        ({"a/compose.yaml": BASE, "compose.prod.yaml": PROD}, "compose.prod.yaml", (None, OVER[1], {"B": "prod"})),
        ({"compose.yaml": BASE, "compose.override.yaml": IMAGE}, "compose.override.yaml", TOGETHER),
        (PAIR, LIVE, ALONE),
        (PAIR | make("-f compose.yaml -f compose.live.yaml"), LIVE, TOGETHER),
        (PAIR | make("-f compose.yaml \\\n\t  --file=compose.live.yaml"), LIVE, TOGETHER),
        (PAIR | make("-f compose.live.yaml -f compose.yaml"), LIVE, ALONE),
        (PAIR | make("-f compose.yaml -f gone.yaml -f compose.live.yaml"), LIVE, ALONE),
        (PAIR | {"up.sh": "docker-compose -f ./compose.yaml -f ./compose.live.yaml up\n"}, LIVE, TOGETHER),
        (PAIR | {".github/workflows/ci.yml": WORKFLOW}, LIVE, TOGETHER),
        (PAIR | {".env": "COMPOSE_FILE=compose.yaml:compose.live.yaml\n"}, LIVE, TOGETHER),
    ],
)  # fmt: skip
def test_what_a_service_is_put_over(
    tree: dict[str, str], path: str, found: tuple[str | None, tuple[str, ...] | None, dict[str, str | None]]
) -> None:
    assert merged(tree, path) == found


def processes(folder: Path, tree: dict[str, str]) -> list[tuple[str, int, bool, tuple[str, ...]]]:
    from twelvefac import rules
    from twelvefac.audit.engine import AuditOptions, audit
    from twelvefac.audit.registry import load_rules
    from twelvefac.testing import _DAY

    audit_tree(tree, (), folder)
    report = audit(str(folder), load_rules(rules)[:1], AuditOptions(today=_DAY, version="test", describe=True))
    [service] = report.services
    assert service.description is not None
    return [(one.place.path, one.place.line, one.released, one.argv) for one in service.description.processes]


def test_the_production_file_over_the_main_one_is_what_ships(tmp_path: Path) -> None:
    tree = {"Dockerfile": "FROM python:3.12\n", "app.py": "", "compose.yaml": BASE, "compose.prod.yaml": PROD}

    assert processes(tmp_path, tree) == [
        ("compose.prod.yaml", 3, True, ("gunicorn", "-w", "2", "app:app")),
        ("compose.yaml", 4, False, ("gunicorn", "app:app")),
    ]


def test_an_override_is_for_developers(tmp_path: Path) -> None:
    reload = "services:\n  web:\n    command: uvicorn --reload app:app\n"
    tree = {"Dockerfile": "FROM python:3.12\n", "app.py": "", "compose.yaml": BASE, "compose.override.yaml": reload}

    assert processes(tmp_path, tree) == [
        ("compose.override.yaml", 3, False, ("uvicorn", "--reload", "app:app")),
        ("compose.yaml", 4, True, ("gunicorn", "app:app")),
    ]


NAMES = st.sampled_from(["compose.yaml", "compose.override.yaml", "compose.prod.yml", "x/compose.yaml", "live.yaml"])


@given(
    st.dictionaries(NAMES, st.sampled_from([BASE, PROD, IMAGE, "services: {web: {extends: web}}", "services: []"])),
    st.lists(NAMES, max_size=5),
)
def test_any_files_over_any_others_end(tree: dict[str, str], chain: list[str]) -> None:
    composes: dict[str, ComposeFile] = {
        path: read_compose(path, document) for path, text in tree.items() for document in read_yaml(text)
    }
    line = " ".join(f"-f {one}" for one in chain)
    files = {"Makefile": FileFacts(text=f"docker compose {line} up")} | {
        path: FileFacts(compose=one) for path, one in composes.items()
    }
    named = by_name(composes)
    bases = find_bases(files, named)

    for path, file in composes.items():
        for one in file.services:
            assert with_bases(path, one, named, bases).name == one.name
