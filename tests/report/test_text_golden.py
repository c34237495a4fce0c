"""The text report, letter by letter."""

import re
from datetime import date
from pathlib import Path

import pytest
from audit_rules import call_rule, failing_rule

from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.rule import HIGH, LOW, Rule
from twelvefac.report.formats.text import render
from twelvefac.report.view import View

OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1")
RULES = (call_rule("bad-call", "bad", HIGH), call_rule("worse-call", "worse", LOW))
NOT_JUDGED = [
    "codebase", "dependencies", "config", "backing services", "build, release, run", "processes", "port binding",
    "concurrency", "disposability", "dev/prod parity",
]  # fmt: skip
ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"]
FACTORS = "".join(
    f"{roman:>4} {name:<20} not judged  no rule for this factor ran\n"
    for roman, name in zip(ROMAN, NOT_JUDGED, strict=True)
)
LAST = f"{'XII':>4} {'admin processes':<20} not judged  no rule for this factor ran\n"


def text(root: Path, *rules: Rule, color: bool = False, width: int = 100) -> str:
    return render(audit(str(root), rules or RULES, OPTIONS), View(color=color, width=width))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def test_findings(root: Path) -> None:
    (root / "app.py").write_text("x = 1\nbad()\nworse()\n")
    (root / "test_app.py").write_text("bad()\n")

    assert text(root) == (
        "app.py:2:1  high  bad-call  XI logs\n"
        "    bad is called\n"
        "\n"
        "app.py:3:1  low  worse-call  XI logs\n"
        "    worse is called\n"
        "\n"
        f"{FACTORS}"
        "  XI logs                 fail        2 findings\n"
        f"{LAST}"
        "\n"
        "2 findings (1 high, 1 low) in 1 file, 1 of tests, migrations and docs left out. Why and how to fix:\n"
        "twelvefac explain bad-call\n"
    )


def test_a_clean_service(root: Path) -> None:
    (root / "app.py").write_text("x = 1\n")

    assert text(root) == (f"{FACTORS}  XI logs                 pass        2 rules\n{LAST}\nNo findings in 1 file.\n")


def test_no_service(root: Path) -> None:
    assert text(root) == "No service found: no Python file and no Dockerfile here. Give the directory of a service.\n"


def test_notices_and_errors(root: Path) -> None:
    (root / "app.py").write_text("bad()  # twelvefac: ignore[bad-call]\n")
    found = text(root, RULES[0], failing_rule("a-failing", ValueError("no\x1b[31m")))

    assert "error: the rule a-failing failed in shop: ValueError in audit_rules.py:" in found
    assert "note: app.py:1: ignore[bad-call] needs a reason; it has no effect\n" in found


def test_colours_change_no_word(root: Path) -> None:
    (root / "app.py").write_text("bad()\nworse()  # twelvefac: ignore[bad-call]\n")
    (root / "broken.py").write_text("bad(\n")
    plain, colored = text(root), text(root, color=True)

    assert "\x1b" not in plain
    assert "\x1b[31mhigh\x1b[0m" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == plain
    for line in colored.split("\n"):  # no colour runs on into the next line
        assert line.count("\x1b[0m") * 2 == line.count("\x1b[")


@pytest.mark.parametrize("name", ["a\nb.py", "\x1b]0;owned\x07.py", "\u202eyp.py", "\udcff.py", "\x9b31m.py"])
def test_a_name_cannot_drive_the_terminal(root: Path, name: str) -> None:
    (root / name).write_text("bad()\n# twelvefac: ignore[bad-call] why\n")
    (root / f"broken{name}").write_text("bad(\n")
    found = text(root)

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", found)
    assert ascii(name)[1:-1] in found
    found.encode()


@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_every_width(root: Path, width: int) -> None:
    (root / "app.py").write_text("bad()\n")
    found = text(root, width=width)

    assert re.sub(r"\s+", " ", found) == re.sub(r"\s+", " ", text(root))
    assert max(map(len, found.split("\n"))) <= max(width, 50)
