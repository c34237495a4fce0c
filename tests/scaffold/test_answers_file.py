"""An answers file, good or bad: the message names the line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.errors import UsageError
from twelvefac.scaffold.answers_file import read_answers

KNOWN = ("name", "description", "framework", "database", "ci")


def read(path: Path) -> dict[str, str]:
    return read_answers(str(path), KNOWN)


@pytest.mark.parametrize(
    ("file", "text", "answers"),
    [
        ("a.yml", "name: orders\nci: none\n", {"name": "orders", "ci": "none"}),
        ("a.yml", "# nothing\n", {}),
        ("a.yml", "\ufeffname: orders\n", {"name": "orders"}),
        ("a.yml", "_commit: 1.0.0\n_src_path: [x]\nname: 'no'\n", {"name": "no"}),
        ("a.yml", "description: 2 for 1\nname: 7\n", {"description": "2 for 1", "name": "7"}),
        ("a.json", '{"name": "orders",\n\t"ci":\t"none"}', {"name": "orders", "ci": "none"}),
        ("a.yml", '{"name": "orders"}', {"name": "orders"}),
    ],
)
def test_read(tmp_path: Path, file: str, text: str, answers: dict[str, str]) -> None:
    path = tmp_path / file
    path.write_text(text, "utf-8")
    assert read(path) == answers


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("a.yml", b"name: orders\nfarmework: fastapi\n", ":2: unknown answer 'farmework': choose from name, des"),
        ("a.yml", b"name: orders\n\nname: other\n", ":3: 'name' is answered twice: keep one of the two"),
        ("a.yml", b"name:\n  - orders\n", ":1: the answer to 'name' must be one text"),
        ("a.yml", b"ci: none\nname:\n", ":2: the answer to 'name' must be one text"),
        ("a.yml", b"ci: none\n? [a]\n: b\n", ":2: unknown answer ''"),
        ("a.yml", b"ci: none\n- name\n", ":2: not YAML: "),
        ("a.yml", b"ci: none\nname: 'orders\n", ":3: not YAML: found unexpected end of stream"),
        ("a.yml", b"name: *orders\n", ":1: not YAML: found undefined alias"),
        ("a.yml", b"a: 1\n---\nb: 2\n", ":2: not YAML: but found another document"),
        ("a.yml", b"name: \x00\n", ": not YAML: unacceptable character #x0000"),
        ("a.yml", b"- name\n", ":1: expected one 'question: answer' a line"),
        ("a.yml", b"ci: none\nname: b\xfccher\n", ":2: not UTF-8: save the file as UTF-8"),
        ("a.yml", b"[" * 20_000, ": nested too deeply for an answers file"),
        ("a.json", b"[" * 20_000, ": nested too deeply for an answers file"),
        ("a.yml", b"#" * 70_000, ": an answers file holds a few short texts, this one is over 65536 bytes"),
        ("a.json", b'{"name": "orders",\n "ci": none}\n', ":2: not JSON: Expecting value"),
        ("a.json", b'{"name": "orders",\n\t"c": "none"}\n', ":2: unknown answer 'c'"),
        ("a.json", b'["name"]', ":1: expected one 'question: answer' a line"),
    ],
)
def test_refused_with_file_and_line(tmp_path: Path, file: str, data: bytes, message: str) -> None:
    path = tmp_path / file
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert caught.value.message.startswith(f"{path}{message}")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(("name", "reason"), [("absent.yml", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError) as caught:
        read(path)
    assert caught.value.message == f"cannot read the answers file {path}: {reason}"


@given(data=st.binary(max_size=200), suffix=st.sampled_from(["yml", "json"]))
def test_whatever_the_bytes_it_is_answers_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(data)
    try:
        answers = read(path)
    except UsageError as error:
        assert "\n" not in error.message  # noqa: PT017 - both outcomes are fine
    else:
        assert set(answers) <= set(KNOWN)


@given(st.dictionaries(st.sampled_from(KNOWN), st.text(st.characters(codec="utf-8"))))
def test_json_means_what_json_says(tmp_path_factory: pytest.TempPathFactory, answers: dict[str, str]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.json"
    path.write_text(json.dumps(answers), "utf-8")
    assert read(path) == answers
