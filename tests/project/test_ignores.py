"""Suppression comments: where they are, what they cover, what they say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twelvefac.project.facts import Ignore
from twelvefac.project.ignores import read_ignores


def python(text: str) -> list[Ignore]:
    return list(read_ignores(text, python=True))


def other(text: str) -> list[Ignore]:
    return list(read_ignores(text, python=False))


@pytest.mark.parametrize(
    ("comment", "rules", "reason", "until"),
    [
        ("# twelvefac: ignore[a-rule] it is right", ["a-rule"], "it is right", ""),
        ("#twelvefac:ignore[a-rule] x", ["a-rule"], "x", ""),
        ("#   twelvefac:   ignore[a-rule]   x  ", ["a-rule"], "x", ""),
        ("# twelvefac: ignore[a-rule]", ["a-rule"], "", ""),
        ("# twelvefac: ignore[a,b, c] x", ["a", "b", "c"], "x", ""),
        ("# twelvefac: ignore[a] x; until=2027-01-01", ["a"], "x", "2027-01-01"),
        ("# twelvefac: ignore[a] x ;  until=2027-01-01 ", ["a"], "x", "2027-01-01"),
        ("# twelvefac: ignore[a] x; until=soon", ["a"], "x", "soon"),
        # what follows the semicolon and is no date must not read as "for ever"
        ("# twelvefac: ignore[a] x; until: 2027-01-01", ["a"], "x", "until: 2027-01-01"),
        ("# twelvefac: ignore[a] x; untill=2027-01-01", ["a"], "x", "untill=2027-01-01"),
        ("# twelvefac: ignore[a] x; until=", ["a"], "x", "until="),
        ("# twelvefac: ignore[a] x;", ["a"], "x", ""),
        ("# twelvefac: ignore[a] ; until=2027-01-01", ["a"], "", "2027-01-01"),
    ],
)
def test_what_a_comment_says(comment: str, rules: list[str], reason: str, until: str) -> None:
    for found in (python(f"{comment}\n"), other(f"{comment}\n")):
        assert [(one.rule, one.reason, one.until) for one in found] == [(rule, reason, until) for rule in rules]


@pytest.mark.parametrize(
    "text",
    ["# twelvefac", "# twelvefac: new service", "# noqa: twelvefac: ignore[a] x", "x = 1", "# twelvefac: ignored"],
)
def test_what_is_no_suppression(text: str) -> None:
    assert python(text) == other(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "# twelvefac: ignore",
        "# twelvefac: ignore[]",
        "# twelvefac: ignore[*] all of it",
        "# twelvefac: ignore a-rule",
        "# twelvefac: ignore[A-Rule] x",
        "# twelvefac:disable=a-rule",
    ],
)
def test_one_that_names_no_rule_is_kept_to_be_told(text: str) -> None:
    for found in (python(f"x = 1  {text}\n"), other(f"x = 1  {text}\n")):
        assert found == [Ignore("", "", "", 1, ())]


@pytest.mark.parametrize(
    ("text", "line", "lines"),
    [
        ("x = 1  # twelvefac: ignore[a] x\ny = 1\n", 1, (1,)),
        ("# twelvefac: ignore[a] x\ny = 1\n", 1, (1, 2)),
        ("\n    # twelvefac: ignore[a] x\n    y = 1\n", 2, (2, 3)),
        ("x = [  # twelvefac: ignore[a] x\n1]\n", 1, (1,)),
        ("x = 1  # twelvefac: ignore[a] x", 1, (1,)),
        ("x = 'é'  # twelvefac: ignore[a] x\r\n", 1, (1,)),
        ("x = 1  # noqa: S113  # twelvefac: ignore[a] x\n", 1, (1,)),
    ],
)
def test_the_lines_that_it_covers(text: str, line: int, lines: tuple[int, ...]) -> None:
    text = text if not text.startswith("\n    ") else f"if z:{text}"
    for found in (python(text), other(text)):
        assert [(one.line, one.lines) for one in found] == [(line, lines)]


@pytest.mark.parametrize(
    "text",
    [
        "x = '# twelvefac: ignore[a] x'\n",
        'x = """\n# twelvefac: ignore[a] x\n"""\n',
        "f'''\n# twelvefac: ignore[a] x\n{y}'''\n",
    ],
)
def test_in_a_python_string_it_is_no_comment(text: str) -> None:
    assert python(text) == []
    assert len(other(text)) == 1


@pytest.mark.parametrize(
    "text", ["x = (\n# twelvefac: ignore[a] x\n", "x = '\n", "  x\n y\n", "\0# twelvefac:", "\udc80"]
)
def test_a_file_that_cannot_be_tokenized_is_no_error(text: str) -> None:
    python(text)


@given(st.text(alphabet=st.sampled_from("# twelvefac:ignore[]a,;-=\n'\"\\\t\0é("), max_size=80))
@example("\na[n\0 # twelvefac: ignore[a]")
def test_any_text_is_read(text: str) -> None:
    python(text)
    other(text)
