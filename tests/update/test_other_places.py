"""A stopped run in a repository that is moved or copied since, a commit that fails, a branch that lacks the update."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update_trees import run, snapshot

from twelvefac.app.components import add_components
from twelvefac.app.new import NewRequest, new_service
from twelvefac.app.update import UpdateRequest
from twelvefac.errors import MachineError
from twelvefac.update.install import recover
from twelvefac.update.journal import locked, read_operation
from twelvefac.update.repository import JOURNAL, find_repository

Commit = Callable[[Path], None]
KILLED = """
import os, sys
from pathlib import Path
from twelvefac.app.update import UpdateRequest, update
folder, template, word, number, commits = sys.argv[1:]
left = [int(number)]
def step(what):
    left[0] -= what.startswith(word)
    if not left[0]:
        os.kill(os.getpid(), 9)
update(UpdateRequest(folder, commit=bool(commits)), root=Path(template), step=step)
"""


def kill_update(folder: Path, template: Path, word: str, number: int = 1, *, commits: bool = False) -> None:
    """Update the service in ``folder`` and die at the step ``number`` that begins with ``word``."""
    arguments = [str(folder), str(template), word, str(number), "yes" if commits else ""]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def recovered(folder: Path) -> str:
    repository = find_repository(folder)
    with locked(repository):
        return recover(repository)


@pytest.mark.parametrize(("word", "number"), [("moved away", 2), ("moved in", 2), ("files moved", 1)])
def test_a_moved_repository_finds_its_files(
    service: Path, template: Path, tmp_path: Path, word: str, number: int
) -> None:
    with (service / ".copier-answers.yml").open("a") as file:
        file.write("# mine, in no commit\n")
    before = snapshot(service)
    kill_update(service, template, word, number)
    moved = service.rename(tmp_path / "moved")

    assert recovered(moved).endswith(": everything is as it was before it")
    assert snapshot(moved) == before
    assert not os.path.lexists(service)


def test_a_copy_leaves_the_original_alone(service: Path, template: Path, tmp_path: Path) -> None:
    before = snapshot(service)
    kill_update(service, template, "moved away", 2)
    copy = shutil.copytree(service, tmp_path / "copy", symlinks=True)

    assert recovered(copy).endswith(": everything is as it was before it")
    assert snapshot(copy) == before
    assert recovered(service).endswith(": everything is as it was before it")
    assert snapshot(service) == before


def test_without_the_files_nothing_is_called_as_it_was(service: Path, template: Path) -> None:
    kill_update(service, template, "moved away", 2)
    repository = find_repository(service)
    operation = read_operation(repository, JOURNAL)
    assert operation is not None
    shutil.rmtree(operation.staging)

    with pytest.raises(MachineError, match=r"can be neither finished nor rolled back: .* is missing") as raised:
        recovered(service)

    assert operation.kept in raised.value.hint
    assert run(service, "show", f"{operation.kept}:{operation.steps[0].path}")
    assert read_operation(repository, JOURNAL) == operation


def test_an_update_whose_commit_fails_is_taken_back(service: Path, call: Run) -> None:
    before = snapshot(service)
    lock = service / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()

    code, _, err = call("update", "--commit")

    lock.unlink()
    assert code == 2
    assert "; everything is as it was" in err
    assert snapshot(service) == before
    assert call("update", "--commit")[0] == 0
    assert not run(service, "status", "--porcelain")


def test_a_run_that_died_before_its_commit_is_committed_by_the_next(service: Path, template: Path, call: Run) -> None:
    kill_update(service, template, "finished", commits=True)
    assert run(service, "diff", "--cached", "--name-only")

    code, _, err = call("update", "--commit")

    assert code == 0
    assert "committed the update of orders to template" in err
    assert not run(service, "status", "--porcelain")
    assert b"Twelvefac update of orders" in run(service, "log", "-1", "--format=%s")
    assert "committed" not in call("update", "--commit")[2]


def test_undo_of_an_update_that_is_on_another_branch(service: Path, call: Run) -> None:
    before = snapshot(service)
    assert call("update", "--commit")[0] == 0
    run(service, "checkout", "-q", "-b", "old", "HEAD~1")

    code, _, err = call("undo")
    assert (code, "is committed on another branch" in err) == (2, True)

    run(service, "checkout", "-q", "-")
    assert call("undo")[0] == 0
    assert snapshot(service)[0] == before[0]


def test_undo_gives_back_what_only_the_index_had(service: Path, call: Run) -> None:
    run(service, "config", "core.autocrlf", "true")
    run(service, "rm", "-rq", "--cached", ".")
    run(service, "reset", "-q", "--hard")
    with (service / ".gitignore").open("ab") as file:
        file.write(b"staged-mine\r\n")
    run(service, "add", ".gitignore")
    staged = run(service, "rev-parse", ":.gitignore")
    assert call("update")[0] == 0
    run(service, "gc", "-q", "--prune=now")

    assert call("undo")[0] == 0
    assert run(service, "rev-parse", ":.gitignore") == staged
    assert b"staged-mine" in run(service, "show", ":.gitignore")


def test_a_name_beside_a_folder_that_another_file_has(place: Path) -> None:
    new_service(NewRequest("shop", {}))
    shop = place / "shop"
    (shop / "src/shop/backing").write_text("my own file\n")
    (shop / "src/shop/backing~yours").write_text("precious\n")
    run(shop, "add", "--all")
    run(shop, "commit", "-qm", "mine")

    add_components(UpdateRequest(str(shop)), ["postgres"])

    assert sorted(one.name for one in (shop / "src/shop").glob("backing*")) == [
        "backing",
        "backing~yours",
        "backing~yours_0",
    ]
    assert (shop / "src/shop/backing~yours").read_text() == "precious\n"
    assert (shop / "src/shop/backing~yours_0").read_text() == "my own file\n"
