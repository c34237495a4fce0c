"""git answers questions about a hostile repository without running a thing of its."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from twelvefac.project.discovery import discover
from twelvefac.project.git import UnlistedError, find_git, listed_files


def git(folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
    }  # fmt: skip
    done = subprocess.run(
        ["git", "-C", folder, *arguments], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a tracked, an untracked and an ignored file."""
    folder = tmp_path / "repo"
    (folder / "pkg").mkdir(parents=True)
    git(folder, "init", "-q")
    for name in ("tracked.py", "ignored.py", "pkg/inner.py"):
        (folder / name).write_text("a = 1\n")
    (folder / ".gitignore").write_text("ignored.py\n")
    git(folder, "add", "tracked.py", "pkg/inner.py", ".gitignore")
    git(folder, "commit", "-q", "-m", "a")
    (folder / "untracked.py").write_text("a = 1\n")
    return folder


def python_files(root: Path) -> list[str]:
    return [file.path for file in discover(str(root)).files if file.kind == "python"]


def test_tracked_and_untracked_files_but_no_ignored_ones(repo: Path) -> None:
    assert listed_files(str(repo)) == {
        ".gitignore": True, "pkg/inner.py": True, "tracked.py": True, "untracked.py": False,
    }  # fmt: skip
    assert python_files(repo) == ["pkg/inner.py", "tracked.py", "untracked.py"]


def test_a_directory_below_the_work_tree_is_listed_from_there(repo: Path) -> None:
    assert listed_files(str(repo / "pkg")) == {"inner.py": True}
    assert find_git(str(repo / "pkg")) == str(repo)


def test_a_tracked_file_that_is_gone_is_not_found(repo: Path) -> None:
    (repo / "tracked.py").unlink()

    assert python_files(repo) == ["pkg/inner.py", "untracked.py"]


def test_without_git_everything_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")

    assert listed_files(str(tmp_path)) is None
    assert python_files(tmp_path) == ["a.py"]


def test_a_directory_that_its_repository_ignores_is_audited_as_it_is(repo: Path) -> None:
    """Who names a directory wants it judged, whatever a repository above it (dotfiles in a home) thinks of it."""
    (repo / ".gitignore").write_text("build/\n")
    (repo / "build").mkdir()
    (repo / "build/made.py").write_text("")

    assert python_files(repo / "build") == ["made.py"]


@pytest.mark.parametrize("name", ["a b.py", "é.py", "a\nb.py", "\x1b[31m.py", '"quoted".py', "-rf.py", "x\\y.py"])
def test_names_as_they_are(repo: Path, name: str) -> None:
    (repo / name).write_text("")
    git(repo, "add", "--", name)

    assert name in python_files(repo)


def test_a_name_that_is_no_text(repo: Path) -> None:
    (repo / os.fsdecode(b"caf\xe9.py")).write_text("")

    assert "caf\udce9.py" in python_files(repo)


# A hostile repository. Each case is a configuration that makes an ordinary git run a command.


def hostile(repo: Path, text: str) -> None:
    with (repo / ".git/config").open("a") as file:
        file.write(text)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def trap(tmp_path: Path, marker: Path) -> Path:
    """A program that leaves the marker when it is run."""
    path = tmp_path / "trap"
    path.write_text(f"#!/bin/sh\ntouch {marker}\n")
    path.chmod(0o755)
    return path


CONFIGS = {
    "fsmonitor": "[core]\n\tfsmonitor = {trap}\n",
    "fsmonitor version 1": "[core]\n\tfsmonitor = {trap}\n\tfsmonitorHookVersion = 1\n",
    "hooks": "[core]\n\thooksPath = {folder}\n",
    "alias": '[alias]\n\tls-files = "!{trap}"\n',
    "filter": '[filter "x"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\trequired = true\n',
    "pager": "[core]\n\tpager = {trap}\n[pager]\n\tls-files = {trap}\n",
    "diff": '[diff]\n\texternal = {trap}\n[diff "x"]\n\ttextconv = {trap}\n',
    "ssh": "[core]\n\tsshCommand = {trap}\n\taskPass = {trap}\n\teditor = {trap}\n\tgitProxy = {trap}\n",
    "credentials": '[credential]\n\thelper = "!{trap}"\n',
    "trace": "[trace2]\n\tnormalTarget = {folder}/marker\n",
}


@pytest.mark.parametrize("case", CONFIGS)
def test_no_command_of_the_repository_runs(repo: Path, trap: Path, marker: Path, case: str) -> None:
    hostile(repo, CONFIGS[case].format(trap=trap, folder=trap.parent))
    (repo / ".gitattributes").write_text("* filter=x diff=x\n")
    hooks = {"post-index-change", "fsmonitor-watchman", "query-watchman", "reference-transaction", "post-checkout"}
    for hook in hooks:
        for folder in (repo / ".git/hooks", trap.parent):
            folder.mkdir(exist_ok=True)
            (folder / hook).write_text(trap.read_text())
            (folder / hook).chmod(0o755)
    (repo / "tracked.py").write_text("a = 2\n")

    files = python_files(repo)

    assert not marker.exists()
    assert files == ["pkg/inner.py", "tracked.py", "untracked.py"]


