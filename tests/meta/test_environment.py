"""The promises of tests/conftest.py."""

import os
import subprocess
import sys
from pathlib import Path

SKIPPING = "import pytest\ndef test_a(): pytest.skip('no server here')\n"


def run_pytest(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    conftest = Path(__file__).parent.parent / "conftest.py"
    (folder / "conftest.py").write_bytes(conftest.read_bytes())
    (folder / "test_it.py").write_text(SKIPPING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args, "."]
    environment = {**os.environ, **env}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_environment_of_the_caller_is_gone() -> None:
    leaked = [name for name in os.environ if name.startswith(("GITHUB_", "TWELVEFAC_", "OTEL_"))]

    assert leaked == []
    assert os.environ.keys().isdisjoint({"CI", "NO_COLOR", "COLUMNS", "MAKEFLAGS"})


def test_git_reads_no_configuration_of_the_user(tmp_path: Path) -> None:
    seen = subprocess.run(
        ["git", "config", "--list", "--show-scope"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert seen.stdout == ""


def test_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, NO_SKIPS="0").returncode == 0


def test_a_skip_counts_as_a_failure_where_none_is_allowed(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, NO_SKIPS="1")

    assert result.returncode == 1
    assert "no server here" in result.stdout


def test_workers_know_that_no_skip_is_allowed(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "-n", "2", NO_SKIPS="1").returncode == 1


def test_ctrl_c_reaches_what_a_test_starts_in_the_background_too(tmp_path: Path) -> None:
    """A shell starts ``pytest … &`` with SIGINT ignored, and that is inherited."""
    (tmp_path / "test_signal.py").write_text(
        "import signal, subprocess, sys\n"
        "CHILD = 'import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)'\n"
        "def test_it(): assert subprocess.run([sys.executable, '-c', CHILD]).returncode == -signal.SIGINT\n"
    )
    conftest = (Path(__file__).parent.parent / "conftest.py").read_bytes()
    (tmp_path / "conftest.py").write_bytes(conftest)
    for workers in ("0", "1"):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", workers, "test_signal.py"]
        done = subprocess.run(
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
