"""The person's report: what is wrong, where, why it hurts, and what was not judged."""

from collections import Counter

from twelvefac.audit.result import AuditReport, FactorResult, Outcome, Verdict
from twelvefac.audit.rule import Severity
from twelvefac.project.facts import Notice
from twelvefac.report.paint import Paint
from twelvefac.source.visible import visible

_TONES = {Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}
_NOTICES_SHOWN = 10


def render_text(report: AuditReport, *, color: bool) -> str:
    """Findings, then one line a factor, then what to do next; ``color`` adds ANSI codes and changes no word."""
    paint = Paint(color)
    lines: list[str] = []
    for outcome in report.new:
        lines += _finding(outcome, paint, several=len(report.services) > 1)
    lines += _notices(report, paint)
    if not report.services:
        lines.append("No service found: no Python file and no Dockerfile here. Give the directory of a service.")
        return "\n".join(lines) + "\n"
    lines += _factors(report, paint)
    lines += ["", _verdict(report, paint)]
    return "\n".join(lines) + "\n"


def _finding(outcome: Outcome, paint: Paint, *, several: bool) -> list[str]:
    finding, span = outcome.finding, outcome.finding.primary
    factor = outcome.rule.factor
    where = paint(f"{visible(span.path)}:{span.line}:{span.column}", "bold")
    severity = paint(f"{finding.severity!s}", _TONES[finding.severity])
    service = f"  {visible(outcome.service)}" if several else ""
    title = paint(f"{factor.roman} {factor.title}{service}", "dim")
    lines = [
        f"{where}  {severity}  {paint(finding.rule, 'bold')}  {title}",
        f"    {visible(finding.message)}",
    ]
    for place, note in finding.related:
        lines.append(paint(f"    {visible(place.path)}:{place.line}  {visible(note)}", "dim"))
    if finding.fixes:
        lines.append(paint(f"    fix: {finding.fixes[0].title}", "green"))
    return [*lines, ""]


def _notices(report: AuditReport, paint: Paint) -> list[str]:
    lines = []
    for run in report.errored:
        text = f"error: the rule {run.rule.name} failed in {run.service}: {visible(run.reason)}"
        lines.append(paint(text, "red"))
    groups: dict[tuple[str, str], list[Notice]] = {}
    for notice in report.notices:
        groups.setdefault((notice.kind, notice.message), []).append(notice)
    for (_, message), notices in list(groups.items())[:_NOTICES_SHOWN]:
        first = notices[0]
        place = f"{visible(first.path)}:{first.line}" if first.line else visible(first.path)
        more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
        lines.append(f"{paint('note', 'cyan')}: {place}{more}: {visible(message)}")
    if len(groups) > _NOTICES_SHOWN:
        lines.append(f"note: and {len(groups) - _NOTICES_SHOWN} other kinds; --format json has all")
    return [*lines, ""] if lines else []


def _factors(report: AuditReport, paint: Paint) -> list[str]:
    lines = []
    for result in report.factors():
        name = f"{result.factor.roman:>4} {result.factor.title:<20}"
        lines.append(f"{name} {_judgement(result, paint)}")
    return lines


def _judgement(result: FactorResult, paint: Paint) -> str:
    rules = f"{result.rules_run} rule{'s' if result.rules_run != 1 else ''}"
    if result.verdict is Verdict.FAIL:
        found = f"{result.findings} finding{'s' if result.findings != 1 else ''}"
        return f"{paint('fail', 'red')}        {found}"
    if result.verdict is Verdict.PASS:
        return f"{paint('pass', 'green')}        {rules}"
    return paint(f"not judged  {visible(result.reason)}", "dim")


def _verdict(report: AuditReport, paint: Paint) -> str:
    counts = Counter(outcome.finding.severity for outcome in report.new)
    total = sum(counts.values())
    files = f"{report.files} file{'s' if report.files != 1 else ''}"
    left = f", {report.left_out} of tests, migrations and docs left out" if report.left_out else ""
    if not total:
        return f"{paint('No findings', 'green')} in {files}{left}."
    parts = ", ".join(f"{counts[level]} {level!s}" for level in reversed(Severity) if counts[level])
    found = paint(f"{total} finding{'s' if total != 1 else ''}", "bold")
    first = report.new[0].finding.rule
    return f"{found} ({parts}) in {files}{left}. Why and how to fix: twelvefac explain {first}"