def test_an_included_configuration_runs_nothing_either(repo: Path, trap: Path, marker: Path) -> None:
    (repo / "evil").write_text(CONFIGS["fsmonitor"].format(trap=trap))
    hostile(repo, "[include]\n\tpath = ../evil\n")

    python_files(repo)

    assert not marker.exists()


def test_a_missing_object_is_not_fetched(repo: Path, trap: Path, marker: Path) -> None:
    """A sparse index is expanded from trees; a promised one that is missing would be fetched, by any command."""
    git(repo, "sparse-checkout", "set", "--cone", "--sparse-index", "none")
    tree = git(repo, "rev-parse", "HEAD:pkg")
    (repo / ".git/objects" / tree[:2] / tree[2:]).unlink()
    hostile(
        repo,
        f'[remote "evil"]\n\turl = ext::{trap}\n\tpromisor = true\n\tfetch = +refs/*:refs/*\n'
        f'[protocol "ext"]\n\tallow = always\n[core]\n\trepositoryformatversion = 1\n'
        "[extensions]\n\tpartialClone = evil\n",
    )

    python_files(repo)

    assert not marker.exists()


def test_the_work_tree_cannot_be_led_elsewhere(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("")
    hostile(repo, f"[core]\n\tworktree = {outside}\n")

    assert python_files(repo) == ["pkg/inner.py", "tracked.py", "untracked.py"]


def test_no_file_outside_is_read_for_what_to_ignore(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "patterns").write_text("untracked.py\n")
    hostile(repo, f"[core]\n\texcludesFile = {tmp_path}/patterns\n")

    assert "untracked.py" in python_files(repo)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_git_that_leads_outside_counts_as_none(repo: Path, tmp_path: Path, kind: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.py").write_text("")
    if kind == "file":
        (inner / ".git").write_text(f"gitdir: {repo}/.git\n")
    else:
        (inner / ".git").symlink_to(repo / ".git")

    assert find_git(str(inner)) is None
    assert python_files(inner) == ["a.py"]


def test_a_git_file_ends_the_search_upwards(repo: Path) -> None:
    (repo / "pkg/.git").write_text("gitdir: /nowhere\n")

    assert find_git(str(repo / "pkg")) is None


def test_the_environment_of_the_caller_does_not_reach_git(
    repo: Path, tmp_path: Path, trap: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor={trap}'")
    monkeypatch.setenv("GIT_TRACE", str(marker))

    assert python_files(repo) == ["pkg/inner.py", "tracked.py", "untracked.py"]
    assert not marker.exists()


def test_a_repository_of_somebody_else_is_read_too(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git's own owner check (safe.directory) protects from configuration that we switch off ourselves."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    if os.geteuid() == 0:
        os.chown(repo, 12345, 12345)
        os.chown(repo / ".git", 12345, 12345)

    assert python_files(repo) == ["pkg/inner.py", "tracked.py", "untracked.py"]


def notices(root: Path) -> list[str]:
    found = discover(str(root)).notices
    assert {one[:3] for one in found} <= {("git", ".", 0)}
    return [one.message for one in found]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("index", ".git/index: index file smaller than expected"),
        ("HEAD", "not a git repository: '.git'"),
        ("config", "bad config line 1 in file .git/config"),
    ],
)
def test_a_broken_repository_counts_as_none_and_that_is_said(repo: Path, what: str, said: str) -> None:
    (repo / ".git" / what).write_bytes(b"\0garbage")

    with pytest.raises(UnlistedError):
        listed_files(str(repo))
    assert python_files(repo) == ["ignored.py", "pkg/inner.py", "tracked.py", "untracked.py"]
    [message] = notices(repo)
    assert message.startswith(f"git could not list the files: {said}")
    assert message.endswith("; ignored files are judged too")


@pytest.mark.parametrize("what", ["index", "HEAD", "config", "info/exclude"])
def test_a_pipe_where_git_reads_a_file_is_not_waited_for(repo: Path, what: str) -> None:
    path = repo / ".git" / what
    path.unlink()
    os.mkfifo(path)
    begin = time.monotonic()

    assert notices(repo) == [f"git could not list the files: .git/{what} is no file; ignored files are judged too"]
    assert time.monotonic() - begin < 5


def test_a_repository_without_a_file_is_no_mishap(tmp_path: Path, repo: Path) -> None:
    git(tmp_path, "init", "-q", "empty")

    assert notices(tmp_path / "empty") == notices(repo) == notices(tmp_path) == []


@pytest.mark.parametrize(("what", "said"), [("missing", "git is not installed"), ("slow", "no answer in 0.2 seconds")])
def test_without_a_git_that_answers_everything_is_found(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, said: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if what == "slow":
        (programs / "git").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
        (programs / "git").chmod(0o755)
        monkeypatch.setattr("twelvefac.project.git._TIMEOUT", 0.2)
    monkeypatch.setenv("PATH", str(programs))

    assert "ignored.py" in python_files(repo)
    assert notices(repo) == [f"git could not list the files: {said}; ignored files are judged too"]


def test_nothing_in_the_repository_changes(repo: Path) -> None:
    os.utime(repo / "tracked.py", ns=(1, 1))  # what would make `git status` write the index anew
    before = {path: path.stat().st_mtime_ns for path in repo.rglob("*")}

    python_files(repo)

    assert {path: path.stat().st_mtime_ns for path in repo.rglob("*")} == before
