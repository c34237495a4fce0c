"""TOML that was made to hurt is refused with a reason, like TOML that is none."""

import pytest

from twelvefac.source.toml import parse_toml


def test_a_document() -> None:
    assert parse_toml("a.b = 1\n[c]\nd = '...'\n") == {"a": {"b": 1}, "c": {"d": "..."}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "Invalid value"),
        ("a." * 400_000, "a line with more than 3000 dots"),
        ("x = {" + "a." * 10_000 + "a = 1}", "a line with more than 3000 dots"),
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = 1\na = 2\n", "Cannot overwrite"),
    ],
    ids=["none", "a key", "inline", "nested", "twice"],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_toml(text)
