"""What somebody told git's index of single files outlives an update, and is back after an undo."""

from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit, refused
from update_trees import run

Commit = Callable[[Path], None]
FLAGS = {"README.md": "h", f"{SOURCE}/greeting.py": "S", f"{SOURCE}/tool.py": "s", "pyproject.toml": "h"}


def flag(folder: Path) -> None:
    for path, letter in FLAGS.items():
        if letter.lower() == "s":
            run(folder, "update-index", "--skip-worktree", path)
        if letter.islower():
            run(folder, "update-index", "--assume-unchanged", path)


def flags(folder: Path) -> dict[str, str]:
    """Every file that is flagged, with git's letter for it."""
    listing = run(folder, "ls-files", "-v", "-z").decode().split("\0")
    return {line[2:]: line[0] for line in listing if line and line[0] != "H"}


def test_flags_of_files_outlive_an_update_and_an_undo(service: Path, call: Run) -> None:
    flag(service)
    before = flags(service)
    assert before == FLAGS
    assert call("update")[0] == 0
    there = run(service, "ls-files", "-z").decode().split("\0")
    assert flags(service) == {path: letter for path, letter in FLAGS.items() if path in there}
    assert call("undo")[0] == 0
    assert flags(service) == before


def test_an_edit_that_git_does_not_look_at_stays_out_of_its_sight(service: Path, call: Run, commit: Commit) -> None:
    (service / "local.cfg").write_text("a = 1\n")
    commit(service)
    run(service, "update-index", "--assume-unchanged", "local.cfg")
    (service / "local.cfg").write_text("a = 'my machine'\n")
    assert call("update")[0] == 0
    assert flags(service) == {"local.cfg": "h"}
    assert b"local.cfg" not in run(service, "status", "--porcelain")


def test_an_edit_that_git_was_told_not_to_look_at_is_refused_with_the_way_out(
    service: Path, call: Run, commit: Commit
) -> None:
    path = f"{SOURCE}/greeting.py"
    run(service, "update-index", "--assume-unchanged", path)
    edit(service / path, "STEP_0 = 0", "STEP_0 = 'mine'")
    refused(
        call,
        service,
        f"changed, and git was told to assume it unchanged: {path}\n"
        f"  `git update-index --no-assume-unchanged {path}`, then commit or stash it: the update would change it\n",
    )
    run(service, "update-index", "--no-assume-unchanged", path)
    commit(service)
    assert call("update")[0] == 1


def test_a_file_that_git_was_told_to_skip_is_no_sparse_checkouts(service: Path, call: Run) -> None:
    path = f"{SOURCE}/greeting.py"
    run(service, "update-index", "--skip-worktree", path)
    (service / path).unlink()
    refused(
        call,
        service,
        f"not here, since git was told to skip it, and to be changed: {path}\n"
        f"  `git update-index --no-skip-worktree {path}`, then commit that it is gone, or `git restore` it\n",
    )
    run(service, "update-index", "--no-skip-worktree", path)
    run(service, "restore", path)
    assert call("update")[0] == 0


def test_an_edit_in_a_file_that_git_was_told_to_skip_is_refused_with_the_way_out(
    service: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{SOURCE}/greeting.py"
    run(service, "update-index", "--skip-worktree", path)
    edit(service / path, "STEP_0 = 0", "STEP_0 = 'mine'")
    monkeypatch.chdir(service.parent)
    code, out, error = call("update", "orders")
    assert (code, out) == (2, "")
    assert error == (
        f"error: changed, and git was told to skip it: {path}\n"
        f"  `git -C orders update-index --no-skip-worktree {path}`, then commit or stash it: "
        "the update would change it\n"
    )


@pytest.mark.parametrize("end", ["--abort", "--continue"])
def test_flags_are_there_again_at_the_end_of_a_conflict(service: Path, call: Run, commit: Commit, end: str) -> None:
    path = f"{SOURCE}/greeting.py"
    edit(service / path, "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    run(service, "update-index", "--assume-unchanged", path)
    assert call("update")[0] == 1
    if end == "--continue":
        (service / path).write_text("solved = True\n")
        run(service, "add", path)
    assert call("update", end)[0] == 0
    assert flags(service) == {path: "h"}
    if end == "--continue":
        assert call("undo")[0] == 0
        assert flags(service) == {path: "h"}


def test_flags_that_were_set_after_an_update_outlive_its_undo(service: Path, call: Run) -> None:
    run(service, "update-index", "--skip-worktree", "README.md")
    assert call("update")[0] == 0
    path = f"{SOURCE}/greeting.py"
    run(service, "update-index", "--assume-unchanged", path)
    assert call("undo")[0] == 0
    assert flags(service) == {"README.md": "S", path: "h"}


@pytest.mark.parametrize("taken", ["mine", "new"])
@pytest.mark.parametrize("then", [("update", "--continue"), ("undo",), ("add", "postgres")])
def test_a_flag_is_set_again_after_the_users_own_commit_of_a_conflict(
    service: Path, call: Run, commit: Commit, taken: str, then: tuple[str, ...]
) -> None:
    path = f"{SOURCE}/greeting.py"
    edit(service / path, "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    mine = (service / path).read_text()
    run(service, "update-index", "--assume-unchanged", path)
    code, _, error = call("update")
    told = f"what it was told of {path} (--assume-unchanged, --skip-worktree)"
    then_told = "`twelvefac update --continue` sets it again, also after your commit"
    assert (code, error) == (1, f"git forgets in a conflict {told}: {then_told}\n")
    (service / path).write_text(mine if taken == "mine" else "solved = True\n")
    commit(service)
    assert flags(service) == {}
    assert call(*then)[0] == 0
    assert flags(service) == {path: "h"}


def intended(folder: Path) -> list[str]:
    """The files that are to be added one day: git says of them that they are new, and has nothing of them."""
    return [line[3:] for line in run(folder, "status", "--porcelain").decode().splitlines() if line.startswith(" A ")]


@pytest.mark.parametrize("text", ["mine = 1\n", ""])
def test_a_file_that_is_only_meant_to_be_added_stays_that(service: Path, call: Run, text: str) -> None:
    paths = ["mine.py", f"{SOURCE}/zz.py"]
    for path in paths:
        (service / path).write_text(text)
        run(service, "add", "-N", path)
    run(service, "update-index", "--assume-unchanged", "README.md")
    assert call("update")[0] == 0
    assert intended(service) == paths
    assert call("undo")[0] == 0
    assert intended(service) == paths


@pytest.mark.parametrize("text", ["mine = 1\n", ""])
@pytest.mark.parametrize("name", ["parts.py", "greeting.py"])
def test_a_file_that_is_only_meant_to_be_added_and_to_be_changed_is_refused_with_the_way_out(
    service: Path, call: Run, text: str, name: str
) -> None:
    path = f"{SOURCE}/{name}"
    run(service, "rm", "--quiet", "--cached", "--ignore-unmatch", path)
    (service / path).write_text(text)
    run(service, "add", "-N", path)
    refused(
        call,
        service,
        f"only meant to be added (git add -N), and to be changed: {path}\n  `git add {path}` first, or move it away\n",
    )
    run(service, "add", path)
    assert call("update")[0] in {0, 1}
