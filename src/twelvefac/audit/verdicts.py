"""The cache of whole audits: where no file has changed, what the rules said last time is what they would say now.

One JSON file per audited directory beside the cache of facts. It is good for one state: the paths, sizes and times of
all files, git's index, the rules and this program's own files. Stamps tell that without a walk; where they do not, as
after git has written its index anew, what a walk finds is compared. A file younger than the cache spoils it.
Suppressions are judged anew each time, because they expire.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from twelvefac.audit.result import RuleRun, RunState, ServiceSummary
from twelvefac.audit.rule import Finding, Fix, Rule, Safety, Severity
from twelvefac.errors import MachineError
from twelvefac.project.discovery import Discovery
from twelvefac.project.facts import ERRORED, Ignore, Notice
from twelvefac.project.git import find_git
from twelvefac.project.stamps import are_current, revived
from twelvefac.source.digest import digest
from twelvefac.source.edit import CreateFile, Edit, Replace
from twelvefac.source.span import Span
from twelvefac.source.write import write_atomically

_FORMAT = 2


class Judged(NamedTuple):
    """What rules said of a directory, before suppressions; ``notices`` are those of its files."""

    findings: list[tuple[Finding, Rule, str]]
    runs: list[RuleRun]
    services: tuple[ServiceSummary, ...]
    notices: list[Notice]
    ignores: dict[str, tuple[Ignore, ...]]
    files: int
    left_out: int


_NO_VERDICT = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError)
"""What a file that is no verdict, or one of another shape, ends in."""


class Verdicts:
    """The last audit of ``root``; ``key`` names the rules that ran and all that their verdict depends on."""

    def __init__(self, path: str | None, root: str, key: str) -> None:
        self._path = path and path.removesuffix(".json") + "-verdict.json"
        self._root = root
        self._header = [_FORMAT, key]
        self._written = 0  # ns
        self._data: dict[str, Any] | None = None

    def load(self, rules: Mapping[str, Rule]) -> Judged | None:
        """The last audit, where the stamps tell that nothing has changed; a file that cannot be read is none."""
        if not self._path:
            return None
        try:
            with open(self._path, "rb") as file:
                self._written = os.fstat(file.fileno()).st_mtime_ns
                data = json.loads(file.read())
            if data["header"] != self._header:
                return None
            self._data = data
            stamps = revived(data["stamps"]) if data["stamps"] else None
            if stamps is None or stamps.newest >= self._written:
                return None
            return _judged(data, rules) if are_current(stamps, self._root, find_git(self._root)) else None
        except _NO_VERDICT:
            return None

    def load_of(self, found: Discovery, rules: Mapping[str, Rule]) -> Judged | None:
        """The last audit, where a walk finds the state that it was of; its stamps are renewed."""
        data = self._data
        newest = max((file.mtime for file in found.files), default=0)
        try:
            if data is None or data["state"] != _state(found) or newest >= self._written:
                return None
            judged = _judged(data, rules)
        except _NO_VERDICT:
            return None
        self._write({**data, "stamps": found.stamps})
        return judged

    def save(self, judged: Judged, found: Discovery) -> None:
        """Keep it, unless a rule or a reader failed: that may be better next time."""
        failed = any(run.state is RunState.ERRORED for run in judged.runs)
        if not self._path or failed or any(one.kind == ERRORED for one in judged.notices):
            return
        data = {
            "header": self._header,
            "state": _state(found),
            "stamps": found.stamps,
            "findings": [[rule.name, service, *_plain(finding)] for finding, rule, service in judged.findings],
            "runs": [[run.rule.name, run.service, run.state.value, run.reason] for run in judged.runs],
            "services": [[one.name, one.root, one.undecided] for one in judged.services],
            "notices": judged.notices,
            "ignores": judged.ignores,
            "files": judged.files,
            "left_out": judged.left_out,
        }
        self._write(data)

    def _write(self, data: dict[str, Any]) -> None:
        assert self._path
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            text = json.dumps(data, separators=(",", ":"))
            write_atomically(self._path, text.encode("utf-8", "surrogatepass"), mode=0o600)
        except (OSError, MachineError, ValueError):
            return


def _state(found: Discovery) -> str:
    """A digest of everything that discovery saw."""
    parts = [f"{file.path}\0{file.kind}\0{file.size}\0{file.mtime}" for file in found.files]
    parts += ["names", *sorted(found.names), "manifests", *found.manifests]
    if found.tracked is not None:
        parts += ["tracked", *(sorted(found.names - found.tracked)), *sorted(found.tracked - found.names)]
    return digest("\0\n".join(parts).encode("utf-8", "surrogatepass"))


def _plain(finding: Finding) -> list[Any]:
    return [
        finding.message,
        finding.primary,
        finding.subject,
        int(finding.severity),
        finding.related,
        finding.symbol,
        [[fix.title, fix.safety.value, [_plain_edit(edit) for edit in fix.edits]] for fix in finding.fixes],
    ]


def _plain_edit(edit: Edit) -> list[Any]:
    return [edit.span, edit.text] if isinstance(edit, Replace) else [edit.path, edit.text]


def _judged(data: dict[str, Any], rules: Mapping[str, Rule]) -> Judged:
    return Judged(
        findings=[_finding(*entry, rules=rules) for entry in data["findings"]],
        runs=[RuleRun(rules[name], service, RunState(state), why) for name, service, state, why in data["runs"]],
        services=tuple(ServiceSummary(name, root, tuple(undecided)) for name, root, undecided in data["services"]),
        notices=[Notice(*one) for one in data["notices"]],
        ignores={
            path: tuple(Ignore(rule, why, until, line, tuple(lines)) for rule, why, until, line, lines in several)
            for path, several in data["ignores"].items()
        },
        files=int(data["files"]),
        left_out=int(data["left_out"]),
    )


def _finding(
    name: str,
    service: str,
    message: str,
    primary: list[Any],
    subject: str,
    severity: int,
    related: list[Any],
    symbol: str,
    fixes: list[Any],
    *,
    rules: Mapping[str, Rule],
) -> tuple[Finding, Rule, str]:
    places = tuple((Span(*span), note) for span, note in related)
    cures = tuple(Fix(title, Safety(safety), tuple(map(_edit, edits))) for title, safety, edits in fixes)
    finding = Finding(name, message, Span(*primary), subject, Severity(severity), places, symbol, cures)
    return finding, rules[name], service


def _edit(plain: list[Any]) -> Edit:
    where, text = plain
    return CreateFile(where, text) if isinstance(where, str) else Replace(Span(*where), text)
