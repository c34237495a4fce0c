"""The engine: order, identity, errors, selections."""

from datetime import date
from pathlib import Path

import pytest
from audit_rules import call_rule, failing_rule

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.example import read_tree
from twelvefac.audit.registry import find_rule, load_rules
from twelvefac.audit.result import AuditReport, RunState, Verdict
from twelvefac.audit.rule import HIGH, LOW, MEDIUM, Rule, Severity
from twelvefac.errors import ExitCode
from twelvefac.factors import Factor

OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1")
BAD, WORSE = call_rule("bad-call", "bad"), call_rule("worse-call", "worse", HIGH)
CATALOGUE = load_rules(rules)


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)


def places(report: AuditReport) -> list[tuple[str, int, int, str]]:
    return [
        (one.finding.primary.path, one.finding.primary.line, one.finding.primary.column, one.finding.rule)
        for one in report.new
    ]


def fingerprints(report: AuditReport) -> list[str]:
    return sorted(one.fingerprint for one in report.new)


def test_findings_are_ordered_by_path_line_and_rule(tmp_path: Path) -> None:
    write(tmp_path, b="worse(); bad()\n", a="x = 1\nbad(); worse()\nbad()\n", c="worse(bad())\n")

    report = audit(str(tmp_path), (WORSE, BAD), OPTIONS)

    assert places(report) == [
        ("a.py", 2, 1, "bad-call"),
        ("a.py", 2, 8, "worse-call"),
        ("a.py", 3, 1, "bad-call"),
        ("b.py", 1, 1, "worse-call"),
        ("b.py", 1, 10, "bad-call"),
        ("c.py", 1, 1, "worse-call"),
        ("c.py", 1, 7, "bad-call"),
    ]


def test_the_order_of_rules_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, a="bad(); worse()\n", b="worse(bad())\n")

    assert audit(str(tmp_path), (WORSE, BAD), OPTIONS).outcomes == audit(str(tmp_path), (BAD, WORSE), OPTIONS).outcomes


def test_fingerprints_stay_when_lines_move_and_differ_by_path_and_function(tmp_path: Path) -> None:
    write(tmp_path, a="bad()\ndef f():\n    bad()\n", b="bad()\n")
    before = audit(str(tmp_path), (BAD,), OPTIONS)
    assert len(set(fingerprints(before))) == 3

    write(tmp_path, a="# more\n\n\nx = 1; bad()\n\n\ndef f():\n    # more\n    return bad()\n", b="\n\nbad()\n")

    assert fingerprints(audit(str(tmp_path), (BAD,), OPTIONS)) == fingerprints(before)


def test_equal_findings_have_equal_fingerprints_and_are_all_there(tmp_path: Path) -> None:
    write(tmp_path, a="bad()\nbad()\n")

    [one, two] = fingerprints(audit(str(tmp_path), (BAD,), OPTIONS))

    assert one == two


def test_the_working_directory_and_the_way_to_the_root_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "service"
    root.mkdir()
    write(root, a="bad()\n")
    (tmp_path / "link").symlink_to(root)
    expected = audit(str(root), (BAD,), OPTIONS)

    monkeypatch.chdir(root)
    assert audit(".", (BAD,), OPTIONS) == expected
    monkeypatch.chdir(tmp_path)
    assert audit("service/", (BAD,), OPTIONS) == expected
    assert audit("link", (BAD,), OPTIONS) == expected


def test_a_fingerprint_does_not_change_between_releases(tmp_path: Path) -> None:
    """Baselines and dashboards hold them. If this fails, every user's baseline is void: do not just change the text."""
    write(tmp_path, a="def f():\n    bad()\n")

    assert fingerprints(audit(str(tmp_path), (BAD,), OPTIONS)) == ["bb460d13d1e6977c37f183f06939f0cf"]


@pytest.mark.parametrize("error", [ValueError("no"), RecursionError(), AssertionError("x"), MemoryError()])
def test_a_rule_that_fails_is_an_errored_run_and_the_others_go_on(tmp_path: Path, error: Exception) -> None:
    write(tmp_path, app="bad(); worse()\n")

    report = audit(str(tmp_path), (failing_rule("a-failing", error), BAD, WORSE), OPTIONS)

    assert [(one.rule.name, one.state) for one in report.runs] == [
        ("a-failing", RunState.ERRORED),
        ("bad-call", RunState.RAN),
        ("worse-call", RunState.RAN),
    ]
    assert [one.reason.partition(":")[0] for one in report.errored] == [f"{type(error).__name__} in audit_rules.py"]
    assert {place[3] for place in places(report)} == {"bad-call", "worse-call"}  # not its half
    assert report.exit_code(HIGH) is ExitCode.INTERNAL
    assert report.exit_code(None) is ExitCode.INTERNAL


def test_an_interruption_is_no_rules_failure(tmp_path: Path) -> None:
    write(tmp_path, app="bad()\n")

    with pytest.raises(KeyboardInterrupt):
        audit(str(tmp_path), (failing_rule("a", KeyboardInterrupt()),), OPTIONS)


@pytest.mark.parametrize(
    ("severity", "threshold", "code"),
    [
        (HIGH, HIGH, 1), (HIGH, MEDIUM, 1), (HIGH, LOW, 1), (HIGH, None, 0),
        (MEDIUM, HIGH, 0), (MEDIUM, MEDIUM, 1), (MEDIUM, LOW, 1), (MEDIUM, None, 0),
        (LOW, HIGH, 0), (LOW, MEDIUM, 0), (LOW, LOW, 1), (LOW, None, 0),
    ],
)  # fmt: skip
def test_exit_codes(tmp_path: Path, severity: Severity, threshold: Severity | None, code: int) -> None:
    write(tmp_path, app="bad()\n")
    rule = call_rule("bad-call", "bad", severity)

    assert audit(str(tmp_path), (rule,), OPTIONS).exit_code(threshold) == code


