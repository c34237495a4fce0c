"""The labels of real services: well-formed, and of rules that exist."""

from pathlib import Path

import pytest
from corpus.score import HERE, Label, Labels, read_labels, score, table

from twelvefac import rules
from twelvefac.audit.registry import load_rules

FILES = sorted(HERE.glob("*.json"))


def test_there_are_enough_repositories() -> None:
    assert len(FILES) >= 16


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_labels_are_well_formed(path: Path) -> None:
    labels = read_labels(path)
    names = {rule.name for rule in load_rules(rules)}
    assert {one.rule for one in labels.labels} <= names
    assert len(set(labels.labels)) == len(labels.labels)


def test_a_finding_is_matched_by_its_subject_or_its_line() -> None:
    labels = Labels(
        "o/n",
        "0" * 40,
        "all",
        (
            Label("no-timeout", "a.py", 10, "call:requests.get", "right", ""),
            Label("no-timeout", "a.py", 90, "call:requests.get", "wrong", ""),
            Label("slow-start", "a.py", 5, "", "missed", ""),
            Label("no-ci", "Dockerfile", 1, "pipeline", "right", ""),
        ),
    )
    found = {"rule": "no-timeout", "path": "a.py", "subject": "call:requests.get", "severity": "high"}
    result = score(
        labels,
        [
            {**found, "line": 85},
            {"rule": "slow-start", "path": "a.py", "line": 7, "subject": "wait:nc", "severity": "medium"},
            {"rule": "unpinned", "path": "r.txt", "line": 1, "subject": "requirement:x", "severity": "medium"},
        ],
    )
    assert result.by_rule["no-timeout"] == {"wrong": 1, "missed": 1}
    assert result.by_rule["slow-start"] == {"right": 1}
    assert result.by_rule["no-ci"] == {"missed": 1}
    assert result.wrong_high == 1
    assert result.new == ["o/n r.txt:1 unpinned"]
    assert "| **all** | 1 | 1 | 2 | 1 | 50 % |" in table([result])
