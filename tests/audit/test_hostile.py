"""A repository that is made to hurt, or only broken: the run ends with a verdict on all that can be judged.

The points of the design's "Hostile input" that concern one part have their tests beside it: sizes and links in
``project/test_discovery``, nesting and aliases in ``project/test_yaml_nodes``, git in ``project/test_git``, control
characters in ``report/test_text_golden``, work that grows with the square in ``project/test_fuzz``.
"""

import base64
import importlib
import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from audit_rules import call_rule, failing_rule

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.registry import load_rules
from twelvefac.audit.result import AuditReport
from twelvefac.cli import run
from twelvefac.errors import ExitCode
from twelvefac.report.formats import format_names, renderer
from twelvefac.report.view import View

CATALOGUE = load_rules(rules)
BAD = call_rule("bad-call", "bad")
FORMATS = format_names()
JSON_FORMATS = ["json", "sarif", "gitlab"]
OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1", describe=True)


def resolve(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def failing_reader(words: str) -> Callable[..., Any]:
    def read(*_: object) -> None:
        raise ValueError(words)

    return read


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service whose Dockerfile the reader of Dockerfiles fails on."""
    root = tmp_path / "service"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM python:3.12-slim\n")
    (root / "app.py").write_text("bad()\n")
    monkeypatch.setattr("twelvefac.project.dockerfile.read_dockerfile", failing_reader("hunter2secret"))
    return root


def test_a_reader_that_fails_costs_its_file_and_is_said(broken: Path) -> None:
    report = audit(str(broken), (BAD,), OPTIONS)

    [notice] = report.errored_files
    assert notice[:3] == ("errored", "Dockerfile", 0)
    assert notice.message.startswith("not judged: its reader failed (ValueError in test_hostile.py:")
    assert "hunter2secret" not in notice.message  # an error's words may quote the file
    assert [one.finding.primary.path for one in report.new] == ["app.py"]
    assert report.exit_code(None) is ExitCode.INTERNAL


def test_a_failed_reader_is_tried_again_the_next_time(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = OPTIONS._replace(cache_folder=str(tmp_path / "cache"), describe=False)
    for path in broken.iterdir():
        os.utime(path, ns=(10**18, 10**18))
    assert audit(str(broken), (BAD,), options).errored_files
    monkeypatch.undo()

    report = audit(str(broken), (BAD,), options)

    assert (report.errored_files, report.exit_code(None)) == ((), ExitCode.OK)


def test_what_a_rule_fails_with_is_printed_nowhere(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("bad()\n")

    report = audit(str(tmp_path), (failing_rule("a", ValueError("hunter2secret")),), OPTIONS)

    assert [one.reason.partition(":")[0] for one in report.errored] == ["ValueError in audit_rules.py"]
    assert "hunter2secret" not in renderer("json", "")(report, View())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("text", "error: Dockerfile: not judged: its reader failed"),
        ("github", "::error file=Dockerfile,title=twelvefac::not judged: its reader failed"),
    ],
)
def test_the_file_is_named_in_one_line(broken: Path, capsys: pytest.CaptureFixture[str], name: str, line: str) -> None:
    code = run(["audit", str(broken), "--no-cache", "--format", name])

    out, err = capsys.readouterr()
    assert (code, err) == (ExitCode.INTERNAL, "")
    assert [one for one in out.split("\n") if "reader failed" in one and one.startswith(line)]
    assert "Traceback" not in out


def test_a_log_of_an_incomplete_run_says_so(broken: Path) -> None:
    [run_] = json.loads(renderer("sarif", "")(audit(str(broken), CATALOGUE, OPTIONS), View()))["runs"]
    [invocation] = run_["invocations"]
    [notification] = [one for one in invocation["toolExecutionNotifications"] if one["level"] == "error"]

    assert not invocation["executionSuccessful"]
    assert (notification["level"], notification["descriptor"]["id"]) == ("error", "errored")
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "Dockerfile"


ODD_NAME = b"caf\xe9\xff.py"


@pytest.fixture
def odd(tmp_path: Path) -> AuditReport:
    """A report on a folder, a file and a text that are no UTF-8."""
    root = os.fsencode(tmp_path) + b"/serv\xe9"
    Path(os.fsdecode(root)).mkdir()
    for name, text in (
        (b"Dockerfile", b"FROM python:3.12-slim\nCMD python caf\xe9.py\n"),
        (ODD_NAME, b'import requests\nrequests.get("https://a.example/\\ud800")\nPASSWORD = "Tr0ub4dor&3"\n'),
    ):
        Path(os.fsdecode(root + b"/" + name)).write_bytes(text)
    report = audit(str(tmp_path), CATALOGUE, OPTIONS)
    assert not report.errored
    assert os.fsdecode(b"serv\xe9/" + ODD_NAME) in {one.finding.primary.path for one in report.new}
    return report


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_valid_whatever_the_names_are(odd: AuditReport, name: str) -> None:
    text = renderer(name, "")(odd, View())

    assert text.encode("utf-8").decode("utf-8") == text
    if name in JSON_FORMATS:
        # what json.loads passes and other readers refuse: half of a pair
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def test_the_name_that_is_no_utf8_can_be_had_back(odd: AuditReport) -> None:
    data = json.loads(renderer("json", "")(odd, View()))
    whole = b"serv\xe9/" + ODD_NAME

    assert {one["path_base64"] for one in data["findings"] if one["rule"] == "no-timeout"} == {
        base64.b64encode(whole).decode()
    }
    assert [one["path"] for one in data["findings"] if one["rule"] == "no-timeout"] == [
        "serv\\udce9/caf\\udce9\\udcff.py"
    ]
    [service] = data["services"]
    assert base64.b64decode(service["root_base64"]) == b"serv\xe9"
    assert "path_base64" in service["images"][0]
    log = renderer("sarif", "")(odd, View())
    assert "serv%E9/caf%E9%FF.py" in log


def test_plain_names_have_no_second_form(tmp_path: Path) -> None:
    (tmp_path / "é.py").write_text("bad()\n")

    text = renderer("json", "")(audit(str(tmp_path), (BAD,), OPTIONS), View())

    assert json.loads(text)["findings"][0]["path"] == "é.py"
    assert "base64" not in text


def test_what_runs_and_cannot_be_read_is_not_passed(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.13-slim\nCMD ["python", "app.py"]\n')
    (tmp_path / "app.py").write_text('print "x"\napp.run(host="127.0.0.1", debug=True)\n')

    report = audit(str(tmp_path), load_rules(rules), AuditOptions(today=date(2026, 1, 1), version="1"))

    states = {run.rule.name: (run.state.value, run.reason) for run in report.runs}
    assert states["loopback-bind"] == ("not-judged", "app.py runs there and cannot be read")
    assert states["unpinned-base-image"][0] == "ran"


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ("twelvefac.project.repository.Modules", "a"),
        ("twelvefac.project.starting._Starter", "a"),
        ("twelvefac.project.services.listening", "a"),
    ],
)
def test_a_model_that_fails_costs_its_service_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, where: str
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text('FROM python:3.12-slim\nCMD ["gunicorn", "app:app"]\n')
        (tmp_path / name / "app.py").write_text("bad()\n")
    real = resolve(broken)

    def fails_once(*arguments: Any, **named: Any) -> Any:
        failed.append(broken)
        if len(failed) == 1:
            raise ValueError("hunter2secret")
        return real(*arguments, **named)

    failed: list[str] = []
    monkeypatch.setattr(broken, fails_once)

    report = audit(str(tmp_path), (BAD,), OPTIONS)

    [notice] = report.errored_files
    assert (notice.path, notice.line) == (where, 0)
    assert notice.message.startswith("not judged: its model failed (ValueError in test_hostile.py:")
    assert {one.service for one in report.runs} >= {"b"}
    assert "hunter2secret" not in renderer("json", "")(report, View())
    assert report.exit_code(None) is ExitCode.INTERNAL


def factors(root: Path) -> dict[int, tuple[str, str]]:
    report = audit(str(root), CATALOGUE, AuditOptions(today=date(2026, 1, 1), version="1"))
    return {int(one.factor): (one.verdict.value, one.reason) for one in report.factors()}


@pytest.mark.parametrize(
    ("path", "text", "changed"),
    [
        ("compose.yaml", "services:\n  web: [\n", {3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
        ("deploy/web.yaml", "apiVersion: apps/v1\nkind: {\n", {3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
        ("pyproject.toml", "[project\n", {2, 10}),
        (".github/workflows/ci.yml", "on: [\n", {3, 5}),
        ("tools/compose.yaml", "services: [\n", set()),
    ],
)
def test_a_factor_is_not_passed_where_what_speaks_of_it_cannot_be_read(
    tmp_path: Path, path: str, text: str, changed: set[int]
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"FROM python:3.12-slim@sha256:{'0' * 64}\nENV PYTHONUNBUFFERED=1\nUSER 1000\n"
        'CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]\n'
    )
    (tmp_path / "app.py").write_text("app = 1\n")
    before = factors(tmp_path)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)

    after = factors(tmp_path)

    lost = {number for number, (verdict, _) in before.items() if verdict == "pass" and after[number][0] != "pass"}
    assert lost == {number for number in changed if before[number][0] == "pass"}
    assert {after[number] for number in lost} <= {("not-judged", f"{path} cannot be read")}
    assert len(lost) >= min(len(changed), 1)


def test_a_file_of_the_whole_repository_speaks_of_each_service(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text('FROM python:3.12-slim\nCMD ["gunicorn", "app:app"]\n')
        (tmp_path / name / "app.py").write_text("app = 1\n")
    (tmp_path / "compose.yaml").write_text("services: [\n")

    assert factors(tmp_path)[8] == ("not-judged", "compose.yaml cannot be read")
