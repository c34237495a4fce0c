"""Suppressions: what they cover, for how long, and what is said of those that do nothing."""

from datetime import date
from pathlib import Path

import pytest
from audit_rules import call_rule

from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.result import AuditReport, State
from twelvefac.audit.suppress import ConfiguredIgnore

BAD, WORSE = call_rule("bad-call", "bad"), call_rule("worse-call", "worse")
TODAY = date(2026, 6, 15)


def run(root: Path, text: str, *configured: ConfiguredIgnore, selected: frozenset[str] | None = None) -> AuditReport:
    (root / "app.py").write_text(text)
    options = AuditOptions(today=TODAY, version="1", configured=configured, selected=selected)
    return audit(str(root), (BAD, WORSE), options)


def entry(
    rule: str = "bad-call", path: str = "*", subject: str = "*", reason: str = "why", until: str = ""
) -> ConfiguredIgnore:
    return ConfiguredIgnore(rule, path, subject, reason, until, "twelvefac.toml", 1)


def lines(report: AuditReport) -> list[int]:
    return [one.finding.primary.line for one in report.new]


def notices(report: AuditReport) -> list[tuple[str, str, int]]:
    return [(one.kind, one.path, one.line) for one in report.notices]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("bad()  # twelvefac: ignore[bad-call] why\n", []),
        ("# twelvefac: ignore[bad-call] why\nbad()\n", []),
        ("def f():\n    # twelvefac: ignore[bad-call] why\n    bad()\n", []),
        ("bad(  # twelvefac: ignore[bad-call] why\n  1)\n", []),
        ("bad()  # twelvefac: ignore[worse-call, bad-call] why\nworse()\n", [2]),
        ("bad(); worse()  # twelvefac: ignore[worse-call,bad-call] why\n", []),
        ("# twelvefac: ignore[bad-call] why\n\nbad()\n", [3]),  # the line above, no other
        ("bad()\n# twelvefac: ignore[bad-call] why\n", [1]),
        ("x = 1  # twelvefac: ignore[bad-call] why\nbad()\n", [2]),  # behind code it covers its own line
        ("bad(\n  1)  # twelvefac: ignore[bad-call] why\n", []),  # all lines of a finding count
        ("bad(\n  1,  # twelvefac: ignore[bad-call] why\n  2,\n)\n", []),
        ("bad(\n  # twelvefac: ignore[bad-call] why\n  1,\n)\n", []),
        ("bad(\n  1,\n)\n# twelvefac: ignore[bad-call] why\n", [1]),
        ("bad('# twelvefac: ignore[bad-call] why')\n", [1]),
        ("'''\n# twelvefac: ignore[bad-call] why\n'''; bad()\n", [3]),
        ("bad()  # twelvefac: ignore[worse-call] why\n", [1]),
        ("bad()  # twelvefac: ignore why\n", [1]),
        ("bad()  # twelvefac: ignore[bad-call]\n", [1]),  # no reason
        ("bad()  # twelvefac: ignore[bad-call]   ; until=2027-01-01\n", [1]),
        ("bad()  # twelvefac: ignore[bad-call] why; until=2026-06-15\n", []),  # the last day is included
        ("bad()  # twelvefac: ignore[bad-call] why; until=2026-06-14\n", [1]),
        ("bad()  # twelvefac: ignore[bad-call] why; until=2026-13-01\n", [1]),
        ("bad()  # twelvefac: ignore[bad-call] why; until: 2027-01-01\n", [1]),
    ],
)
def test_a_comment_covers_its_line_or_the_next(tmp_path: Path, text: str, left: list[int]) -> None:
    assert lines(run(tmp_path, text)) == left


def test_what_is_suppressed_is_kept_with_its_reason(tmp_path: Path) -> None:
    [outcome] = run(tmp_path, "bad()  # twelvefac: ignore[bad-call] it is right here\n").outcomes

    assert (outcome.state, outcome.reason) == (State.SUPPRESSED, "it is right here")


@pytest.mark.parametrize(
    ("comment", "kind"),
    [
        ("# twelvefac: ignore[bad-call]", "suppression-without-reason"),
        ("# twelvefac: ignore[bad-call] why; until=2026-01-01", "suppression-expired"),
        ("# twelvefac: ignore[bad-call] why; until=soon", "suppression-malformed"),
        ("# twelvefac: ignore[bad-call] why; untill=2027-01-01", "suppression-malformed"),
        ("# twelvefac: ignore[worse-call] why", "suppression-unused"),
        ("# twelvefac: ignore[bad-cal] why", "suppression-unknown"),
        ("# twelvefac: ignore", "suppression-malformed"),
        ("# twelvefac: ignore[*] why", "suppression-malformed"),
    ],
)
def test_a_suppression_that_does_nothing_is_a_notice(tmp_path: Path, comment: str, kind: str) -> None:
    report = run(tmp_path, f"x = 1\nbad()  {comment}\n")

    assert lines(report) == [2]
    assert notices(report) == [(kind, "app.py", 2)]


def test_one_that_works_is_none(tmp_path: Path) -> None:
    assert notices(run(tmp_path, "bad()  # twelvefac: ignore[bad-call] why; until=2027-01-01\n")) == []


def test_one_of_several_that_is_unused_is_told(tmp_path: Path) -> None:
    report = run(tmp_path, "bad()  # twelvefac: ignore[bad-call,worse-call] why\n")

    assert (lines(report), notices(report)) == ([], [("suppression-unused", "app.py", 1)])


def test_those_of_rules_that_did_not_run_are_left_alone(tmp_path: Path) -> None:
    report = run(tmp_path, "x()  # twelvefac: ignore[worse-call] why\n", selected=frozenset(("bad-call",)))

    assert notices(report) == []


def test_a_dockerfile_has_them_too(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\n# twelvefac: ignore[bad-call] why\nRUN a\n")

    assert notices(run(tmp_path, "")) == [("suppression-unused", "Dockerfile", 2)]


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        (entry(), []),
        (entry(path="app.py"), []),
        (entry(path="*.py", subject="call:*"), []),
        (entry(path="src/*"), [1]),
        (entry(path="APP.py"), [1]),
        (entry(subject="call:other"), [1]),
        (entry(rule="worse-call"), [1]),
        (entry(until="2026-06-15"), []),
        (entry(until="2026-06-14"), [1]),
        (entry(until="never"), [1]),
    ],
)
def test_entries_of_the_configuration(tmp_path: Path, ignore: ConfiguredIgnore, left: list[int]) -> None:
    assert lines(run(tmp_path, "bad()\n", ignore)) == left


@pytest.mark.parametrize(
    ("ignore", "kind"),
    [
        (entry(path="src/*"), "suppression-unused"),
        (entry(until="2026-06-14"), "suppression-expired"),
        (entry(until="never"), "suppression-malformed"),
    ],
)
def test_entries_that_do_nothing_are_notices_at_the_configuration(
    tmp_path: Path, ignore: ConfiguredIgnore, kind: str
) -> None:
    assert notices(run(tmp_path, "bad()\n", ignore)) == [(kind, "twelvefac.toml", 1)]
