"""How an update with conflicts ends: taken back after its resolution too, or committed with nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit, refused
from update_trees import run, snapshot

Commit = Callable[[Path], None]
GREETING = f"{SOURCE}/greeting.py"
KEPT = "refs/worktree/twelvefac/kept"


@pytest.fixture
def edited(service: Path, commit: Commit) -> Path:
    """The service with an edit that the template's change meets."""
    edit(service / GREETING, "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    return service


def resolve(service: Path, text: str = "solved = True\n") -> None:
    (service / GREETING).write_text(text)
    run(service, "add", GREETING)


@pytest.mark.parametrize("command", [("undo",), ("update", "--abort")])
def test_a_resolved_update_is_taken_back_and_the_resolution_kept(
    edited: Path, call: Run, command: tuple[str, ...]
) -> None:
    before = snapshot(edited)
    assert call("update")[0] == 1
    resolve(edited)
    code, out, error = call(*command)
    assert code == 0
    assert f"\n  {GREETING}    as it was\n" in out
    assert error == f"what you wrote into it meanwhile is kept: git show {KEPT}:{GREETING}\n"
    assert snapshot(edited) == before
    assert run(edited, "show", f"{KEPT}:{GREETING}") == b"solved = True\n"


@pytest.mark.parametrize("command", [("undo",), ("update", "--abort")])
@pytest.mark.parametrize("there", [True, False])
def test_a_resolution_that_only_the_index_has_is_kept(
    edited: Path, call: Run, command: tuple[str, ...], there: bool
) -> None:
    before = snapshot(edited)
    mine = (edited / GREETING).read_bytes()
    assert call("update")[0] == 1
    resolve(edited)
    if there:
        (edited / GREETING).write_bytes(mine)
    else:
        (edited / GREETING).unlink()
    code, _, error = call(*command)
    assert code == 0
    assert f"what you wrote into it meanwhile is kept: git show {KEPT}:{GREETING}.staged\n" in error
    assert run(edited, "show", f"{KEPT}:{GREETING}.staged") == b"solved = True\n"
    assert snapshot(edited) == before


def test_undo_still_refuses_a_file_that_was_in_no_conflict(edited: Path, call: Run) -> None:
    assert call("update")[0] == 1
    resolve(edited)
    edit(edited / "template.txt", "2.0.0", "2.0.0, mine")
    refused(call, edited, "changed since update of orders to template 2.0.0: template.txt\n", "undo")


def test_what_a_second_abort_keeps_leaves_what_the_first_one_kept(edited: Path, call: Run) -> None:
    for text in ("first = 1\n", "second = 2\n"):
        assert call("update")[0] == 1
        resolve(edited, text)
        assert call("update", "--abort")[0] == 0
    assert run(edited, "show", f"{KEPT}:{GREETING}") == b"second = 2\n"
    assert run(edited, "show", f"{KEPT}~1:{GREETING}") == b"first = 1\n"


@pytest.mark.parametrize("committed", [True, False])
def test_a_finished_update_is_undone_until_its_files_change(edited: Path, call: Run, committed: bool) -> None:
    before = snapshot(edited)
    assert call("update")[0] == 1
    resolve(edited)
    assert call("update", "--continue", *(["--commit"] if committed else []))[0] == 0
    refused(call, edited, "no update waits for --abort\n", "update", "--abort")
    (edited / GREETING).write_text("later = True\n")
    refused(call, edited, f"changed since update of orders to template 2.0.0: {GREETING}\n", "undo")
    (edited / GREETING).write_text("solved = True\n")
    assert call("undo")[0] == 0
    assert snapshot(edited) == before


def test_a_resolution_that_was_committed_by_hand_ends_the_update(edited: Path, call: Run, commit: Commit) -> None:
    before = snapshot(edited)
    assert call("update")[0] == 1
    resolve(edited)
    commit(edited)
    run(edited, "rm", "--quiet", "--cached", "run.sh")
    refused(call, edited, "no update waits for --abort\n", "update", "--abort")
    assert call("update", "--continue", "--commit") == (0, "Finished: the update of orders to template 2.0.0\n", "")
    assert run(edited, "diff", "--cached", "--name-only") == b"run.sh\n"  # and nothing that came later is committed
    run(edited, "reset", "--quiet", "run.sh")
    assert call("undo")[0] == 0
    assert snapshot(edited) == before


def test_continue_commits_the_update_alone(edited: Path, call: Run) -> None:
    edit(edited / "README.md", "orders", "staged before")
    run(edited, "add", "README.md")
    assert call("update")[0] == 1
    resolve(edited)
    (edited / "mine.txt").write_text("mine\n")
    run(edited, "add", "mine.txt")
    message = "other changes are staged, and --commit would commit them too: README.md, mine.txt\n"
    refused(call, edited, message, "update", "--continue", "--commit")
    assert call("update", "--continue")[0] == 0
    refused(call, edited, "no update waits for --continue\n", "update", "--continue", "--commit")
    assert run(edited, "rev-list", "--count", "HEAD") == b"2\n"


def test_what_git_reset_took_back_is_not_called_finished(edited: Path, call: Run) -> None:
    assert call("update")[0] == 1
    run(edited, "reset", "--quiet", "--hard")
    for flags in ((), ("--commit",)):
        message = "git has put back what the update of orders to template 2.0.0 did (git reset, git stash)\n"
        refused(call, edited, message, "update", "--continue", *flags)
    assert call("update")[0] == 1
    assert call("update", "--abort")[0] == 0


def reset(service: Path) -> None:
    run(service, "reset", "--quiet", "--hard")


def stash(service: Path) -> None:
    resolve(service)
    run(service, "stash", "--quiet")


@pytest.mark.parametrize("back", [reset, stash])
@pytest.mark.parametrize(
    ("command", "said"), [(("undo",), "Undone: the update"), (("update", "--abort"), "Aborted: the update")]
)
def test_what_git_has_put_back_is_said_to_be_back_and_left_alone(
    edited: Path, call: Run, back: Callable[[Path], None], command: tuple[str, ...], said: str
) -> None:
    before = snapshot(edited)
    assert call("update")[0] == 1
    back(edited)
    assert snapshot(edited) == before
    (edited / GREETING).write_text("later = True\n")  # work that came after: no resolution of anything
    code, out, error = call(*command)
    assert (code, out) == (0, f"{said} of orders to template 2.0.0\n")
    assert error == "git had put it back already (git reset, git stash): nothing was touched\n"
    assert (edited / GREETING).read_text() == "later = True\n"
    assert call(*command)[0] == 2
    run(edited, "checkout", "--quiet", GREETING)
    assert call("update")[0] == 1


def test_a_finished_update_that_git_has_put_back_is_said_to_be_back(service: Path, call: Run) -> None:
    before = snapshot(service)
    assert call("update")[0] == 0
    reset(service)
    assert call("undo") == (
        0,
        "Undone: the update of orders to template 2.0.0\n",
        "git had put it back already (git reset, git stash): nothing was touched\n",
    )
    assert snapshot(service) == before


def test_what_is_committed_after_git_put_all_back_ends_nothing(edited: Path, call: Run, commit: Commit) -> None:
    assert call("update")[0] == 1
    reset(edited)
    (edited / "mine.txt").write_text("mine\n")
    commit(edited)
    assert call("update", "--abort") == (
        0,
        "Aborted: the update of orders to template 2.0.0\n",
        "git had put it back already (git reset, git stash): nothing was touched\n",
    )


def test_files_that_git_put_back_are_no_change_that_undo_would_lose(edited: Path, call: Run) -> None:
    before = snapshot(edited)
    assert call("update")[0] == 1
    run(edited, "checkout", "--quiet", "HEAD", "--", "template.txt", GREETING)
    code, out, error = call("undo")
    assert (code, error) == (0, "")
    assert "\n  template.txt              as it was\n" in out
    assert snapshot(edited) == before


def test_an_update_that_was_taken_out_of_the_index_alone_is_aborted(edited: Path, call: Run) -> None:
    before = snapshot(edited)
    assert call("update")[0] == 1
    run(edited, "reset", "--quiet")
    code, _, error = call("update", "--continue")
    assert code == 2
    assert error == (
        "error: git's index has nothing of the update of orders to template 2.0.0 any more (git reset)\n"
        "  `twelvefac update --abort` puts the files back too; `git add --all` keeps them\n"
    )
    assert call("update", "--abort")[0] == 0
    assert snapshot(edited) == before


def test_markers_that_are_the_users_own_text_do_not_keep_an_update_from_ending(
    edited: Path, call: Run, commit: Commit
) -> None:
    example = "# EXAMPLE = '''\n<<<<<<< yours\n1\n=======\n2\n>>>>>>> template 1.0.0\n'''\n"
    with (edited / GREETING).open("a") as file:
        file.write(example)
    commit(edited)
    assert call("update")[0] == 1
    text = (edited / GREETING).read_text()
    assert text.count("<<<<<<< yours\n") == 2
    run(edited, "add", GREETING)
    assert call("update", "--continue")[0] == 1
    resolve(edited, f"solved = True\n{example}")
    assert call("update", "--continue")[0] == 0


def test_commit_takes_no_edit_of_a_record_with_it(service: Path, call: Run) -> None:
    with (service / ".copier-answers.yml").open("a") as file:
        file.write("# mine, to be committed later\n")
    message = (
        "changed and not in git's index, and --commit would commit it too: .copier-answers.yml\n  commit it first\n"
    )
    refused(call, service, message, "update", "--commit")
    assert call("update")[0] == 0


def test_commit_takes_nothing_else_that_is_staged(service: Path, call: Run) -> None:
    for number in range(7):
        (service / f"{number}.txt").write_text("mine\n")
    run(service, "add", "--all")
    message = "other changes are staged, and --commit would commit them too: "
    more = "0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more\n  commit them first\n"
    refused(call, service, message + more, "update", "--commit")


def test_commit_where_nothing_is_committed_yet(service: Path, call: Run) -> None:
    run(service, "update-ref", "-d", "HEAD")
    message = "nothing is committed here yet, and --commit would commit all that is staged\n  git commit it first\n"
    refused(call, service, message, "update", "--commit")
    assert call("update")[0] == 0


def test_what_was_taken_out_of_git_with_its_markers_is_told(edited: Path, call: Run) -> None:
    assert call("update")[0] == 1
    run(edited, "rm", "--quiet", "--cached", GREETING)
    code, out, _ = call("update", "--continue")
    assert code == 1
    assert out.endswith(f"  {GREETING}  taken out of git, and there with conflict markers: delete it, or git add it\n")
    (edited / GREETING).unlink()
    assert call("update", "--continue")[0] == 0


def test_markers_of_a_service_elsewhere_are_ended_by_its_folder(edited: Path, call: Run) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(edited.parent)
        code, out, _ = call("update", "orders")
        assert code == 1
        assert out.endswith(
            "Next:\n"
            "  resolve 1 conflict: edit each file, then `git -C orders add` it\n"
            "  twelvefac update --continue orders   when all are resolved\n"
            "  twelvefac update --abort orders      to have everything as it was\n"
        )
        assert call("update", "orders")[2].endswith(
            "  resolve and `git add` them, then `twelvefac update --continue orders`; "
            "or `twelvefac update --abort orders`\n"
        )
        assert call("update", "--abort", "orders")[0] == 0
        run(edited, "checkout", "--quiet", "HEAD~1")
        code, out, _ = call("update", "orders")
        assert code == 0
        assert out.endswith(
            "Next:\n  git -C orders diff --staged\n  make -C orders test\n  git -C orders commit\n"
            "  or: twelvefac undo orders\n"
        )
