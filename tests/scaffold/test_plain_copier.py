"""The template in plain Copier's hands, and in those of Renovate, which runs Copier: files and answers are ours."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from twelvefac.app.new import NewRequest, new_service
from twelvefac.scaffold.catalogue import data_root
from twelvefac.scaffold.history import PARTS
from twelvefac.scaffold.plan import ANSWERS_FILE, JUNK
from twelvefac.scaffold.records import TEMPLATE_URL
from twelvefac.scaffold.version import VERSION_FILE

GIVEN = {"name": "orders", "database": "postgres", "deploy": "kubernetes,procfile", "ci": "gitlab"}


def git(folder: Path, *arguments: str) -> None:
    words = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "init.defaultBranch=main", *arguments]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


def release(folder: Path, version: str) -> None:
    (folder / VERSION_FILE).write_text(f"{version}\n", "utf-8")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", f"--message={version}")
    git(folder, "tag", version)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the template as it is, to which git is led in the place of the public one."""
    folder = tmp_path / "published"
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (data_root() / part).is_dir():
            shutil.copytree(data_root() / part, folder / part, ignore=shutil.ignore_patterns(*JUNK))
        else:
            shutil.copy(data_root() / part, folder / part)
    git(folder, "init", "--quiet")
    release(folder, "5.0.0")
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[url "file://{folder}"]\n\tinsteadOf = {TEMPLATE_URL}.git\n\tinsteadOf = {TEMPLATE_URL}\n'
        "[user]\n\tname = x\n\temail = x@localhost\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return folder


def copier(folder: Path, *arguments: str) -> None:
    words = [sys.executable, "-W", "ignore", "-m", "copier", *arguments]
    done = subprocess.run(words, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".git", ".twelvefac"} & set(path.parts) and path.name != ANSWERS_FILE
    }


def test_the_same_files_and_answers_and_an_update_that_renovate_sees(published: Path, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs/orders", tmp_path / "ours/orders"
    data = [word for key, value in GIVEN.items() for word in ("--data", f"{key}={value}")]
    copier(tmp_path, "copy", "--quiet", "--defaults", *data, TEMPLATE_URL, str(theirs))
    new_service(NewRequest(str(ours), GIVEN, git=False), root=published)
    assert files(theirs) == files(ours)
    answers = [yaml.safe_load((folder / ANSWERS_FILE).read_text("utf-8")) for folder in (theirs, ours)]
    assert answers[0] == answers[1]
    assert answers[0]["_commit"] == "5.0.0"
    assert answers[0]["_src_path"] == TEMPLATE_URL

    git(ours, "init", "--quiet")
    git(ours, "add", "--all")
    git(ours, "commit", "--quiet", "--message=new")
    (published / "templates/service/{{base}}/fresh.txt").write_text("fresh\n")
    release(published, "5.1.0")
    # as Renovate runs it
    copier(
        ours, "update", "--skip-answered", "--defaults", "--answers-file", ANSWERS_FILE, "--vcs-ref", "5.1.0", "--quiet"
    )
    assert (ours / "fresh.txt").read_text() == "fresh\n"
    updated = yaml.safe_load((ours / ANSWERS_FILE).read_text("utf-8"))
    assert updated == {**answers[0], "_commit": "5.1.0"}
