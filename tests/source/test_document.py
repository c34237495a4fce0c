"""Places in texts: offsets and positions are two names for the same character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.source.document import Document

TEXTS = st.text(alphabet=st.sampled_from("aé漢𝄞\n\r\t \u2028\x0c\x85"), max_size=60)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a", ""]),
        ("a\r\nb\r\n", ["a", "b", ""]),
        ("a\rb\n", ["a\rb", ""]),
        ("é\n\n漢", ["é", "", "漢"]),
        ("a\u2028b\x0cc\x85d", ["a\u2028b\x0cc\x85d"]),
    ],
)
def test_lines_end_at_newlines_alone(text: str, lines: list[str]) -> None:
    document = Document(text)

    assert [document.line(number) for number in range(1, len(document.starts) + 1)] == lines


@pytest.mark.parametrize("number", [-1, 0, 3, 99])
def test_a_line_that_is_not_there_is_empty(number: int) -> None:
    assert Document("a\nb").line(number) == ""


@pytest.mark.parametrize(
    ("text", "part", "pos"),
    [
        ("abc", "b", (1, 2, 1, 3)),
        ("é漢𝄞x", "x", (1, 4, 1, 5)),
        ("a\r\nbc\r\n", "c", (2, 2, 2, 3)),
        ("a\nbc", "a\nb", (1, 1, 2, 2)),
    ],
)
def test_positions_are_one_based_characters_with_an_exclusive_end(
    text: str, part: str, pos: tuple[int, int, int, int]
) -> None:
    start = text.index(part)

    assert Document(text).pos(start, start + len(part)) == pos


def test_the_end_of_a_text_without_a_final_newline_has_a_place() -> None:
    assert Document("a\nbc").pos(4, 4) == (2, 3, 2, 3)


@given(TEXTS, st.data())
def test_offset_and_position_are_inverse(text: str, data: st.DataObject) -> None:
    document = Document(text)
    offset = data.draw(st.integers(0, len(text)))
    line, column, _, _ = document.pos(offset, offset)

    assert document.offset(line, column) == offset
    assert 1 <= line <= len(document.starts)
    assert column >= 1


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (b"\xef\xbb\xbfa = 1", "utf-8", "a = 1"),
        ("é".encode(), "utf-8", "é"),
        (b"caf\xe9", "utf-8", "café"),  # no UTF-8: read as Latin-1
        (b"caf\xe9", "latin-1", "café"),
        ("ж".encode("koi8-r"), "koi8-r", "ж"),
        (b"abc", "no-such-codec", "abc"),
        (b"6162", "hex", "6162"),  # a codec that makes bytes is none
        (b"abc", "undefined", "abc"),  # this one raises a plain UnicodeError
        (b"abc\0", "utf-8", "abc\0"),
    ],
)
def test_every_file_becomes_a_text(data: bytes, encoding: str, text: str) -> None:
    assert Document.decode(data, encoding).text == text


@given(st.binary(max_size=40), st.sampled_from(["utf-8", "ascii", "utf-16", "idna", "cp1252", "", "rot13"]))
def test_decoding_never_fails(data: bytes, encoding: str) -> None:
    assert isinstance(Document.decode(data, encoding).text, str)
