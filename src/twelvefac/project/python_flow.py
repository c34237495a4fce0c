"""What runs again and in which order: endless loops with their handlers, and calls around an acknowledgement."""

import ast
from collections.abc import Iterable, Iterator

from twelvefac.project.facts import Acknowledgement, Handler, Loop
from twelvefac.project.glance import Glance
from twelvefac.project.python_values import Names, Places, ValueReader, dotted
from twelvefac.project.python_walk import ACKNOWLEDGING, Walk, children
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_LEAVES = (ast.Break, ast.Return, ast.Raise)
_EXITS = frozenset(("sys.exit", "exit", "quit", "os._exit", "os.abort"))
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_MAX_CALLS = 200


def endless_loops(walk: Walk, names: Names, places: Places, values: ValueReader) -> Iterable[Loop]:
    """The ``while True`` loops of a file."""
    for node, scope, guarded in walk.loops:
        handlers = [one for one in _inside(node.body) if isinstance(one, ast.ExceptHandler)]
        handled = {id(inner) for handler in handlers for inner in _inside(handler.body)}
        pauses = [one for one in _inside(node.body) if isinstance(one, ast.Call) and _name(one) == "sleep" and one.args]
        yield Loop(
            at=_head(places(node), "while"),
            scope=scope,
            guarded=guarded,
            leaves=_leaves(node.body, names, scope, handled),
            calls=_calls(_inside(node.body), names, scope),
            pauses=tuple(values.read(one.args[0], scope) for one in pauses),
            handlers=tuple(
                Handler(
                    _caught(handler, names, scope),
                    _head(places(handler), "except"),
                    _leaves(handler.body, names, scope, set()),
                    _calls(_inside(handler.body), names, scope),
                )
                for handler in handlers
            ),
        )


def _head(at: Pos, keyword: str) -> Pos:
    return (at[0], at[1], at[0], at[1] + len(keyword))


def _inside(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of statements in order, functions and classes in them left out."""
    stack = list(reversed(list(body)))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _Function):
            stack += children(node)


def _leaves(body: Iterable[ast.AST], names: Names, scope: str, handled: set[int]) -> bool:
    """Whether something in a loop's body ends it; a ``break`` of a loop inside it does not."""
    stack = [(node, False) for node in body]
    while stack:
        node, nested = stack.pop()
        if id(node) in handled or isinstance(node, _Function):
            continue
        if isinstance(node, _LEAVES) and not (nested and isinstance(node, ast.Break)):
            return True
        if isinstance(node, ast.Call) and (names.resolve(dotted(node.func), scope) or "") in _EXITS:
            return True
        nested = nested or isinstance(node, ast.For | ast.AsyncFor | ast.While)
        stack += [(child, nested) for child in children(node)]
    return False


def _calls(nodes: Iterable[ast.AST], names: Names, scope: str) -> tuple[str, ...]:
    found = (names.resolve(dotted(node.func), scope) for node in nodes if isinstance(node, ast.Call))
    return tuple(dict.fromkeys(name for name in found if name))[:_MAX_CALLS]


def _caught(handler: ast.ExceptHandler, names: Names, scope: str) -> tuple[str, ...]:
    if handler.type is None:
        return ()
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return tuple(names.resolve(dotted(one), scope) or "?" for one in types)


def _name(call: ast.Call) -> str:
    return (dotted(call.func) or "").rpartition(".")[2]


def acknowledgements(walk: Walk, names: Names, places: Places) -> Iterable[Acknowledgement]:
    """The calls that acknowledge a message, with what their function calls before and after them."""
    for function, scope, _ in walk.functions:
        if scope in walk.acknowledging:
            for path in _paths(function.body, ()):
                call = path[-1][0]
                if isinstance(call, ast.Call):
                    before = [one for statement in _before(path) for one in _inside([statement])]
                    after = [one for statement in _after(path) for one in _inside([statement])]
                    name = names.resolve(dotted(call.func), scope) or ""
                    yield Acknowledgement(
                        name, places(call), scope, _calls(before, names, scope), _calls(after, names, scope)
                    )


def _acks(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in ACKNOWLEDGING


_Path = tuple[tuple[ast.AST, tuple[ast.stmt, ...], int], ...]  # statement, its block, its place in it


def _paths(block: list[ast.stmt], outer: _Path) -> Iterator[_Path]:
    """For each acknowledging call below a block: the statements it stands in, outermost first, and the call."""
    if len(outer) > 20:
        return
    for index, statement in enumerate(block):
        if isinstance(statement, _Function):
            continue
        here: _Path = (*outer, (statement, tuple(block), index))
        inner = [value for _, value in ast.iter_fields(statement) if isinstance(value, list)]
        blocks = [value for value in inner if value and isinstance(value[0], ast.stmt)]
        handlers = [one.body for value in inner for one in value if isinstance(one, ast.ExceptHandler)]
        for one in blocks + handlers:
            yield from _paths(one, here)
        if not blocks:
            for node in _inside([statement]):
                if isinstance(node, ast.Call) and _acks(node):
                    yield (*here, (node, (), 0))


def _before(path: _Path) -> Iterator[ast.stmt]:
    for _, block, index in path[:-1]:
        yield from block[:index]


def _after(path: _Path) -> Iterator[ast.stmt]:
    """What may still run after it: the rest of each block outwards, up to a statement that leaves the function."""
    for _, block, index in reversed(path[:-1]):
        for statement in block[index + 1 :]:
            if isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break):
                return
            yield statement


_ENDLESS = regex(rb"while[ \t(]{1,4}(?:True|1)\b([ \t)]{0,8}:[ \t]{0,200}(?:#[^\n]{0,500})?(?=\r?\n))?")
_LINE = regex(rb"\n([ \t]{0,200})(\w{1,20}|[^\s#)\]}])[^\n]{0,2000}")
"""A line that neither is empty nor comments nor closes brackets: its indentation and its first word."""
_AWAY = frozenset((b"except", b"def", b"class", b"async"))
"""Begin what a ``return`` in it says nothing of the loop around: handlers do not count, functions run later."""
_NESTED = _AWAY | {b"for", b"while", b"else"}
"""The same of a ``break``."""


def may_be_endless(file: Glance) -> bool:
    """Whether a ``while True`` of a file may never be left: a look at its text, wrong only by saying yes."""
    lines = b"\n" + file.data
    for match in _ENDLESS.finditer(lines):
        indentation = lines[lines.rfind(b"\n", 0, match.start()) + 1 : match.start()]
        if match.group(1) is None or indentation.strip() or not _is_left(lines, match.end(), len(indentation)):
            return True
    return False


def _is_left(lines: bytes, start: int, indentation: int) -> bool:
    """Whether the block of a loop surely has a statement that leaves it."""
    around: list[tuple[int, bytes]] = []
    for match in _LINE.finditer(lines, start):
        blanks, word = match.groups()
        depth = len(blanks)
        if depth <= indentation or b'"""' in match.group() or b"'''" in match.group():
            return False  # the block ends, or a text begins whose lines look like statements
        while around and around[-1][0] >= depth:
            around.pop()
        if word in (b"return", b"raise", b"break"):
            away = _NESTED if word == b"break" else _AWAY
            if not any(one in away for _, one in around):
                return True
        around.append((depth, word))
    return False
