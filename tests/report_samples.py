"""Reports to render: a small audited tree, and findings made by hand."""

from pathlib import Path

from twelvefac import rules
from twelvefac.audit.registry import load_rules, select_rules
from twelvefac.audit.result import AuditReport, Outcome, RuleRun, RunState, ServiceSummary, State
from twelvefac.audit.rule import Finding, Rule, Severity
from twelvefac.project.facts import Notice
from twelvefac.source.span import Span
from twelvefac.testing import audit_tree

RULES = ("hardcoded-secret", "no-timeout", "signal-lost")
SHOP = {
    "Dockerfile": "FROM python:3.12-slim\nCMD python shop.py\n",
    "shop.py": (
        "import requests\n"
        'DB_PASSWORD = "Tr0ub4dor&3"\n'
        'OLD_PASSWORD = "Tr0ub4dor&3"  # twelvefac: ignore[hardcoded-secret] revoked\n'
        'requests.get("https://stock.internal/")\n'
    ),
}
"""A finding with a fix, one of a medium severity, one suppressed."""


def some_rules() -> tuple[Rule, ...]:
    return select_rules(load_rules(rules), RULES)


def shop(folder: Path) -> AuditReport:
    return audit_tree(SHOP, some_rules(), folder)


def outcome(
    path: str,
    line: int,
    severity: Severity = Severity.HIGH,
    *,
    end_line: int = 0,
    message: str = "a message",
    related: tuple[tuple[Span, str], ...] = (),
    fingerprint: str = "0123",
) -> Outcome:
    """A finding of hardcoded-secret in columns 5 to 9."""
    rule = some_rules()[0]
    finding = Finding(rule.name, message, Span(path, line, 5, end_line or line, 9), "env:X", severity, related)
    return Outcome(finding, rule, "orders", State.NEW, fingerprint)


def report(*outcomes: Outcome, notices: tuple[Notice, ...] = (), failed: str = "", services: int = 1) -> AuditReport:
    rule = some_rules()[0]
    run = RuleRun(rule, "orders", RunState.ERRORED if failed else RunState.RAN, failed)
    summaries = tuple(ServiceSummary(f"orders{number or ''}", "", ()) for number in range(services))
    return AuditReport(summaries, outcomes, (run,), notices, files=7, left_out=0)
