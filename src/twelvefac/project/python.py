"""The reader of Python files: one pass over the tree, then the tree is dropped.

The pass visits nodes through a table by type (no ``NodeVisitor``: ../PERFORMANCE measured 180 times between
styles), keeps what facts are made of, and resolves names when the whole file is known, because an import may
stand below its use.
"""

import ast
import re
from collections.abc import Callable, Iterable
from typing import Any

from twelvefac.project.credentials import CREDENTIAL_SHAPE
from twelvefac.project.environment import MAPPINGS, READERS
from twelvefac.project.facts import (
    Binding,
    Call,
    Class,
    EnvRead,
    Function,
    Import,
    Literal,
    PythonFacts,
    Shared,
)
from twelvefac.project.python_values import Names, Places, ValueReader, dotted
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.span import Pos

_CONTAINERS = frozenset(
    "dict list set bytearray collections.defaultdict collections.OrderedDict collections.Counter collections.deque "
    "collections.ChainMap queue.Queue queue.SimpleQueue asyncio.Queue".split()
)
"""Callees whose result holds state that a handler can change."""
_CHANGES = frozenset(
    "append appendleft extend extendleft insert add update setdefault pop popleft popitem remove discard clear put "
    "put_nowait subtract move_to_end".split()
)
"""Methods that change a container in place."""
_CODING = re.compile(rb"^[ \t\f]*#.{0,200}?coding[:=][ \t]*([-\w.]{1,40})")  # PEP 263

_TELLING = (ast.Constant, ast.Call, ast.Subscript, ast.BoolOp, ast.IfExp, ast.BinOp)
"""Expressions whose value a rule can use; most assignments are something else and are not kept."""
_DULL = (None, "", b"", ...)

_Scoped = tuple[Any, str, bool]  # node, scope (dotted function name), under `if __name__ == "__main__"`


def read_python(data: bytes, wanted: frozenset[str]) -> PythonFacts:
    """The facts of a Python source file.

    ``wanted`` are the last segments of the callees whose calls are kept. Raises UnreadableError.
    """
    document = Document.decode(data, _encoding(data))
    tree = _parse(data)
    walk = _Walk()
    walk.run(tree)
    names = Names(walk.aliases, walk.instances)
    places = Places(None if data.isascii() else document)
    values = ValueReader(names, places)
    return PythonFacts(
        calls=tuple(_calls(walk, names, places, values, wanted)),
        env=tuple(_env_reads(walk, names, places, values)),
        bindings=tuple(_bindings(walk, names, values)),
        functions=tuple(_functions(walk, places, values)),
        classes=tuple(
            Class(scope, tuple(filter(None, (names.resolve(dotted(base), scope) for base in node.bases))), places(node))
            for node, scope, _ in walk.classes
        ),
        imports=tuple(Import(module, name, places(node), scope) for module, name, (node, scope, _) in walk.imports),
        shared=tuple(_shared(walk, tree, names, places)),
        literals=tuple(Literal(values.read(node, scope), scope) for node, scope, _ in walk.literals),
    )


def _encoding(data: bytes) -> str:
    for line in data.split(b"\n", 2)[:2]:
        if match := _CODING.match(line):
            return match.group(1).decode("ascii", "replace")
    return "utf-8"


