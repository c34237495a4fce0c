"""The audit step of the generated pipelines: its script as a runner starts it, with and without what it installs."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from twelvefac.app.new import NewRequest, new_service

FINDING = 'DB_PASSWORD = "Tr0ub4dor&3"\n'


def script(folder: Path, ci: str) -> tuple[list[str], Any]:
    """The shell and the words that it gets for the step, as the runner's manual says; and its job."""
    if ci == "github":
        job = yaml.safe_load((folder / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]["audit"]
        (step,) = [step for step in job["steps"] if "run" in step]
        assert step["env"] == {"TWELVEFAC": "${{ vars.TWELVEFAC }}"}
        assert "${{" not in step["run"]
        return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], job
    job = yaml.safe_load((folder / ".gitlab-ci.yml").read_text("utf-8"))["audit"]
    return ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], job


@pytest.fixture(params=["github", "gitlab"])
def ci(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(ci: str, tmp_path: Path) -> Path:
    folder = tmp_path / "my-orders"
    new_service(NewRequest(str(folder), {"ci": ci}, git=False))
    return folder


@pytest.fixture
def run(ci: str, folder: Path, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run the step with a value of the variable."""
    words, _ = script(folder, ci)
    places = {"RUNNER_TEMP": str(tmp_path / "runner"), "CI_BUILDS_DIR": str(tmp_path / "runner")}
    (tmp_path / "runner").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("python", "python3"):
        (tmp_path / "bin" / name).symlink_to(sys.executable)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def run(twelvefac: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **places, "PATH": path, "TWELVEFAC": twelvefac}
        return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


def test_without_the_variable_it_says_so_and_installs_nothing(
    ci: str, tmp_path: Path, run: Callable[[str], subprocess.CompletedProcess[str]]
) -> None:
    result = run("")

    assert (result.returncode, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    assert line.startswith("::notice title=Nothing was audited::" if ci == "github" else "Nothing was audited. ")
    assert "TWELVEFAC" in line
    assert list((tmp_path / "runner").iterdir()) == []


def test_on_github_one_file_names_the_image_of_a_server(tmp_path: Path) -> None:
    """Dependabot changes those of compose, and none that a workflow starts beside a job."""
    folder = tmp_path / "my-orders"
    new_service(NewRequest(str(folder), {"ci": "github", "database": "postgres"}, git=False))
    texts = {path.name: path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in {".yml", ".yaml"}}

    assert [name for name, text in texts.items() if "image: postgres:" in text] == ["compose.postgres.yaml"]
    steps = yaml.safe_load(texts["ci.yml"])["jobs"]["check"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [
        "docker compose up --detach --wait postgres || { docker compose logs postgres; exit 1; }",
        "make lint",
        "TEST_DATABASE_URL=postgresql://postgres@localhost:5432/postgres make test",
    ]


@pytest.mark.e2e
def test_it_runs_what_the_variable_names(
    ci: str, repository: Path, folder: Path, tmp_path: Path, run: Callable[[str], subprocess.CompletedProcess[str]]
) -> None:
    wheel: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path]
    subprocess.run([*wheel, repository], check=True)
    (built,) = tmp_path.glob("twelvefac-*.whl")

    result = run(str(built))
    assert result.returncode == 0, result.stdout + result.stderr

    with (folder / "src/my_orders/routes/info.py").open("a", encoding="utf-8") as routes:
        routes.write(FINDING)
    result = run(str(built))
    assert result.returncode == 1, result.stdout + result.stderr
    if ci == "github":
        assert re.search(r"^::\w+ file=src/my_orders/routes/info.py,line=", result.stdout, re.MULTILINE)
    else:
        _, job = script(folder, ci)
        report = json.loads((folder / job["artifacts"]["reports"]["codequality"]).read_text("utf-8"))
        assert [one["check_name"] for one in report] == ["hardcoded-secret"]
        assert job["artifacts"]["when"] == "always"


@pytest.mark.e2e
def test_the_variable_is_one_word_whatever_is_in_it(
    folder: Path, run: Callable[[str], subprocess.CompletedProcess[str]]
) -> None:
    result = run('--help " && touch ran && $(touch ran)')

    assert result.returncode == 1
    assert "Invalid requirement: '--help " in result.stderr
    assert not (folder / "ran").exists()
