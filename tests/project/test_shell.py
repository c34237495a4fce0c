"""Shell scripts: hostile ones above all; what a start script means is tested with the rules that ask."""

import pytest

from twelvefac.project.shell import read_shell
from twelvefac.project.unreadable import UnreadableError


def commands(text: str) -> list[tuple[tuple[str, ...], str, tuple[int, int, int, int]]]:
    return [(one.words, one.block, one.at) for one in read_shell(text.encode()).commands]


def test_words_and_places_of_any_alphabet() -> None:
    assert commands("#!/bin/sh\nécho '漢字'; run 𝄞\nif a; then\n  exec bé\nfi\n") == [
        (("écho", "漢字"), "", (2, 1, 2, 10)),
        (("run", "𝄞"), "", (2, 12, 2, 17)),
        (("a",), "if", (3, 4, 3, 5)),
        (("exec", "bé"), "if", (4, 3, 4, 10)),
    ]


def test_characters_outside_of_the_scanners_tables_do_not_end_the_process() -> None:
    for start in range(0x80, 0x110000, 0x800):
        if not 0xD800 <= start < 0xE000:
            read_shell("".join(f"${chr(start + step)}{chr(start + step)}=" for step in range(0, 0x400, 97)).encode())


@pytest.mark.parametrize("part", ["a|", "<<a\n", "<<<", "a=(", "a&&", ">", "<", "a;"], ids=lambda part: repr(part[:5]))
def test_what_costs_the_parser_seconds_is_refused(part: str) -> None:
    with pytest.raises(UnreadableError, match="more"):
        read_shell((part * (60_000 // len(part))).encode())


@pytest.mark.parametrize(
    "part", ["(", "$(", "{ ", "if ", '"', "`", "case x in ", "f(){ ", "((", "${a:-", "for x in a; do "]
)
def test_deep_nesting_is_read_or_refused(part: str) -> None:
    read_shell((part * (60_000 // len(part))).encode())


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"#!", b"#!\n", b"\xff\xfe", b"function\n", b"() {\n", b"case\n", b"case x in\n"]
)
def test_what_is_hardly_a_script(data: bytes) -> None:
    read_shell(data)
