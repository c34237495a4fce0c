"""Every regular expression of the audit: it compiles, and no text makes its work explode.

Expressions see what a hostile repository holds. One repetition without limit inside another takes exponential time.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from twelvefac import project

PARSER: Any = import_module("re._parser")
PACKAGE = Path(project.__file__).parent.parent
AUDITING = ("audit", "project", "report", "rules", "source")
_OF_RE = frozenset("compile search match fullmatch sub subn findall finditer split".split())


def expressions() -> Iterator[Any]:
    for folder in AUDITING:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and _is_expression(node.func):
                    first = node.args[0]
                    if isinstance(first, ast.Constant):
                        where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                        yield pytest.param(first.value, id=where)


def _is_expression(callee: ast.expr) -> bool:
    if isinstance(callee, ast.Name):
        return callee.id == "regex"
    return (
        isinstance(callee, ast.Attribute)
        and callee.attr in _OF_RE
        and isinstance(callee.value, ast.Name)
        and callee.value.id == "re"
    )


def explodes(items: Any, *, repeated: bool = False) -> bool:
    """Whether a repetition without limit stands inside another repetition, of which each part may be one letter."""
    for operation, value in items:
        inner: list[Any] = []
        endless = False
        if operation in (PARSER.MAX_REPEAT, PARSER.MIN_REPEAT):
            endless = value[1] is PARSER.MAXREPEAT
            inner = [value[2]]
        elif operation is PARSER.SUBPATTERN:
            inner = [value[3]]
        elif operation is PARSER.BRANCH:
            inner = value[1]
        elif operation in (PARSER.ASSERT, PARSER.ASSERT_NOT):
            inner = [value[1]]
        if (endless and repeated) or any(explodes(one, repeated=repeated or endless) for one in inner):
            return True
    return False


@pytest.mark.parametrize("expression", tuple(expressions()))
def test_it_compiles_and_has_no_endless_repetition_in_a_repetition(expression: str | bytes) -> None:
    re.compile(expression)

    assert not explodes(PARSER.parse(expression))


@pytest.mark.parametrize("expression", ["(a+)+b", "(?:a*b?)*c", "(?=(a|b+)*)x", "((a+)?x?)+"])
def test_the_check_sees_what_explodes(expression: str) -> None:
    assert explodes(PARSER.parse(expression))