def _parse(data: bytes) -> ast.Module:
    """Parse without executing anything: ``PyCF_ONLY_AST`` stops before code is made."""
    try:
        tree = compile(data, "<audited>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        raise UnreadableError(error.msg or "syntax error", error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes; nesting too deep
        raise UnreadableError(str(error) or type(error).__name__) from None
    assert isinstance(tree, ast.Module)
    return tree


class _Walk:
    """One pass: collects nodes with their scope, aliases of imports and what names are instances of."""

    def __init__(self) -> None:
        self.calls: list[_Scoped] = []
        self.subscripts: list[_Scoped] = []
        self.assigns: list[tuple[str, str, Any, str, _Scoped]] = []  # target, kind, value node, owner
        self.functions: list[_Scoped] = []
        self.classes: list[_Scoped] = []
        self.imports: list[tuple[str, str, _Scoped]] = []
        self.globals: list[_Scoped] = []
        self.names: list[_Scoped] = []
        self.changes: list[tuple[str, _Scoped]] = []
        self.aliases: dict[str, str] = {}
        self.instances: dict[tuple[str, str], str] = {}
        self.literals: list[_Scoped] = []
        self._in_class: set[str] = set()
        self._docs: set[int] = set()  # ids of docstring nodes, which live as long as the tree

    def run(self, tree: ast.Module) -> None:
        stack: list[_Scoped] = [(node, "", False) for node in reversed(tree.body)]
        push, pop, table = stack.extend, stack.pop, _VISITS
        while stack:
            item = pop()
            node, scope, guarded = item
            visit = table.get(type(node))
            inner = scope
            if visit is not None:
                changed = visit(self, item)
                if changed is not None:
                    inner, guarded = changed
            children: list[_Scoped] = []
            for field in node._fields:
                value = getattr(node, field, None)
                if isinstance(value, list):
                    children += [(child, inner, guarded) for child in value if isinstance(child, ast.AST)]
                elif isinstance(value, ast.AST):
                    children.append((value, inner, guarded))
            children.reverse()
            push(children)

    # Each visit records its node; a returned pair is the scope and guard for what is inside.

    def on_call(self, item: _Scoped) -> None:
        node = item[0]
        self.calls.append(item)
        owner = dotted(node.func)
        for keyword in node.keywords:
            if keyword.arg:
                self.assigns.append((keyword.arg, "keyword", keyword.value, owner or "", item))
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            self.changes.append((_base(node.func.value), item))

    def on_subscript(self, item: _Scoped) -> None:
        self.subscripts.append(item)

    def on_dict(self, item: _Scoped) -> None:
        node = item[0]
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self.assigns.append((key.value, "key", value, "", item))

    def on_assign(self, item: _Scoped) -> None:
        node = item[0]
        for target in node.targets:
            self._bind(target, node.value, item)

    def on_annotated(self, item: _Scoped) -> None:
        node = item[0]
        if node.value is not None:
            self._bind(node.target, node.value, item)

    def on_augmented(self, item: _Scoped) -> None:
        node = item[0]
        self._note_change(node.target, item)

    def on_delete(self, item: _Scoped) -> None:
        for target in item[0].targets:
            self._note_change(target, item)

    def _note_change(self, target: ast.expr, item: _Scoped) -> None:
        if not isinstance(target, ast.Name) or isinstance(item[0], ast.AugAssign):
            self.changes.append((_base(target), item))

    def _bind(self, target: ast.expr, value: ast.expr, item: _Scoped) -> None:
        _, scope, _ = item
        if isinstance(target, ast.Tuple | ast.List):
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                for one, its in zip(target.elts, value.elts, strict=True):
                    self._bind(one, its, item)
            return
        name = dotted(target)
        if name:
            in_class = scope in self._in_class
            kind = "field" if in_class else ("attribute" if "." in name else "name")
            self.assigns.append((name, kind, value, scope if in_class else "", item))
            self._note_instance(name, value, scope)
            if "." in name:
                self._note_change(target, item)
        elif isinstance(target, ast.Subscript):
            self._note_change(target, item)
            key = target.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self.assigns.append((key.value, "item", value, dotted(target.value) or "", item))

    def _note_instance(self, name: str, value: ast.expr, scope: str) -> None:
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Call):
            callee = dotted(value.func)
            if callee and callee.partition(".")[0].removesuffix("()") != name:
                holder = scope.rsplit(".", 1)[0] if name.startswith("self.") and "." in scope else scope
                self.instances.setdefault((holder, name), f"{callee}()")
        elif isinstance(value, ast.Name | ast.Attribute):
            other = dotted(value)
            if other and other != name:
                self.instances.setdefault((scope, name), other)

    def on_with(self, item: _Scoped) -> None:
        for entry in item[0].items:
            if entry.optional_vars is not None and (name := dotted(entry.optional_vars)):
                self._note_instance(name, entry.context_expr, item[1])

    def on_function(self, item: _Scoped) -> tuple[str, bool]:
        node, scope, guarded = item
        inner = f"{scope}.{node.name}" if scope else node.name
        self.functions.append((node, inner, guarded))
        arguments = node.args
        positional = arguments.posonlyargs + arguments.args
        pairs = list(zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True))
        pairs += [pair for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if pair[1]]
        for parameter, default in pairs:
            self.assigns.append((parameter.arg, "parameter", default, inner, (node, inner, guarded)))
        return inner, guarded

    def on_class(self, item: _Scoped) -> tuple[str, bool]:
        node, scope, guarded = item
        inner = f"{scope}.{node.name}" if scope else node.name
        self.classes.append((node, inner, guarded))
        self._in_class.add(inner)
        return inner, guarded

    def on_if(self, item: _Scoped) -> tuple[str, bool] | None:
        node, scope, _ = item
        test = node.test
        if (
            isinstance(test, ast.Compare)
            and isinstance(test.left, ast.Name)
            and test.left.id == "__name__"
            and isinstance(test.ops[0], ast.Eq)
        ):
            return scope, True
        return None

    def on_import(self, item: _Scoped) -> None:
        for alias in item[0].names:
            self.imports.append((alias.name, "", item))
            if alias.asname:
                self.aliases[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                self.aliases.setdefault(root, root)

    def on_import_from(self, item: _Scoped) -> None:
        node = item[0]
        module = "." * node.level + (node.module or "")
        joint = "" if module.endswith(".") or not module else "."
        for alias in node.names:
            self.imports.append((module, alias.name, item))
            if alias.name != "*":
                self.aliases[alias.asname or alias.name] = f"{module}{joint}{alias.name}"

    def on_global(self, item: _Scoped) -> None:
        self.globals.append(item)

    def on_expression(self, item: _Scoped) -> None:
        value = item[0].value
        if isinstance(value, ast.Constant):
            self._docs.add(id(value))

    def on_constant(self, item: _Scoped) -> None:
        value = item[0].value
        if isinstance(value, str) and CREDENTIAL_SHAPE.search(value) and id(item[0]) not in self._docs:
            self.literals.append(item)

    def on_name(self, item: _Scoped) -> None:
        if item[1]:
            self.names.append(item)


def _base(node: ast.expr) -> str:
    """The variable that a chain of attributes and subscripts starts from; "" where it is none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


_VISITS: dict[type, Callable[[_Walk, _Scoped], tuple[str, bool] | None]] = {
    ast.Call: _Walk.on_call,
    ast.Subscript: _Walk.on_subscript,
    ast.Dict: _Walk.on_dict,
    ast.Assign: _Walk.on_assign,
    ast.AnnAssign: _Walk.on_annotated,
    ast.AugAssign: _Walk.on_augmented,
    ast.Delete: _Walk.on_delete,
    ast.With: _Walk.on_with,
    ast.AsyncWith: _Walk.on_with,
    ast.FunctionDef: _Walk.on_function,
    ast.AsyncFunctionDef: _Walk.on_function,
    ast.ClassDef: _Walk.on_class,
    ast.If: _Walk.on_if,
    ast.Import: _Walk.on_import,
    ast.ImportFrom: _Walk.on_import_from,
    ast.Global: _Walk.on_global,
    ast.Name: _Walk.on_name,
    ast.Expr: _Walk.on_expression,
    ast.Constant: _Walk.on_constant,
}


def _calls(walk: _Walk, names: Names, places: Places, values: ValueReader, wanted: frozenset[str]) -> Iterable[Call]:
    for node, scope, guarded in walk.calls:
        callee = dotted(node.func)
        if not callee:
            continue
        name = names.resolve(callee, scope)
        if not name or name.rsplit(".", 1)[-1] not in wanted:
            continue
        args, kwargs = values.arguments(node, scope)
        yield Call(name, places(node), args, kwargs, scope, guarded)


def _env_reads(walk: _Walk, names: Names, places: Places, values: ValueReader) -> Iterable[EnvRead]:
    for node, scope, _ in walk.calls:
        callee = dotted(node.func)
        name = callee and names.resolve(callee, scope)
        if name in READERS:
            key, default = values.read(node, scope).data
            yield EnvRead(key, default, places(node), scope)
    for node, scope, _ in walk.subscripts:
        base = dotted(node.value)
        if base and names.resolve(base, scope) in MAPPINGS and isinstance(node.ctx, ast.Load):
            key, default = values.read(node, scope).data
            yield EnvRead(key, default, places(node), scope)


def _bindings(walk: _Walk, names: Names, values: ValueReader) -> Iterable[Binding]:
    for target, kind, node, owner, (_, scope, guarded) in walk.assigns:
        if not isinstance(node, _TELLING) or (isinstance(node, ast.Constant) and node.value in _DULL):
            continue
        if isinstance(node, ast.Call) and kind != "field" and names.resolve(dotted(node.func), scope) not in READERS:
            continue
        value = values.read(node, scope)
        if value.kind != "other":
            resolved = names.resolve(owner, scope) or owner if owner and kind in ("keyword", "item") else owner
            yield Binding(target, value, kind, resolved, scope, guarded)


def _functions(walk: _Walk, places: Places, values: ValueReader) -> Iterable[Function]:
    known = {scope for _, scope, _ in walk.functions}
    called: dict[str, list[str]] = {}
    for node, scope, _ in walk.calls:
        if scope and (callee := dotted(node.func)) and (target := _local_function(callee, scope, known)):
            called.setdefault(scope, []).append(target)
    for node, scope, _ in walk.functions:
        decorators = tuple(values.read(decorator, scope) for decorator in node.decorator_list)
        line, column, _, _ = places(node)
        head = (line, column, line, column + len(node.name) + 4)
        parameters = tuple(one.arg for one in node.args.posonlyargs + node.args.args)
        yield Function(scope, parameters, decorators, tuple(dict.fromkeys(called.get(scope, ()))), head)


def _local_function(callee: str, scope: str, known: set[str]) -> str | None:
    """The function of this file that ``callee`` means inside ``scope``, looking outwards."""
    if callee.startswith(("self.", "cls.")):
        callee = f"{scope.rpartition('.')[0]}.{callee.partition('.')[2]}"
        return callee if callee in known else None
    while scope:
        inner = f"{scope}.{callee}"
        if inner in known:
            return inner
        scope = scope.rpartition(".")[0]
    return callee if callee in known else None


def _shared(walk: _Walk, tree: ast.Module, names: Names, places: Places) -> Iterable[Shared]:
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
        if kind == "name" and name in holders and scope in rebound.get(name, ()):
            writes.setdefault(name, []).append((scope, places(node)))
    reads: dict[str, list[tuple[str, Pos]]] = {}
    for node, scope, _ in walk.names:
        if node.id in writes and isinstance(node.ctx, ast.Load) and (scope, node.id) not in hides:
            reads.setdefault(node.id, []).append((scope, places(node)))
    for name, where in writes.items():
        holds, at = holders[name]
        yield Shared(name, holds, at, tuple(sorted(set(where))), tuple(sorted(set(reads.get(name, ())))))


def _locals(walk: _Walk, rebound: dict[str, set[str]]) -> set[tuple[str, str]]:
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
