"""A rule is added by one file, a component by one directory, with the commands of CONTRIBUTING.md."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RULE = '''\
"""A file is opened in a folder of one machine.

## Why

The folder does not exist elsewhere.

## What it does not flag

Paths that come from the configuration.

## How to fix

Read the folder from the environment.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a file is opened in a folder of one machine",
    severity=LOW,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=anchors("open"),
    names=frozenset({"open"}),
    examples=(
        Example(
            "a path of one machine",
            """
            -- app.py --
            data = open("/srv/planted/data").read()  # <- planted-path
            """,
        ),
        Example(
            "a path from the environment",
            """
            -- app.py --
            import os

            data = open(os.environ["DATA"]).read()
            """,
        ),
        Example(
            "a path beside the program",
            """
            -- app.py --
            data = open("data").read()
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, call in facts.calls("open"):
        if call.args and str(call.args[0].data).startswith("/srv/planted/"):
            yield rule.at(path, call.at, "opens a path of one machine", subject="open")
'''
COMPONENT = """\
name: planted
kind: database
summary: Keeps everything in one planted file.
docs: A component that a test plants.
env:
  - name: PLANTED_FILE
    example: data/planted
    description: The file.
"""


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """A scratch copy of this repository as it is on disk, ignored files left out."""
    target = tmp_path / "copy"
    command = ["git", "-C", str(repository), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (repository / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, target / name)
    return target


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in the copy, with the copy's own source before the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    return subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def make(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A task of the copy's Makefile in this environment, which is taken as ready (-o).

    For the few tests that each asks for ``-n 0`` will do: workers collect all tests once each.
    """
    return run(copy, "make", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.ready", *words)


def twelvefac(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(copy, sys.executable, "-m", "twelvefac", *words)


def passed(result: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"(\d+) passed", result.stdout)
    return int(found.group(1)) if found else 0


def test_a_rule_is_one_file(copy: Path) -> None:
    rule = copy / "src/twelvefac/rules/config/planted_path.py"
    rule.parent.mkdir(exist_ok=True)
    rule.write_text(RULE)

    tested = make(copy, "test-fast", "ARGS=-k planted-path -p no:randomly -n 0")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert passed(tested) >= 3  # its three examples at least
    assert make(copy, "docs").returncode == 0
    assert "opened in a folder of one machine" in (copy / "docs/rules/planted-path.md").read_text()
    assert "(planted-path.md)" in (copy / "docs/rules/README.md").read_text()
    assert "planted-path" in twelvefac(copy, "rules").stdout
    assert "The folder does not exist elsewhere." in twelvefac(copy, "explain", "planted-path").stdout


def test_the_harness_sees_a_rule_that_does_not_do_what_its_examples_say(copy: Path) -> None:
    rule = copy / "src/twelvefac/rules/config/planted_path.py"
    rule.parent.mkdir(exist_ok=True)
    rule.write_text(RULE.replace("/srv/planted/data", "/opt/planted/data"))

    tested = make(copy, "test-fast", "ARGS=-k planted-path -p no:randomly -n 0 tests/examples")

    assert tested.returncode == 2, tested.stdout + tested.stderr  # make's own: a task failed
    assert "planted-path" in tested.stdout


def test_a_component_is_one_directory(copy: Path, tmp_path: Path) -> None:
    component = copy / "templates/service/{{planted}}"
    (component / "src/{{package}}").mkdir(parents=True)
    (component / "_component.yml").write_text(COMPONENT)
    (component / "src/{{package}}/planted.py.jinja").write_text('"""The planted file of {{ name }}."""\n')

    written = make(copy, "docs")
    assert written.returncode == 0, written.stdout + written.stderr
    assert "PLANTED_FILE" in (copy / "docs/components/planted.md").read_text()
    tested = make(copy, "test-fast", "ARGS=-k planted -p no:randomly -n 0")
    assert passed(tested) >= 1, tested.stdout + tested.stderr
    assert tested.returncode == 0, tested.stdout + tested.stderr

    made = twelvefac(copy, "new", "service", str(tmp_path / "away"), "--database", "planted", "--defaults")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "away/src/away/planted.py").read_text() == '"""The planted file of away."""\n'
    without = twelvefac(copy, "new", "service", str(tmp_path / "bare"), "--defaults")
    assert without.returncode == 0, without.stderr
    assert not (tmp_path / "bare/src/bare/planted.py").exists()
