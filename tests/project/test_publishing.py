"""Which image is the one that is deployed, and that nothing is of high severity without a sign of it."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.audit.rule import HIGH, MEDIUM, Severity
from twelvefac.project.publishing import published
from twelvefac.project.scan import Scanner
from twelvefac.testing import audit_tree

DOCKERFILES = ("Dockerfile", "docker/worker/Dockerfile", "services/api/Dockerfile", "services/api/Dockerfile.alpine")
PUSHED = "      - uses: docker/build-push-action@v6\n"
STEPS = "jobs:\n  image:\n    steps:\n"


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (STEPS + PUSHED, {"Dockerfile"}),
        (STEPS + PUSHED + "        with: {context: services/api}\n", {"services/api/Dockerfile"}),
        (
            STEPS + PUSHED + "        with: {file: ./docker/worker/Dockerfile, context: .}\n",
            {"docker/worker/Dockerfile"},
        ),
        (
            STEPS + "      - run: |\n          docker build -t x services/api\n          docker push x\n",
            {"services/api/Dockerfile"},
        ),
        (
            STEPS + "      - run: |\n          docker buildx build \\\n            -f api/Dockerfile.alpine --push .\n",
            {"services/api/Dockerfile.alpine"},
        ),
        (STEPS + "      - run: docker build -t x .\n", set()),  # nothing is published
        (STEPS + PUSHED + "        with: {file: '${{ matrix.file }}'}\n", set()),
        ("", set()),
    ],
)
def test_what_a_pipeline_publishes(pipeline: str, expected: set[str]) -> None:
    path = ".github/workflows/image.yml"

    assert published({path: Scanner((), ()).scan(path, "pipeline", pipeline.encode())}, DOCKERFILES) == expected


LOST = "FROM python:3.12-slim\nCMD gunicorn -b 0.0.0.0:$PORT app:app\n"
KEPT = 'FROM python:3.12-slim\nCMD ["gunicorn", "app:app"]\n'
PUBLISH = STEPS + PUSHED + "        with: {file: images/app/Dockerfile}\n"


def lost(folder: Path, **files: str) -> list[tuple[str, Severity]]:
    tree = {"app.py": "", **{name.replace("__", "/"): text for name, text in files.items()}}
    found = audit_tree(tree, load_rules(rules), folder, only="signal-lost").new
    return [(one.finding.primary.path, one.finding.severity) for one in found]


def test_the_only_image_is_taken_to_be_what_is_deployed(tmp_path: Path) -> None:
    assert lost(tmp_path, Dockerfile=LOST) == [("Dockerfile", HIGH)]


def test_of_several_images_none_is_known_to_be_deployed(tmp_path: Path) -> None:
    assert lost(tmp_path, images__app__Dockerfile=LOST, images__job__Dockerfile=KEPT) == [
        ("images/app/Dockerfile", MEDIUM)
    ]


def test_nor_is_the_image_of_a_service_that_has_others_beside_it_or_that_systemd_starts(tmp_path: Path) -> None:
    two = {"web__Dockerfile": LOST, "web__app.py": "", "job__Dockerfile": KEPT, "job__app.py": ""}
    unit = {"Dockerfile": LOST, "deployment__shop.service": "[Service]\nExecStart=gunicorn app:app\n"}

    assert lost(tmp_path / "two", **two) == [("web/Dockerfile", MEDIUM)]
    assert lost(tmp_path / "unit", **unit) == [("Dockerfile", MEDIUM)]


def test_a_command_that_the_deployment_replaces_runs_nowhere(tmp_path: Path) -> None:
    base = "services:\n  web:\n    build: .\n"
    production = "services:\n  web:\n    command: gunicorn -b 0.0.0.0:5000 app:app\n"
    job = "  job:\n    build: .\n"
    files = {"Dockerfile": LOST, "docker-compose.yml": base, "docker-compose-production.override.yml": production}

    assert lost(tmp_path / "one", **files) == []
    files["docker-compose-production.override.yml"] += job
    assert lost(tmp_path / "two", **files) == [("Dockerfile", HIGH)]


def test_the_one_that_a_pipeline_publishes_is(tmp_path: Path) -> None:
    files = {"images__app__Dockerfile": LOST, "images__job__Dockerfile": LOST, ".github__workflows__i.yml": PUBLISH}

    assert lost(tmp_path, **files) == [("images/app/Dockerfile", HIGH)]


def test_what_a_platform_signals_is_not_told_by_a_procfile(tmp_path: Path) -> None:
    files = {"Procfile": "web: ./web.sh\n", "web.sh": "#!/bin/sh\ngunicorn app:app\n"}

    assert lost(tmp_path, **files) == [("web.sh", MEDIUM)]


def test_a_store_with_a_change_runs_none_of_the_services_scripts(tmp_path: Path) -> None:
    store = 'FROM postgres:16\nCOPY init.sql /docker-entrypoint-initdb.d/\nENTRYPOINT ["docker-entrypoint.sh"]\n'
    files = {"docker__db__Dockerfile": store, "docker__docker-entrypoint.sh": "#!/bin/sh\ngunicorn app:app\n"}

    assert lost(tmp_path, **files) == []


def test_a_stand_in_of_the_developers_stack_is_none_of_the_images(tmp_path: Path) -> None:
    stack = "services:\n  peer:\n    build: ./docker/peer\n"
    files = {"Dockerfile": KEPT, "docker__peer__Dockerfile": LOST, "docker-compose.yml": stack}

    assert lost(tmp_path, **files) == []


def test_a_weak_word_for_a_key_is_no_proof_of_a_secret(tmp_path: Path) -> None:
    tree = {"Dockerfile": KEPT, "app.py": "SECRET_KEY = 'a secret'\n"}
    strong = {"Dockerfile": KEPT, "app.py": "SECRET_KEY = 'k9Lq2zXw8vRt5nYb3mPd'\n"}

    found = [
        [one.finding.severity for one in audit_tree(files, load_rules(rules), tmp_path, only="hardcoded-secret").new]
        for files in (tree, strong)
    ]
    assert found == [[MEDIUM], [HIGH]]
