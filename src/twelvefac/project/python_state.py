"""State that outlives a request: module-level names that functions change."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from twelvefac.project.facts import Shared
from twelvefac.project.glance import Glance
from twelvefac.project.margin import definition_around, is_inside
from twelvefac.project.modules import Modules
from twelvefac.project.python_values import Names, Places, dotted
from twelvefac.project.python_walk import CHANGES, Walk, children, inner_scope
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_CONTAINERS = frozenset(
    "dict list set bytearray collections.defaultdict collections.OrderedDict collections.Counter collections.deque "
    "collections.ChainMap queue.Queue queue.SimpleQueue asyncio.Queue".split()
)
"""Callees whose result holds state that a handler can change."""

# each begins with the end of the line before: the search goes from line to line, not from letter to letter;
# the look ahead leaves a line that binds nothing at once
_HOLDER = regex(
    rb"\n(?=[A-Za-z_]\w{0,100}+[ \t]{0,8}+[:=])"
    rb"((?:[A-Za-z_]\w{0,100}[ \t]{0,8}(?::[^=\n]{1,200})?=[ \t(\\]{0,8}){1,4})\s{0,8}"
    rb"(?:[\[{]|(?:\w{1,40}\.){0,3}(?:dict|list|set|bytearray|defaultdict|OrderedDict|Counter|deque|ChainMap|Queue|"
    rb"SimpleQueue)\b|\d+)"
)
_FETCHES = frozenset(
    "get fetch load loads json read build compile parse decode render query resolve request compute calculate find "
    "lookup download retrieve detect".split()
)
"""First words of functions whose result can be had again."""
_STATE = regex(r"(?:request\.)?(?:app|application)\.state\.\w{1,100}")
_INSTANCE = regex(rb"\n[A-Za-z_]\w{0,100}[ \t]{0,8}(?::[^=\n]{1,100})?=[ \t]{0,8}([A-Za-z_]\w{0,100})\(")
_CLASS = regex(rb"\nclass[ \t]{1,4}(\w{1,200})")
_OWN = regex(
    rb"self\.(\w{1,100})[ \t]{0,4}(?::[^=\n]{1,100})?=[ \t]{0,4}"
    rb"(?:\{|\[|(?:\w{1,40}\.){0,2}(?:dict|list|set|defaultdict|OrderedDict|Counter|deque)\b)"
)
_NAMES = regex(rb"[A-Za-z_]\w{0,100}")
_BOUND = regex(rb"([A-Za-z_]\w{0,100})[ \t]{0,8}(?::[^=\n]{1,200})?=")
_METHOD = rb"\s{0,20}\.\s{0,20}(?:" + "|".join(sorted(CHANGES)).encode() + rb")\b"
_SET = rb"(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)"
_ITEM = (
    rb"\s{0,20}\[(?:[^\n]{0,300}?\](?:" + _METHOD + rb"|[^\n=]{0,100}[^\n=!<>]?" + _SET + rb")|[^\]\n]{0,300}(?:\n|\Z))"
)
_CHANGED = regex(_METHOD + rb"|" + _ITEM)
"""What follows a name whose container is changed: a method, or a subscript that is assigned to or goes on."""
_CHANGED_OR_SET = regex(_CHANGED.pattern + rb"|[ \t]{0,20}" + _SET)
"""The same of an attribute, which needs no `global` to be bound anew."""
_IN_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")
_GLOBAL = regex(rb"\n[ \t]{1,200}global[ \t]([^\n]{1,500})")
_ON_STATE = regex(rb"(?:app|application)\.state\.\w{1,100}(?:" + _CHANGED_OR_SET.pattern + rb")")
_MOST_PLACES = 20_000


def may_share(file: Glance, counts: Callable[[str], bool]) -> bool:
    """Whether a file may have shared state in a name that ``counts``: a look at its text, wrong only by saying yes."""
    data, words = file.data, file.words
    if b"state" in words and b".state." in data and _ON_STATE.search(data):
        return True
    lines = file.lines
    names: set[bytes] = set()
    numbers: set[bytes] = set()  # which a function changes only where it declares them as global
    for match in _HOLDER.finditer(lines):
        asked = [name for name in _BOUND.findall(match.group(1)) if counts(name.decode("ascii", "replace"))]
        (numbers if match.group()[-1:].isdigit() else names).update(asked)
    if (
        numbers
        and b"global" in words
        and any(not numbers.isdisjoint(_NAMES.findall(match.group(1))) for match in _GLOBAL.finditer(lines))
    ):
        return True
    classes: set[str] = set()
    if b"self" in words and (classes := _made_of_own_classes(lines)):
        owned = (match.group(1) for match in _OWN.finditer(data) if definition_around(lines, match.start()) in classes)
        names |= {b"self." + name for name in owned if counts(name.decode("ascii", "replace"))}
    left = _MOST_PLACES
    for name in names:
        is_own = name.startswith(b"self.")
        changed = _CHANGED_OR_SET if is_own else _CHANGED
        at = lines.find(name)
        while at >= 0:
            end = at + len(name)
            left -= 1
            is_name = lines[at - 1] not in _IN_WORD
            is_changed = is_name and (changed.match(lines, end) is not None or lines[at - 4 : at] == b"del ")
            if left <= 0 or (
                is_changed and (definition_around(lines, at) in classes if is_own else is_inside(lines, at))
            ):
                return True
            at = lines.find(name, end)
    return False


def _made_of_own_classes(lines: bytes) -> set[str]:
    """The classes at the left margin of which the module makes an instance there."""
    made = set(_INSTANCE.findall(lines))
    own = made.intersection(_CLASS.findall(lines)) if made else ()
    return {name.decode("ascii", "replace") for name in own}


def shared_state(walk: Walk, tree: ast.Module, names: Names, places: Places) -> Iterable[Shared]:
    """Module-level containers and rebound globals, with the functions that change and read them."""
    if not walk.globals and not any(chain and scope for chain, (_, scope, _) in walk.changes):
        return
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
    yield from _elsewhere(walk, names, places, hides, set(holders))
    writes: dict[str, list[tuple[str, Pos]]] = {}
    for chain, (node, scope, _) in walk.changes:
        name = chain.partition(".")[0]
        holds = holders[name][0] if name in holders else ""
        rebinds = scope in rebound.get(name, ())
        if scope and (scope, name) not in hides and (holds == "container" or (holds == "number" and rebinds)):
            writes.setdefault(name, []).append((scope, places(node)))
    for name, kind, _, _, (node, scope, _) in walk.assigns:
        # a container that is bound anew as a whole is loaded once; a number is counted
        if kind == "name" and holders.get(name, ("",))[0] == "number" and scope in rebound.get(name, ()):
            writes.setdefault(name, []).append((scope, places(node)))
    reads: dict[str, list[tuple[str, Pos]]] = {}
    for node, scope in _names_in(tree) if writes else ():
        if node.id in writes and isinstance(node.ctx, ast.Load) and (scope, node.id) not in hides:
            reads.setdefault(node.id, []).append((scope, places(node)))
    cached = _memos(walk) if writes else set()
    for name, where in writes.items():
        holds, at = holders[name]
        if all((scope, name, pos[0]) in cached for scope, pos in where):
            continue  # a cache: whoever does not find it asks for it again
        yield Shared(name, holds, at, tuple(sorted(set(where))), tuple(sorted(set(reads.get(name, ())))))


def _memos(walk: Walk) -> set[tuple[str, str, int]]:
    """Where a container keeps what was fetched for a key that was not in it: ``(function, name, line)``."""
    asked = {
        (scope, dotted(node.comparators[0]))
        for node, scope, _ in walk.comparisons
        if isinstance(node.ops[0], ast.In | ast.NotIn)
    }
    asked |= {
        (scope, (node.callee or "")[:-4]) for node, scope, _ in walk.calls if (node.callee or "").endswith(".get")
    }
    found = set()
    for chain, (node, scope, _) in walk.changes:
        if (scope, chain) not in asked or not isinstance(node, ast.Assign):
            continue
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        callee = dotted(value.func) if isinstance(value, ast.Call) else walk.instances.get((scope, dotted(value) or ""))
        verb = (callee or "").removesuffix("()").rpartition(".")[2].lower().strip("_").partition("_")[0]
        if verb in _FETCHES:
            found.add((scope, chain, node.lineno))
    return found


def module_containers(tree: ast.Module, names: Names, places: Places) -> Iterable[tuple[str, Pos]]:
    """The module-level names that are bound to a container, and where."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if _holds(statement.value, names) == "container":
                yield from ((target.id, places(target)) for target in targets if isinstance(target, ast.Name))


