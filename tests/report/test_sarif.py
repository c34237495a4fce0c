"""SARIF: valid by the schema, and what code scanning reads of it.

``sarif-2.1.0-rtm.5.json`` is the schema as the npm package @microsoft/jest-sarif 1.0.0-beta.0 (MIT) carries it.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from report_samples import outcome, report, shop

from twelvefac.project.facts import Notice
from twelvefac.report.formats.sarif import render
from twelvefac.report.view import View
from twelvefac.source.span import Span


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    path = Path(__file__).with_name("sarif-2.1.0-rtm.5.json")
    return Draft4Validator(json.loads(path.read_text(encoding="utf-8")))


def run_of(text: str) -> dict[str, Any]:
    [run] = json.loads(text)["runs"]
    assert isinstance(run, dict)
    return run


def errors(schema: Draft4Validator, text: str) -> list[str]:
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in schema.iter_errors(json.loads(text))]


def test_an_audit_is_valid(schema: Draft4Validator, tmp_path: Path) -> None:
    assert errors(schema, render(shop(tmp_path), View())) == []


def test_every_part_is_valid(schema: Draft4Validator) -> None:
    proof = (Span("compose.yaml", 3, 1, 4, 2), "this starts it")
    notices = (Notice("unreadable", "a.py", 3, "not judged"), Notice("unreadable", "b.py", 0, "passed over"))
    text = render(report(outcome("a.py", 1, related=(proof,)), notices=notices, failed="KeyError: 'x'"), View())

    assert errors(schema, text) == []
    assert errors(schema, render(report(services=0), View())) == []


def test_the_schema_tells_a_wrong_log(schema: Draft4Validator, tmp_path: Path) -> None:
    assert errors(schema, render(shop(tmp_path), View()).replace('"startLine": 2', '"startLine": 0'))


def test_findings_have_rules_levels_places_and_a_fingerprint_of_our_own(tmp_path: Path) -> None:
    run = run_of(render(shop(tmp_path), View()))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]

    assert rules == ["hardcoded-secret", "no-timeout", "signal-lost"]
    assert [
        (
            result["ruleId"],
            rules[result["ruleIndex"]],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"],
        )
        for result in run["results"]
    ] == [
        ("signal-lost", "signal-lost", "error", "Dockerfile", region(2, 1, 2, 19)),
        ("hardcoded-secret", "hardcoded-secret", "error", "shop.py", region(2, 15, 2, 28)),
        ("hardcoded-secret", "hardcoded-secret", "error", "shop.py", region(3, 16, 3, 29)),
        ("no-timeout", "no-timeout", "warning", "shop.py", region(4, 1, 4, 40)),
    ]
    assert [list(result["fingerprints"]) for result in run["results"]] == [["twelvefac/v1"]] * 4
    assert not [result for result in run["results"] if "partialFingerprints" in result]


def region(line: int, column: int, end_line: int, end_column: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def test_a_suppressed_finding_is_in_it_with_its_reason(tmp_path: Path) -> None:
    run = run_of(render(shop(tmp_path), View()))

    accepted = {"kind": "inSource", "status": "accepted", "justification": "revoked"}
    assert [result["suppressions"] for result in run["results"]] == [[], [], [accepted], []]


def test_without_a_suppression_no_result_speaks_of_one() -> None:
    [result] = run_of(render(report(outcome("a.py", 1)), View()))["results"]

    assert "suppressions" not in result


def test_related_places_have_their_notes() -> None:
    proof = (Span("compose.yaml", 3, 1, 4, 2), "this starts it")
    [result] = run_of(render(report(outcome("a.py", 1, related=(proof,))), View()))["results"]

    assert result["relatedLocations"] == [
        {
            "id": 1,
            "physicalLocation": {
                "artifactLocation": {"uri": "compose.yaml", "uriBaseId": "%SRCROOT%"},
                "region": region(3, 1, 4, 2),
            },
            "message": {"text": "this starts it"},
        }
    ]


def test_a_fix_replaces_text(tmp_path: Path) -> None:
    result = run_of(render(shop(tmp_path), View()))["results"][0]

    assert result["fixes"] == [
        {
            "description": {"text": "write the command as a JSON array"},
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"},
                    "replacements": [
                        {
                            "deletedRegion": region(2, 5, 2, 19),
                            "insertedContent": {"text": '["python", "shop.py"]'},
                        }
                    ],
                }
            ],
        }
    ]


def test_paths_are_those_of_the_repository_as_uris() -> None:
    [result] = run_of(render(report(outcome("a b/ü\udcff.py", 1)), View(prefix="services/x/")))["results"]

    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "services/x/a%20b/%C3%BC%FF.py"


def test_notices_and_failed_rules_are_notifications() -> None:
    notice = Notice("unreadable", "a.py", 3, "not judged")
    [invocation] = run_of(render(report(notices=(notice,), failed="KeyError: 'x'"), View()))["invocations"]

    assert not invocation["executionSuccessful"]
    assert [(one["level"], one["message"]["text"]) for one in invocation["toolExecutionNotifications"]] == [
        ("error", "the rule hardcoded-secret failed in orders: KeyError: 'x'"),
        ("note", "not judged"),
    ]


def test_each_rule_brings_its_help(tmp_path: Path) -> None:
    rule = run_of(render(shop(tmp_path), View()))["tool"]["driver"]["rules"][1]

    assert rule["help"]["markdown"].startswith("## Why\n")
    assert rule["properties"]["tags"] == ["twelve-factor", "IX. disposability"]
    assert rule["defaultConfiguration"] == {"level": "warning"}
