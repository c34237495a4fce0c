"""Facts as JSON and back, for the cache.

A fact is a NamedTuple, which JSON's encoder writes as a list without a look at each by us; what each list was is told
by the annotations of the types, and of ``Value`` and ``Node``, which hold anything, by their kinds.
"""

import json
from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from twelvefac.project.facts import FileFacts, Value
from twelvefac.project.yaml_nodes import Node

_PLAIN = (str, int, bool, float, NoneType)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

Revive = Callable[[Any], Any]


def encode(value: object) -> str:
    """JSON of facts, and of lists that hold some."""
    return _encode(value)


def revive(data: Any) -> FileFacts:
    """The facts of a file from what ``json`` read.

    Raises KeyError, TypeError or ValueError on anything that ``encode`` did not write.
    """
    facts = _reviver(FileFacts)(data)
    assert isinstance(facts, FileFacts)
    return facts


@cache
def _reviver(hint: Any) -> Revive:
    """How a value of a type is made from the lists that stand for it."""
    if hint is Value:
        return _value
    if hint is Node:
        return _node
    if hint in _PLAIN:
        return _same
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        [inner] = (_reviver(one) for one in arguments if one is not NoneType)
        return inner if inner is _same else lambda data: None if data is None else inner(data)
    if origin is tuple:
        return _tuple(arguments)
    if not hasattr(hint, "_fields"):
        raise TypeError(f"{hint} is no type of a fact")
    revivers = tuple(_reviver(one) for one in get_type_hints(hint).values())
    return lambda data: hint(*_each(revivers, data))


def _tuple(arguments: tuple[Any, ...]) -> Revive:
    if arguments[1:] == (...,):
        item = _reviver(arguments[0])
        return tuple if item is _same else lambda data: tuple(map(item, data))
    items = tuple(map(_reviver, arguments))
    return tuple if all(one is _same for one in items) else lambda data: tuple(_each(items, data))


def _each(revivers: tuple[Revive, ...], data: list[Any]) -> list[Any]:
    return [reviver(one) for reviver, one in zip(revivers, data, strict=True)]


def _same(data: Any) -> Any:
    return data


def _value(data: list[Any]) -> Value:
    kind, content, at = data
    if kind in ("list", "joined"):
        content = _values(content)
    elif kind == "env":
        key, default, callee = content
        content = (key, None if default is None else _value(default), callee)
    elif kind == "call":
        name, given, named = content
        content = (name, _values(given), tuple((word, _value(one)) for word, one in named))
    elif kind == "dict":
        content = tuple((_value(key), _value(one)) for key, one in content)
    return Value(kind, content, tuple(at))


def _values(data: list[Any]) -> tuple[Value, ...]:
    return tuple(map(_value, data))


def _node(data: list[Any]) -> Node:
    kind, content, at, plain = data
    if kind == "map":
        content = tuple((key, tuple(place), _node(one)) for key, place, one in content)
    elif kind == "list":
        content = tuple(map(_node, content))
    return Node(kind, content, tuple(at), plain)
