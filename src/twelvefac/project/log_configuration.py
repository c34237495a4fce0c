"""What a logging configuration (``dictConfig``, Django's ``LOGGING``) says of a handler: its settings, who has it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twelvefac.project.facts import PythonFacts, Value
from twelvefac.source.span import Pos

_NAMES = frozenset(("LOGGING", "LOGGING_CONFIG", "LOG_CONFIG"))


class ConfiguredHandler(NamedTuple):
    """A handler's settings, and whether a logger, or another handler, has it; also where that cannot be told."""

    settings: Mapping[str, Value]
    used: bool


def handler_at(at: Pos, python: PythonFacts | None) -> ConfiguredHandler | None:
    """The handler whose class is named at a place; None where no configuration of the file is known as a whole."""
    whole = (
        [one.value for one in python.bindings if one.target in _NAMES and one.value.kind == "dict"] if python else []
    )
    if python is None or not whole:
        return None
    for configuration in whole:
        for name, handler in _entries(_entries(configuration).get("handlers")).items():
            settings = _entries(handler)
            if any(value.at == at for value in settings.values()):
                return ConfiguredHandler(settings, _is_used(name, whole, python))
    # a dictionary of its own, which the configuration names or which is put in further down
    names = {
        str(value.data).rpartition(".")[2]
        for configuration in whole
        for value in _entries(_entries(configuration).get("handlers")).values()
        if value.kind == "name"
    }
    holder = _holder(at, python)
    return ConfiguredHandler({}, holder in names) if holder is not None else None


def _holder(at: Pos, python: PythonFacts) -> str | None:
    """The name of the module's dictionary that stands around a place; None where it is another one."""
    starts = [(start, name) for name, start in python.containers if start[0] <= at[0]]
    _, name = max(starts, default=((0, 0, 0, 0), ""))
    return name if name and name not in _NAMES else None


def _is_used(name: str, whole: list[Value], python: PythonFacts) -> bool:
    """Whether a logger has the handler; a list that only the environment or a calculation knows says no."""
    lists = [_names(given, python) for given in _lists(whole)]
    return not lists or any(names is not None and name in names for names in lists)


def _lists(whole: list[Value]) -> Iterator[Value]:
    """All that says which handlers a logger has, and what hands on to another handler."""
    for configuration in whole:
        sections = _entries(configuration)
        groups = [*_entries(sections.get("loggers")).values(), *_entries(sections.get("handlers")).values()]
        for group in (sections.get("root"), *groups):
            if group is not None and group.kind != "dict":
                yield group  # not known
            found = _entries(group)
            yield from (found[key] for key in ("handlers", "target") if key in found)
        if (loggers := sections.get("loggers")) is not None and loggers.kind != "dict":
            yield loggers


def _names(given: Value, python: PythonFacts) -> frozenset[str] | None:
    """The handlers that a list names, by default where the environment may name others; None where it is not known."""
    if given.kind == "name":
        known = [one.value for one in python.bindings if one.kind == "name"]
        # a variable that is read from the environment goes by the call's name
        read = [one for one in known if one.kind == "env" and f"{one.data[2]}()" == given.data]
        values = read or [one.value for one in python.bindings if one.kind == "name" and one.target == given.data]
        found = [_names(one, python) for one in values if one.kind != "name"]
        return frozenset().union(*(one for one in found if one is not None)) if found and None not in found else None
    if given.kind == "env" and given.data[1] is not None:
        given = given.data[1]
    if given.kind == "str":
        return frozenset(str(given.data).split(","))
    if given.kind == "list" and all(one.kind == "str" for one in given.data):
        return frozenset(str(one.data) for one in given.data)
    return None


def _entries(value: Value | None) -> dict[str, Value]:
    return (
        {str(key.text): one for key, one in value.data if key.text}
        if value is not None and value.kind == "dict"
        else {}
    )
