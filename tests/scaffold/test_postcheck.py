"""What is rendered wrong is found before anybody receives it."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from sample_template import write_component, write_template

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import load_catalogue
from twelvefac.scaffold.plan import Plan, make_plan
from twelvefac.scaffold.postcheck import PostcheckError, check_tree
from twelvefac.scaffold.records import write_records
from twelvefac.scaffold.render import render

FINE = {
    "f.py": 'TEXT = f"{{name}} {{% {1}"\n',
    "w.yml": "on: ${{ name }}\nif: ${{ package }}\n",
    "Makefile": "docker ps --format '{{.Names}}' {{ other }}\n",
    "two.yaml": "a: 1\n---\nb: 2\n",
    "image.bin": "\x00\xff",
}


def make(tmp_path: Path, files: dict[str, str]) -> tuple[Path, Plan]:
    root = write_template(tmp_path / "template")
    write_component(root, "github", files)
    catalogue = load_catalogue(root)
    plan = make_plan(catalogue, *make_answers(catalogue, {"name": "orders"}))
    tree = tmp_path / "tree"
    tree.mkdir()
    render(root, plan.answers.as_data(), tree)
    write_records(tree, plan, "0.1.0")
    return tree, plan


def test_braces_of_others_are_no_template_tags(tmp_path: Path) -> None:
    fine = {**FINE, "f.py": 'TEXT = f"{{x}} {1:02}"\n'}
    check_tree(*make(tmp_path, fine))


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("a.py", "def broken(:\n", "a.py does not parse: invalid syntax"),
        ("a.py", "x = '\x00'\n", "a.py does not parse: "),
        ("a.toml", "a = \n", "a.toml does not parse: Invalid value"),
        ("a.yaml", "a: [\n", "a.yaml does not parse: while parsing"),
        ("a.json", "{", "a.json does not parse: Expecting property name"),
        ("a.txt", "{{ name }}", "a.txt holds a template tag"),
        ("a.txt", "{{- components }}", "a.txt holds a template tag"),
        ("a.txt", "{{fastapi}}", "a.txt holds a template tag"),
        ("a.txt", "{%- if x %}", "a.txt holds a template tag"),
        ("a.txt", "{% raw %}", "a.txt holds a template tag"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, path: str, text: str, message: str) -> None:
    tree, plan = make(tmp_path, {path: text})
    with pytest.raises(PostcheckError) as caught:
        check_tree(tree, plan)
    assert str(caught.value).startswith(f"the generated files are not fit for use: {message}")


def test_more_and_less_than_planned(tmp_path: Path) -> None:
    tree, plan = make(tmp_path, {})
    (tree / "README.md").unlink()
    (tree / "extra").touch()
    with pytest.raises(PostcheckError, match=r"use: README\.md is missing; extra was not planned$"):
        check_tree(tree, plan)


EXPECTED = """
    name: github
    kind: ci
    summary: x
    expected_findings: [{rule: dev-server, path: run.sh, reason: it is the development server}]
"""


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([("dev-server", "run.sh")], ""),
        ([("dev-server", "run.sh"), ("debug-on", "a.py")], "our own audit finds debug-on in a.py"),
        ([], "our own audit no longer finds dev-server in run.sh, which is expected"),
    ],
)
def test_our_own_audit_finds_what_is_expected_and_no_more(
    tmp_path: Path, found: list[tuple[str, str]], message: str
) -> None:
    tree, plan = make(tmp_path, {"_component.yml": EXPECTED})
    asked = []

    def audit(path: Path) -> Iterable[tuple[str, str]]:
        asked.append(path)
        return found

    if message:
        with pytest.raises(PostcheckError, match=message):
            check_tree(tree, plan, audit)
    else:
        check_tree(tree, plan, audit)
    assert asked == [tree]
