"""The configuration: where it comes from, and what is said of one that is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twelvefac.app.audit import AuditRequest, audit
from twelvefac.errors import UsageError
from twelvefac.settings import IgnoreEntry, Settings, load


def config(folder: Path, text: str, name: str = "twelvefac.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("TWELVEFAC_"):
            monkeypatch.delenv(name)


FULL = """
fail-on = "high"
disable = ["no-timeout"]
exclude = ["legacy/*"]
strict-suppressions = true
cache = false

[[ignore]]
rule = "hardcoded-secret"
path = "app/*"
subject = "secret:*"
reason = "known"
until = {until}
"""
WANTED = Settings(
    fail_on="high", disable=("no-timeout",), exclude=("legacy/*",), strict_suppressions=True, cache=False,
    ignore=(IgnoreEntry("hardcoded-secret", "known", "app/*", "secret:*", "2027-01-01"),),
)  # fmt: skip


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    assert load(str(tmp_path)) == Settings()


@pytest.mark.parametrize("until", ['"2027-01-01"', "2027-01-01"], ids=["text", "a date of TOML's own"])
@pytest.mark.parametrize("name", ["twelvefac.toml", "pyproject.toml"])
def test_every_setting_from_a_file(tmp_path: Path, name: str, until: str) -> None:
    text = FULL.format(until=until)
    if name == "pyproject.toml":
        text = "[tool.twelvefac]" + text.replace("[[ignore]]", "[[tool.twelvefac.ignore]]")
    path = config(tmp_path, text, name)
    settings = load(str(tmp_path))

    assert settings == WANTED
    assert settings.source == str(path)


def test_underscores_are_as_good_as_dashes(tmp_path: Path) -> None:
    config(tmp_path, 'fail_on = "medium"\n')

    assert load(str(tmp_path)).fail_on == "medium"


def test_its_own_file_wins_over_pyproject(tmp_path: Path) -> None:
    config(tmp_path, 'fail-on = "high"\n')
    config(tmp_path, '[tool.twelvefac]\nfail-on = "medium"\nexclude = ["x"]\n', "pyproject.toml")

    assert load(str(tmp_path)) == Settings(fail_on="high")


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.other]\ntwelvefac = 1\n", "broken = ["])
def test_a_pyproject_without_our_table_is_none(tmp_path: Path, text: str) -> None:
    config(tmp_path, text, "pyproject.toml")

    assert load(str(tmp_path)) == Settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TWELVEFAC_FOO", "TWELVEFAC_"),
        ("TWELVEFAC_FAILON", "TWELVEFAC_FAIL_ON"),
        ("TWELVEFAC_DISABLED", "TWELVEFAC_DISABLE"),
        ("TWELVEFAC_SOURCE", "TWELVEFAC_"),
    ],
)
@pytest.mark.parametrize("text", ["", 'fail-on = "high"\n'])
def test_a_variable_that_sets_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, meant: str, text: str
) -> None:
    config(tmp_path, text)
    monkeypatch.setenv(name, "1")

    with pytest.raises(UsageError) as caught:
        load(str(tmp_path))
    assert caught.value.message.startswith(
        f"environment variable {name}: no setting is called so; did you mean {meant}"
    )
    assert caught.value.hint.startswith("settings: fail-on, disable")


def test_the_environment_is_above_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path, 'fail-on = "high"\nexclude = ["a"]\n')
    monkeypatch.setenv("TWELVEFAC_FAIL_ON", "never")
    monkeypatch.setenv("TWELVEFAC_DISABLE", '["no-timeout"]')

    assert load(str(tmp_path)) == Settings(fail_on="never", exclude=("a",), disable=("no-timeout",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('fail-on = "sometimes"', "setting fail-on: input should be 'high', 'medium', 'low' or 'never'"),
        ("unknown = 1", "setting unknown: extra inputs are not permitted"),
        ("exclude = 1", "setting exclude: input should be a valid tuple"),
        ("cache = 'perhaps'", "setting cache: input should be a valid boolean"),
        ("[[ignore]]\nrule = 'x'", "setting ignore.0.reason: field required"),
        ("[[ignore]]\nrule = 'x'\nreason = 'y'\nfile = 'z'", "setting ignore.0.file: extra inputs are not permitted"),
        ('"\\u001b[31m" = 1', "setting \\x1b[31m: extra inputs are not permitted"),
    ],
)
@pytest.mark.parametrize("name", ["twelvefac.toml", "pyproject.toml"])
def test_what_is_wrong_is_named_with_file_and_key(tmp_path: Path, text: str, said: str, name: str) -> None:
    if name == "pyproject.toml":
        text = f"[tool.twelvefac]\n{text.replace('[[ignore]]', '[[tool.twelvefac.ignore]]')}"
    path = config(tmp_path, text, name)

    with pytest.raises(UsageError) as caught:
        load(str(tmp_path))

    assert caught.value.message.startswith(f"{path}: {said}")


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    path = config(tmp_path, "fail-on = 'high'\nexclude = [\n")

    with pytest.raises(UsageError, match=r"is not valid TOML: .*line|end of document") as caught:
        load(str(tmp_path))
    assert caught.value.message.startswith(str(path))


@pytest.mark.parametrize(
    "data", [b"twelvefac = \xff", b"twelvefac = " + b"[" * 50_000, b"tool = 1\n# twelvefac", b"[tool]\ntwelvefac = 1"]
)
def test_a_hostile_pyproject_is_an_error_or_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    try:
        assert load(str(tmp_path)) == Settings()
    except UsageError as error:
        assert str(tmp_path / "pyproject.toml") in error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TWELVEFAC_FAIL_ON", "sometimes", "environment variable TWELVEFAC_FAIL_ON: input should be"),
        ("TWELVEFAC_CACHE", "perhaps", "environment variable TWELVEFAC_CACHE: input should be a valid boolean"),
        ("TWELVEFAC_EXCLUDE", "not json", 'environment: error parsing value for field "exclude"'),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    config(tmp_path, 'fail-on = "high"\ncache = true\n')
    monkeypatch.setenv(variable, value)

    with pytest.raises(UsageError) as caught:
        load(str(tmp_path))
    assert caught.value.message.startswith(said)


def test_no_file_outside_is_read(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.toml"
    root.mkdir()
    outside.write_text('[tool.twelvefac]\nfail-on = "never"\n')
    (root / "pyproject.toml").symlink_to(outside)
    assert load(str(root)) == Settings()

    (root / "twelvefac.toml").symlink_to(outside)
    with pytest.raises(UsageError, match="a link that leads out of the audited directory"):
        load(str(root))


def test_a_link_inside_is_followed(tmp_path: Path) -> None:
    config(tmp_path, 'fail-on = "high"\n', "shared.toml")
    (tmp_path / "twelvefac.toml").symlink_to("shared.toml")

    assert load(str(tmp_path)).fail_on == "high"


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "twelvefac.toml")
    (tmp_path / "pyproject.toml").mkdir()

    assert load(str(tmp_path)) == Settings()


def test_a_configuration_out_of_all_proportion(tmp_path: Path) -> None:
    config(tmp_path, "#" * 600_000)
    with pytest.raises(UsageError, match="is larger than 500000 bytes"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('disable = ["no-timout"]', "setting disable: no rule is called no-timout; did you mean no-timeout?"),
        ("[[ignore]]\nrule = 'no-timout'\nreason = 'x'", "ignore entry 1: no rule is called no-timout; did you mean"),
        ("[[ignore]]\nrule = 'no-timeout'\nreason = ' '", "ignore entry 1 (no-timeout) needs a reason"),
    ],
)
def test_rules_that_are_not_there_are_named_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = config(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        audit(AuditRequest(str(tmp_path), cache=False))
    assert caught.value.message.startswith(f"{path}: {said}")


def test_the_configuration_decides_what_the_command_line_does_not(tmp_path: Path) -> None:
    config(tmp_path, 'fail-on = "high"\ndisable = ["no-timeout"]\nstrict-suppressions = true\n')
    (tmp_path / "app.py").write_text("import requests\nrequests.get('x')  # twelvefac: ignore[log-to-file] for now\n")

    def code(**asked: object) -> int:
        return audit(AuditRequest(str(tmp_path), cache=False, **asked)).exit_code  # type: ignore[arg-type]

    assert code() == 1  # the unused suppression
    assert code(strict_suppressions=False) == 0
    assert code(strict_suppressions=False, only=("no-timeout",)) == 0  # medium, below high
    assert code(strict_suppressions=False, only=("no-timeout",), fail_on="low") == 1  # asked for by name


HEAVY = ("copier", "jinja2", "pydantic", "pydantic_settings", "ruamel", "rich", "typer.rich_utils")


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_plain_audit_imports_nothing_heavy(tmp_path: Path, output: str) -> None:
    (tmp_path / "app.py").write_text("import requests\nrequests.get('x')\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim\nCMD uvicorn app:app\n")
    code = (
        "import sys\nfrom twelvefac.cli import run\n"
        f"code = run(['audit', {str(tmp_path)!r}, '--format', {output!r}])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, "[]\n")


def test_a_configuration_costs_pydantic_and_no_more(tmp_path: Path) -> None:
    config(tmp_path, 'fail-on = "high"\n')
    code = (
        f"import sys\nfrom twelvefac.settings import load\nload({str(tmp_path)!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "['pydantic', 'pydantic_settings']\n"


def test_the_page_shows_a_configuration_that_is_one(tmp_path: Path, repository: Path) -> None:
    page = (repository / "docs/configuration.md").read_text(encoding="utf-8")
    config(tmp_path, page.split("```toml\n")[1].split("```")[0])

    found = load(str(tmp_path))

    assert (found.fail_on, found.disable, found.exclude) == ("high", ("no-timeout",), ("legacy/*",))
    assert (found.strict_suppressions, found.cache) == (True, False)
    assert [(one.rule, one.path, one.subject, one.until) for one in found.ignore] == [
        ("hardcoded-secret", "app/demo/*", "*", "2027-01-01")
    ]
