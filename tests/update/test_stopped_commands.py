"""Whole commands that are killed, have no space or may not write: before or after, and the next command says which."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_stopped import in_child
from update.test_update import SOURCE, edit
from update_trees import run, snapshot

from twelvefac.app.adopt import AdoptRequest, adopt
from twelvefac.app.components import add_components, remove_components
from twelvefac.app.undo import abort_update, continue_update, undo_last
from twelvefac.app.update import UpdateRequest, update
from twelvefac.cli._boundary import guarded
from twelvefac.update.install import recover
from twelvefac.update.journal import locked, read_operation
from twelvefac.update.repository import JOURNAL, find_repository

Commit = Callable[[Path], None]
COMMANDS = ("add", "remove", "adopt", "undo", "abort", "continue")


def perform(command: str, folder: Path, template: Path) -> object:
    """Run one command on the service in ``folder``."""
    match command:
        case "add":
            return add_components(UpdateRequest(str(folder)), ["postgres"], root=template)
        case "remove":
            return remove_components(UpdateRequest(str(folder)), ["postgres"], root=template)
        case "adopt":
            return adopt(AdoptRequest(str(folder)), root=template)
        case "undo":
            return undo_last(str(folder))
        case "abort":
            return abort_update(str(folder))
        case _:
            return continue_update(str(folder), commits=True)


@pytest.fixture
def ready(command: str, service: Path, call: Run, commit: Commit) -> Path:
    """The service as it is before ``command``."""
    if command in {"abort", "continue"}:
        edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
        commit(service)
        assert call("update")[0] == 1
        if command == "continue":
            (service / SOURCE / "greeting.py").write_text("solved = True\n")
            run(service, "add", f"{SOURCE}/greeting.py")
        return service
    assert call("update", "--commit")[0] == 0
    if command in {"remove", "undo"}:
        assert call("add", "postgres")[0] == 0
        commit(service)
    if command == "adopt":
        run(service, "rm", "--quiet", ".copier-answers.yml", ".twelvefac/manifest.json")
        commit(service)
    return service


def copied(ready: Path, tmp_path: Path, name: str) -> Path:
    """A copy under the same folder name, which adopt takes the service's name from."""
    folder = tmp_path / name / "orders"
    shutil.copytree(ready, folder, symlinks=True)
    return folder


def state(folder: Path) -> tuple[object, bytes]:
    """Files, index and what is committed; a commit's own id holds the time."""
    return snapshot(folder), run(folder, "rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_before_some_of_what_it_does_to_the_disk(
    command: str, ready: Path, template: Path, tmp_path: Path
) -> None:
    whole = copied(ready, tmp_path, "whole")
    perform(command, whole, template)
    before, after = state(ready), state(whole)
    seen = set()
    for index in range(0, 1000, 6):
        folder = copied(ready, tmp_path, str(index))
        code, event = in_child(lambda each=folder: perform(command, each, template), folder, index, signal.SIGKILL)  # type: ignore[misc]
        if not event:
            assert code == 0
            assert state(folder) == after
            break
        assert code == -9, event
        (folder / ".git/index.lock").unlink(missing_ok=True)
        repository = find_repository(folder)
        with locked(repository):
            said = recover(repository)
        there = state(folder)
        assert there in (before, after), (event, said)
        assert read_operation(repository, JOURNAL) is None
        assert not list(repository.state.glob("staging-*"))
        seen.add(there == after)
        if there == before:
            perform(command, folder, template)
            assert state(folder) == after, event
        shutil.rmtree(folder.parent)
    assert False in seen


