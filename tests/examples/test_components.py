"""Every component of the template, as tests of its own: with it, a service is complete; without it, it is absent."""

from pathlib import Path

import pytest

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.component import Component
from twelvefac.scaffold.plan import make_plan
from twelvefac.scaffold.postcheck import check_tree
from twelvefac.scaffold.records import write_records
from twelvefac.scaffold.render import render

_CATALOGUE = load_catalogue(data_root())
_COMPONENTS = [pytest.param(component, id=component.name) for component in _CATALOGUE.components]


def choices_with(component: Component) -> dict[str, str]:
    """The first answers that bring a component in."""
    return next(one for one in _CATALOGUE.combinations() if component in _CATALOGUE.select(one))


@pytest.mark.parametrize("component", _COMPONENTS)
def test_a_service_with_it_is_complete(component: Component, tmp_path: Path) -> None:
    answers, components = make_answers(_CATALOGUE, {"name": "orders", **choices_with(component)})
    plan = make_plan(_CATALOGUE, answers, components)

    render(_CATALOGUE.root, answers.as_data(), tmp_path)
    write_records(tmp_path, plan, "0")

    check_tree(tmp_path, plan, None)
    assert component in components
    variables = (tmp_path / ".env.example").read_text(encoding="utf-8")
    assert [one.name for one in component.env if f"{one.name}=" not in variables] == []


@pytest.mark.parametrize("component", _COMPONENTS)
def test_it_says_what_it_is(component: Component) -> None:
    assert component.summary
    assert all(variable.description for variable in component.env)
