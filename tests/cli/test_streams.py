"""Streams that cannot be written, and a current folder that is gone: one line on stderr and exit 2."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_terminal import program

BAD = "import requests\nrequests.get('x')\n"
FULL = "error: cannot write the output: no space left on device"
CLOSED = "error: cannot write the output: it is closed"


def shell(line: str, cwd: Path, *words: str) -> tuple[int, str, str]:
    """Run ``words`` by the shell, with ``line`` for what becomes of its streams."""
    command = shlex.join(words or [sys.executable, "-m", "twelvefac"])
    done = subprocess.run(
        ["sh", "-c", line.format(command)], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(BAD)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    ["audit .", "audit . --format json", "rules", "explain no-timeout", "--version", "-V --help", "--help"],
)
@pytest.mark.parametrize(("to", "said"), [(">/dev/full", FULL), (">&-", CLOSED)])
def test_an_output_that_cannot_be_written(bad: Path, arguments: str, to: str, said: str) -> None:
    assert shell(f"{{}} {arguments} {to}", bad) == (2, "", f"{said}\n")


def test_an_output_that_is_larger_than_what_is_held_back(bad: Path) -> None:
    for number in range(200):
        (bad / f"m{number}.py").write_text(BAD * 20)
    assert shell("{} audit . >/dev/full", bad) == (2, "", f"{FULL}\n")


@pytest.mark.parametrize("to", ["2>&-", "2>/dev/full"])
def test_errors_that_nobody_hears(bad: Path, to: str) -> None:
    assert shell(f"{{}} audit nowhere {to}", bad) == (2, "", "")
    assert shell(f"{{}} audit . --no-such-option {to}", bad) == (2, "", "")


def test_an_input_that_is_closed(sample: Path, tmp_path: Path) -> None:
    code, out, error = shell("{} <&-", tmp_path, *program(sample, "new", "service", "orders", "--dry-run"))
    assert (code, out[:17], error) == (0, "Would make orders", "")


@pytest.mark.parametrize(("to", "said"), [(">/dev/full", FULL), (">&-", CLOSED)])
def test_a_service_stays_made(sample: Path, tmp_path: Path, to: str, said: str) -> None:
    command = program(sample, "new", "service", "orders")
    assert shell(f"{{}} {to}", tmp_path, *command) == (2, "", f"{said}; {tmp_path}/orders was made\n")
    assert [path.name for path in tmp_path.iterdir()] == ["orders"]
    assert (tmp_path / "orders/README.md").is_file()


GONE = "error: the current folder no longer exists\n  change to another folder\n"


@pytest.mark.parametrize("arguments", ["audit", "audit .", "adopt", "undo", "new service orders"])
def test_a_current_folder_that_is_gone(tmp_path: Path, arguments: str) -> None:
    script = Path(sys.executable).with_name("twelvefac")
    (tmp_path / "gone").mkdir()
    line = f"cd gone && rmdir ../gone && {script} {arguments}"
    assert shell(line, tmp_path) == (2, "", GONE)


def test_another_folder_is_audited_from_one_that_is_gone(bad: Path) -> None:
    script = Path(sys.executable).with_name("twelvefac")
    (bad / "gone").mkdir()
    code, out, error = shell(f"cd gone && rmdir ../gone && {script} audit {bad}", bad)
    assert (code, error) == (1, "")
    assert out.startswith("app.py:2:1  medium  no-timeout")
    assert os.listdir(bad) == ["app.py"]  # noqa: PTH208
