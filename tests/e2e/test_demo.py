"""`make demo` shows the whole path, and a step that fails ends it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def demo(repository: Path, scratch: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(scratch), "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, str(repository / "docs/demo.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.e2e
def test_the_demo_shows_each_step_and_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    result = demo(repository, tmp_path)

    assert result.returncode == 0, result.stdout + result.stderr
    shown = [line for line in result.stdout.splitlines() if line.startswith("$ ")]
    assert "$ twelvefac new service orders --defaults" in shown
    assert "$ make test" in shown
    assert "$ twelvefac audit ." in shown
    assert '{"status":"ready"}' in result.stdout
    assert '"message": "GET / 200"' in result.stdout
    assert list(tmp_path.glob("twelvefac-demo-*")) == []


def test_a_failing_step_ends_the_demo_with_its_name(repository: Path, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "make"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)

    result = demo(repository, tmp_path, str(broken.parent))

    assert result.returncode == 1
    assert "demo stopped: `make test` ended with exit code 3" in result.stdout
    assert list(tmp_path.glob("twelvefac-demo-*")) == []
