"""The bench of the load: what it measures is there and is read right; how fast things are is not a test."""

import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from .load import Figure, Round, UnusableError, generate, read_report


def test_without_wrk_it_says_what_to_install(repository: Path, tmp_path: Path) -> None:
    script = repository / "tests/bench/load.py"
    result = subprocess.run(
        [sys.executable, script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "load: wrk is not on the PATH; on Debian and Ubuntu: apt-get install wrk\n"


def test_a_report_becomes_figures() -> None:
    written = "Running 1s test @ http://127.0.0.1:8000/\nREPORT 10000 2000000 2500 0\n"
    assert read_report(written, cpu=0.9) == Round(requests=10_000, throughput=5000.0, p99=2.5, cpu=90.0)


@pytest.mark.parametrize("written", ["unable to connect", "REPORT 10000 2000000 2500 1", "REPORT 0 2000000 0 0"])
def test_a_round_that_failed_is_no_figure(written: str) -> None:
    with pytest.raises(UnusableError):
        read_report(written, cpu=0.9)


@pytest.mark.parametrize(
    ("asked", "at_least", "verdict"),
    [(0.85, True, "  >= 0.85 ok"), (0.95, True, "  >= 0.95 SHORT"), (0.85, False, "  <= 0.85 SHORT")],
)
def test_the_ratio_is_the_median_of_the_pairs(asked: float, at_least: bool, verdict: str) -> None:
    figure = Figure("throughput", "/s", [90.0, 9.0, 80.0], [100.0, 10.0, 20.0], asked, at_least)
    assert figure.text() == f"{'throughput':<26}     80.00     20.00 /s    0.90 x (0.90 to 2.45){verdict}"


@pytest.mark.e2e
def test_both_answer_alike_and_leave_a_line_for_each_request(tmp_path: Path) -> None:
    service = generate(tmp_path / "orders")
    bodies = set()
    with service.serving() as ours, service.bare("json") as theirs:
        for server in (ours, theirs):
            assert server.wait_until_ready() > 0
            for _ in range(20):
                with urlopen(server.url) as answer:
                    bodies.add(answer.read())
            assert server.cpu() > 0
    assert bodies == {b'{"service":"orders","version":"0.1.0"}'}
    assert (ours.access_lines(), theirs.access_lines()) == (20, 21)  # the bare app has no readiness of its own
