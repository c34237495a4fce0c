"""The harness that every rule's examples run through; plugins use it for theirs."""

import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.example import read_tree
from twelvefac.audit.fix import plan_fixes
from twelvefac.audit.result import AuditReport
from twelvefac.audit.rule import Example, Rule
from twelvefac.source.write import write_atomically

_DAY = date(2026, 1, 1)


def audit_tree(files: dict[str, str], rules: Iterable[Rule], folder: Path, only: str | None = None) -> AuditReport:
    """Write ``files`` below ``folder`` and audit them with ``rules``, or with the one called ``only``."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(str(target), text.encode())
    selected = None if only is None else frozenset((only,))
    return audit(str(folder), tuple(rules), AuditOptions(today=_DAY, version="test", selected=selected))


def places(report: AuditReport) -> tuple[tuple[str, str, int], ...]:
    """The new findings as sorted ``(rule, path, line)``."""
    return tuple(sorted((one.finding.rule, one.finding.primary.path, one.finding.primary.line) for one in report.new))


def check_example(rule: Rule, example: Example) -> None:
    """Assert that ``rule`` finds in the example exactly what its markers say, and that its fix cures it.

    Raises AssertionError with both sets. The fix is applied twice: the second time nothing may change.
    """
    tree = read_tree(example.source)
    assert not [one for one in tree.expected if one[0] != rule.name], "a marker names another rule"
    with TemporaryDirectory() as name:
        folder = Path(name)
        if tree.untracked:
            _track(folder, [path for path in tree.files if path not in tree.untracked], tree.files)
        report = audit_tree(tree.files, (rule,), folder)
        assert not report.errored, [run.reason for run in report.errored]
        assert places(report) == tree.expected, f"{example.title}: found {places(report)}, expected {tree.expected}"
        if example.fixed is None:
            return
        for change in plan_fixes(report, lambda path: (folder / path).read_text(encoding="utf-8")):
            write_atomically(str(folder / change.path), change.after.encode())
        fixed = {path: (folder / path).read_text(encoding="utf-8") for path in tree.files}
        assert fixed == read_tree(example.fixed).files, f"{example.title}: the fix made {fixed}"
        after = audit_tree({}, (rule,), folder)
        assert places(after) == (), f"{example.title}: the fixed tree is not clean: {places(after)}"
        assert not plan_fixes(after, lambda path: (folder / path).read_text(encoding="utf-8"))


def _track(folder: Path, tracked: list[str], files: dict[str, str]) -> None:
    """Make ``folder`` a git repository whose index holds the files ``tracked``."""
    for path in tracked:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(str(folder / path), files[path].encode())
    for command in (["init", "--quiet"], ["add", "--", *tracked]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
