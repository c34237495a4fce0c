"""What an audit found, as data."""

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from twelvefac.audit.rule import Finding, Rule, Severity
from twelvefac.errors import ExitCode
from twelvefac.factors import Factor
from twelvefac.project.facts import ERRORED, Notice
from twelvefac.source.digest import digest

if TYPE_CHECKING:
    from twelvefac.project.description import Description


class RunState(StrEnum):
    """What became of a rule in a service."""

    RAN = "ran"
    NOT_APPLICABLE = "not-applicable"
    NOT_JUDGED = "not-judged"
    ERRORED = "errored"


class State(StrEnum):
    """What became of a finding."""

    NEW = "new"
    SUPPRESSED = "suppressed"


class Origin(StrEnum):
    """Where a suppression is written."""

    COMMENT = "comment"
    CONFIGURATION = "configuration"


class Verdict(StrEnum):
    """The judgement on one factor."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NOT_JUDGED = "not-judged"


class RuleRun(NamedTuple):
    """One rule in one service."""

    rule: Rule
    service: str
    state: RunState
    reason: str = ""


class Outcome(NamedTuple):
    """A finding and what became of it; ``origin`` and ``reason`` are those of what suppresses it."""

    finding: Finding
    rule: Rule
    service: str
    state: State
    fingerprint: str
    reason: str = ""
    origin: Origin | None = None


class ServiceSummary(NamedTuple):
    """A service as the report names it; ``description`` is the whole model, where it was asked for."""

    name: str
    root: str
    undecided: tuple[str, ...]
    description: "Description | None" = None


class FactorResult(NamedTuple):
    """One factor's verdict; ``reason`` says why it was not judged."""

    factor: Factor
    verdict: Verdict
    rules_run: int
    findings: int
    reason: str


class AuditReport(NamedTuple):
    """Everything a reporter needs; ordered by path, line, rule."""

    services: tuple[ServiceSummary, ...]
    outcomes: tuple[Outcome, ...]
    runs: tuple[RuleRun, ...]
    notices: tuple[Notice, ...]
    files: int
    left_out: int

    @property
    def new(self) -> tuple[Outcome, ...]:
        """The findings that count."""
        return tuple(outcome for outcome in self.outcomes if outcome.state is State.NEW)

    @property
    def errored(self) -> tuple[RuleRun, ...]:
        """The rules that failed, with the reason."""
        return tuple(run for run in self.runs if run.state is RunState.ERRORED)

    @property
    def errored_files(self) -> tuple[Notice, ...]:
        """The files whose reader failed, with the reason."""
        return tuple(notice for notice in self.notices if notice.kind == ERRORED)

    def factors(self) -> tuple[FactorResult, ...]:
        """A verdict per factor: fail with a finding, pass if a rule ran, else not judged."""
        findings = Counter(outcome.rule.factor for outcome in self.new)
        ran = {
            factor: {run.rule.name for run in self.runs if run.rule.factor == factor and run.state is RunState.RAN}
            for factor in Factor
        }
        results = []
        for factor in Factor:
            verdict, reason = Verdict.PASS, ""
            if findings[factor]:
                verdict = Verdict.FAIL
            elif not ran[factor]:
                verdict = Verdict.NOT_JUDGED
                reason = next(
                    (run.reason for run in self.runs if run.rule.factor == factor and run.reason),
                    "no rule for this factor ran",
                )
            results.append(FactorResult(factor, verdict, len(ran[factor]), findings[factor], reason))
        return tuple(results)

    def exit_code(self, threshold: Severity | None) -> ExitCode:
        """4 for a failed rule or reader, 1 for findings at or above ``threshold`` (None: never), 3 without service."""
        if self.errored or self.errored_files:
            return ExitCode.INTERNAL
        if threshold is not None and any(outcome.finding.severity >= threshold for outcome in self.new):
            return ExitCode.FINDINGS
        return ExitCode.OK if self.services else ExitCode.NOTHING_TO_AUDIT


def fingerprint(finding: Finding) -> str:
    """A key that survives edits elsewhere: rule, path, subject and enclosing symbol; no line, no time, no value.

    Equal findings have equal fingerprints: consumers count them as a multiset.
    """
    parts = (finding.rule, finding.primary.path, finding.subject, finding.symbol)
    return digest("\0".join(parts).encode("utf-8", "surrogatepass"))
