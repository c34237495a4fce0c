"""`--dry-run` and `--diff` answer what the real run would, by their exit code too, and write nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit
from update_trees import run, snapshot

Commit = Callable[[Path], None]


def dirty(service: Path) -> None:
    edit(service / "template.txt", "1.0.0", "mine, not staged")


def untracked(service: Path) -> None:
    (service / SOURCE / "parts.py").write_text("mine\n")


def a_file_for_a_folder(service: Path) -> None:
    (service / SOURCE / "tools").write_text("mine\n")


@pytest.mark.parametrize("obstacle", [dirty, untracked, a_file_for_a_folder])
def test_what_would_be_refused_is_said(service: Path, call: Run, obstacle: Callable[[Path], None]) -> None:
    obstacle(service)
    before = snapshot(service)
    code, preview, error = call("update", "--dry-run")
    assert (code, error) == (2, "")
    assert preview.startswith("Would update orders: template 1.0.0 -> 2.0.0\n\n  added     src/orders/parts.py ")
    diff_code, patch, told = call("update", "--diff")
    assert diff_code == 2
    assert patch.startswith("diff --git ")
    code, _, said = call("update")
    assert code == 2
    message, hint = said.removeprefix("error: ").splitlines()
    assert preview.endswith(f"\nWould be refused: {message}\n{hint}\nNothing was changed.\n")
    assert told == f"would be refused: {message}\n{hint}\n"
    assert snapshot(service) == before


def test_conflicts_are_exit_code_1_as_they_would_be(service: Path, call: Run, commit: Commit) -> None:
    edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update", "--dry-run")[0] == 1
    assert call("update", "--diff")[0] == 1
    assert call("update")[0] == 1


def test_one_of_an_update_that_waits_is_refused_and_writes_nothing(service: Path, call: Run, commit: Commit) -> None:
    edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update")[0] == 1
    last = service / ".git/twelvefac/last.json"
    before = last.stat().st_mtime_ns
    real = call("add", "postgres")
    assert call("add", "postgres", "--dry-run") == real
    assert real[0] == 2
    assert last.stat().st_mtime_ns == before


def test_in_the_middle_of_a_run_nothing_is_foretold(service: Path, call: Run) -> None:
    (service / ".git/twelvefac").mkdir()
    (service / ".git/twelvefac/journal.json").write_text("{}")
    code, out, error = call("update", "--dry-run")
    assert (code, out) == (2, "")
    assert error.startswith("error: a run of twelvefac in this repository was stopped half way, or is still at work\n")


def test_a_folder_that_cannot_be_written_is_foretold(service: Path, template: Path) -> None:
    by: list[str] = []
    if os.geteuid() == 0:  # whom permissions do not stop, unless the capabilities are given up
        by = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    code = (
        "import sys; from pathlib import Path; from twelvefac.app.update import UpdateRequest, update;"
        "print(update(UpdateRequest(sys.argv[1], dry_run=True), root=Path(sys.argv[2])).refused)"
    )
    (service / SOURCE).chmod(0o555)
    words = [*by, sys.executable, "-c", code, str(service), str(template)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    (service / SOURCE).chmod(0o755)
    assert done.stdout == "('cannot write src/orders', 'make the files and folders writable')\n", done.stderr


def test_the_next_run_after_a_dry_one_is_not_disturbed(service: Path, call: Run) -> None:
    assert call("update", "--dry-run")[0] == 0
    assert run(service, "status", "--porcelain") == b""
    assert not (service / ".git/twelvefac").exists()
