"""Edits on texts: all of them or an error, whatever their order."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.source.document import Document
from twelvefac.source.edit import OverlapError, Replace, apply_edits
from twelvefac.source.span import Span

TEXT = "first\nsécond\r\n\nfourth"


def edit(text: str, start: int, end: int, new: str) -> Replace:
    return Replace(Span.of("a", Document(text).pos(start, end)), new)


@st.composite
def disjoint_edits(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A text and edits that share no character, no two at one place."""
    text = draw(st.text(alphabet="ab\né\r", max_size=40))
    marks = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    pairs = zip(marks[::2], marks[1::2], strict=False)
    return text, [(start, end, draw(st.text(alphabet="XY\n", max_size=3))) for start, end in pairs]


@given(disjoint_edits(), st.randoms(use_true_random=False))
def test_the_order_of_edits_does_not_matter(case: tuple[str, list[tuple[int, int, str]]], random: Random) -> None:
    text, spots = case
    edits = [edit(text, *spot) for spot in spots]
    random.shuffle(edits)
    expected = text
    for start, end, new in reversed(spots):
        expected = expected[:start] + new + expected[end:]

    assert apply_edits(text, edits) == expected


@pytest.mark.parametrize(
    ("spots", "result"),
    [
        ([], TEXT),
        ([(0, 5, "1st")], "1st\nsécond\r\n\nfourth"),
        ([(6, 12, "2nd"), (0, 5, "1st")], "1st\n2nd\r\n\nfourth"),
        ([(7, 8, "e")], "first\nsecond\r\n\nfourth"),  # what follows a character of two bytes stays in place
        ([(len(TEXT), len(TEXT), "\n")], TEXT + "\n"),
        ([(0, 5, "a"), (5, 6, "b")], "absécond\r\n\nfourth"),  # neighbours do not overlap
        ([(0, 0, "new "), (0, 5, "1st")], "new 1st\nsécond\r\n\nfourth"),
        ([(0, len(TEXT), "")], ""),
    ],
)
def test_replacements(spots: list[tuple[int, int, str]], result: str) -> None:
    assert apply_edits(TEXT, [edit(TEXT, *spot) for spot in spots]) == result


@pytest.mark.parametrize("spots", [[(0, 3), (2, 5)], [(0, 5), (0, 5)], [(0, 5), (2, 2)], [(0, 9), (3, 4)]])
def test_overlapping_edits_are_refused_in_either_order(spots: list[tuple[int, int]]) -> None:
    edits = [edit(TEXT, start, end, "x") for start, end in spots]
    for order in (edits, edits[::-1]):
        with pytest.raises(OverlapError):
            apply_edits(TEXT, order)


@pytest.mark.parametrize(
    "span", [Span("a", 1, 5, 1, 2), Span("a", 2, 1, 1, 1), Span("a", 1, 1, 9, 1), Span("a", 1, 1, 4, 99)]
)
def test_a_span_that_is_none_of_this_text_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="no place in this text"):
        apply_edits(TEXT, [Replace(span, "x")])
