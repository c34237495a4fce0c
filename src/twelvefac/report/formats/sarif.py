"""SARIF 2.1.0 (OASIS), for code scanning: valid against the official schema, which the tests hold.

Findings carry a fingerprint of our own under ``fingerprints``. ``partialFingerprints`` is left to GitHub's upload,
which adds ``primaryLocationLineHash`` and warns where a tool has filled it. Paths are relative to the repository.
"""

import os
from typing import Any
from urllib.parse import quote

from twelvefac import __version__
from twelvefac.audit.result import AuditReport, Origin, Outcome
from twelvefac.audit.rule import Confidence, Fix, Rule, Severity
from twelvefac.project.facts import ERRORED, Notice
from twelvefac.report.document import dump
from twelvefac.report.view import View
from twelvefac.source.edit import Replace
from twelvefac.source.span import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT = "twelvefac/v1"
_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_PROBLEMS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "recommendation"}
_PRECISIONS = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}
_KINDS = {Origin.COMMENT: "inSource", Origin.CONFIGURATION: "external"}


def render(report: AuditReport, view: View) -> str:
    """The report as one SARIF log with one run; suppressed findings are in it, marked as such."""
    return dump(as_log(report, view))


def as_log(report: AuditReport, view: View) -> dict[str, Any]:
    """The document before it becomes text."""
    rules = sorted({run.rule.name: run.rule for run in report.runs}.values(), key=lambda rule: rule.name)
    index = {rule.name: number for number, rule in enumerate(rules)}
    # SARIF 3.27.23: either every result says whether it is suppressed, or none does
    marked = any(outcome.origin for outcome in report.outcomes)
    run = {
        "tool": {
            "driver": {
                "name": "twelvefac",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not (report.errored or report.errored_files),
                "toolExecutionNotifications": [
                    *(
                        _notification(f"the rule {one.rule.name} failed in {one.service}: {one.reason}", "error")
                        for one in report.errored
                    ),
                    *(
                        _notification(one.message, "error" if one.kind == ERRORED else "note", one, view)
                        for one in report.notices
                    ),
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(outcome, index, view, marked=marked) for outcome in report.outcomes],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    title, _, body = rule.description.partition("\n")
    factor = f"{rule.factor.roman}. {rule.factor.title}"
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": title},
        "help": {"text": body.strip() or title, "markdown": body.strip() or title},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["twelve-factor", factor],
            "precision": _PRECISIONS[rule.confidence],
            "problem.severity": _PROBLEMS[rule.severity],
            "factor": int(rule.factor),
            "since": rule.since,
        },
    }


def _notification(text: str, level: str, notice: Notice | None = None, view: View | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"level": level, "message": {"text": text}}
    if notice is not None and view is not None:
        found["descriptor"] = {"id": notice.kind}
        physical: dict[str, Any] = {"artifactLocation": _artifact(notice.path, view)}
        if notice.line:
            physical["region"] = {"startLine": notice.line}
        found["locations"] = [{"physicalLocation": physical}]
    return found


def _result(outcome: Outcome, index: dict[str, int], view: View, *, marked: bool) -> dict[str, Any]:
    finding = outcome.finding
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _physical(finding.primary, view)}],
        "fingerprints": {_FINGERPRINT: outcome.fingerprint},
        "properties": {"service": outcome.service, "subject": finding.subject},
    }
    if finding.related:
        found["relatedLocations"] = [
            {"id": number, "physicalLocation": _physical(where, view), "message": {"text": note}}
            for number, (where, note) in enumerate(finding.related, 1)
        ]
    if finding.fixes:
        found["fixes"] = [_fix(fix, view) for fix in finding.fixes]
    if marked:
        found["suppressions"] = (
            [{"kind": _KINDS[outcome.origin], "status": "accepted", "justification": outcome.reason}]
            if outcome.origin
            else []
        )
    return found


def _fix(fix: Fix, view: View) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        # a new file has no text to delete: an insertion at its start
        region = _region(edit.span) if isinstance(edit, Replace) else _region(Span(edit.path, 1, 1, 1, 1))
        replacement = {"deletedRegion": region, "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.path, []).append(replacement)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {"artifactLocation": _artifact(path, view), "replacements": several} for path, several in changes.items()
        ],
    }


def _physical(span: Span, view: View) -> dict[str, Any]:
    return {"artifactLocation": _artifact(span.path, view), "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(path: str, view: View) -> dict[str, str]:
    return {"uri": quote(os.fsencode(view.prefix + path)), "uriBaseId": "%SRCROOT%"}