@pytest.mark.parametrize("command", COMMANDS)
def test_on_a_full_disk(command: str, ready: Path, template: Path) -> None:
    before = snapshot(ready)
    codes = []
    for limit in (0, 50, 400, 1200, 4000, 20_000, 4_000_000):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                code = guarded(lambda: perform(command, ready, template) and 0, [])
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        codes.append(code)
        if code == 0:
            break
        assert code == 2, limit
        assert snapshot(ready) == before, limit
        assert read_operation(find_repository(ready), JOURNAL) is None
    assert codes[-1] == 0
    assert codes[0] == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_where_nothing_may_be_written(command: str, ready: Path, template: Path) -> None:
    by: list[str] = []
    if os.geteuid() == 0:  # whom permissions do not stop, unless the capabilities are given up
        by = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from update.test_stopped_commands import perform, guarded;"
        "sys.exit(guarded(lambda: perform(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])) and 0, []))"
    )
    before = snapshot(ready)
    words = [*by, sys.executable, "-c", code, str(Path(__file__).parents[1]), command, str(ready), str(template)]
    for place in (ready / ".git", ready):
        if command == "continue" and place == ready:
            continue  # it commits what is staged and writes no file of the service's
        place.chmod(0o555)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        place.chmod(0o755)
        assert done.returncode == 2, (place, done.stderr)
        assert done.stderr.startswith("error: ")
        assert "internal" not in done.stderr
        assert snapshot(ready) == before, place


def killed(service: Path, template: Path, prefix: str = "") -> None:
    """Update the service until its files are moved away, the answers file with them."""
    child = os.fork()
    if child == 0:
        stop = f"moved away {prefix}{SOURCE}/greeting.py"
        update(UpdateRequest(str(service)), root=template, step=lambda step: os._exit(9) if step == stop else None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9


@pytest.fixture
def without_records(service: Path, template: Path) -> Path:
    """The service in the middle of an update."""
    killed(service, template)
    assert not (service / ".copier-answers.yml").exists()
    return service


def test_an_update_goes_on_where_the_one_before_took_the_answers_file(without_records: Path, call: Run) -> None:
    code, out, err = call("update")
    assert code == 0
    assert err.startswith("rolled back the interrupted update of orders to template ")
    assert out.startswith("Updated orders: template 1.0.0 -> ")


@pytest.mark.parametrize("flag", ["--check", "--dry-run", "--diff"])
def test_nobody_is_told_to_adopt_a_service_in_the_middle_of_an_update(
    without_records: Path, call: Run, flag: str
) -> None:
    assert call("update", flag) == (
        2,
        "",
        (
            "error: the update of orders to template 2.0.0 was stopped half way, or is still at work\n"
            "  `twelvefac undo` or `twelvefac update` finishes it or rolls it back, and says which\n"
        ),
    )


def test_in_a_monorepo_the_service_that_was_stopped_is_the_one_that_is_named(
    first: Path, template: Path, call: Run, tmp_path: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "mono"
    for name in ("a", "b"):
        shutil.copytree(first, top / name, ignore=shutil.ignore_patterns(".git"))
    run(tmp_path, "init", "--quiet", str(top))
    commit(top)
    killed(top / "a", template, "a/")
    monkeypatch.chdir(top)
    stopped = "the update of orders to template 2.0.0{} was stopped half way, or is still at work\n"
    hint = "  `twelvefac undo a` or `twelvefac update a` finishes it or rolls it back, and says which\n"
    for flag in ("--check", "--dry-run"):
        assert call("update", flag, "b") == (2, "", f"error: {stopped.format(' in a')}{hint}")
        assert call("update", flag, "a") == (2, "", f"error: {stopped.format('')}{hint}")
    code, _, error = call("undo", "a")
    assert (code, "rolled back the interrupted update of orders" in error) == (2, True)
    assert run(top, "status", "--porcelain") == b""


def test_a_command_that_is_refused_says_what_it_rolled_back(without_records: Path, call: Run) -> None:
    code, _, err = call("add", "nonsense")
    assert code == 2
    assert "unknown component 'nonsense'" in err
    assert "rolled back the interrupted update of orders to template " in err
    assert (without_records / ".copier-answers.yml").exists()
