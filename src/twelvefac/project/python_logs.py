"""What log calls write that has the name of a secret, or is the whole environment."""

from collections.abc import Iterable, Iterator

from twelvefac.project.credentials import holds_secret
from twelvefac.project.facts import Logged, Value
from twelvefac.project.python_values import Places, ValueReader
from twelvefac.project.python_walk import Walk

METHODS = frozenset("debug info warning warn error critical exception log msg".split())
"""Methods of loggers, of the standard library's and of those that are used like it."""
_LONGEST_TEXT = 200
_LOGGERS = frozenset("logging log logger _logger _log logs structlog loguru LOG LOGGER".split())


def logged(walk: Walk, places: Places, values: ValueReader) -> Iterable[Logged]:
    """The telling arguments of the log calls of a file; ``print`` is one."""
    for node, scope, _ in walk.calls:
        callee = node.callee
        if callee is None or not _is_log(callee):
            continue
        args, kwargs = values.arguments(node, scope)
        parts = tuple(_parts((*args, *(one for _, one in kwargs))))
        text = " ".join(part.text for part in parts if part.text is not None)
        for value in parts:
            if is_environment(value) or _is_secret(value):
                yield Logged(callee, text[:_LONGEST_TEXT], value, places(node), scope)


def _is_log(callee: str) -> bool:
    owner, _, method = callee.rpartition(".")
    if not owner:
        return method == "print"
    return method in METHODS and not _LOGGERS.isdisjoint(owner.replace("()", "").split("."))


def _parts(given: Iterable[Value]) -> Iterator[Value]:
    """The values themselves and those that a text is put together from."""
    for value in given:
        if value.kind == "joined":
            yield from _parts(value.data)
        elif value.kind == "call" and value.data[0] in ("str", "dict", "repr", "json.dumps") and value.data[1]:
            yield from _parts(value.data[1][:1])
        else:
            yield value


def is_environment(value: Value) -> bool:
    """Whether it is all of the environment."""
    return value.kind == "name" and value.data == "os.environ"


def _is_secret(value: Value) -> bool:
    if value.kind == "env":
        return value.data[0] is not None and holds_secret(value.data[0])
    return value.kind == "name" and value.data is not None and "()" not in value.data and holds_secret(value.data)
