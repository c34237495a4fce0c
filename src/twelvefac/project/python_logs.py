"""What log calls write that has the name of a secret, or is the whole environment."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from twelvefac.project.credentials import STEMS, holds_secret, places_of_stems
from twelvefac.project.facts import Logged, Value
from twelvefac.project.python_values import Places, ValueReader
from twelvefac.project.python_walk import Walk
from twelvefac.source.pattern import regex

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


_CALLED = regex(rb"(?:\.(?:" + "|".join(sorted(METHODS)).encode() + rb")|print)\s{0,4}\(")
_TOKEN = regex(rb"([a-zA-Z]{0,2})(\"\"\"|'''|\"|')|[(\[{]|[)\]}]|[A-Za-z_][\w.]{0,200}|#[^\n]{0,300}")
_FILLED = regex(rb"\{([^{}]{1,200})\}")
_LONGEST_CALL = 1_500  # bytes
_MOST_CALLS = 3_000


def may_log_secret(data: bytes) -> bool:
    """Whether a call that logs may have a secret among its arguments: a look at the text of a file.

    It is wrong by saying no only where a call is longer than any that a person writes.
    """
    names = sorted(places_of_stems(data, (*STEMS, b"environ")))
    if not names:
        return False
    for count, match in enumerate(_CALLED.finditer(data)):
        start, end = match.end(), match.end() + _LONGEST_CALL
        following = bisect_left(names, start)
        if following == len(names) or names[following] >= end:
            continue
        if count > _MOST_CALLS or _passes_secret(data[start:end]):
            return True
    return False


def _passes_secret(rest: bytes) -> bool:
    """Whether the arguments, up to the bracket that closes the call, have such a name outside of plain texts."""
    at, depth = 0, 1
    while depth and (match := _TOKEN.search(rest, at)) is not None:
        at = match.end()
        prefix, quotes = match.groups()
        word = match.group()
        if quotes is not None:
            end = rest.find(quotes, at)
            while end > 0 and rest[end - 1 : end] == b"\\":
                end = rest.find(quotes, end + 1)
            end = len(rest) if end < 0 else end
            text = rest[at:end]
            if b"f" in prefix.lower() and any(map(_has_stem, _FILLED.findall(text))):
                return True
            at = end + len(quotes)
        elif word in b"([{":
            depth += 1
        elif word in b")]}":
            depth -= 1
        elif word[:1] != b"#" and (b"environ" in word or b"getenv" in word or _has_stem(word)):
            return True
    return False


def _has_stem(text: bytes) -> bool:
    return any(stem in text for stem in STEMS)