def test_without_a_service_the_code_is_3_whatever_the_threshold(tmp_path: Path) -> None:
    report = audit(str(tmp_path), (BAD,), OPTIONS)

    assert [report.exit_code(threshold) for threshold in (LOW, HIGH, None)] == [3, 3, 3]
    assert (report.services, report.files) == ((), 0)


def test_a_selection_runs_alone(tmp_path: Path) -> None:
    write(tmp_path, app="bad(); worse()\n")
    options = AuditOptions(today=OPTIONS.today, version="1", selected=frozenset(("worse-call",)))

    report = audit(str(tmp_path), (BAD, WORSE), options)

    assert [place[3] for place in places(report)] == ["worse-call"]
    assert [run.rule.name for run in report.runs] == ["worse-call"]


@pytest.mark.parametrize("pattern", ["legacy", "legacy/", "legacy/*", "*.py", "leg*"])
def test_what_is_excluded_is_not_read(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy/a.py").write_text("bad(\n")
    options = AuditOptions(today=OPTIONS.today, version="1", exclude=(pattern,))

    report = audit(str(tmp_path), (BAD,), options)

    assert (report.files, report.notices) == (0, ())


def test_verdicts_by_factor(tmp_path: Path) -> None:
    write(tmp_path, app="bad()\n")
    config = call_rule("config-call", "other", factor=Factor.CONFIG)

    results = {one.factor: one for one in audit(str(tmp_path), (BAD, config), OPTIONS).factors()}

    assert list(results) == list(Factor)
    assert (results[Factor.LOGS].verdict, results[Factor.LOGS].findings) == (Verdict.FAIL, 1)
    assert (results[Factor.CONFIG].verdict, results[Factor.CONFIG].rules_run) == (Verdict.PASS, 1)
    assert (results[Factor.CODEBASE].verdict, results[Factor.CODEBASE].reason) == (
        Verdict.NOT_JUDGED,
        "no rule for this factor ran",
    )


def test_nothing_of_the_audited_code_runs_and_nothing_changes(tmp_path: Path) -> None:
    root = tmp_path / "service"
    root.mkdir()
    for name in ("sitecustomize", "conftest", "app", "setup", "twelvefac", "yaml"):
        write(root, **{name: f"open({str(tmp_path / 'marker')!r}, 'w')\nbad()\n"})
    before = {path.name: path.stat() for path in root.iterdir()}

    audit(str(root), CATALOGUE, OPTIONS)

    assert not (tmp_path / "marker").exists()
    assert {name: stat.st_mtime_ns for name, stat in before.items()} == {
        path.name: path.stat().st_mtime_ns for path in root.iterdir()
    }


def test_a_file_that_vanishes_is_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, app="bad()\n", gone="bad()\n")

    def read(root: str, path: str) -> bytes:
        if path == "gone.py":
            raise FileNotFoundError(2, "No such file or directory")
        return (Path(root) / path).read_bytes()

    monkeypatch.setattr("twelvefac.audit.engine.read_bytes", read)
    report = audit(str(tmp_path), (BAD,), OPTIONS)

    assert places(report) == [("app.py", 1, 1, "bad-call")]
    assert [(one.kind, one.path) for one in report.notices] == [("unreadable", "gone.py")]


EXAMPLES = [
    pytest.param(one.source, id=f"{rule.name}-{one.title.replace(' ', '_')}")
    for rule in CATALOGUE
    for one in rule.examples
]


@pytest.mark.parametrize("source", EXAMPLES)
def test_the_prefilter_and_the_cache_change_nothing(tmp_path: Path, source: str) -> None:
    """Every rule on every rule's examples: the anchors of each must let through all that it finds."""
    root = tmp_path / "service"
    for name, text in read_tree(source).files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    root.mkdir(exist_ok=True)

    def run(cache: Path | None = None, *, prefilter: bool = True) -> AuditReport:
        options = AuditOptions(
            today=OPTIONS.today, version="1", prefilter=prefilter, cache_folder=None if cache is None else str(cache)
        )
        return audit(str(root), CATALOGUE, options)

    plain = run()
    assert run(prefilter=False).outcomes == plain.outcomes
    assert run(tmp_path / "cache") == plain
    assert run(tmp_path / "cache") == plain


def test_rules_on_what_runs_are_asked_about_what_only_a_parsed_import_leads_to(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.12-slim\nCMD ["python", "app.py"]\n')
    work = "def run():\n    print(1)\n    print(2)\n"
    write(tmp_path, app="import tenacity\nif True: import late\nlate.run()\n", late=work, never=work)
    rule = find_rule(CATALOGUE, "print-logging")
    assert rule.reached_only

    assert ("late.py", 2, 5, "print-logging") in places(audit(str(tmp_path), CATALOGUE, OPTIONS))


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_each_rule_alone_finds_what_it_finds_among_all(tmp_path: Path, rule: Rule) -> None:
    for number, example in enumerate(rule.examples):
        root = tmp_path / str(number)
        for name, text in read_tree(example.source).files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        among = [one for one in audit(str(root), CATALOGUE, OPTIONS).outcomes if one.rule is rule]

        assert list(audit(str(root), (rule,), OPTIONS).outcomes) == among
