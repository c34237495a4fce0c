"""The standard that every rule is held to; what its examples show is tested in tests/examples."""

import ast
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from twelvefac import __version__, rules
from twelvefac.audit.example import read_tree
from twelvefac.audit.registry import load_rules
from twelvefac.audit.rule import Confidence, Rule, Severity

CATALOGUE = load_rules(rules)
EACH = pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
SECTIONS = ["## Why", "## What it does not flag", "## How to fix"]
ALLOWED = ("twelvefac.audit", "twelvefac.factors", "twelvefac.project", "twelvefac.source")
PURE = frozenset(
    "base64 binascii collections dataclasses enum functools itertools json math operator posixpath re shlex string "
    "textwrap typing".split()
)
"""Of the standard library: what asks neither disk, clock, environment nor network."""


def source(rule: Rule) -> Path:
    file = sys.modules[rule.module].__file__
    assert file is not None
    return Path(file)


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(rule.name for rule in CATALOGUE).items() if count > 1] == []


def test_every_module_below_rules_is_a_rule_of_a_factors_folder() -> None:
    root = Path(rules.__path__[0])
    modules = sorted(path.relative_to(root) for path in root.rglob("*.py") if path.name != "__init__.py")

    assert modules == sorted(source(rule).relative_to(root) for rule in CATALOGUE)
    assert [path for path in modules if len(path.parts) != 2] == []


@EACH
def test_module_name_and_folder(rule: Rule) -> None:
    folder = re.sub(r"\W+", "_", rule.factor.title)

    assert rule.module == f"twelvefac.rules.{folder}.{rule.name.replace('-', '_')}"
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.name)


@EACH
def test_the_docstring_is_a_title_and_the_sections_in_order(rule: Rule) -> None:
    title, _, body = rule.description.partition("\n")

    assert re.fullmatch(r"[A-Z][^\n]{10,100}\.", title)
    assert re.findall(r"^## .*", body, re.MULTILINE) == SECTIONS
    for text in re.split(r"^## .*", body, flags=re.MULTILINE)[1:]:
        assert text.strip()
    assert max(map(len, rule.description.split("\n"))) <= 120


@EACH
def test_the_summary_is_a_short_phrase(rule: Rule) -> None:
    assert re.fullmatch(r"[^\n]{10,70}[^.\n]", rule.summary)
    assert rule.summary[0].islower() or not rule.summary.split()[0].istitle()


@EACH
def test_at_least_one_bad_and_two_bait_examples(rule: Rule) -> None:
    marked = [bool(read_tree(example.source).expected) for example in rule.examples]

    assert marked.count(True) >= 1
    assert marked.count(False) >= 2
    assert len({example.title for example in rule.examples}) == len(rule.examples)


@EACH
def test_a_fix_is_declared_if_and_only_if_it_is_shown(rule: Rule) -> None:
    shown = [example.title for example in rule.examples if example.fixed is not None]

    assert bool(shown) == (rule.fix is not None)


@EACH
def test_the_release_that_brought_it_is_no_later_than_this_one(rule: Rule) -> None:
    def numbers(version: str) -> tuple[int, ...]:
        return tuple(int(part) for part in version.split("."))

    assert numbers(rule.since) <= numbers(__version__)[:2]


@EACH
def test_levels(rule: Rule) -> None:
    assert isinstance(rule.severity, Severity)
    assert isinstance(rule.confidence, Confidence)
    if rule.severity is Severity.HIGH:  # none of high severity may be a mere hint
        assert rule.confidence is not Confidence.LOW


@EACH
def test_it_imports_the_api_and_pure_modules_only(rule: Rule) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source(rule).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module or "")
    own = {name for name in imported if name.split(".")[0] == "twelvefac"}

    assert [name for name in own if not name.startswith(ALLOWED)] == []
    assert {name.split(".")[0] for name in imported - own} <= PURE
    assert [name for name in own if name in ("twelvefac.project.git", "twelvefac.project.discovery")] == []


@EACH
def test_it_opens_nothing_and_keeps_nothing(rule: Rule) -> None:
    tree = ast.parse(source(rule).read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    state = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal)]

    assert called.isdisjoint({"open", "exec", "eval", "compile", "__import__", "print", "input"})
    assert state == []


@EACH
def test_anchors_are_words_that_a_file_can_hold(rule: Rule) -> None:
    for alternative in rule.anchors:
        for word in alternative.words:
            assert re.fullmatch(rb"[a-z0-9]+", word), word
        assert alternative.words or alternative.expression or alternative.confirm
        if alternative.expression:
            expression = alternative.expression.decode()
            assert not re.search(r"(?<!\\)[*+]|\{\d+,\}", re.sub(r"\[[^\]]*\]", "", expression)), "an open quantifier"
            re.compile(expression)


@EACH
def test_a_rule_that_reads_python_has_anchors_for_its_names(rule: Rule) -> None:
    """Names without anchors would be recorded in files that other rules happen to want: a different verdict each."""
    if rule.names:
        assert rule.anchors


@EACH
def test_markers_name_the_rule_and_nothing_is_left_of_them(rule: Rule) -> None:
    for example in rule.examples:
        tree = read_tree(example.source)
        assert {name for name, _, _ in tree.expected} <= {rule.name}
        assert tree.files
        for path, text in tree.files.items():
            assert "# <-" not in text, path
        if example.fixed is not None:
            assert read_tree(example.fixed).expected == ()
            assert read_tree(example.fixed).files != tree.files
