"""Every example of every rule, as a test of its own."""

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.audit.rule import Example, Rule
from twelvefac.testing import check_example

_CASES = [
    pytest.param(rule, example, id=f"{rule.name}-{example.title.replace(' ', '_')}")
    for rule in load_rules(rules)
    for example in rule.examples
]


@pytest.mark.parametrize(("rule", "example"), _CASES)
def test_finds_exactly_what_is_marked(rule: Rule, example: Example) -> None:
    check_example(rule, example)
