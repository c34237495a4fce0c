"""The template that ships: every combination renders as planned, is fit for use and formatted."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
import yaml
from combinations import seen
from copier import run_copy
from hypothesis import example, given, settings
from packaging.version import Version
from scaffold_names import DESCRIPTIONS, NAMES

from twelvefac.app.audit import audit_folder
from twelvefac.app.new import own_audit
from twelvefac.scaffold.answers import make_answers, requirements
from twelvefac.scaffold.catalogue import Catalogue, data_root, load_catalogue
from twelvefac.scaffold.component import SLOTS
from twelvefac.scaffold.copier_yml import copier_yml
from twelvefac.scaffold.history import released, tree_ids
from twelvefac.scaffold.names import distribution, objection
from twelvefac.scaffold.plan import Ownership, Plan, make_plan
from twelvefac.scaffold.postcheck import check_tree
from twelvefac.scaffold.records import write_records
from twelvefac.scaffold.render import render
from twelvefac.scaffold.version import VERSION_FILE

REAL = load_catalogue(data_root())
UNIVERSE = json.loads((REAL.root / "templates/service/_universe.json").read_text("utf-8"))
COMBINATIONS = REAL.combinations()


def make(into: Path, catalogue: Catalogue, **given: str) -> Plan:
    plan = make_plan(catalogue, *make_answers(catalogue, given))
    render(catalogue.root, plan.answers.as_data(), into)
    write_records(into, plan, "0.1.0")
    return plan


def ruff(*arguments: str, folder: Path) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@cache
def program(framework: str, database: str) -> dict[str, bytes]:
    """Return the Python side of a service, for which no pipeline and no platform was chosen."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), REAL, name="my-orders", framework=framework, database=database, ci="none")
        return seen(Path(folder))


def test_copier_yml_is_current() -> None:
    assert (REAL.root / "copier.yml").read_text("utf-8") == copier_yml(REAL), "run `make docs`"


@pytest.mark.parametrize("choices", COMBINATIONS, ids=lambda choices: "-".join(choices.values()))
def test_every_combination_is_fit_for_use(tmp_path: Path, choices: dict[str, str]) -> None:
    plan = make(tmp_path, REAL, name="my-orders", **choices)
    check_tree(tmp_path, plan, own_audit)
    assert ruff("format", "--check", folder=tmp_path) == ""
    assert ruff("check", folder=tmp_path) == ""
    # so each combination's program is typed and tested by tests/e2e/test_combinations.py
    assert seen(tmp_path) == program(choices["framework"], choices["database"])


@pytest.mark.parametrize("choices", COMBINATIONS, ids=lambda choices: "-".join(choices.values()))
def test_plain_copier_gives_the_same_files(tmp_path: Path, choices: dict[str, str]) -> None:
    (tmp_path / "ours").mkdir()
    plan = make(tmp_path / "ours", REAL, name="my-orders", description='Say "it\'s" \\ fine', **choices)
    # a copy: in a checkout Copier takes the newest tag, not what is on disk
    source = tmp_path / "template"
    shutil.copytree(REAL.root / "templates", source / "templates")
    shutil.copy(REAL.root / "copier.yml", source)
    # Copier's command does this and no more (test_plain_copier.py runs that), and takes a second to be imported
    run_copy(str(source), tmp_path / "plain", data=plan.answers.as_data(), defaults=True, quiet=True)
    for file in plan.files:
        if file.component != "twelvefac":
            assert (tmp_path / "plain" / file.path).read_bytes() == (tmp_path / "ours" / file.path).read_bytes()
    plain = {path.relative_to(tmp_path / "plain").as_posix() for path in (tmp_path / "plain").rglob("*")}
    files = {path for path in plain if (tmp_path / "plain" / path).is_file()}
    assert files - {".copier-answers.yml"} == {file.path for file in plan.files if file.component != "twelvefac"}


