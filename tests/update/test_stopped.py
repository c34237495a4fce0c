"""Stopped at any moment, the repository is as before or updated once the next command has run, which says so."""

import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from update_trees import (
    User,
    merge,
    repository_of,
    run,
    snapshot,
    text,
    work_tree,
)

from twelvefac.errors import MachineError, TwelvefacError
from twelvefac.update.carry import last_operation, undo
from twelvefac.update.files import EXECUTABLE, REGULAR, File
from twelvefac.update.install import recover
from twelvefac.update.journal import locked, read_operation
from twelvefac.update.repository import JOURNAL, LAST, Repository, find_repository

# the runner's own thread is no part of what is forked here
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

LINES = [f"line {number}" for number in range(12)]
BASE = {
    "changed.py": File(REGULAR, text(*LINES)),
    "conflict.py": File(REGULAR, text(*LINES)),
    "deleted.py": File(REGULAR, text("gone", *LINES)),
    "kept.py": File(REGULAR, text("kept", *LINES)),
    "old/moved.py": File(EXECUTABLE, text("moved", *LINES)),
    "file": File(REGULAR, text("a file", *LINES)),
}
THEIRS = {
    "changed.py": File(REGULAR, text("new", *LINES)),
    "conflict.py": File(REGULAR, text("theirs", *LINES[1:])),
    "new/moved.py": File(EXECUTABLE, text("moved", *LINES)),
    "file/inside.py": File(REGULAR, text("a file", *LINES)),
    "fresh/added.py": File(REGULAR, text("fresh")),
}
USER = User(
    BASE
    | {
        "conflict.py": File(REGULAR, text("yours", *LINES[1:])),
        "kept.py": File(REGULAR, text("kept", *LINES, "yours")),
        ".copier-answers.yml": File(REGULAR, b"_commit: 1\n"),
        ".twelvefac/manifest.json": File(REGULAR, b"{\n}\n"),
    },
    untracked={"notes.txt": b"mine\n"},
)
# what touches the disk or starts git
EVENTS = {
    *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink", "shutil.rmtree"),
    *("subprocess.Popen", "tempfile.mkdtemp", "tempfile.mkstemp"),
}


def in_child(work: Callable[[], object], top: Path, index: int, number: int) -> tuple[int, str]:
    """Run ``work`` in a process that gets a signal just before its event ``index``; its exit code and the event.

    What is done outside of the repository at ``top`` does not count.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        gc.disable()
        seen, me = -1, os.getpid()

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if os.getpid() != me:  # what is forked from it, to render
                return
            inside = event == "subprocess.Popen" or str(top) in f"{arguments[:1]}{arguments[-1:]}"
            if inside and (event in EVENTS or (event == "open" and str(arguments[1]) in {"wb", "w"})):
                seen += 1
                if seen == index:
                    os.write(writer, f"{event} {str(arguments[0])[:100]}".encode())
                    os.kill(os.getpid(), number)

        code = 1
        try:
            sys.addaudithook(hook)
            work()
            code = 0
        except KeyboardInterrupt:
            code = 130
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        event = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), event


@pytest.fixture
def folder() -> Iterator[Path]:
    with work_tree(USER) as path:
        yield path


def updated() -> tuple[dict[str, tuple[str, bytes]], bytes]:
    """What a run gives that nothing stops."""
    with work_tree(USER) as path:
        merge(repository_of(path), BASE, THEIRS, records=True)
        return snapshot(path)


def copies(folder: Path, tmp_path: Path, each: int = 1) -> Iterator[tuple[int, Path, Repository]]:
    repository = repository_of(folder)
    for index in range(0, 10_000, each):
        copy = tmp_path / str(index)
        shutil.copytree(folder, copy, symlinks=True)
        git = copy / ".git"
        yield (
            index,
            copy,
            replace(repository, top=copy, directory=git, state=git / "twelvefac", objects=git / "objects"),
        )
        shutil.rmtree(copy)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_an_update_stopped_before_each_thing_done_to_the_disk(folder: Path, tmp_path: Path, name: str) -> None:
    before, after = snapshot(folder), updated()
    number = getattr(signal, name)
    said = []
    for index, copy, repository in copies(folder, tmp_path, 1 if name == "SIGKILL" else 4):
        code, event = in_child(lambda each=repository: merge(each, BASE, THEIRS, records=True), copy, index, number)  # type: ignore[misc]
        if not event:
            assert code == 0
            assert snapshot(copy) == after
            break
        assert code == (-9 if name == "SIGKILL" else 130), event
        with locked(repository):
            said.append(recover(repository))
        there = snapshot(copy)
        assert there in (before, after), f"{index} {event}: {said[-1]}"
        if said[-1]:
            assert said[-1].startswith("rolled back the interrupted" if there == before else "finished the interrupted")
        assert read_operation(repository, JOURNAL) is None
        assert not list(repository.state.glob("staging-*")), event
        if there == before:  # and it can be run again
            merge(repository, BASE, THEIRS, records=True)
            assert snapshot(copy) == after
        operation = last_operation(repository)
        assert operation is not None
        with locked(repository):
            undo(repository, operation)
        assert snapshot(copy) == before
    assert index > 30
    if name == "SIGKILL":
        assert {words.split(" ")[0] for words in said} == {"", "rolled", "finished"}
    else:
        assert set(said) == {""}  # it went back by itself


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_an_undo_stopped_before_each_thing_done_to_the_disk(folder: Path, tmp_path: Path, name: str) -> None:
    before = snapshot(folder)
    merge(repository_of(folder), BASE, THEIRS, records=True)
    after = snapshot(folder)
    for index, copy, repository in copies(folder, tmp_path, 1 if name == "SIGKILL" else 4):

        def work(each: Repository = repository) -> None:
            operation = last_operation(each)
            assert operation is not None
            with locked(each):
                undo(each, replace(operation, staging=""))

        _, event = in_child(work, copy, index, getattr(signal, name))
        if not event:
            assert snapshot(copy) == before
            break
        with locked(repository):
            words = recover(repository)
        there = snapshot(copy)
        assert there in (before, after), f"{index} {event}: {words}"
        if there == after:
            operation = last_operation(repository)
            assert operation is not None, event
            with locked(repository):
                undo(repository, operation)
        assert snapshot(copy) == before
    assert index > 15


def wait_for_group(group: int) -> None:
    """Wait until every process of a killed group is gone: one that was just forked still holds its parent's lock."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


