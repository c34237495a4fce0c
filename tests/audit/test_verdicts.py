"""The cache of whole audits: nothing changed, nothing read; anything changed, judged anew."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from audit_rules import call_rule, failing_rule

from twelvefac import rules
from twelvefac.audit import engine
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.registry import load_rules
from twelvefac.audit.result import AuditReport
from twelvefac.project.scan import Scanner

RULES = (call_rule("bad-call", "bad"), call_rule("worse-call", "worse"))
OLD = 10**18


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "app.py").write_text("bad()\n")
    (folder / "other.py").write_text("worse()  # twelvefac: ignore[worse-call] for now; until=2026-06-01\n")
    (folder / "broken.py").write_text("bad(\n")
    for path in folder.iterdir():
        os.utime(path, ns=(OLD, OLD))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def run(root: Path, cache: Path | None, **changes: Any) -> AuditReport:
    options = AuditOptions(today=date(2026, 1, 1), version="1", cache_folder=None if cache is None else str(cache))
    return audit(str(root), changes.pop("rules", RULES), options._replace(**changes))


def only_the_verdict(cache: Path) -> Path:
    """Take the facts away: what is still known is known from the verdict."""
    for path in cache.glob("audit-*.json"):
        if not path.name.endswith("-verdict.json"):
            path.unlink()
    [path] = cache.iterdir()
    return path


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were scanned."""
    paths: list[str] = []
    scan = Scanner.scan

    def spy(self: Any, path: str, kind: str, data: bytes, **options: Any) -> Any:
        paths.append(path)
        return scan(self, path, kind, data, **options)

    monkeypatch.setattr(Scanner, "scan", spy)
    return paths


def test_the_same_directory_is_judged_without_reading_a_file(root: Path, cache: Path, unread: list[str]) -> None:
    cold = run(root, cache)
    only_the_verdict(cache)
    unread.clear()

    assert run(root, cache) == cold == run(root, cache)
    assert unread == []


def test_findings_with_fixes_and_proofs_come_back_whole(tmp_path: Path, cache: Path) -> None:
    catalogue = load_rules(rules)
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM python:3.12-slim\nCOPY . .\nCMD python app.py\n")
    (root / "start.sh").write_text("#!/bin/sh\npython app.py\n")
    (root / "app.py").write_text('PASSWORD = "Tr0ub4dor&3"\n')

    cold = run(root, cache, rules=catalogue)

    assert any(one.finding.fixes for one in cold.new)
    assert run(root, cache, rules=catalogue) == cold


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "app.py").write_text("bad(); bad()\n"),
        lambda root: os.utime(root / "app.py", ns=(OLD + 1, OLD + 1)),
        lambda root: (root / "app.py").unlink(),
        lambda root: (root / "app.py").rename(root / "main.py"),
        lambda root: (root / "README").write_text(""),  # no reader reads it, and rules ask what there is
    ],
)
def test_a_change_is_judged_anew(root: Path, cache: Path, change: Any) -> None:
    run(root, cache)
    verdict = only_the_verdict(cache)
    before = json.loads(verdict.read_text())["state"]
    change(root)

    assert run(root, cache) == run(root, None)
    assert json.loads(verdict.read_text())["state"] != before


def test_nothing_is_walked_where_nothing_changed(
    root: Path, cache: Path, unread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(root, ns=(OLD, OLD))
    cold = run(root, cache)
    monkeypatch.setattr(engine, "discover", None)

    assert run(root, cache) == cold


def test_stamps_are_renewed_by_a_walk_that_finds_the_same(
    root: Path, cache: Path, unread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = run(root, cache)
    (root / "passing").write_text("")
    (root / "passing").unlink()  # the folder's time has changed, and nothing in it
    os.utime(root, ns=(OLD + 1, OLD + 1))
    unread.clear()

    assert run(root, cache) == cold
    monkeypatch.setattr(engine, "discover", None)
    assert run(root, cache) == cold
    assert unread == []


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "2"},
        {"rules": RULES[:1]},
        {"selected": frozenset({"bad-call"})},
        {"exclude": ("app.py",)},
        {"all_files": True},
    ],
)
def test_another_question_is_not_answered_from_it(root: Path, cache: Path, changes: dict[str, Any]) -> None:
    run(root, cache)

    assert run(root, cache, **changes) == run(root, None, **changes)


def test_suppressions_expire_though_nothing_changed(root: Path, cache: Path) -> None:
    assert [one.finding.rule for one in run(root, cache).new] == ["bad-call"]

    later = run(root, cache, today=date(2026, 7, 1))

    assert [one.finding.rule for one in later.new] == ["bad-call", "worse-call"]


def test_a_file_as_young_as_the_verdict_spoils_it(root: Path, cache: Path, unread: list[str]) -> None:
    run(root, cache)
    verdict = only_the_verdict(cache)
    os.utime(verdict, ns=(OLD, OLD))
    unread.clear()

    run(root, cache)

    assert sorted(unread) == ["app.py", "broken.py", "other.py"]


def test_a_failed_rule_is_tried_again(root: Path, cache: Path) -> None:
    broken = (*RULES, failing_rule("a-failing", ValueError("no")))

    run(root, cache, rules=broken)

    assert list(cache.glob("*-verdict.json")) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"header": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_verdict_is_none(root: Path, cache: Path, content: bytes) -> None:
    cold = run(root, cache)
    only_the_verdict(cache).write_bytes(content)

    assert run(root, cache) == cold


def test_a_verdict_of_another_shape_is_none(root: Path, cache: Path) -> None:
    cold = run(root, cache)
    verdict = only_the_verdict(cache)
    data = json.loads(verdict.read_text())
    for key in ("findings", "runs", "services", "notices", "ignores", "files"):
        for value in (None, [[1]], {"a": 1}, [["gone"] * 12]):
            verdict.write_text(json.dumps(data | {key: value}))

            assert run(root, cache) == cold
            assert run(root, None) == cold


def test_the_model_is_never_taken_from_it(root: Path, cache: Path) -> None:
    run(root, cache)

    assert run(root, cache, describe=True).services[0].description is not None
