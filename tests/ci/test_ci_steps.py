"""The ready-made steps: what they declare, what their scripts do, and what the README says of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

BIN = Path(sys.executable).parent
SERVICE = {"Dockerfile": "FROM python:3.12-slim\nCMD python app.py\n", "app.py": 'DB_PASSWORD = "Tr0ub4dor&3"\n'}


@pytest.fixture
def service(tmp_path: Path) -> Path:
    folder = tmp_path / "my service"
    folder.mkdir()
    for name, text in SERVICE.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def action(repository: Path) -> Any:
    return yaml.safe_load((repository / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def gitlab(repository: Path) -> tuple[Any, str]:
    """The inputs of the job, and the job as text."""
    text = (repository / "ci/gitlab.yml").read_text(encoding="utf-8")
    spec, _, job = text.partition("\n---\n")
    return yaml.safe_load(spec)["spec"]["inputs"], job


def program(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_the_action_uses_others_by_commit_and_puts_no_input_into_a_script(action: Any) -> None:
    steps = action["runs"]["steps"]

    assert [bool(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])) for step in steps if "uses" in step] == [True]
    assert not [step for step in steps if "${{" in step.get("run", "")]
    assert {name: one["default"] for name, one in action["inputs"].items()} == {
        "path": ".",
        "fail-on": "",
        "sarif": "",
    }


def run_action(action: Any, repository: Path, workspace: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The script of the step as a runner starts it, with the package installed from this checkout."""
    script = action["runs"]["steps"][1]["run"]
    (workspace / "temp").mkdir()
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "RUNNER_TEMP": str(workspace / "temp"),
        "GITHUB_ACTION_PATH": str(repository),
        "AUDIT_PATH": inputs.get("path", "."),
        "FAIL_ON": inputs.get("fail_on", ""),
        "SARIF": inputs.get("sarif", ""),
    }
    # GitHub's own way to start `shell: bash`
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.e2e
def test_the_action_annotates_and_fails(action: Any, repository: Path, service: Path) -> None:
    result = run_action(action, repository, service.parent, path=service.name, fail_on="high", sarif="a.sarif")

    assert result.returncode == 1, result.stderr
    commands = [line.partition(",col")[0] for line in result.stdout.splitlines() if line.startswith("::error")]
    assert commands == [
        "::error file=my service/Dockerfile,line=2,endLine=2",
        "::error file=my service/app.py,line=1,endLine=1",
    ]
    [run] = json.loads((service.parent / "a.sarif").read_text())["runs"]
    assert {one["ruleId"] for one in run["results"]} >= {"signal-lost", "hardcoded-secret"}


def test_the_gitlab_job_installs_nothing_by_a_name_that_is_not_ours_yet(gitlab: tuple[Any, str]) -> None:
    inputs, _ = gitlab

    assert {name for name, one in inputs.items() if "default" not in one} == {"package"}


@pytest.mark.e2e
def test_the_gitlab_job_writes_its_report_and_fails(gitlab: tuple[Any, str], repository: Path, service: Path) -> None:
    inputs, text = gitlab
    given = {name: str(one["default"]) for name, one in inputs.items() if "default" in one}
    given |= {"package": str(repository), "path": service.name}
    job = yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: given[match.group(1)], text))[
        "twelvefac"
    ]
    subprocess.run([sys.executable, "-m", "venv", service.parent / "venv"], check=True)
    environment = {**os.environ, "PATH": f"{service.parent / 'venv/bin'}{os.pathsep}{os.environ['PATH']}"}

    result = subprocess.run(
        ["sh", "-e", "-c", "\n".join(job["script"])],
        cwd=service.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 1, result.stderr
    entries = json.loads((service.parent / job["artifacts"]["reports"]["codequality"]).read_text())
    assert {(one["check_name"], one["location"]["path"]) for one in entries} >= {
        ("signal-lost", "my service/Dockerfile"),
        ("hardcoded-secret", "my service/app.py"),
    }
    assert job["stage"] == "test"
    assert job["image"] == "python:3.13"  # has git, which pip needs for git+https://; slim has none
    assert job["artifacts"]["when"] == "always"


@pytest.mark.e2e
def test_the_hook_runs_from_a_clone(repository: Path, service: Path) -> None:
    pre_commit = program("pre-commit")
    clone = service.parent / "clone"
    git = ["git", "-c", "user.name=n", "-c", "user.email=n@example.com", "-C"]
    # what is in the work tree, committed or not
    files = subprocess.run(
        [*git, repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    for name in filter(None, files):
        if (repository / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, clone / name)
    for folder in (clone, service):
        subprocess.run([*git, folder, "init", "--quiet"], check=True)
        subprocess.run([*git, folder, "add", "--all"], check=True)
        subprocess.run([*git, folder, "commit", "--quiet", "--message", "all"], check=True)
    head = subprocess.run([*git, clone, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    hooks = [{"id": "twelvefac", "args": ["--fail-on", "high"]}]
    config = {"repos": [{"repo": str(clone), "rev": head.strip(), "hooks": hooks}]}
    (service / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    subprocess.run([*git, service, "add", "--all"], check=True)

    result = subprocess.run(
        [pre_commit, "run", "--all-files"],
        cwd=service, env={**os.environ, "PRE_COMMIT_HOME": str(service.parent / "home")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 1, result.stderr
    assert "app.py:1:15  high  hardcoded-secret" in result.stdout


def test_workflows_and_the_action_are_well_formed(repository: Path) -> None:
    for command in (
        [program("actionlint")],
        [program("zizmor"), "--offline", "--quiet", "action.yml", ".github/workflows"],
    ):
        result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/ci.md"])
def test_pages_show_steps_of_six_lines_at_most_with_inputs_that_exist(
    page: str, repository: Path, action: Any, gitlab: tuple[Any, str]
) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    blocks = [
        block for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "twelvefac" in block
    ]
    steps = [one for block in blocks for one in shown(yaml.safe_load(block))]

    assert max(block.count("\n") for block in blocks) <= 6
    assert {kind for kind, _ in steps} == {"action", "gitlab", "hook"}
    known = {"action": set(action["inputs"]), "gitlab": set(gitlab[0]), "hook": {"--fail-on"}}
    assert [(kind, names - known[kind]) for kind, names in steps if names - known[kind]] == []
    hooks = yaml.safe_load((repository / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["twelvefac"]


def shown(block: Any) -> list[tuple[str, set[str]]]:
    """Which step a block shows, with the names of what it passes."""
    if isinstance(block, dict):
        return [("gitlab", set(one["inputs"])) for one in block["include"]]
    found = []
    for one in block:
        if "twelvefac" in one.get("uses", ""):
            found.append(("action", set(one.get("with", {}))))
        if "hooks" in one:
            found += [("hook", set(hook["args"][::2])) for hook in one["hooks"] if hook["id"] == "twelvefac"]
    return found
