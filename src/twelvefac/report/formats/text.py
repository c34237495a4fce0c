"""The person's report: what is wrong, where, why it hurts, and what was not judged."""

from collections import Counter

from twelvefac.audit.result import AuditReport, FactorResult, Outcome, Verdict
from twelvefac.audit.rule import Severity
from twelvefac.project.facts import ERRORED, Notice
from twelvefac.report.paint import Paint
from twelvefac.report.services import service_lines
from twelvefac.report.view import View
from twelvefac.report.wrap import wrapped
from twelvefac.source.visible import visible

_TONES = {Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}
_NOTICES_SHOWN = 10
_NARROWEST = 40


def render(report: AuditReport, view: View) -> str:
    """Findings, then one line a factor, then what to do next; colours change no word.

    The line that says where and which rule is never broken, so that it can be searched for; what explains it is
    wrapped at the view's width.
    """
    paint, width = Paint(view.color), max(view.width, _NARROWEST)
    lines: list[str] = []
    for service in report.services:
        lines += service_lines(service, paint, width)
    for outcome in report.new:
        lines += _finding(outcome, paint, view, several=len(report.services) > 1)
    lines += _notices(report, paint, width)
    if not report.services:
        lines += wrapped(
            "No service found: no Python file and no Dockerfile here. Give the directory of a service.", width
        )
        return "\n".join(lines) + "\n"
    lines += _factors(report, paint, width)
    lines += ["", *_verdict(report, paint, width)]
    return "\n".join(lines) + "\n"


def _finding(outcome: Outcome, paint: Paint, view: View, *, several: bool) -> list[str]:
    finding, span = outcome.finding, outcome.finding.primary
    factor, width = outcome.rule.factor, max(view.width, _NARROWEST)
    where = paint(f"{visible(span.path)}:{span.line}:{span.column}", "bold")
    severity = paint(f"{finding.severity!s}", _TONES[finding.severity])
    service = f"  {visible(outcome.service)}" if several else ""
    title = paint(f"{factor.roman} {factor.title}{service}", "dim")
    lines = [
        f"{where}  {severity}  {paint(finding.rule, 'bold')}  {title}",
        *wrapped(visible(finding.message), width, "    "),
    ]
    for place, note in finding.related:
        related = wrapped(f"{visible(place.path)}:{place.line}  {visible(note)}", width, "    ", "      ")
        lines += [paint(line, "dim") for line in related]
    if finding.fixes:
        lines += [paint(line, "green") for line in wrapped(f"fix: {finding.fixes[0].title}", width, "    ", "      ")]
    remedy = view.remedies.get((outcome.service, finding.rule))
    if remedy:
        lines.append(paint(f"    cured by: {remedy}", "green"))
    return [*lines, ""]


def _notices(report: AuditReport, paint: Paint, width: int) -> list[str]:
    lines = []
    for run in report.errored:
        text = f"error: the rule {run.rule.name} failed in {run.service}: {visible(run.reason)}"
        lines += [paint(line, "red") for line in wrapped(text, width, "", "  ")]
    for notice in report.errored_files:
        text = f"error: {visible(notice.path)}: {visible(notice.message)}"
        lines += [paint(line, "red") for line in wrapped(text, width, "", "  ")]
    groups: dict[tuple[str, str], list[Notice]] = {}
    for notice in report.notices:
        if notice.kind == ERRORED:
            continue
        groups.setdefault((notice.kind, notice.message), []).append(notice)
    for (_, message), notices in list(groups.items())[:_NOTICES_SHOWN]:
        first = notices[0]
        place = f"{visible(first.path)}:{first.line}" if first.line else visible(first.path)
        more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
        head, *rest = wrapped(f"note: {place}{more}: {visible(message)}", width, "", "      ")
        lines += [paint("note", "cyan") + head.removeprefix("note"), *rest]
    if len(groups) > _NOTICES_SHOWN:
        lines.append(f"note: and {len(groups) - _NOTICES_SHOWN} other kinds; --format json has all")
    return [*lines, ""] if lines else []


def _factors(report: AuditReport, paint: Paint, width: int) -> list[str]:
    lines = []
    for result in report.factors():
        name = f"{result.factor.roman:>4} {result.factor.title:<20} "
        if result.verdict is Verdict.NOT_JUDGED:
            head, *rest = wrapped(f"not judged  {visible(result.reason)}", width, " " * len(name), " " * len(name))
            lines += [name + paint(head[len(name) :], "dim"), *(paint(line, "dim") for line in rest)]
        else:
            lines.append(f"{name}{_judgement(result, paint)}")
    return lines


def _judgement(result: FactorResult, paint: Paint) -> str:
    rules = f"{result.rules_run} rule{'s' if result.rules_run != 1 else ''}"
    if result.verdict is Verdict.FAIL:
        found = f"{result.findings} finding{'s' if result.findings != 1 else ''}"
        return f"{paint('fail', 'red')}        {found}"
    return f"{paint('pass', 'green')}        {rules}"


def _verdict(report: AuditReport, paint: Paint, width: int) -> list[str]:
    counts = Counter(outcome.finding.severity for outcome in report.new)
    total = sum(counts.values())
    files = f"{report.files} file{'s' if report.files != 1 else ''}"
    left = f", {report.left_out} of tests, migrations and docs left out" if report.left_out else ""
    suppressed = len(report.outcomes) - len(report.new)
    left += f"; {suppressed} suppressed" if suppressed else ""
    if not total:
        head, tone, rest = "No findings", "green", f" in {files}{left}."
    else:
        parts = ", ".join(f"{counts[level]} {level!s}" for level in reversed(Severity) if counts[level])
        head, tone = f"{total} finding{'s' if total != 1 else ''}", "bold"
        why = f"Why and how to fix: twelvefac explain {report.new[0].finding.rule}"
        rest = f" ({parts}) in {files}{left}. {why}"
    first, *more = wrapped(head + rest, width)
    return [paint(head, tone) + first[len(head) :], *more]
