"""What a rule is: the one object that tests, docs, ``explain``, SARIF and the configuration schema come from."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

from twelvefac.factors import Factor
from twelvefac.source.edit import Edit
from twelvefac.source.span import Pos, Span

if TYPE_CHECKING:
    from twelvefac.audit.facts import Facts
    from twelvefac.project.scan import Anchors, Confirm
    from twelvefac.project.services import Service


class Severity(IntEnum):
    """high: breaks a deploy, loses data or leaks a secret; medium: breaks the factor in production; low: smell."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(IntEnum):
    """How often a finding of this rule is right on real repositories: high is nearly always, low is a hint."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Safety(Enum):
    """safe: the behaviour stays as intended, may be applied unread; unsafe: read it first."""

    SAFE = "safe"
    UNSAFE = "unsafe"


LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH


class Fix(NamedTuple):
    """A change that cures a finding: what it does in words, and the edits."""

    title: str
    safety: Safety
    edits: tuple[Edit, ...]


class Finding(NamedTuple):
    """One violation at one place.

    ``subject`` is a stable key (``env:DB_PASSWORD``) that with rule and path survives edits elsewhere in the file;
    ``symbol`` is the enclosing function or class. ``related`` are the places that prove it, each with a note.
    """

    rule: str
    message: str
    primary: Span
    subject: str
    severity: Severity
    related: tuple[tuple[Span, str], ...] = ()
    symbol: str = ""
    fixes: tuple[Fix, ...] = ()


class Example(NamedTuple):
    """A small tree as text, ``-- path --`` before each file, and markers for what a rule must find in it.

    ``# <- rule-name`` (``x2`` for two) marks an expected finding on its line; without a marker nothing may be found.
    ``fixed`` is the tree after the safe fix.
    """

    title: str
    source: str
    fixed: str | None = None


Check = Callable[["Service", "Facts"], Iterator[Finding]]


@dataclass
class Rule:
    """One rule: ``rule = Rule(__name__, …)`` in ``rules/<factor>/<name>.py``, its check under ``@rule.check``.

    ``anchors`` are alternatives of words one of which a Python file must hold for the rule to have anything to say
    there (see ``project.scan.anchors``). ``names`` are the last segments of the callees whose calls it reads, or whole
    resolved names (``sys.path.append``) or the last segment with a keyword (``get(no_ack=)``) where it is everywhere.
    A rule on Dockerfiles alone needs none of them. ``needs_command`` and ``needs_image`` say what must be known for
    its silence to mean anything: without it the rule counts as not judged. ``since`` is the release that brought it.

    Two fields keep Python files from being parsed that it would not look at: ``reached_only``, it judges none but those
    that a released process runs; ``asks``, whether it looks at a service's Python at all, told from everything else.
    ``look`` tells from a Python file's text what needs no parse: ``facts.seen(rule.name)`` are the files with a yes.
    """

    module: str
    factor: Factor
    summary: str
    severity: Severity
    confidence: Confidence
    since: str
    examples: tuple[Example, ...]
    anchors: "Anchors" = ()
    names: frozenset[str] = frozenset()
    needs_command: bool = False
    needs_image: bool = False
    fix: Safety | None = None
    reached_only: bool = False
    asks: Callable[["Service", "Facts"], bool] | None = None
    look: "Confirm | None" = None
    _check: Check | None = None

    @property
    def name(self) -> str:
        """The rule's identity: its file's name with dashes."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def description(self) -> str:
        """The module's docstring: a title line, then ``## Why``, ``## What it does not flag``, ``## How to fix``."""
        return (sys.modules[self.module].__doc__ or "").strip()

    def check(self, function: Check) -> Check:
        """Decorator: ``function`` is this rule's check."""
        self._check = function
        return function

    def asks_about(self, service: "Service", facts: "Facts") -> bool:
        """Whether it may look at the Python of a service; its mistakes are for ``run`` to report."""
        try:
            return self.asks is None or self.asks(service, facts)
        except Exception:  # noqa: BLE001 - as in the engine: one rule's mistake must not cost the others
            return True

    def run(self, service: "Service", facts: "Facts") -> Iterator[Finding]:
        """The findings of this rule in one service."""
        assert self._check is not None, f"{self.module} has no @rule.check"
        return self._check(service, facts)

    def at(
        self,
        path: str,
        pos: Pos,
        message: str,
        *,
        subject: str,
        symbol: str = "",
        related: tuple[tuple[Span, str], ...] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule; ``severity`` where it differs from the rule's own."""
        span = Span.of(path, pos)
        return self.on(span, message, subject=subject, symbol=symbol, related=related, severity=severity)

    def on(
        self,
        span: Span,
        message: str,
        *,
        subject: str,
        symbol: str = "",
        related: tuple[tuple[Span, str], ...] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """The same for a span."""
        return Finding(self.name, message, span, subject, severity or self.severity, related, symbol)


def with_fix(finding: Finding, title: str, safety: Safety, *edits: Edit) -> Finding:
    """The same finding with a fix added."""
    return finding._replace(fixes=(*finding.fixes, Fix(title, safety, edits)))
