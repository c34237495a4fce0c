"""What is printed of somebody else's repository cannot drive the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.source.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 𝄞", "plain é 漢 𝄞"),
        ("a\nb", "a\\nb"),
        ("a\r\tb", "a\\r\\tb"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),  # the one-byte form of the same
        ("\x00\x7f", "\\x00\\x7f"),
        ("abc\u202ecba", "abc\\u202ecba"),  # right to left
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\udcff", "\\udcff"),  # a byte of a file name that is no UTF-8
        ("\u2028", "\\u2028"),
    ],
)
def test_control_characters_become_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_what_is_visible_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = visible(text)

    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown
    shown.encode()
