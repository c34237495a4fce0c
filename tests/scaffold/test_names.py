"""Which names a service may have, and what is suggested instead of the others."""

import keyword
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.errors import UsageError
from twelvefac.scaffold.names import (
    LONGEST,
    PATTERN,
    STANDARD_LIBRARY,
    check_name,
    objection,
    reserved,
    suggest,
)

VALID = st.from_regex(re.compile(PATTERN), fullmatch=True).filter(lambda name: len(name) <= LONGEST)


@pytest.mark.parametrize(
    ("name", "reason", "instead"),
    [
        ("", "it is empty", "orders"),
        ("a" * 41, "it has 41 characters, 40 are allowed", "a" * 40),
        ("Orders", "it takes lower-case letters, digits and single dashes, a letter first", "orders"),
        ("MyOrders", "it takes lower-case letters, digits and single dashes, a letter first", "my-orders"),
        ("my_orders", "it takes lower-case letters, digits and single dashes, a letter first", "my-orders"),
        ("my--orders", "it takes lower-case letters, digits and single dashes, a letter first", "my-orders"),
        ("orders-", "it takes lower-case letters, digits and single dashes, a letter first", "orders"),
        ("-orders", "it takes lower-case letters, digits and single dashes, a letter first", "orders"),
        ("2fast", "it takes lower-case letters, digits and single dashes, a letter first", "service-2fast"),
        ("orders\n", "it takes lower-case letters, digits and single dashes, a letter first", "orders"),
        ("bücher", "it takes lower-case letters, digits and single dashes, a letter first", "b-cher"),
        ("class", "it is a Python keyword", "class-service"),
        ("http", "the package http would hide Python's own module of that name", "http-service"),
        ("sre-parse", "the package sre_parse would hide Python's own module", "sre-parse-service"),
        ("kafka", "the package kafka would hide the library of that name", "kafka-service"),
        ("redis", "the package redis would hide the library of that name", "redis-service"),
        ("aio-pika", "the package aio_pika would hide the library of that name", "aio-pika-service"),
        ("my-odd-dep", "the package my_odd_dep would hide the library", "my-odd-dep-service"),
        ("test", "the package test would hide Python's own module", "test-service"),
        ("python3", "python3 is what the virtual environment or Python itself needs", "python3-service"),
        ("python313", "python313 is what the virtual environment or Python itself needs", "python313-service"),
        ("pip3", "pip3 is what the virtual environment or Python itself needs", "pip3-service"),
        ("activate", "activate is what the virtual environment or Python itself needs", "activate-service"),
        ("uv", "uv is what the virtual environment or Python itself needs", "uv-service"),
        ("sitecustomize", "sitecustomize is what the virtual environment or Python", "sitecustomize-service"),
        ("usercustomize", "usercustomize is what the virtual environment or Python", "usercustomize-service"),
        ("tests", "tests has a meaning of its own in the generated repository", "tests-service"),
        ("src", "src has a meaning of its own in the generated repository", "src-service"),
    ],
)
def test_refused_with_reason_and_way_out(name: str, reason: str, instead: str) -> None:
    if name == "test":  # not a module of every Python
        reason = "test has a meaning of its own in the generated repository"
    with pytest.raises(UsageError) as caught:
        check_name(name, ["my-odd.Dep==1"])
    assert caught.value.message.startswith(f"{name!r} cannot name a service: {reason}")
    assert caught.value.message.endswith(f"; try {instead}")
    assert objection(instead, ["my-odd.Dep==1"]) == ""


@pytest.mark.parametrize(
    "name", ["a", "orders", "order-2-cash", "a" * 40, "web", "worker", "match", "kafka-x", "python-x", "on", "null"]
)
def test_allowed(name: str) -> None:
    check_name(name)


@given(st.text())
def test_every_suggestion_is_valid(name: str) -> None:
    assert objection(suggest(name)) == ""


@given(VALID)
def test_a_name_of_the_pattern_is_a_package_name(name: str) -> None:
    package = name.replace("-", "_")
    assert package.isidentifier()
    if not objection(name):
        assert not keyword.iskeyword(package)
        assert package not in sys.stdlib_module_names


def test_the_list_knows_this_pythons_standard_library() -> None:
    public = {name for name in sys.stdlib_module_names if not name.startswith("_") and name.islower()}
    assert public - STANDARD_LIBRARY == set()


def test_reserved_names_are_all_refused() -> None:
    names = reserved(["uvicorn[standard]>=0.30"])
    assert "uvicorn" in names
    assert [name for name in names if not objection(name.replace("_", "-"), ["uvicorn>=0.30"])] == []
