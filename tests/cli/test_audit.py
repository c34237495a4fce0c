"""``audit``, ``explain`` and ``rules`` as a person or a pipeline runs them: a process, its streams and its code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules

BAD = "import requests\nrequests.get('x')\n"


def start(*arguments: str, cwd: Path | None = None, **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "twelvefac", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    process = start(*arguments, cwd=cwd, **environment)
    out, error = process.communicate(timeout=60)
    return process.returncode, out.decode(), error.decode()


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    folder = tmp_path / "clean"
    folder.mkdir()
    (folder / "app.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "app.py").write_text(BAD)
    return folder


def test_a_clean_service_is_0(clean: Path) -> None:
    code, out, error = run("audit", str(clean))

    assert (code, error) == (0, "")
    assert out.endswith("No findings in 1 file.\n")


def test_findings_are_1_and_go_to_stdout(bad: Path) -> None:
    code, out, error = run("audit", str(bad))

    assert (code, error) == (1, "")
    assert out.startswith("app.py:2:1  medium  no-timeout  IX disposability\n")


def test_the_current_directory_is_the_default(bad: Path) -> None:
    assert run("audit", cwd=bad) == run("audit", str(bad)) == run("audit", ".", cwd=bad)


@pytest.mark.parametrize(("threshold", "code"), [("high", 0), ("medium", 1), ("low", 1), ("never", 0)])
def test_the_threshold(bad: Path, threshold: str, code: int) -> None:
    assert run("audit", str(bad), "--fail-on", threshold)[0] == code


def test_json_goes_to_stdout_alone(bad: Path) -> None:
    code, out, error = run("audit", str(bad), "--format", "json")

    assert (code, error) == (1, "")
    assert [one["rule"] for one in json.loads(out)["findings"]] == ["no-timeout"]


def test_nothing_to_audit_is_3(tmp_path: Path) -> None:
    code, out, error = run("audit", str(tmp_path))

    assert (code, error) == (3, "")
    assert out == "No service found: no Python file and no Dockerfile here. Give the directory of a service.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "nowhere"), "error: nowhere does not exist\n  twelvefac audit DIRECTORY\n"),
        (("audit", "app.py"), "error: app.py is a file; give its directory\n  twelvefac audit DIRECTORY\n"),
        (
            ("audit", "--rule", "no-timout"),
            "error: no rule is called no-timout; did you mean no-timeout?\n  `twelvefac rules` lists them\n",
        ),
        (("audit", "--rule", "xyz"), "error: no rule is called xyz\n  `twelvefac rules` lists them\n"),
        (("audit", "--fail-on", "sometimes"), "error: --fail-on sometimes: must be one of high, medium, low, never\n"),
        (
            ("explain", "no-timout"),
            "error: no rule is called no-timout; did you mean no-timeout?\n  `twelvefac rules` lists them\n",
        ),
    ],
)
def test_what_is_refused_is_2_with_one_message(bad: Path, arguments: tuple[str, ...], said: str) -> None:
    assert run(*arguments, cwd=bad) == (2, "", said)


@pytest.mark.parametrize("command", ["audit", "rules"])
def test_an_unknown_format_names_those_that_there_are(bad: Path, command: str) -> None:
    code, out, error = run(command, "--format", "yaml", cwd=bad)

    assert (code, out) == (2, "")
    assert error.startswith("error: --format yaml: must be ")
    assert "json" in error
    assert "text" in error


@pytest.mark.parametrize("arguments", [("audit", "--no-such-option"), ("audit", "a", "b"), ("explain",), ("no-such",)])
def test_a_command_line_that_is_wrong_is_2_without_a_traceback(bad: Path, arguments: tuple[str, ...]) -> None:
    code, out, error = run(*arguments, cwd=bad)

    assert (code, out) == (2, "")
    assert error
    assert "Traceback" not in error


def test_a_configuration_that_is_wrong_is_2(bad: Path) -> None:
    (bad / "twelvefac.toml").write_text("fail-on = 'x'\n")
    code, out, error = run("audit", str(bad))

    assert (code, out) == (2, "")
    assert error.startswith(f"error: {bad / 'twelvefac.toml'}: setting fail-on: ")


def test_an_internal_error_is_4_with_a_file_and_no_traceback(bad: Path, tmp_path: Path) -> None:
    """A mistake of ours, planted: whatever it is, the person gets a message and a file to report."""
    planted = (
        "import sys\nfrom twelvefac.project import discovery\n"
        "def broken(*arguments, **named): raise RuntimeError('planted')\n"
        "from twelvefac.audit import engine\nengine.discover = broken\n"
        f"from twelvefac.cli import run\nsys.exit(run(['audit', {str(bad)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", planted],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("internal error: RuntimeError: planted\n")
    assert "Traceback" not in done.stderr
    [report] = tmp_path.glob("twelvefac-error-*.txt")
    assert str(report) in done.stderr
    assert "Traceback" in report.read_text()


def test_suppressions_and_the_strict_option(bad: Path) -> None:
    (bad / "app.py").write_text("import requests\nrequests.get('x')  # twelvefac: ignore[no-timeout] for the test\n")
    code, out, _ = run("audit", str(bad), "--strict-suppressions")
    assert code == 0
    assert out.endswith("No findings in 1 file; 1 suppressed.\n")

    (bad / "app.py").write_text("x = 1  # twelvefac: ignore[no-timeout] for the test\n")
    assert run("audit", str(bad))[0] == 0
    code, out, _ = run("audit", str(bad), "--strict-suppressions")
    assert code == 1
    assert "note: app.py:1: ignore[no-timeout] matches no finding; remove it\n" in out

    (bad / "app.py").write_text("import requests\nrequests.get('x')  # twelvefac: ignore\n")
    code, out, _ = run("audit", str(bad), "--fail-on", "never", "--strict-suppressions")
    assert code == 1
    assert "write `# twelvefac: ignore[RULE] reason`" in out


def test_one_rule_alone(bad: Path) -> None:
    code, out, _ = run("audit", str(bad), "--rule", "debug-on", "--rule", "hardcoded-secret", "--format", "json")

    assert code == 0
    assert [number for number, one in json.loads(out)["factors"].items() if one["rules_run"]] == ["3"]


def test_nothing_is_written_into_the_audited_directory(bad: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (bad, *bad.rglob("*"))}
    run("audit", str(bad), XDG_CACHE_HOME=str(bad))

    assert {path: path.stat().st_mtime_ns for path in (bad, *bad.rglob("*"))} == before


def test_the_cache_is_kept_unless_told_otherwise(bad: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run("audit", str(bad), "--no-cache", XDG_CACHE_HOME=str(cache))
    assert not cache.exists()

    assert run("audit", str(bad), XDG_CACHE_HOME=str(cache)) == run("audit", str(bad), XDG_CACHE_HOME=str(cache))
    assert len(list((cache / "twelvefac").iterdir())) == 2  # the facts, and what they were judged to be


def test_without_a_home_the_audit_works(bad: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-m", "twelvefac", "audit", bad], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("command", [("rules",), ("explain", "signal-lost"), ("audit", "--format", "json")])
def test_a_reader_that_leaves_early_costs_no_traceback(bad: Path, command: tuple[str, ...]) -> None:
    for number in range(300):
        (bad / f"m{number}.py").write_text(BAD * 20)
    process = start(*command, cwd=bad)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.wait(60)
    process.stderr.close()

    assert error == b""


COLOURS = [
    ({}, False),
    ({"FORCE_COLOR": "1"}, True),
    ({"NO_COLOR": "1"}, False),
    ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ({"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
]


@pytest.mark.parametrize(("environment", "colored"), COLOURS)
@pytest.mark.parametrize("command", [("audit",), ("rules",), ("explain", "no-timeout")])
def test_colours(bad: Path, command: tuple[str, ...], environment: dict[str, str], colored: bool) -> None:
    assert ("\x1b[" in run(*command, cwd=bad, **environment)[1]) is colored


def test_json_has_no_colours(bad: Path) -> None:
    assert "\x1b" not in run("audit", "--format", "json", cwd=bad, FORCE_COLOR="1")[1]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_an_output_that_lacks_a_character(bad: Path, encoding: str) -> None:
    (bad / "漢é.py").write_text(BAD)
    process = start("audit", cwd=bad, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    out, error = process.communicate(timeout=60)

    assert (process.returncode, error) == (1, b"")
    shown = out.decode(encoding)
    assert ("漢é.py:2:1" in shown) is (encoding == "utf-8")
    assert encoding == "utf-8" or "\\u6f22" in shown


def test_an_interruption_is_130(bad: Path, tmp_path: Path) -> None:
    """git is asked first and never answers; then Ctrl-C."""
    (bad / ".git").mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(f"#!/bin/sh\n: > {tmp_path}/asked\nexec sleep 60\n")
    (programs / "git").chmod(0o755)
    process = start("audit", str(bad), PATH=f"{programs}:{os.environ['PATH']}")
    for _ in range(600):
        if (tmp_path / "asked").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)

    assert (process.returncode, out, error) == (130, b"", b"interrupted\n")


def test_rules_lists_each_of_them() -> None:
    names = {rule.name for rule in load_rules(rules)}
    code, out, error = run("rules")

    assert (code, error) == (0, "")
    assert {line.split()[0] for line in out.split("\n") if line.startswith("  ")} == names
    code, out, error = run("rules", "--format", "json")
    data = json.loads(out)
    assert data["version"] == 1
    assert {one["name"] for one in data["rules"]} == names
    assert data["rules"][0].keys() == {"name", "factor", "summary", "severity", "confidence", "since", "fix"}


@pytest.mark.parametrize("rule", load_rules(rules), ids=lambda rule: rule.name)
def test_every_rule_is_explained(rule: object, capsys: pytest.CaptureFixture[str]) -> None:
    from twelvefac.audit.rule import Rule
    from twelvefac.cli import run as run_here

    assert isinstance(rule, Rule)
    code = run_here(["explain", rule.name])
    out = capsys.readouterr().out

    assert code == 0
    assert out.startswith(f"{rule.name}  {rule.factor.roman} {rule.factor.title}  severity {rule.severity!s}, ")
    titles = ["Why", "What it does not flag", "How to fix", "Found", "Not found", "To accept a finding"]
    places = [out.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    assert f"# twelvefac: ignore[{rule.name}] " in out


@pytest.mark.parametrize("command", ["audit", "explain", "rules"])
def test_help(command: str) -> None:
    code, out, error = run(command, "--help")

    assert (code, error) == (0, "")
    assert f"twelvefac {command}" in out
