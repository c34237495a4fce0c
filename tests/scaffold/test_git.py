"""The one commit: there whatever git's configuration is, and made of every file."""

import os
import subprocess
from pathlib import Path

import pytest

from twelvefac.errors import MachineError
from twelvefac.scaffold.git import commit_all, identity, run_git, work_tree_around


def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "ignored").write_text("a\r\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def log(folder: Path, style: str) -> str:
    return run_git(["log", f"--format={style}"], folder)


def test_without_any_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tree(tmp_path)
    commit_all(folder, "first")
    assert log(folder, "%an <%ae> %cn <%ce> %s") == (
        "twelvefac <twelvefac@localhost> twelvefac <twelvefac@localhost> first"
    )
    assert run_git(["ls-files", "--format=%(objectmode) %(path)"], folder).splitlines() == [
        "100644 .gitignore",
        "100644 ignored",
        "100755 run.sh",
    ]
    assert run_git(["status", "--porcelain"], folder) == ""
    assert run_git(["branch", "--show-current"], folder) == "main"


def test_the_users_identity_and_nothing_else_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks"
    (tmp_path / "template/hooks").mkdir(parents=True)
    hooks.mkdir()
    for hook in (hooks / "pre-commit", tmp_path / "template/hooks/pre-commit"):
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(
        f"[user]\nname = Ada\nemail = ada@example.org\n[core]\nhooksPath = {hooks}\nautocrlf = true\n"
        f"fileMode = false\nexcludesFile = {tmp_path}/excludes\n[init]\ntemplateDir = {tmp_path}/template\n"
        "defaultBranch = trunk\n[commit]\ngpgSign = true\n"
    )
    (tmp_path / "excludes").write_text("*\n")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody else")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(config.read_text())
    folder = tree(tmp_path)
    commit_all(folder, "first")
    assert log(folder, "%an <%ae>") == "Ada <ada@example.org>"
    assert run_git(["show", "HEAD:ignored"], folder) == "a"
    blob = subprocess.run(
        ["git", "--git-dir", str(folder / ".git"), "cat-file", "blob", "HEAD:ignored"],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert blob.stdout == b"a\r\n"
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "index").exists()
    assert not (folder / ".git/hooks").exists()


def test_no_identity_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert identity() == ("twelvefac", "twelvefac@localhost")


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="git is not installed"):
        commit_all(tree(tmp_path), "first")


def test_gits_own_last_line(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="git log failed: fatal: not a git repository"):
        run_git(["log"], tmp_path)


def test_work_tree_around(tmp_path: Path) -> None:
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/a/b").mkdir(parents=True)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/.git").write_text("gitdir: elsewhere\n")
    assert work_tree_around(tmp_path / "repo/a/b") == tmp_path / "repo"
    assert work_tree_around(tmp_path / "linked") == tmp_path / "linked"
    assert work_tree_around(tmp_path) is None
