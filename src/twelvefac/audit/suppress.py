"""Suppressions: a comment in the code or an entry in the configuration takes a finding out, with a reason."""

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import NamedTuple

from twelvefac.audit.result import Origin, Outcome, State, fingerprint
from twelvefac.audit.rule import Finding, Rule
from twelvefac.project.facts import Ignore, Notice


class ConfiguredIgnore(NamedTuple):
    """An entry of the configuration: rule, path pattern and subject pattern (``*`` for any), with a reason.

    ``line`` is where the entry stands in the configuration file ``source``.
    """

    rule: str
    path: str
    subject: str
    reason: str
    until: str
    source: str
    line: int

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of this finding."""
        return (
            self.rule == finding.rule
            and fnmatchcase(finding.primary.path, self.path)
            and fnmatchcase(finding.subject, self.subject)
        )


def suppress(
    findings: list[tuple[Finding, Rule, str]],
    ignores: Mapping[str, tuple[Ignore, ...]],
    configured: tuple[ConfiguredIgnore, ...],
    selected: frozenset[str],
    known: frozenset[str],
    today: date,
) -> tuple[list[Outcome], list[Notice]]:
    """Decide each finding's state.

    ``findings`` are (finding, rule, service); ``ignores`` the comments by path. Unused, expired and reasonless
    suppressions are notices; those of rules that did not run (not in ``selected``) are left alone, those of rules that
    there are not (not in ``known``) are told: a misspelt name suppresses nothing, nor does a comment without one.
    """
    used: set[tuple[str, Ignore] | ConfiguredIgnore] = set()
    outcomes = []
    for finding, rule, service in findings:
        reason, origin = "", None
        for ignore in ignores.get(finding.primary.path, ()):
            if ignore.rule == finding.rule and _covers(ignore, finding):
                used.add((finding.primary.path, ignore))
                if _in_force(ignore.reason, ignore.until, today):
                    reason, origin = ignore.reason, Origin.COMMENT
        for entry in configured:
            if entry.covers(finding):
                used.add(entry)
                if _in_force(entry.reason, entry.until, today):
                    reason, origin = entry.reason, Origin.CONFIGURATION
        state = State.NEW if origin is None else State.SUPPRESSED
        outcomes.append(Outcome(finding, rule, service, state, fingerprint(finding), reason, origin))
    notices = [
        notice
        for path, several in sorted(ignores.items())
        for ignore in several
        if ignore.rule in selected
        for notice in _judge(ignore, path, ignore.line, today, used=(path, ignore) in used)
    ]
    notices += [
        Notice(
            "suppression-malformed",
            path,
            ignore.line,
            "this suppresses nothing; write `# twelvefac: ignore[RULE] reason`, with the names of rules",
        )
        for path, several in sorted(ignores.items())
        for ignore in several
        if not ignore.rule
    ]
    notices += [
        Notice("suppression-unknown", path, ignore.line, f"ignore[{ignore.rule}]: no rule is called so")
        for path, several in sorted(ignores.items())
        for ignore in several
        if ignore.rule and ignore.rule not in known
    ]
    notices += [
        notice
        for entry in configured
        if entry.rule in selected
        for notice in _judge(entry, entry.source, entry.line, today, used=entry in used)
    ]
    return outcomes, notices


def _covers(ignore: Ignore, finding: Finding) -> bool:
    """Whether a comment is in the finding's lines or on the one above: a long call has no better place than inside."""
    return any(finding.primary.line <= line <= finding.primary.end_line for line in ignore.lines)


def _in_force(reason: str, until: str, today: date) -> bool:
    if not reason:
        return False
    if not until:
        return True
    try:
        return date.fromisoformat(until) >= today
    except ValueError:
        return False


def _judge(entry: Ignore | ConfiguredIgnore, path: str, line: int, today: date, *, used: bool) -> list[Notice]:
    if not entry.reason:
        return [
            Notice("suppression-without-reason", path, line, f"ignore[{entry.rule}] needs a reason; it has no effect")
        ]
    if entry.until and not _in_force(entry.reason, entry.until, today):
        try:
            date.fromisoformat(entry.until)
        except ValueError:
            message = f"ignore[{entry.rule}]: until={entry.until} is no date (YYYY-MM-DD); it has no effect"
            return [Notice("suppression-malformed", path, line, message)]
        return [Notice("suppression-expired", path, line, f"ignore[{entry.rule}] expired on {entry.until}")]
    if not used:
        return [Notice("suppression-unused", path, line, f"ignore[{entry.rule}] matches no finding; remove it")]
    return []
