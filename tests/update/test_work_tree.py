"""What only the work tree has, a mode, a link, a repository in the repository: an update never takes its place."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, refused
from update_trees import User, merge, repository_of, run, snapshot, text, work_tree

from twelvefac.update.files import REGULAR, File, Files

Commit = Callable[[Path], None]
GREETING = f"{SOURCE}/greeting.py"


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_mode_that_is_not_staged_stays(service: Path, call: Run, flags: tuple[str, ...]) -> None:
    (service / GREETING).chmod(0o755)
    message = f"changed and not in git's index: {GREETING}\n  commit or stash them first"
    if flags:
        code, out, _ = call("update", *flags)
        assert code == 2
        assert f"Would be refused: {message}" in out
    else:
        refused(call, service, message)
    assert (service / GREETING).stat().st_mode & 0o777 == 0o755


def test_a_mode_that_git_is_told_to_ignore_stops_nothing(service: Path, call: Run) -> None:
    run(service, "config", "core.filemode", "false")
    (service / GREETING).chmod(0o755)
    assert call("update")[0] == 0


def test_a_staged_mode_is_merged(service: Path, call: Run, commit: Commit) -> None:
    (service / GREETING).chmod(0o755)
    commit(service)
    assert call("update")[0] == 0
    assert (service / GREETING).stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", [".copier-answers.yml", ".twelvefac/manifest.json", ".twelvefac/ours"])
def test_a_record_that_is_a_link_is_not_replaced(service: Path, call: Run, commit: Commit, name: str) -> None:
    (service / ".twelvefac/ours").write_text("# ours\n")
    record = service / name
    record.rename(service / "elsewhere")
    record.symlink_to("elsewhere" if "/" not in name else "../elsewhere")
    commit(service)
    message = f"{name} is a symbolic link, and twelvefac would put a file in its place\n  put the file that it leads"
    if name.endswith("ours"):
        refused(call, service, message, "update", "--accept", "run.sh")
        assert call("update")[0] == 0
        return
    for flags in ((), ("--dry-run",)):
        refused(call, service, message, "update", *flags)
    refused(call, service, message, "adopt")
    assert "is a symbolic link" not in call("update", "--check")[2]


def test_nothing_is_written_into_a_repository_in_the_repository(service: Path, call: Run) -> None:
    tools = service / SOURCE / "tools"
    run(service, "init", "--quiet", str(tools))
    message = f"a repository of its own lies where new files go: {SOURCE}/tools\n  move it to another place\n"
    refused(call, service, message)
    assert [path.name for path in tools.iterdir()] == [".git"]


@pytest.mark.parametrize("inner", ["", "/deep/er"])
def test_a_repository_in_the_place_of_a_new_file_is_named_as_that(service: Path, call: Run, inner: str) -> None:
    place = f"{SOURCE}/parts.py{inner}"
    run(service, "init", "--quiet", place)
    (service / place / "mine.txt").write_text("mine\n")
    message = f"a repository of its own lies where new files go: {place}\n  move it to another place\n"
    refused(call, service, message)
    assert call("update", "--dry-run")[0] == 2
    shutil.rmtree(service / place / ".git")
    refused(call, service, f"in the way of the new files: {place}/mine.txt\n")


@pytest.mark.parametrize(
    ("begin", "what"),
    [
        (("bisect", "start"), "a bisect"),
        (("cherry-pick", "--no-commit", "side~1", "side"), "a sequence of picks or reverts"),
    ],
)
def test_what_git_has_under_way_is_waited_for(
    service: Path, call: Run, commit: Commit, begin: tuple[str, ...], what: str
) -> None:
    run(service, "checkout", "--quiet", "-b", "side")
    for words in ("one\n", "two\n"):
        (service / "mine.txt").write_text(words)
        commit(service)
    run(service, "checkout", "--quiet", "-")
    (service / "mine.txt").write_text("three\n")
    commit(service)
    subprocess.run(["git", *begin], cwd=service, capture_output=True, check=False)
    run(service, "checkout", "--quiet", "HEAD", "--", "mine.txt")
    refused(call, service, f"{what} is under way in ")


def test_the_users_limits_for_renames_and_ids_change_nothing() -> None:
    def body(name: str, *more: str) -> File:
        return File(REGULAR, text(*(f"{name} {number}" for number in range(12)), *more))

    base: Files = {f"old/{name}.py": body(name) for name in "abc"} | {"same.py": body("same")}
    theirs: Files = {f"new/x{name}.py": body(name, "theirs") for name in "abc"}
    theirs["same.py"] = body("same", "theirs")
    mine: Files = {path: File(REGULAR, b"mine\n" + file.data) for path, file in base.items()}
    mine["same.py"] = body("same", "mine")
    found = []
    settings = ("merge.renameLimit=1", "diff.renameLimit=1", "diff.renames=false", "merge.renames=false")
    for wanted in ((), (*settings, "core.abbrev=4")):
        with work_tree(User(mine)) as folder:
            for setting in wanted:
                run(folder, "config", *setting.split("="))
            proposal, _ = merge(repository_of(folder), base, theirs)
            found.append((proposal, snapshot(folder)))
    assert found[0] == found[1]
    assert [change.path for change in found[0][0].changes if change.kind == "moved"] == [*sorted(theirs)[:3]]
    assert b"<<<<<<< yours\n" in found[0][1][0]["same.py"][1]
