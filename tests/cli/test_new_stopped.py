"""Stopped at any moment, the target is absent or complete, and the next run removes what was left."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import stopped_run
from cli_terminal import program

from twelvefac.scaffold.git import run_git
from twelvefac.scaffold.staging import remove_abandoned

STEPS = [
    "checked",
    "cleaned",
    "staged",
    "rendered",
    "recorded",
    "checked through",
    "committed",
    "published",
    "finished",
]
HIDDEN = ".orders.twelvefac-"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture(scope="module")
def complete(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("complete")
    subprocess.run(program(sample, "new", "service", "orders"), cwd=folder, check=True, capture_output=True)
    return files(folder / "orders")


@pytest.fixture
def absent_or_complete(complete: dict[str, bytes]) -> Callable[[Path], str]:
    """Say what is in a folder after a run was stopped there: "absent" or "complete", or fail."""

    def check(folder: Path) -> str:
        names = [path.name for path in folder.iterdir()]
        hidden = [name for name in names if name.startswith(HIDDEN)]
        assert set(names) <= {"orders", *hidden}
        assert len(hidden) <= 1
        if "orders" not in names:
            return "absent"
        assert files(folder / "orders") == complete
        assert run_git(["status", "--porcelain"], folder / "orders") == ""
        assert run_git(["rev-list", "--count", "HEAD"], folder / "orders") == "1"
        return "complete"

    return check


def stopped(sample: Path, folder: Path, name: str, step: str) -> tuple[int, list[str], str]:
    command = [sys.executable, stopped_run.__file__, "step", str(sample), str(folder), name, step]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_these_are_all_steps(sample: Path, tmp_path: Path) -> None:
    assert stopped(sample, tmp_path, "SIGKILL", "none of them") == (0, STEPS, "")


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step(
    sample: Path, tmp_path: Path, step: str, absent_or_complete: Callable[[Path], str]
) -> None:
    code, steps, _ = stopped(sample, tmp_path, "SIGKILL", step)
    assert (code, steps[-1]) == (-signal.SIGKILL, step)
    published = STEPS.index(step) >= STEPS.index("published")
    assert absent_or_complete(tmp_path) == ("complete" if published else "absent")
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(HIDDEN)]
    assert len(left) == (1 if "staged" in steps and step != "finished" else 0)
    # the next run, here of another service, removes it and says so
    done = subprocess.run(
        program(sample, "new", "service", "shop"), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    said = [f"removed {name}, which an interrupted run left in {tmp_path}\n" for name in left]
    assert done.stderr == "".join(said)
    assert {path.name for path in tmp_path.iterdir()} == {"shop", "orders"} - (set() if published else {"orders"})


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_after_a_step(
    sample: Path, tmp_path: Path, step: str, absent_or_complete: Callable[[Path], str]
) -> None:
    code, steps, error = stopped(sample, tmp_path, "SIGINT", step)
    assert (code, steps[-1], error) == (130, step, "interrupted\n")
    published = STEPS.index(step) >= STEPS.index("published")
    assert absent_or_complete(tmp_path) == ("complete" if published else "absent")
    assert [path.name for path in tmp_path.iterdir()] == (["orders"] if published else [])


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_stopped_before_each_thing_done_to_the_disk(
    sample: Path, tmp_path: Path, name: str, absent_or_complete: Callable[[Path], str]
) -> None:
    command = [sys.executable, stopped_run.__file__, "events", str(sample), str(tmp_path), name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) > 40
    assert (runs[-1]["code"], runs[-1]["at"], runs[-1]["left"]) == (0, "", ["orders"])
    code = -signal.SIGKILL if name == "SIGKILL" else 130
    assert [run["code"] for run in runs[:-1]] == [code] * (len(runs) - 1)
    outcomes = []
    for index in range(len(runs)):
        folder = tmp_path / str(index)
        outcomes.append(absent_or_complete(folder))
        remove_abandoned(folder)
        assert [path.name for path in folder.iterdir()] == (["orders"] if outcomes[-1] == "complete" else [])
    # first absent, then complete, with the rename in between
    assert outcomes == sorted(outcomes)
    assert runs[outcomes.index("complete") - 1]["at"].startswith("os.rename")


def test_killed_after_any_time(sample: Path, tmp_path: Path, absent_or_complete: Callable[[Path], str]) -> None:
    """Without any knowledge of the steps, git's own included."""
    begin = time.monotonic()
    (tmp_path / "whole").mkdir()
    subprocess.run(program(sample, "new", "service", "orders"), cwd=tmp_path / "whole", check=True, capture_output=True)
    whole = time.monotonic() - begin
    outcomes = set()
    for part in range(1, 13):
        folder = tmp_path / str(part)
        folder.mkdir()
        process = subprocess.Popen(
            program(sample, "new", "service", "orders"),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(whole * part / 12)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        outcomes.add(absent_or_complete(folder))
    assert "absent" in outcomes
