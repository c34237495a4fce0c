"""Small rules made for tests of the engine, so that no real rule's change moves them."""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service


def call_rule(name: str, callee: str, severity: Severity = MEDIUM, factor: Factor = Factor.LOGS) -> Rule:
    """A rule that finds each call of ``callee``."""
    rule = Rule(
        f"tests.{name.replace('-', '_')}",
        factor=factor,
        summary=f"{callee} is called",
        severity=severity,
        confidence=Confidence.HIGH,
        since="0.1",
        examples=(),
        anchors=anchors(callee),
        names=frozenset((callee,)),
    )

    @rule.check
    def check(service: Service, facts: Facts) -> Iterator[Finding]:
        for path, call in facts.calls(callee):
            yield rule.at(path, call.at, f"{callee} is called", subject=f"call:{callee}", symbol=call.scope)

    return rule


def failing_rule(name: str, error: BaseException) -> Rule:
    """A rule that yields one finding and then raises."""
    rule = call_rule(name, "bad")

    @rule.check
    def check(service: Service, facts: Facts) -> Iterator[Finding]:
        yield rule.at("app.py", (1, 1, 1, 2), "half", subject="x")
        raise error

    return rule
