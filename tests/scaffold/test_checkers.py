"""What is rendered for others to read, judged by the programs that know it best: no complaint at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.plan import make_plan
from twelvefac.scaffold.render import render

REAL = load_catalogue(data_root())
DATABASES = ("none", "postgres", "sqlite")


def service(folder: Path, **given: str) -> Path:
    folder.mkdir()
    plan = make_plan(REAL, *make_answers(REAL, {"name": "my-orders", **given}))
    render(REAL.root, plan.answers.as_data(), folder)
    return folder


def judge(folder: Path, program: str, *arguments: str, text: str | None = None) -> str:
    """Run a checker in ``folder``; return what it printed, fail unless it is content."""
    beside = Path(sys.executable).parent
    path = shutil.which(program, path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if path is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([path, *arguments], cwd=folder, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("database", DATABASES)
def test_github_workflow(tmp_path: Path, database: str) -> None:
    folder = service(tmp_path / "my-orders", ci="github", database=database)
    workflow = ".github/workflows/ci.yml"
    # actionlint looks for the workflows of a git repository, and without one for none
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    assert judge(folder, "actionlint", "-verbose", "-no-color") == ""
    judge(folder, "zizmor", "--offline", "--quiet", workflow)
    judge(folder, "check-jsonschema", "--builtin-schema=vendor.github-workflows", workflow)
    judge(folder, "check-jsonschema", "--builtin-schema=vendor.dependabot", ".github/dependabot.yml")
    judge(folder, "zizmor", "--offline", "--quiet", ".github/dependabot.yml")


@pytest.mark.parametrize("database", DATABASES)
def test_gitlab_pipeline(tmp_path: Path, database: str) -> None:
    folder = service(tmp_path / "my-orders", ci="gitlab", database=database)
    judge(
        folder, "check-jsonschema", "--builtin-schema=vendor.gitlab-ci", "--data-transform=gitlab-ci", ".gitlab-ci.yml"
    )
    judge(folder, "check-jsonschema", "--builtin-schema=vendor.renovate", "renovate.json")


@pytest.mark.parametrize("database", DATABASES)
def test_compose(tmp_path: Path, database: str) -> None:
    folder = service(tmp_path / "my-orders", database=database)
    files = sorted(path.name for path in folder.glob("compose*.yaml"))
    assert files == ["compose.yaml"] if database == "none" else [f"compose.{database}.yaml", "compose.yaml"]
    judge(folder, "check-jsonschema", "--builtin-schema=vendor.compose-spec", *files)
    judge(folder, "docker-compose", "config", "--quiet")


@pytest.mark.parametrize("overlay", ["staging", "production"])
@pytest.mark.parametrize("database", ["none", "postgres"])  # not with sqlite: they exclude each other
def test_kubernetes(tmp_path: Path, database: str, overlay: str) -> None:
    folder = service(tmp_path / "my-orders", database=database, deploy="kubernetes")
    manifests = judge(folder, "kubectl", "kustomize", f"deploy/kubernetes/overlays/{overlay}")
    kinds = [line.removeprefix("kind: ") for line in manifests.splitlines() if line.startswith("kind: ")]
    assert {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Service"} <= set(kinds)
    assert ("Job" in kinds) is (database == "postgres")
    judge(folder, "kubernetes-validate", "--strict", "-", text=manifests)
    policies = [one for one in yaml.safe_load_all(manifests) if one["kind"] == "NetworkPolicy"]
    out = [rule for policy in policies for rule in policy["spec"].get("egress", [])]
    # a cache of names on the node and a database outside of the cluster are in no namespace
    reached = {port["port"]: "to" in rule for rule in out for port in rule["ports"]}
    assert reached == {53: False, 4318: True} | ({5432: False} if database == "postgres" else {})


def test_dockerfile(tmp_path: Path) -> None:
    judge(service(tmp_path / "my-orders"), "hadolint", "Dockerfile")
