"""GitLab's Code Quality format."""

import json

from report_samples import outcome, report

from twelvefac.audit.rule import Severity
from twelvefac.report.formats.gitlab import render
from twelvefac.report.view import View


def test_an_object_a_finding_and_no_fingerprint_twice() -> None:
    found = [outcome("a.py", 1), outcome("a.py", 4, Severity.LOW, end_line=6), outcome("b.py", 2, fingerprint="89ab")]

    assert json.loads(render(report(*found), View(prefix="x/"))) == [
        {
            "description": "a message",
            "check_name": "hardcoded-secret",
            "fingerprint": fingerprint,
            "severity": severity,
            "location": {"path": path, "lines": {"begin": begin, "end": end}},
        }
        for fingerprint, severity, path, begin, end in [
            ("0123", "critical", "x/a.py", 1, 1),
            ("0123-2", "minor", "x/a.py", 4, 6),
            ("89ab", "critical", "x/b.py", 2, 2),
        ]
    ]


def test_no_finding_is_an_empty_list() -> None:
    assert render(report(), View()) == "[]\n"
