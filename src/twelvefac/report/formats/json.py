"""The machine's report: ``--format json``, version 1."""

from typing import Any

from twelvefac import __version__
from twelvefac.audit.result import AuditReport, Outcome
from twelvefac.audit.rule import Fix
from twelvefac.report.document import dump, path_members
from twelvefac.report.services import service_object
from twelvefac.report.view import View
from twelvefac.source.edit import Replace

_PLAIN = View()


def render(report: AuditReport, view: View) -> str:
    """The report as one JSON document with a final newline; order is stable."""
    return dump(as_dict(report, view))


def as_dict(report: AuditReport, view: View = _PLAIN) -> dict[str, Any]:
    """The document of the contract of version 1, audit.schema.json; positions are 1-based, end columns exclusive."""
    return {
        "version": 1,
        "tool": {"name": "twelvefac", "version": __version__},
        "services": [service_object(one) for one in report.services],
        "findings": [_finding(one, view) for one in report.new],
        "factors": {
            str(int(one.factor)): {
                "name": one.factor.title,
                "verdict": one.verdict.value,
                "rules_run": one.rules_run,
                "findings": one.findings,
                "reason": one.reason,
            }
            for one in report.factors()
        },
        "files": {"read": report.files, "left_out": report.left_out},
        "notices": [
            {"kind": one.kind, **path_members(one.path), "line": one.line, "message": one.message}
            for one in report.notices
        ],
        "errors": [{"rule": one.rule.name, "service": one.service, "reason": one.reason} for one in report.errored],
    }


def _finding(outcome: Outcome, view: View) -> dict[str, Any]:
    finding, span = outcome.finding, outcome.finding.primary
    return {
        "rule": finding.rule,
        "factor": int(outcome.rule.factor),
        "severity": str(finding.severity),
        "confidence": str(outcome.rule.confidence),
        "service": outcome.service,
        **path_members(span.path),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "message": finding.message,
        "subject": finding.subject,
        "fingerprint": outcome.fingerprint,
        "state": outcome.state.value,
        "remedy": view.remedies.get((outcome.service, finding.rule)),
        "related": [{**path_members(where.path), "line": where.line, "note": note} for where, note in finding.related],
        "fix": _fix(finding.fixes[0]) if finding.fixes else None,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "title": fix.title,
        "safety": fix.safety.value,
        "edits": [
            {
                **path_members(edit.path),
                "line": edit.span.line,
                "column": edit.span.column,
                "end_line": edit.span.end_line,
                "end_column": edit.span.end_column,
                "text": edit.text,
            }
            if isinstance(edit, Replace)
            else {**path_members(edit.path), "text": edit.text}
            for edit in fix.edits
        ],
    }
