"""`audit`: formats, files, width; the exit code is the same whatever is printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_terminal import talk
from report_samples import SHOP

LONG_LINE = (
    "    the value of DB_PASSWORD is in the code: everybody who can read the repository or the image has\n    it\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in SHOP.items():
        (tmp_path / "shop").mkdir(exist_ok=True)
        (tmp_path / "shop" / name).write_text(text)
    return tmp_path


def audit(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twelvefac", "audit", "--rule", "hardcoded-secret", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["text", "json", "sarif", "github", "gitlab"])
@pytest.mark.parametrize(("threshold", "code"), [("high", 1), ("never", 0)])
def test_the_exit_code_does_not_depend_on_the_format(folder: Path, name: str, threshold: str, code: int) -> None:
    result = audit(folder, "shop", "--format", name, "--fail-on", threshold)

    assert result.returncode == code
    assert "DB_PASSWORD" in result.stdout
    assert result.stderr == ""


def test_files_are_written_beside_what_is_printed(folder: Path) -> None:
    result = audit(folder, "shop", "--output", "sarif:a.sarif", "--output", "json:b.json", "--output", "text:c:d.txt")

    assert result.returncode == 1
    assert result.stdout == (folder / "c:d.txt").read_text()
    assert [one["rule"] for one in json.loads((folder / "b.json").read_text())["findings"]] == ["hardcoded-secret"]
    [run] = json.loads((folder / "a.sarif").read_text())["runs"]
    # paths are counted from the folder that the command runs in, where there is no git
    assert [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]] == [
        "shop/shop.py",
        "shop/shop.py",
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["a.sarif", "b.json", "c:d.txt", "shop"]


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_is_not_replaced(folder: Path, kind: str) -> None:
    if kind == "pipe":  # as /dev/null is: root, as in many a container, could rename over it
        os.mkfifo(folder / "out")
    else:  # as /dev/stdout is
        (folder / "out").symlink_to("elsewhere")
    before = (folder / "out").lstat()

    result = audit(folder, "shop", "--output", "json:out")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: cannot write out: it is no file\n  --format prints a report to stdout\n"
    assert (folder / "out").lstat().st_ino == before.st_ino
    assert sorted(path.name for path in folder.iterdir()) == ["out", "shop"]


@pytest.mark.parametrize("where", ["shop", "."])
def test_paths_are_those_of_the_repository(folder: Path, where: str) -> None:
    (folder / "repository").mkdir()
    (folder / "shop").rename(folder / "repository" / "shop")
    subprocess.run(["git", "init", "--quiet", folder / "repository"], check=True)

    result = audit(folder / "repository" / ("" if where == "shop" else "shop"), where, "--format", "gitlab")

    assert [one["location"]["path"] for one in json.loads(result.stdout)] == ["shop/shop.py"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--format", "xml", "--format xml: must be one of github, gitlab, json, sarif, text"),
        ("--output", "xml:a", "--output xml: must be one of github, gitlab, json, sarif, text"),
        ("--output", "sarif", "--output sarif: must be FORMAT:FILE, as in sarif:twelvefac.sarif"),
        ("--output", "sarif:", "--output sarif:: must be FORMAT:FILE, as in sarif:twelvefac.sarif"),
        ("--output", "sarif:no/such/folder", "cannot write no/such/folder: No such file or directory"),
    ],
)
def test_a_wrong_value_is_one_line_and_nothing_is_printed(folder: Path, option: str, value: str, message: str) -> None:
    result = audit(folder, "shop", option, value)

    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"error: {message}\n")


@pytest.mark.parametrize("second", ["a.json", "./a.json", "shop/../a.json"])
def test_two_reports_into_one_file_are_refused(folder: Path, second: str) -> None:
    result = audit(folder, "shop", "--output", "json:a.json", "--output", f"sarif:{second}")

    said = "error: --output: a.json is given twice; the second report would replace the first\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", said)
    assert sorted(path.name for path in folder.iterdir()) == ["shop"]


@pytest.mark.parametrize("format_", ["sarif", "github", "gitlab"])
def test_a_format_that_cannot_show_services_is_refused(folder: Path, format_: str) -> None:
    result = audit(folder, "shop", "--show-services", "--format", format_)
    said = f"error: --show-services: {format_} cannot show them; add --format or --output text or json\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", said)

    result = audit(folder, "shop", "--show-services", "--format", format_, "--output", "json:b.json")
    assert (result.returncode, result.stderr) == (1, "")
    assert json.loads((folder / "b.json").read_text())["services"][0]["processes"]


def test_a_file_is_replaced_whole(folder: Path) -> None:
    (folder / "a.json").write_text("x" * 100_000)

    audit(folder, "shop", "--output", "json:a.json")

    assert json.loads((folder / "a.json").read_text())["version"] == 1


def test_lines_break_at_100_columns_in_a_pipe(folder: Path) -> None:
    assert LONG_LINE in audit(folder, "shop").stdout


def test_columns_is_honoured(folder: Path) -> None:
    assert LONG_LINE.replace("\n    it", " it") in audit(folder, "shop", COLUMNS="200").stdout
    assert LONG_LINE in audit(folder, "shop", COLUMNS="wide").stdout


def test_on_a_terminal_results_and_errors_are_apart(folder: Path) -> None:
    command = [sys.executable, "-m", "twelvefac", "audit", "shop", "--output", "sarif"]

    code, out, shown = talk(command, folder, [])

    assert (code, out) == (2, "")
    assert shown == "error: --output sarif: must be FORMAT:FILE, as in sarif:twelvefac.sarif\n"


def test_the_model_is_shown_in_text_and_json(folder: Path) -> None:
    (folder / "shop" / "Dockerfile").write_text(
        "FROM python:3.12-slim\nENV MODE=web\nEXPOSE 8000\nCOPY shop.py ./\n"
        'CMD ["gunicorn", "--bind", "0.0.0.0:8000", "shop:app"]\n'
    )
    text = audit(folder, "shop", "--show-services").stdout
    [service] = json.loads(audit(folder, "shop", "--show-services", "--format", "json").stdout)["services"]

    assert text.splitlines()[:10] == [
        "shop  .",
        "  image       Dockerfile  from python:3.12-slim, 1 stage",
        "  ships       Dockerfile  1 file",
        "              COPY shop.py ./  Dockerfile:4, 1 file",
        "  process     image  Dockerfile:5 (dockerfile)",
        "              PID 1: gunicorn --bind 0.0.0.0:8000 shop:app",
        "              1. gunicorn --bind 0.0.0.0:8000 shop:app  Dockerfile:5 (last)",
        "  server      gunicorn on 0.0.0.0, 8000  Dockerfile:5 started by image",
        "  environment MODE  Dockerfile:2 set by the image (web)",
        "  exposes     8000  Dockerfile:3 EXPOSE",
    ]
    argv = ["gunicorn", "--bind", "0.0.0.0:8000", "shop:app"]
    assert service == {
        "name": "shop",
        "root": ".",
        "undecided": [],
        "images": [{"path": "Dockerfile", "base": "python:3.12-slim", "stages": 1, "released": True}],
        "shipped": [
            {
                "path": "Dockerfile",
                "context": ".",
                "copies": [{"text": "COPY shop.py ./", "path": "Dockerfile", "line": 4, "files": 1}],
                "ignore": None,
                "left_out": 0,
                "files": ["shop.py"],
            }
        ],
        "processes": [
            {
                "name": "image",
                "source": "dockerfile",
                "released": True,
                "path": "Dockerfile",
                "line": 5,
                "argv": argv,
                "steps": [{"argv": argv, "path": "Dockerfile", "line": 5, "block": "", "role": "last"}],
            }
        ],
        "servers": [
            {
                "name": "gunicorn on 0.0.0.0, 8000",
                "places": [{"path": "Dockerfile", "line": 5, "what": "started by image"}],
            }
        ],
        "settings": [],
        "environment": [
            {
                "name": "MODE",
                "places": [{"path": "Dockerfile", "line": 2, "what": "set by the image", "value": "web"}],
            }
        ],
        "backing_services": [],
        "exposures": [{"name": "8000", "places": [{"path": "Dockerfile", "line": 3, "what": "EXPOSE"}]}],
    }


def test_what_is_not_decided_for_one_reason_is_said_once(folder: Path) -> None:
    for name in "abc":
        (folder / "shop" / f"{name}.yaml").write_text("apiVersion: v1\nkind: {{ .Values.kind }}\n")

    lines = [line for line in audit(folder, "shop", "--show-services").stdout.split("\n") if "not decided" in line]

    assert lines == [
        "  not decided a.yaml:1 and 2 more: not judged: a template, whose values are only known when it is",
    ]
