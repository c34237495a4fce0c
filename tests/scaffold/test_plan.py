"""The plan: every file, whose it is, where it comes from, with nothing rendered."""

from pathlib import Path

import pytest
from sample_template import write_component, write_template

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import Catalogue, load_catalogue
from twelvefac.scaffold.component import CatalogueError
from twelvefac.scaffold.plan import Plan, make_plan


def plan_for(catalogue: Catalogue, **given: str) -> Plan:
    return make_plan(catalogue, *make_answers(catalogue, {"name": "my-orders", **given}))


def test_the_files_and_whose_they_are(catalogue: Catalogue) -> None:
    assert [(file.path, file.ownership.value, file.component) for file in plan_for(catalogue).files] == [
        (".copier-answers.yml", "managed", "twelvefac"),
        (".github/workflows/ci.yml", "managed", "github"),
        (".twelvefac/manifest.json", "managed", "twelvefac"),
        ("README.md", "managed", "base"),
        ("pyproject.toml", "managed", "base"),
        ("run.sh", "managed", "base"),
        ("src/my_orders/__init__.py", "managed", "base"),
        ("src/my_orders/app.py", "shared", "base"),
        ("src/my_orders/domain.py", "seeded", "base"),
        ("src/my_orders/web.py", "managed", "fastapi"),
        ("template.txt", "managed", "base"),
    ]


def test_a_component_that_is_not_chosen_adds_nothing(catalogue: Catalogue) -> None:
    assert {file.component for file in plan_for(catalogue, ci="none").files} == {"twelvefac", "base", "fastapi"}


def test_two_components_never_write_one_path(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    write_component(root, "github", {"README.md": "mine\n"})
    with pytest.raises(CatalogueError, match=r"github and base both write README\.md"):
        plan_for(load_catalogue(root))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{{database}}.py", "a path may use name, package, template_version only"),
        ("{% if x %}a{% endif %}.py", "a path holds plain variables only"),
        ("{{ package | upper }}.py", "a path holds plain variables only"),
    ],
)
def test_a_path_holds_plain_variables(tmp_path: Path, path: str, message: str) -> None:
    root = write_template(tmp_path)
    write_component(root, "github", {path: ""})
    with pytest.raises(CatalogueError, match=message):
        plan_for(load_catalogue(root))


def test_leavings_of_editors_are_no_template(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    write_component(root, "github", {"__pycache__/a.pyc": "", "b.pyc": "", "c~": "", ".DS_Store": "", ".c.swp": ""})
    catalogue = load_catalogue(root)
    assert [file.path for file in plan_for(catalogue).files if file.component == "github"] == [
        ".github/workflows/ci.yml"
    ]