def changed_elsewhere(paths: Iterable[str], modules: Modules) -> Iterator[str]:
    """The files, not parsed so far, that may hold a container which a function of one of ``paths`` changes."""
    for path in paths:
        python = modules.facts(path)
        for shared in python.shared if python is not None else ():
            located = modules.locate(shared.name, path) if shared.holds == "imported" else None
            # an attribute of what is imported is no name of a module
            if located is not None and "." not in located[1] and modules.facts(located[0]) is None:
                name = re.escape(located[1].encode("utf-8", "surrogatepass"))
                bound = re.compile(
                    rb"^(?:\w{1,100}[ \t]{0,8}=[ \t]{0,8}){0,3}" + name + rb"[ \t]{0,8}[:=]", re.MULTILINE
                )
                if bound.search(modules.read(located[0])):
                    yield located[0]


def module_instances(walk: Walk) -> Iterable[tuple[str, str]]:
    """The module-level names that hold an instance of one of the file's own classes: ``(name, class)``."""
    classes = {scope for _, scope, _ in walk.classes}
    for (scope, name), value in walk.instances.items():
        if not scope and value.removesuffix("()") in classes and value.endswith("()"):
            yield name, value.removesuffix("()")


def _elsewhere(
    walk: Walk, names: Names, places: Places, hides: set[tuple[str, str]], own: set[str]
) -> Iterable[Shared]:
    """State that is no module-level name of this file: imported, a class's, an application's."""
    classes = {scope for _, scope, _ in walk.classes}
    changed = {chain.partition(".")[0] for chain, (_, scope, _) in walk.changes if scope}
    attributes = {
        f"{(owner or scope).removesuffix('.__init__')}.{target.removeprefix('self.')}": places(node)
        for target, kind, node, owner, (_, scope, _) in (walk.assigns if changed & {"self", "cls", *classes} else ())
        if (kind == "field" or (target.startswith("self.") and scope.endswith(".__init__")))
        and _holds(node, names) == "container"
    }
    found: dict[tuple[str, str], list[tuple[str, Pos]]] = {}
    for chain, (node, scope, _) in walk.changes:
        head, _, rest = chain.partition(".")
        if not scope or not head:
            continue
        if rest and (_STATE.fullmatch(chain)):
            found.setdefault((chain, "application"), []).append((scope, places(node)))
        elif head in ("self", "cls") and f"{scope.rpartition('.')[0]}.{rest}" in attributes:
            found.setdefault((f"{scope.rpartition('.')[0]}.{rest}", "attribute"), []).append((scope, places(node)))
        elif head in classes and chain in attributes:
            found.setdefault((chain, "attribute"), []).append((scope, places(node)))
        elif head in walk.aliases and head not in own and (scope, head) not in hides:
            found.setdefault((names.resolve(chain, scope) or chain, "imported"), []).append((scope, places(node)))
    for (name, holds), writes in found.items():
        yield Shared(name, holds, attributes.get(name, writes[0][1]), tuple(sorted(set(writes))), ())


