"""Merge drivers of the user's own: git runs them, and what they leave out is told, by their name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit
from update_trees import run, snapshot

Commit = Callable[[Path], None]
GREETING = f"{SOURCE}/greeting.py"


def drive(service: Path, commit: Commit, name: str, program: str = "", line: str = "STEP_9 = 9") -> None:
    """Give the file a driver, and an edit of the user's."""
    (service / ".gitattributes").write_text(f"{GREETING} merge={name}\n")
    if program:
        run(service, "config", f"merge.{name}.driver", program)
    edit(service / GREETING, line, f"{line} + MINE")
    commit(service)


def told(out: str) -> str:
    return next(line for line in out.splitlines() if f" {GREETING} " in line)


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_what_a_driver_keeps_is_declined_by_its_name(
    service: Path, call: Run, commit: Commit, flags: tuple[str, ...]
) -> None:
    drive(service, commit, "ours", "true")
    before = (service / GREETING).read_text()
    code, out, error = call("update", *flags)
    assert (code, error) == (0, "")
    assert told(out) == (
        f"  declined  {GREETING}    the merge driver ours (.gitattributes) kept yours: "
        "the template's change is not in it"
    )
    assert (service / GREETING).read_text() == before


def test_the_driver_of_all_files_is_told_too(service: Path, call: Run, commit: Commit) -> None:
    run(service, "config", "merge.default", "ours")
    run(service, "config", "merge.ours.driver", "true")
    edit(service / GREETING, "STEP_9 = 9", "STEP_9 = 9 + MINE")
    commit(service)
    code, out, error = call("update")
    assert (code, error) == (0, "")
    assert told(out) == (
        f"  declined  {GREETING}    the merge driver ours (merge.default) kept yours: "
        "the template's change is not in it"
    )


def test_without_an_edit_no_driver_is_asked(service: Path, call: Run, commit: Commit) -> None:
    (service / ".gitattributes").write_text(f"{GREETING} merge=ours\n")
    run(service, "config", "merge.ours.driver", "true")
    commit(service)
    code, out, _ = call("update")
    assert code == 0
    assert told(out) == f"  updated   {GREETING}    the template changed it, you had not"


def test_a_driver_that_drops_lines_of_the_users_is_a_conflict(service: Path, call: Run, commit: Commit) -> None:
    drive(service, commit, "theirs", "cp -- %B %A")
    before = snapshot(service)
    mine = (service / GREETING).read_text()
    code, out, _ = call("update")
    assert code == 1
    assert told(out).endswith(
        f"  conflict  {GREETING}    the merge driver theirs (.gitattributes) would drop lines of yours: "
        f"yours is in place, the template's is `git show :3:{GREETING}`"
    )
    assert (service / GREETING).read_text() == mine
    assert "WORDS = 'hello'" in run(service, "show", f":3:{GREETING}").decode()
    assert call("update", "--abort")[0] == 0
    assert snapshot(service) == before


def test_a_driver_that_drops_lines_of_the_templates_is_told(service: Path, call: Run, commit: Commit) -> None:
    drive(service, commit, "half", "echo said; sed -i s/hello/hallo/ %B; git merge-file -q %A %O %B")
    code, out, _ = call("update")
    assert code == 0
    assert told(out) == (
        f"  declined  {GREETING}    the merge driver half (.gitattributes) merged it: "
        "not all of the template's change is in it"
    )
    assert "hallo" in (service / GREETING).read_text()


def test_a_driver_that_keeps_both_is_named(service: Path, call: Run, commit: Commit) -> None:
    drive(service, commit, "union", line="STEP_0 = 0")
    code, out, _ = call("update")
    assert code == 0
    assert told(out) == f"  merged    {GREETING}    by the merge driver union (.gitattributes): look whether it fits"
    text = (service / GREETING).read_text()
    assert "STEP_0 = 0 + MINE" in text
    assert "WORDS = 'hello'" in text


def test_a_driver_that_is_nowhere_defined_is_none(service: Path, call: Run, commit: Commit) -> None:
    drive(service, commit, "nowhere")
    code, out, _ = call("update")
    assert code == 0
    assert told(out) == f"  merged    {GREETING}    the template's changes and yours, in different places"


def test_a_driver_of_the_users_own_configuration_counts(
    service: Path, call: Run, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text('[merge "ours"]\n\tdriver = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    drive(service, commit, "ours")
    assert told(call("update")[1]).startswith(f"  declined  {GREETING} ")


@pytest.mark.parametrize("program", ["not-to-be-found %A", "false", "kill -9 $$"])
@pytest.mark.parametrize("line", ["STEP_9 = 9", "STEP_0 = 0"])
def test_a_driver_that_fails_is_told_as_that(service: Path, call: Run, commit: Commit, program: str, line: str) -> None:
    drive(service, commit, "broken", program, line)
    before = snapshot(service)
    mine = (service / GREETING).read_text()
    preview = call("update", "--dry-run")
    assert preview[0] == 1
    code, out, error = call("update")
    assert (code, error) == (1, "")
    assert told(out) == told(preview[1])
    assert told(out).endswith(
        f"  conflict  {GREETING}    the merge driver broken (.gitattributes) failed: "
        f"yours is in place, the template's is `git show :3:{GREETING}`"
    )
    assert (service / GREETING).read_text() == mine
    assert call("update", "--continue")[1].endswith(f"  {GREETING}  mark it as resolved: git add, or git rm\n")
    assert call("update", "--abort")[0] == 0
    assert snapshot(service) == before


def test_a_driver_that_leaves_a_conflict_of_its_own_is_told_and_seen(service: Path, call: Run, commit: Commit) -> None:
    drive(service, commit, "other", "git merge-file -L a -L b -L c %A %O %B", "STEP_0 = 0")
    code, out, _ = call("update")
    assert code == 1
    assert told(out).endswith(
        f"  conflict  {GREETING}    the merge driver other (.gitattributes) left it for you: resolve what is in it"
    )
    assert "<<<<<<< a\n" in (service / GREETING).read_text()
    run(service, "add", GREETING)
    code, out, _ = call("update", "--continue")
    assert code == 1
    assert out.endswith(f"  {GREETING}  conflict markers are left in it\n")


def test_a_line_that_is_there_twice_is_lost_when_one_is(service: Path, call: Run, commit: Commit) -> None:
    drive(service, commit, "once", "uniq %A > %A.once; mv %A.once %A; git merge-file -q %A %O %B", "STEP_9 = 9\n")
    edit(service / GREETING, "STEP_9 = 9\n + MINE", "STEP_9 = 9\nSTEP_9 = 9\nSTEP_9 = 9\n")
    commit(service)
    code, out, _ = call("update")
    assert code == 1
    assert "the merge driver once (.gitattributes) would drop lines of yours" in told(out)
    assert (service / GREETING).read_text().count("STEP_9 = 9\n") == 3