def test_killed_after_any_time(folder: Path, tmp_path: Path) -> None:
    """Without any knowledge of the steps, git's own included."""
    before, after = snapshot(folder), updated()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from update.test_stopped import BASE, THEIRS, merge, find_repository;"
        "merge(find_repository(Path(sys.argv[2])), BASE, THEIRS, records=True)"
    )
    tests = str(Path(__file__).parents[1])
    outcomes = set()
    begin, whole = time.monotonic(), 0.0
    for index, copy, repository in copies(folder, tmp_path):
        if index > 16:
            break
        process = subprocess.Popen([sys.executable, "-c", code, tests, str(copy)], start_new_session=True)
        try:
            process.wait(None if index == 0 else whole * index / 16)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            wait_for_group(process.pid)
        whole = whole or time.monotonic() - begin
        (copy / ".git/index.lock").unlink(missing_ok=True)  # git was killed too, and says so to everyone
        with locked(repository):
            recover(repository)
        there = snapshot(copy)
        assert there in (before, after)
        outcomes.add(there == after)
    assert outcomes == {True, False}


def test_files_changed_after_a_crash_are_not_taken_back(folder: Path) -> None:
    repository = repository_of(folder)

    def stop(step: str) -> None:
        if step == "files moved":
            os._exit(9)

    child = os.fork()
    if child == 0:
        merge(repository, BASE, THEIRS, stop, records=True)
        os._exit(0)
    os.waitpid(child, 0)
    with (folder / "fresh/added.py").open("a") as file:
        file.write("written after the crash\n")
    with locked(repository):
        assert recover(repository) == (
            "finished the interrupted update of orders to template 2.0.0, because its files were changed since"
        )
    assert (folder / "fresh/added.py").read_text().endswith("written after the crash\n")
    assert last_operation(repository) is not None


