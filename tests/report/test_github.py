"""Workflow commands: what GitHub's runner reads, escaped as it reads it."""

from pathlib import Path

from report_samples import outcome, report, shop

from twelvefac.audit.rule import Severity
from twelvefac.project.facts import Notice
from twelvefac.report.formats.github import render
from twelvefac.report.view import View
from twelvefac.source.span import Span


def test_a_command_a_finding_the_gravest_first(tmp_path: Path) -> None:
    assert render(shop(tmp_path), View(prefix="services/shop/")).splitlines() == [
        "twelvefac: 3 findings in 2 files",
        (
            "::error file=services/shop/Dockerfile,line=2,endLine=2,col=1,endColumn=19,"
            "title=signal-lost (IX disposability)::PID 1 is a shell that keeps SIGTERM to itself: python never hears "
            "of a stop and is killed with its work in flight"
        ),
        (
            "::error file=services/shop/shop.py,line=2,endLine=2,col=15,endColumn=28,"
            "title=hardcoded-secret (III config)::the value of DB_PASSWORD is in the code: everybody who can read the "
            "repository or the image has it"
        ),
        (
            "::warning file=services/shop/shop.py,line=4,endLine=4,col=1,endColumn=40,"
            "title=no-timeout (IX disposability)::requests.get waits for an answer without limit: a hanging peer holds "
            "a worker for ever"
        ),
    ]


def test_low_findings_are_notices_and_columns_are_left_out_across_lines() -> None:
    found = outcome("a.py", 1, Severity.LOW, end_line=3)

    assert render(report(found), View()).splitlines()[1:] == [
        "::notice file=a.py,line=1,endLine=3,title=hardcoded-secret (III config)::a message"
    ]


def test_what_would_end_a_command_or_a_property_is_escaped() -> None:
    found = outcome("a,b:c%.py", 1, message="100%\r\n::error::x\x1b[31m")

    assert render(report(found), View()).splitlines()[1:] == [
        (
            "::error file=a%2Cb%3Ac%25.py,line=1,endLine=1,col=5,endColumn=9,title=hardcoded-secret (III config)"
            "::100%25%0D%0A::error::x\\x1b[31m"
        )
    ]


def test_proofs_are_lines_of_the_message() -> None:
    found = outcome("a.py", 1, related=((Span("compose.yaml", 3, 1, 3, 2), "this starts it"),))

    [_, command] = render(report(found), View()).splitlines()
    assert command.endswith("::a message%0Acompose.yaml:3 this starts it")


def test_ten_of_each_level_are_commands_and_the_others_lines_of_the_log() -> None:
    high = [outcome("a.py", line) for line in range(1, 13)]
    medium = [outcome("b.py", line, Severity.MEDIUM) for line in range(1, 12)]
    lines = render(report(*high, *medium), View(prefix="x/")).splitlines()

    assert lines[0] == "twelvefac: 23 findings in 7 files"
    assert [line.split(",")[:2] for line in lines[1:21]] == [
        *(["::error file=x/a.py", f"line={line}"] for line in range(1, 11)),
        *(["::warning file=x/b.py", f"line={line}"] for line in range(1, 11)),
    ]
    assert lines[21:] == [
        "3 more, which GitHub shows no annotations for:",
        "  x/a.py:11:5: high hardcoded-secret: a message",
        "  x/a.py:12:5: high hardcoded-secret: a message",
        "  x/b.py:11:5: medium hardcoded-secret: a message",
    ]


def test_a_failed_rule_is_an_error() -> None:
    assert render(report(failed="KeyError: 'x'"), View()).splitlines() == [
        "twelvefac: 0 findings in 7 files",
        "::error title=twelvefac::the rule hardcoded-secret failed: KeyError: 'x'",
    ]


def test_no_service_is_said() -> None:
    assert render(report(services=0), View()) == "twelvefac: no service found\n"


def test_what_was_not_judged_is_in_the_log() -> None:
    notices = (
        Notice("unreadable", "app.py", 7, "not judged\n::error::x"),
        Notice("outside-link", "b", 0, "passed over"),
    )

    assert render(report(notices=notices), View(prefix="shop/")).splitlines() == [
        "twelvefac: 0 findings in 7 files",
        "  note: shop/app.py:7: not judged\\n::error::x",
        "  note: shop/b: passed over",
    ]
