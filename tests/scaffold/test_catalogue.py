"""The catalogue is what lies in the template: adding a component is adding one directory."""

from pathlib import Path

import pytest
from sample_template import write_component, write_template

from twelvefac.errors import UsageError
from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import Catalogue, load_catalogue
from twelvefac.scaffold.component import QUESTIONS, CatalogueError, Variable

CHOICES = {"framework": "fastapi", "database": "none", "ci": "github", "deploy": "none"}


def names(catalogue: Catalogue, **choices: str) -> list[str]:
    return [component.name for component in catalogue.select(CHOICES | choices)]


def test_choices_and_defaults_come_from_the_directories(catalogue: Catalogue) -> None:
    assert {kind.name: catalogue.choices(kind) for kind in QUESTIONS} == {
        "framework": ("fastapi",),
        "database": ("none",),
        "ci": ("none", "github"),
        "deploy": ("none",),
    }
    assert {kind.name: catalogue.default(kind) for kind in QUESTIONS} == CHOICES


def test_select(catalogue: Catalogue) -> None:
    assert names(catalogue) == ["base", "fastapi", "github"]
    assert names(catalogue, ci="none") == ["base", "fastapi"]


def test_what_a_component_says(catalogue: Catalogue) -> None:
    base = catalogue.by_name["base"]
    assert base.env == (Variable("PORT", "8000", "Where to {{listen}}"),)
    assert base.context() == {
        "name": "base",
        "kind": "base",
        "summary": "What every service has.",
        "requires": [],
        "conflicts": [],
        "dependencies": [],
        "dev_dependencies": ["pytest>=9"],
        "env": [
            {
                "name": "PORT",
                "example": "8000",
                "description": "Where to {{listen}}",
                "secret": False,
                "required": False,
            }
        ],
        "docs": "Settings.",
        "data": {},
    }


def test_one_directory_adds_a_component_and_glue_comes_by_itself(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    write_component(root, "postgres", {"_component.yml": "name: postgres\nkind: database\nsummary: SQL\n"})
    glue = "name: fastapi__postgres\nkind: glue\nsummary: Both\nrequires: [fastapi, postgres]\n"
    write_component(root, "fastapi__postgres", {"_component.yml": glue})
    catalogue = load_catalogue(root)
    assert names(catalogue) == ["base", "fastapi", "github"]
    assert names(catalogue, database="postgres") == [
        "base",
        "fastapi",
        "postgres",
        "github",
        "fastapi__postgres",
    ]


def test_what_two_choices_share_comes_with_either(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    for name in ("postgres", "sqlite"):
        text = f"name: {name}\nkind: database\nsummary: SQL\nrequires: [sql]\n"
        write_component(root, name, {"_component.yml": text})
    write_component(root, "sql", {"_component.yml": "name: sql\nkind: shared\nsummary: SQL\n"})
    glue = "name: fastapi__sql\nkind: glue\nsummary: Both\nrequires: [fastapi, sql]\n"
    write_component(root, "fastapi__sql", {"_component.yml": glue})
    catalogue = load_catalogue(root)
    assert "sql" not in names(catalogue)
    assert names(catalogue, database="sqlite")[-2:] == ["sql", "fastapi__sql"]
    assert names(catalogue, database="postgres")[-2:] == ["sql", "fastapi__sql"]


def test_several_may_be_chosen_where_a_kind_says_so(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    for name, more in {"kubernetes": "", "procfile": "", "systemd": "conflicts: [kubernetes]\n"}.items():
        write_component(root, name, {"_component.yml": f"name: {name}\nkind: deploy\nsummary: x\n{more}"})
    catalogue = load_catalogue(root)
    answers, components = make_answers(catalogue, {"name": "orders", "deploy": "procfile, kubernetes,procfile"})
    assert answers.choices["deploy"] == "kubernetes,procfile"
    assert [one.name for one in components if one.kind == "deploy"] == ["kubernetes", "procfile"]
    with pytest.raises(UsageError, match="unknown deploy 'heroku': choose from none, kubernetes, procfile, systemd"):
        names(catalogue, deploy="procfile,heroku")
    with pytest.raises(UsageError, match="systemd and kubernetes exclude each other"):
        names(catalogue, deploy="kubernetes,systemd")
    every = [answer["deploy"] for answer in catalogue.combinations() if answer["ci"] == "none"]
    assert every == ["none", "kubernetes", "procfile", "systemd", "kubernetes,procfile", "procfile,systemd"]


@pytest.mark.parametrize(
    ("extra", "choices", "message"),
    [
        ("", {"database": "mysql"}, "unknown database 'mysql': choose from none, postgres"),
        ("", {"framework": "none"}, "unknown framework 'none': choose from fastapi"),
        ("", {"ci": "base"}, "unknown ci 'base': choose from none, github"),
        ("conflicts: [github]\n", {}, "postgres and github exclude each other: choose one of them"),
        ("requires: [github]\n", {"ci": "none"}, "postgres requires github, which was not chosen"),
    ],
)
def test_choices_that_cannot_be(tmp_path: Path, extra: str, choices: dict[str, str], message: str) -> None:
    root = write_template(tmp_path)
    text = f"name: postgres\nkind: database\nsummary: SQL\n{extra}"
    write_component(root, "postgres", {"_component.yml": text})
    with pytest.raises(UsageError) as caught:
        names(load_catalogue(root), **{"database": "postgres", **choices})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: other\nkind: database\n", "name 'other' is not the directory's, 'broken'"),
        ("name: broken\nkind: toaster\n", "unknown kind 'toaster'"),
        ("name: broken\nkind: ci\nrequire: [base]\n", "unknown key 'require'"),
        ("name: broken\nkind: ci\nrequires: base\n", "requires must be a list of texts"),
        ("name: broken\nkind: ci\nrequires: [1]\n", "requires must be a list of texts"),
        ("name: broken\nkind: ci\ndata: [1]\n", "data must be a mapping"),
        ("name: broken\nkind: ci\nsummary: [1]\n", "summary must be a text"),
        ("name: broken\nkind: ci\nenv: [{nam: A}]\n", "unexpected keyword argument 'nam'"),
        ("name: broken\nkind: ci\nrequires: [ghost]\n", "broken speaks of ghost, which does not exist"),
        ("name: broken\nkind: base\n", "exactly one component is of kind base"),
        ("- a\n", "expected a mapping"),
        ("a: [\n", "while parsing"),
    ],
)
def test_a_broken_component_is_named(tmp_path: Path, text: str, message: str) -> None:
    root = write_template(tmp_path)
    write_component(root, "broken", {"_component.yml": text})
    with pytest.raises(CatalogueError, match=r"broken|base") as caught:
        load_catalogue(root)
    assert message in str(caught.value)


def test_a_component_cannot_take_a_variables_name(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    write_component(root, "package", {"_component.yml": "name: package\nkind: ci\nsummary: no\n"})
    with pytest.raises(CatalogueError, match="package: the name is taken"):
        load_catalogue(root)


@pytest.mark.parametrize("name", ["plain", "{{no_manifest}}"])
def test_only_components_lie_in_the_template(tmp_path: Path, name: str) -> None:
    root = write_template(tmp_path)
    (root / "templates/service" / name).mkdir()
    with pytest.raises(CatalogueError, match=name):
        load_catalogue(root)


def test_no_template_at_all(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no template at"):
        load_catalogue(tmp_path)