def stopped_at(repository: Repository, wanted: str) -> None:
    """Update in a process that is killed when the step ``wanted`` is done."""
    child = os.fork()
    if child == 0:
        merge(repository, BASE, THEIRS, lambda step: os._exit(9) if step == wanted else None, records=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9


@pytest.mark.parametrize("step", ["moved away conflict.py", "moved in changed.py", "files moved", "index written"])
def test_what_is_written_after_git_put_the_files_back_stays(folder: Path, step: str) -> None:
    """`git reset --hard` is what many do first, and they go on working: going back takes none of that away."""
    repository = repository_of(folder)
    run(folder, "commit", "--quiet", "--message=mine")
    stopped_at(repository, step)
    run(folder, "reset", "--quiet", "--hard")
    with (folder / "changed.py").open("a") as file:
        file.write("written after the crash\n")
    with (folder / "old/moved.py").open("a") as file:
        file.write("and staged\n")
    run(folder, "add", "old/moved.py")
    before = snapshot(folder)
    with locked(repository):
        assert recover(repository) == (
            "rolled back the interrupted update of orders to template 2.0.0; "
            "changed since, and left as they are: changed.py, old/moved.py"
        )
    # a file that was added and that git does not know is taken away, as by any way back
    files = {path: file for path, file in before[0].items() if path not in {"fresh/added.py", "new/moved.py"}}
    assert snapshot(folder) == (files, before[1])
    assert last_operation(repository) is None


def test_a_file_that_waits_to_be_replaced_and_is_edited_after_a_crash_stays(folder: Path) -> None:
    """Some files are new already and edited, others are back: neither going back nor finishing takes them."""
    repository = repository_of(folder)
    stopped_at(repository, "moved in changed.py")
    for name in ("changed.py", "conflict.py", "deleted.py"):
        with (folder / name).open("a") as file:
            file.write("written after the crash\n")
    with locked(repository):
        assert recover(repository).endswith("left as they are: changed.py, conflict.py, deleted.py")
    for name in ("changed.py", "conflict.py", "deleted.py"):
        assert (folder / name).read_text().endswith("written after the crash\n")
    assert (folder / "old/moved.py").exists()


def test_a_full_disk_is_refused_with_nothing_changed(folder: Path) -> None:
    """Every write past a limit fails, at each size of limit: files, objects, journal, index."""
    before = snapshot(folder)
    messages = set()
    for limit in (0, 10, 60, 100, 150, 300, 600, 1000, 1500, 2000, 3000, 6000):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                merge(repository_of(folder), BASE, THEIRS, records=True)
                code = 0
            except TwelvefacError:
                code = 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        messages.add(code)
        if code == 2:
            assert snapshot(folder) == before, limit
            assert read_operation(repository_of(folder), JOURNAL) is None
            assert not list(repository_of(folder).state.glob("staging-*"))
        else:
            assert code == 0
            break
    assert messages == {0, 2}


def test_git_that_cannot_write_its_index_leaves_all_as_it_was(folder: Path) -> None:
    before = snapshot(folder)
    (folder / ".git/index.lock").touch()
    with pytest.raises(MachineError, match=r"index\.lock.*; everything is as it was"):
        merge(repository_of(folder), BASE, THEIRS, records=True)
    (folder / ".git/index.lock").unlink()
    assert snapshot(folder) == before
    assert read_operation(repository_of(folder), LAST) is None
    assert run(folder, "for-each-ref") == b""


def test_a_second_run_at_the_same_time_is_refused(folder: Path) -> None:
    with (
        locked(repository_of(folder)),
        pytest.raises(TwelvefacError, match="another run of twelvefac is at work"),
    ):
        merge(repository_of(folder), BASE, THEIRS)


def test_the_journal_of_a_newer_version_is_not_guessed_at(folder: Path) -> None:
    repository = find_repository(folder)
    repository.state.mkdir()
    (repository.state / JOURNAL).write_text(json.dumps({"version": 2, "steps": []}))
    with pytest.raises(MachineError, match="was written by another version of twelvefac"), locked(repository):
        recover(repository)


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    """Whichever folder it is: refused, and everything as it was."""
    by: list[str] = []
    if os.geteuid() == 0:  # whom permissions do not stop, unless the capabilities are given up
        by = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from update.test_stopped import BASE, THEIRS, merge, find_repository;"
        "from twelvefac.cli._boundary import guarded;"
        "sys.exit(guarded(lambda: merge(find_repository(Path(sys.argv[2])), BASE, THEIRS, records=True) and 0, []))"
    )
    before = snapshot(folder)
    for place in (folder / ".git/objects", folder / ".git", folder / ".twelvefac", folder / "old", folder):
        place.chmod(0o555)
        command = [*by, sys.executable, "-c", code, str(Path(__file__).parents[1]), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        place.chmod(0o755)
        assert done.returncode == 2, (place, done.stderr)
        assert done.stderr.startswith("error: ")
        assert "internal" not in done.stderr
        assert snapshot(folder) == before, place
        assert read_operation(repository_of(folder), JOURNAL) is None, (place, done.stderr)