@settings(max_examples=15)
@given(name=NAMES, description=DESCRIPTIONS)
@example(name="a", description="The a service")
@example(name="a" + "-b" * 19, description="x" * 100)
@example(name="z" * 40, description="'\"\\")
@example(name="orders", description="é {x} $HOME `id` %s # <b>&amp;")
def test_any_valid_answers_give_clean_files(name: str, description: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        everything = {"database": "postgres", "deploy": "kubernetes,procfile"}
        check_tree(tree, make(tree, REAL, name=name, description=description, **everything))
        assert ruff("format", "--check", folder=tree) == ""
        assert ruff("check", folder=tree) == ""


@pytest.mark.parametrize("name", ["on", "off", "yes", "no", "y", "n", "true", "false", "null"])
@pytest.mark.parametrize(
    "choices",
    [{"database": "postgres", "ci": "gitlab", "deploy": "kubernetes,procfile"}, {"database": "sqlite"}],
    ids=lambda choices: choices["database"],
)
def test_a_name_that_yaml_reads_otherwise_is_a_text(tmp_path: Path, choices: dict[str, str], name: str) -> None:
    for one in ("orders", name):
        (tmp_path / one).mkdir()
        make(tmp_path / one, REAL, name=one, **choices)
    files = [path for path in (tmp_path / "orders").rglob("*.y*ml") if ".twelvefac" not in path.parts]
    assert len(files) > 1
    for path in files:
        other = tmp_path / name / path.relative_to(tmp_path / "orders")
        expected, found = (json.dumps(list(yaml.safe_load_all(one.read_text("utf-8")))) for one in (path, other))
        assert found == expected.replace("orders", name)


def test_a_service_cannot_be_named_like_what_it_installs() -> None:
    known = requirements(REAL)
    names = {distribution(requirement) for requirement in known}
    names |= {distribution(package["pin"]) for package in UNIVERSE}
    # "fast--api" is no name anyway; the rest must be refused as what it is
    assert [name for name in names if not objection(name.replace("_", "-"), known)] == []
    assert {"fastapi", "uvicorn", "starlette"} <= names


def test_every_ownership_rule_names_a_file(tmp_path: Path) -> None:
    plan = make_plan(REAL, *make_answers(REAL, {"name": "orders"}))
    for component in plan.components:
        seeded = [file for file in plan.files if file.ownership is Ownership.SEEDED]
        mine = [file for file in seeded if file.component == component.name]
        assert bool(mine) is bool(component.seeded), component.name


def test_a_service_that_backs_nothing_has_nothing_for_it() -> None:
    plan = make_plan(REAL, *make_answers(REAL, {"name": "orders"}))
    assert {"sql", "backing", "fastapi__backing"}.isdisjoint(component.name for component in plan.components)
    assert [file.path for file in plan.files if "backing" in file.path or "outage" in file.path] == []


def test_a_host_file_asks_for_no_component() -> None:
    """What is left is a key that may not stand without its list; that no slot can know, for each adds to the list."""
    asked = {
        path.name: found
        for path in sorted((REAL.root / "templates/service").rglob("*.jinja"))
        if SLOTS not in path.parts and (found := re.findall(r"\{%-? if (.*?) -?%\}", path.read_text("utf-8")))
    }
    assert asked == {
        "compose.yaml.jinja": ["parts", "parts"],
        "dependabot.yml.jinja": ["servers"],
        ".gitlab-ci.yml.jinja": ["servers"],
    }


def test_a_released_version_never_changes() -> None:
    version = (REAL.root / VERSION_FILE).read_text("utf-8").strip()
    here, there = tree_ids(REAL.root)
    if there:
        assert here == there, f"template {version} is released: raise {VERSION_FILE}"
    else:
        assert version not in released(REAL.root)
        assert all(Version(old) < Version(version) for old in released(REAL.root))


def test_what_the_template_accepts_is_suppressed_with_its_reason(tmp_path: Path) -> None:
    """So the audit's job of its pipeline succeeds, and the image is built."""
    plan = make(tmp_path, REAL, name="orders", database="sqlite")
    report = audit_folder(str(tmp_path))
    assert report.new == ()
    assert [(outcome.finding.rule, outcome.reason) for outcome in report.outcomes] == [
        ("sqlite-in-production", "one node, on purpose")
    ]
    settings = tmp_path / "src/orders/settings.py"
    settings.write_text(re.sub(r"  # twelvefac: ignore.*", "", settings.read_text("utf-8")))
    assert [outcome.finding.rule for outcome in audit_folder(str(tmp_path)).new] == ["sqlite-in-production"]
    assert [finding.rule for part in plan.components for finding in part.expected_findings] == ["sqlite-in-production"]
