"""GitHub's workflow commands: findings become annotations on the changed lines.

GitHub shows ten of each level a step (docs.github.com, "Workflow commands"), so the first ten are commands, the
gravest first, and the others plain lines of the log. Columns are only understood within one line.
"""

from collections import Counter

from twelvefac.audit.result import AuditReport, Outcome
from twelvefac.audit.rule import Severity
from twelvefac.project.facts import ERRORED
from twelvefac.report.view import View
from twelvefac.source.visible import visible

SHOWN = 10
"""How many annotations of one level GitHub shows for one step."""
_COMMANDS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "notice"}


def render(report: AuditReport, view: View) -> str:
    """One line that sums up, the commands, then what GitHub would not show.

    The first line is no command: what another program left on the line before (a colour) must not hide one.
    """
    commands: list[str] = []
    rest: list[str] = []
    used: Counter[str] = Counter()
    for run in report.errored:
        commands.append(f"::error title=twelvefac::{_text(f'the rule {run.rule.name} failed: {run.reason}')}")
        used["error"] += 1
    for notice in report.errored_files:
        used["error"] += 1
        where = _property(view.prefix + notice.path)
        commands.append(f"::error file={where},title=twelvefac::{_text(notice.message)}")
    for outcome in sorted(report.new, key=lambda one: -one.finding.severity):  # stable: by place within a level
        name = _COMMANDS[outcome.finding.severity]
        used[name] += 1
        if used[name] <= SHOWN:
            commands.append(_command(name, outcome, view))
        else:
            rest.append(_line(outcome, view))
    head = [f"{len(rest)} more, which GitHub shows no annotations for:"] if rest else []
    return "\n".join([_sum(report), *commands, *head, *rest, *_notes(report, view)]) + "\n"


def _notes(report: AuditReport, view: View) -> list[str]:
    """What was not judged, as lines of the log: a step that says nothing of it would look like a pass."""
    notes = [one for one in report.notices if one.kind != ERRORED]
    places = [f"{view.prefix}{one.path}:{one.line}" if one.line else f"{view.prefix}{one.path}" for one in notes]
    return [visible(f"  note: {place}: {one.message}") for place, one in zip(places, notes, strict=True)]


def _command(name: str, outcome: Outcome, view: View) -> str:
    finding, span = outcome.finding, outcome.finding.primary
    properties = [f"file={_property(view.prefix + span.path)}", f"line={span.line}", f"endLine={span.end_line}"]
    if span.line == span.end_line:
        properties += [f"col={span.column}", f"endColumn={span.end_column}"]
    properties.append(f"title={_property(f'{finding.rule} ({outcome.rule.factor.roman} {outcome.rule.factor.title})')}")
    proofs = [f"{where.path}:{where.line} {note}" for where, note in finding.related]
    return f"::{name} {','.join(properties)}::{_text(chr(10).join([finding.message, *proofs]))}"


def _line(outcome: Outcome, view: View) -> str:
    finding, span = outcome.finding, outcome.finding.primary
    place = f"{view.prefix}{span.path}:{span.line}:{span.column}"
    # a line of the log must not be taken for a command
    return visible(f"  {place}: {finding.severity!s} {finding.rule}: {finding.message}")


def _sum(report: AuditReport) -> str:
    if not report.services:
        return "twelvefac: no service found"
    count = len(report.new)
    return f"twelvefac: {count} finding{'s' if count != 1 else ''} in {report.files} files"


def _text(text: str) -> str:
    """What a command says: line ends and per cent signs escaped; control characters made visible."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
