"""``--format json`` keeps its contract, which ships as a JSON schema."""

import json
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from audit_rules import call_rule, failing_rule

from twelvefac import __version__, report, rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.example import read_tree
from twelvefac.audit.registry import load_rules
from twelvefac.audit.rule import HIGH, Rule
from twelvefac.report.formats.json import render
from twelvefac.report.view import View

SCHEMA: dict[str, Any] = json.loads((files(report) / "audit.schema.json").read_text())
CATALOGUE = load_rules(rules)
OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1")


def document(root: Path, *some: Rule, **changes: Any) -> dict[str, Any]:
    text = render(audit(str(root), some or CATALOGUE, OPTIONS._replace(**changes)), View())
    assert text.endswith("}\n")
    assert text.isascii()
    data: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    return data


def write(root: Path, source: str) -> None:
    for name, text in read_tree(source).files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_every_example_of_every_rule_is_valid(tmp_path: Path, rule: Rule) -> None:
    for number, example in enumerate(rule.examples):
        root = tmp_path / str(number)
        root.mkdir()
        write(root, example.source)
        data = document(root, describe=number % 2 == 0)
        found = sorted((one["rule"], one["path"], one["line"]) for one in data["findings"] if one["rule"] == rule.name)
        if not read_tree(example.source).untracked:
            assert tuple(found) == read_tree(example.source).expected


def test_a_document_in_full(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    (root / "app").mkdir(parents=True)
    (root / "app/é.py").write_text("def f():\n    'é'; bad()\n# twelvefac: ignore[worse-call] why\nx = 1\n")
    (root / "broken.py").write_text("bad(\n")

    data = document(root, call_rule("bad-call", "bad", HIGH), call_rule("worse-call", "worse"))

    assert data["version"] == 1
    assert data["tool"] == {"name": "twelvefac", "version": __version__}
    assert [(one["name"], one["root"]) for one in data["services"]] == [("shop", ".")]
    [finding] = data["findings"]
    assert finding == {
        "rule": "bad-call",
        "factor": 11,
        "severity": "high",
        "confidence": "high",
        "service": "shop",
        "path": "app/é.py",
        "line": 2,
        "column": 10,
        "end_line": 2,
        "end_column": 15,
        "message": "bad is called",
        "subject": "call:bad",
        "fingerprint": finding["fingerprint"],
        "state": "new",
        "remedy": None,
        "related": [],
        "fix": None,
    }
    assert data["factors"]["11"] == {
        "name": "logs", "verdict": "fail", "rules_run": 2, "findings": 1, "reason": "",
    }  # fmt: skip
    assert data["factors"]["3"] == {
        "name": "config", "verdict": "not-judged", "rules_run": 0, "findings": 0,
        "reason": "no rule for this factor ran",
    }  # fmt: skip
    assert data["files"] == {"read": 2, "left_out": 0}
    assert [(one["kind"], one["path"], one["line"]) for one in data["notices"]] == [
        ("suppression-unused", "app/é.py", 3),
        ("unreadable", "broken.py", 1),
    ]
    assert data["errors"] == []


def test_a_rule_that_failed_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("bad()\n")

    data = document(tmp_path, failing_rule("a-failing", ValueError("no")))

    [error] = data["errors"]
    assert (error["rule"], error["reason"].partition(":")[0]) == ("a-failing", "ValueError in audit_rules.py")
    assert data["findings"] == []


def test_an_empty_directory_is_valid_too(tmp_path: Path) -> None:
    data = document(tmp_path)

    assert (data["services"], data["findings"], data["notices"]) == ([], [], [])
    assert {one["verdict"] for one in data["factors"].values()} == {"not-judged"}


@pytest.mark.parametrize("name", ["a\nb.py", "\x1b[31m.py", "\udcff.py", 'a"b\\.py', "\u202e.py"])
def test_any_name_is_valid(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("bad()\n")

    [finding] = document(tmp_path, call_rule("bad-call", "bad"))["findings"]

    assert finding["path"] == name.replace("\udcff", "\\udcff")


def test_a_fix_with_its_edits(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim\nCMD uvicorn app:app --host 0.0.0.0\n")

    [finding] = [one for one in document(tmp_path)["findings"] if one["rule"] == "signal-lost"]

    assert finding["fix"]["safety"] == "safe"
    assert finding["fix"]["edits"] == [
        {
            "path": "Dockerfile", "line": 2, "column": 5, "end_line": 2, "end_column": 35,
            "text": '["uvicorn", "app:app", "--host", "0.0.0.0"]',
        }
    ]  # fmt: skip


def test_the_schema_lies_where_the_wheel_takes_it_from(repository: Path) -> None:
    """The wheel holds the whole package: whatever lies below src/twelvefac and git tracks."""
    assert (repository / "src/twelvefac/report/audit.schema.json").is_file()
