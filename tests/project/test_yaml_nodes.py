"""YAML from events: merge keys, aliases and what is made to hurt."""

import pytest

from twelvefac.project.unreadable import UnreadableError
from twelvefac.project.yaml_nodes import MAX_DEPTH, read_yaml


def items(text: str) -> list[tuple[str, object]]:
    [document] = read_yaml(text)
    here = document.get(document.root, "x")
    assert here is not None
    return [(key, value.data) for key, _, value in document.items(here)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: &a {b: 1, c: 2}\nx: {<<: *a, c: 3}", [("c", "3"), ("b", "1")]),
        ("a: &a {b: 1}\nc: &c {b: 2, d: 3}\nx: {<<: [*a, *c]}", [("b", "1"), ("d", "3")]),
        ("a: &a {b: 1}\nc: &c {<<: *a, d: 3}\nx: {<<: *c}", [("d", "3"), ("b", "1")]),
        ("a: &a {b: 1}\nx: *a", [("b", "1")]),
        ("x: &x {<<: *x, b: 1}", [("b", "1")]),
        ("x: {<<: *nowhere, b: 1}", [("b", "1")]),
        ("x: {<<: 1, b: 1}", [("b", "1")]),
        ("x: [1]", []),
        ("x: {? [1] : 2, b: 1}", [("b", "1")]),
        ("x: {on: yes, 1: 0x10}", [("on", "yes"), ("1", "0x10")]),
    ],
)
def test_the_entries_of_a_map(text: str, found: list[tuple[str, object]]) -> None:
    assert items(text) == found


def test_maps_that_merge_each_other_a_hundred_times_end() -> None:
    lines = ["a0: &a0 {k: 1}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 100)}]}}" for n in range(1, 30)]

    assert items("\n".join([*lines, "x: *a29"])) == [("k", "1")]


def test_a_file_that_doubles_itself_stays_as_small_as_it_is() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 100)]
    [document] = read_yaml("\n".join(lines))

    last = document.get(document.root, "a99", 1)
    assert last is not None
    assert (last.kind, len(last.data)) == ("list", 2)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "- [" * 100_000, "? " * 100_000, "[" * (MAX_DEPTH + 2)],
    ids=["list", "map", "block", "mixed", "keys", "just"],
)
def test_deep_nesting_is_refused_and_ends_no_process(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_yaml(text)


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "a: b: c", "\ta: 1", "a: 'b", "%x", "a: !!python/object:os.system x\n- b", "\x01"]
)
def test_what_is_no_yaml(text: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_yaml(text)

    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_tags_make_nothing() -> None:
    [document] = read_yaml("a: !!python/object/apply:os.system [touch x]\n")

    assert document.root.data[0][2].kind == "list"


def test_places() -> None:
    [first, second] = read_yaml("é: [ 漢, b ]\n---\nc:\n  - d\n")

    assert [one.at for one in first.root.data[0][2].data] == [(1, 6, 1, 7), (1, 9, 1, 10)]
    assert second.root.data[0][1] == (3, 1, 3, 2)
