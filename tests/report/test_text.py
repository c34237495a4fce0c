"""The person's report: where lines break and what colours touch."""

import re

import pytest
from report_samples import outcome, report

from twelvefac.project.facts import Notice
from twelvefac.report.formats.text import render
from twelvefac.report.view import View
from twelvefac.report.wrap import wrapped
from twelvefac.source.span import Span

LONG = "the server is started by the shell and never hears of a stop"


def test_messages_hang_under_their_finding_and_the_place_is_never_broken() -> None:
    path = f"services/{'x' * 40}/a.py"
    proof = (Span("compose.yaml", 3, 1, 3, 2), "this is the command that starts it")
    lines = render(report(outcome(path, 1, message=LONG, related=(proof,))), View(width=44)).splitlines()

    assert lines[:6] == [
        f"{path}:1:5  high  hardcoded-secret  III config",
        "    the server is started by the shell and",
        "    never hears of a stop",
        "    compose.yaml:3  this is the command that",
        "      starts it",
        "",
    ]


def test_notices_and_reasons_hang_too() -> None:
    notice = Notice("unreadable", "a.py", 3, LONG)
    lines = render(report(notices=(notice,), failed="KeyError"), View(width=50)).splitlines()

    assert lines[:6] == [
        "error: the rule hardcoded-secret failed in orders:",
        "  KeyError",
        "note: a.py:3: the server is started by the shell",
        "      and never hears of a stop",
        "",
        "   I codebase             not judged  no rule for",
    ]
    assert lines[6] == "                          this factor ran"


@pytest.mark.parametrize("width", [40, 60, 100])
def test_colours_change_no_word(width: int) -> None:
    made = report(outcome("a.py", 1, message=LONG), notices=(Notice("unreadable", "b.py", 0, LONG),), failed=LONG)
    plain = render(made, View(width=width))
    coloured = render(made, View(color=True, width=width))

    assert coloured != plain
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_no_line_with_blanks_is_longer_than_the_width() -> None:
    made = report(outcome("a.py", 1, message=LONG * 5), notices=(Notice("x", "b.py", 0, LONG * 5),), failed=LONG)

    assert max(map(len, render(made, View(width=60)).splitlines())) <= 60


def test_wrapping_breaks_no_word_and_keeps_double_blanks() -> None:
    assert wrapped("aaaa bbbbbbbbbbbb cc", 6, "> ", ". ") == ["> aaaa", ". bbbbbbbbbbbb", ". cc"]
    assert wrapped("a  b", 80) == ["a  b"]
    assert wrapped("", 80, "  ") == ["  "]