def _locals(walk: Walk, rebound: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Names that a function assigns for itself, so that the module's are hidden in it: ``(scope, name)``.

    Only of those that are changed anywhere: most are not, and nobody asks for them.
    """
    asked = {chain.partition(".")[0] for chain, _ in walk.changes} | rebound.keys()
    hides = {
        (scope, target)
        for target, kind, _, _, (_, scope, _) in walk.assigns
        if scope and kind == "name" and target in asked and scope not in rebound.get(target, ())
    }
    for node, scope, _ in walk.functions:
        arguments = node.args
        every = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
        hides |= {(scope, one.arg) for one in every if one.arg in asked}
    return hides


def _holds(value: ast.expr, names: Names) -> str:
    """What kind of state an initial value is: ``container``, ``number``, ``none`` or ``other``."""
    if isinstance(value, _DISPLAYS):
        return "container"
    if isinstance(value, ast.Call):
        callee = dotted(value.func)
        return "container" if callee and names.resolve(callee, "") in _CONTAINERS else "other"
    if isinstance(value, ast.Constant):
        if value.value is None:
            return "none"
        is_count = isinstance(value.value, int | float) and not isinstance(value.value, bool)
        return "number" if is_count else "other"  # a flag that is switched once is no state of requests
    return "other"


def _names_in(tree: ast.Module) -> Iterator[tuple[ast.Name, str]]:
    """The names that functions and classes use, each with its scope."""
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, scope = stack.pop()
        if isinstance(node, ast.Name):
            if scope:
                yield node, scope
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope = inner_scope(scope, node)
        stack += [(child, scope) for child in children(node)]
