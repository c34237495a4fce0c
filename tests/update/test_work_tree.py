"""What only the work tree has, a mode, a link, a repository in the repository: an update never takes its place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, refused
from update_trees import run

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
