"""What log calls write that has the name of a secret, or is the whole environment."""

import ast
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from twelvefac.project.credentials import holds_secret
from twelvefac.project.facts import Logged, Value
from twelvefac.project.glance import Glance
from twelvefac.project.margin import arguments_at
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
        if callee is None or (node.last != "print" and node.last not in METHODS) or not _is_log(callee):
            continue
        if all(one.__class__ is ast.Constant for one in (*node.args, *(keyword.value for keyword in node.keywords))):
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
_ENVIRONMENT = regex(rb"environ")
_TEXT_OF = frozenset((b"str", b"dict", b"repr", b"dumps"))
"""Functions whose result shows what they are given."""
_LONGEST_CALL = 1_500  # bytes
_MOST_CALLS = 3_000


def may_log_secret(file: Glance) -> bool:
    """Whether a call that logs may have a secret among its arguments: a look at the text of a file.

    It is wrong by saying no only where a call is longer than any that a person writes.
    """
    data = file.data
    names = file.secrets
    if b"environ" in data:
        names = tuple(sorted((*names, *(match.start() for match in _ENVIRONMENT.finditer(data)))))
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
    """Whether the arguments, up to the bracket that closes the call, have such a name outside of plain texts.

    What other calls are given does not count, but for those that only make a text of it.
    """
    at = 0
    muted = [False]  # of each open bracket
    before = -1  # where the word, text or bracket ended that a bracket makes a call or a subscript of
    word = b""
    while muted and (match := _TOKEN.search(rest, at)) is not None:
        at, begin = match.end(), match.start()
        prefix, quotes = match.groups()
        token = match.group()
        if quotes is not None:
            end = rest.find(quotes, at)
            while end > 0 and rest[end - 1 : end] == b"\\":
                end = rest.find(quotes, end + 1)
            end = len(rest) if end < 0 else end
            if b"f" in prefix.lower() and not muted[-1]:
                for filled in _FILLED.findall(rest[at:end]):
                    if _passes_secret(filled):
                        return True
            before = at = end + len(quotes)
            word = b""
        elif token in b"([{":
            applied = begin == before
            muted.append(muted[-1] or (applied and word.rpartition(b".")[2] not in _TEXT_OF))
            word = b""
        elif token in b")]}":
            muted.pop()
            before, word = at, b""
        elif token[:1] != b"#":
            before, word = at, token
            if not muted[-1] and _is_given_away(rest, begin, at, token):
                return True
    return False


def _is_given_away(rest: bytes, begin: int, end: int, word: bytes) -> bool:
    """Whether a word among arguments is a value of that name: no callee, subscript, attribute or parameter."""
    if b"environ" in word or b"getenv" in word:
        return True
    after = rest[end : end + 2]
    if after[:1] in (b"(", b"[") or (after[:1] == b"=" and after != b"==") or rest[begin - 1 : begin] == b".":
        return False
    return holds_secret(word.decode("ascii", "replace"))


_PRINT = regex(rb"print[ \t]{0,4}\(")
_GUARD = regex(rb"\nif[ \t(]{1,4}__name__[ \t]{0,4}==")
_ELSEWHERE = regex(rb"\bfile[ \t]{0,4}=")


def may_print(file: Glance) -> bool:
    """Whether a file that something else imports may print to stdout: a look at its text, wrong only by saying yes."""
    data = file.data
    guard = _GUARD.search(data)
    for match in _PRINT.finditer(data, 0, guard.start() if guard is not None else len(data)):
        before = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()]
        if b">>>" in before or (b"#" in before and before.lstrip()[:1] == b"#"):
            continue  # an example, a line that is switched off
        if not _ELSEWHERE.search(arguments_at(data, match.end())):
            return True
    return False
