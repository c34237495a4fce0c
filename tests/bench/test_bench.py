"""The bench runs and prints every figure that it is asked for; how fast things are is not a test."""

import subprocess
import sys
from pathlib import Path


def test_the_bench_prints_each_figure(repository: Path, tmp_path: Path) -> None:
    tree = tmp_path / "trees" / "tiny"
    tree.mkdir(parents=True)
    (tree / "app.py").write_text("import os\nDEBUG = os.environ['DEBUG']\n")
    (tree / "Dockerfile").write_text("FROM python:3.12-slim\nCMD python app.py\n")
    script = repository / "tests/bench/bench.py"

    result = subprocess.run(
        [sys.executable, script, "--runs", "1", "--trees", tree.parent],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    figures = [line.split("<=")[0].strip() for line in result.stdout.splitlines() if "<=" in line]
    assert figures == [
        "twelvefac --version",
        "twelvefac --help",
        "audit of tiny (2 files), cache empty",
        "audit --all-files / ruff",
        "audit / ruff",
        "audit, nothing changed since the last",
        "audit --all-files, memory",
        "eight times tiny / tiny, start-up off",
        "new service / copier copy",
    ]
