"""GitLab's Code Quality report: the subset of Code Climate's format that merge requests show.

Fingerprints must differ within a report, or GitLab shows one of the findings only: equal ones are numbered.
"""

from collections import Counter
from typing import Any

from twelvefac.audit.result import AuditReport, Outcome
from twelvefac.audit.rule import Severity
from twelvefac.report.document import dump
from twelvefac.report.view import View

_SEVERITIES = {Severity.HIGH: "critical", Severity.MEDIUM: "major", Severity.LOW: "minor"}


def render(report: AuditReport, view: View) -> str:
    """A JSON array with an object a finding."""
    seen: Counter[str] = Counter()
    found = []
    for outcome in report.new:
        seen[outcome.fingerprint] += 1
        found.append(_entry(outcome, seen[outcome.fingerprint], view))
    return dump(found)


def _entry(outcome: Outcome, number: int, view: View) -> dict[str, Any]:
    finding, span = outcome.finding, outcome.finding.primary
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": outcome.fingerprint if number == 1 else f"{outcome.fingerprint}-{number}",
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": view.prefix + span.path, "lines": {"begin": span.line, "end": span.end_line}},
    }
