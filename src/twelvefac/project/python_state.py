"""State that outlives a request: module-level names that functions change."""

import ast
import re
from collections.abc import Iterable

from twelvefac.project.facts import Shared
from twelvefac.project.python_values import Names, Places, dotted
from twelvefac.project.python_walk import CHANGES, Walk
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_CONTAINERS = frozenset(
    "dict list set bytearray collections.defaultdict collections.OrderedDict collections.Counter collections.deque "
    "collections.ChainMap queue.Queue queue.SimpleQueue asyncio.Queue".split()
)
"""Callees whose result holds state that a handler can change."""

_HOLDER = regex(
    rb"^((?:[A-Za-z_]\w{0,100}[ \t]{0,8}(?::[^=\n]{1,200})?=[ \t(\\]{0,8}){1,4})\s{0,8}"
    rb"(?:[\[{]|(?:\w{1,40}\.){0,3}(?:dict|list|set|bytearray|defaultdict|OrderedDict|Counter|deque|ChainMap|Queue|"
    rb"SimpleQueue)\b|\d+)",
    re.MULTILINE,
)
_NAMES = regex(rb"[A-Za-z_]\w{0,100}")
_CHANGED = regex(rb"([A-Za-z_]\w{0,100})[ \t]{0,4}(?:\[|\.[ \t]{0,4}(?:" + "|".join(CHANGES).encode() + rb")\b)")


def may_share(data: bytes) -> bool:
    """Whether a file may have shared state: a look at its text that is wrong only by saying yes."""
    if b"global " in data:
        return True
    names = {name for match in _HOLDER.finditer(data) for name in _NAMES.findall(match.group(1))}
    return bool(names) and any(match.group(1) in names for match in _CHANGED.finditer(data))


def shared_state(walk: Walk, tree: ast.Module, names: Names, places: Places) -> Iterable[Shared]:
    """Module-level containers and rebound globals, with the functions that change and read them."""
    holders: dict[str, tuple[str, Pos]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                holders[target.id] = (_holds(value, names), places(target))
    rebound: dict[str, set[str]] = {}
    for node, scope, _ in walk.globals:
        for name in node.names:
            rebound.setdefault(name, set()).add(scope)
    hides = _locals(walk, rebound)
    writes: dict[str, list[tuple[str, Pos]]] = {}
    for name, (node, scope, _) in walk.changes:
        holds = holders[name][0] if name in holders else ""
        rebinds = scope in rebound.get(name, ())
        if scope and (scope, name) not in hides and (holds == "container" or (holds == "number" and rebinds)):
            writes.setdefault(name, []).append((scope, places(node)))
    for name, kind, _, _, (node, scope, _) in walk.assigns:
        # a container that is bound anew as a whole is loaded once; a number is counted
        if kind == "name" and holders.get(name, ("",))[0] == "number" and scope in rebound.get(name, ()):
            writes.setdefault(name, []).append((scope, places(node)))
    reads: dict[str, list[tuple[str, Pos]]] = {}
    for node, scope, _ in walk.names:
        if node.id in writes and isinstance(node.ctx, ast.Load) and (scope, node.id) not in hides:
            reads.setdefault(node.id, []).append((scope, places(node)))
    for name, where in writes.items():
        holds, at = holders[name]
        yield Shared(name, holds, at, tuple(sorted(set(where))), tuple(sorted(set(reads.get(name, ())))))


def _locals(walk: Walk, rebound: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Names that a function assigns for itself, so that the module's are hidden in it: ``(scope, name)``."""
    hides = {
        (scope, target)
        for target, kind, _, _, (_, scope, _) in walk.assigns
        if scope and kind == "name" and scope not in rebound.get(target, ())
    }
    for node, scope, _ in walk.functions:
        arguments = node.args
        hides |= {(scope, one.arg) for one in arguments.posonlyargs + arguments.args + arguments.kwonlyargs}
    return hides


def _holds(value: ast.expr, names: Names) -> str:
    """What kind of state an initial value is: ``container``, ``number``, ``none`` or ``other``."""
    if isinstance(value, ast.Dict | ast.List | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return "container"
    if isinstance(value, ast.Call):
        callee = dotted(value.func)
        return "container" if callee and names.resolve(callee, "") in _CONTAINERS else "other"
    if isinstance(value, ast.Constant):
        if value.value is None:
            return "none"
        return "number" if isinstance(value.value, int | float) else "other"
    return "other"
