"""One pass over a Python tree: which nodes facts are made of, where they stand, what names are bound to.

Nodes are visited through a table by type, without ``ast.NodeVisitor``: one visitor a rule costs 180 times as much.
"""

import ast
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from twelvefac.project.credentials import has_shape
from twelvefac.project.python_values import LONGEST_NAME, NAMED, dotted
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.pattern import regex

CHANGES = frozenset(
    "append appendleft extend extendleft insert add update setdefault pop popleft popitem remove discard clear put "
    "put_nowait subtract move_to_end".split()
)
"""Methods that change a container in place."""
ACKNOWLEDGING = frozenset(("basic_ack", "ack"))
"""Methods that tell a broker that a message is done with (pika, aio-pika, kombu, nats, Pub/Sub)."""
_BY_KEY = frozenset(("files", "FILES"))
"""Collections that are asked for an object by key, whose methods matter: the uploads of a request."""
_DEBUGGING = frozenset(
    "debug debugging dev devel develop development devmode reload autoreload daemon daemonize".split()
)
_DEVELOPMENT = frozenset("debug dev develop development local test testing".split())
"""Words of switches, and values of an environment's name, that a release never has."""
_STAGING = frozenset("stg stage staging preview qa ci sandbox".split())
_PRODUCTION = frozenset(("prod", "production"))
_BROKERS = frozenset(("kafka", "aiokafka", "faust", "pulsar"))
"""Top-level modules of clients whose consumers are iterated over."""
_SHORTEST_SHAPE = 9  # of a URL with a password: a://b:c@d
STORE_URL = regex(r"(?:sqlite|postgres(?:ql)?|postgis|mysql|mariadb|oracle|mssql|cockroachdb)(?:\+\w{1,20})?://")
TELLING = frozenset((ast.Constant, ast.Call, ast.Subscript, ast.BoolOp, ast.IfExp, ast.BinOp))
"""Expressions whose value a rule can use; most assignments are something else and are not kept."""
# tuples, because `X | Y` is made anew each time
_SEVERAL = (ast.Tuple, ast.List)
_COMPARES = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
_PARTS = (ast.Subscript, ast.Attribute)
Scoped = tuple[Any, str, bool]  # node, scope (dotted function name), under `if __name__ == "__main__"`
"""``(node, scope, guarded)``."""


class Walk:
    """One pass: collects nodes with their scope, aliases of imports and what names are instances of."""

    def __init__(self) -> None:
        self.calls: list[Scoped] = []
        self.subscripts: list[Scoped] = []
        self.assigns: list[tuple[str, str, Any, str, Scoped]] = []  # target, kind, value node, owner
        self.functions: list[Scoped] = []
        self.classes: list[Scoped] = []
        self.imports: list[tuple[str, str, Scoped]] = []
        self.globals: list[Scoped] = []
        self.changes: list[tuple[str, Scoped]] = []
        self.aliases: dict[str, str] = {}
        self.instances: dict[tuple[str, str], str] = {}
        self.literals: list[Scoped] = []
        self.comparisons: list[Scoped] = []
        self.loops: list[Scoped] = []
        self.debugged: list[tuple[int, int]] = []
        self.attempts: list[tuple[int, int]] = []
        self.store_urls: list[Scoped] = []
        self.acknowledging: set[str] = set()  # scopes
        self.modules: set[str] = set()  # top-level names of what is imported
        self._in_class: set[str] = set()
        self._docs: set[int] = set()  # ids of docstring nodes, which live as long as the tree

    def run(self, tree: ast.Module) -> None:
        self._visit(tree.body[::-1], "", False)

    def _visit(self, stack: list[Any], scope: str, guarded: bool) -> None:
        """Visit the nodes on ``stack``, the last one first, and what is in them; scopes nest by recursion."""
        push, extend, pop, visits, fields = stack.append, stack.extend, stack.pop, _VISITS, _CHILDREN
        while stack:
            node = pop()
            kind = node.__class__
            visit = visits.get(kind)
            if visit is not None:
                changed = visit(self, (node, scope, guarded))
                if changed is not None:
                    if kind is ast.If:  # the other branch of a main guard
                        extend(node.orelse[::-1])
                        node.orelse = []
                    self._visit(children(node), *changed)
                    continue
            for field in fields[kind]:
                value = getattr(node, field)
                inner = value.__class__
                if inner is list:
                    if value:
                        extend(value[::-1])
                    continue
                while inner is ast.Attribute:
                    value = value.value
                    inner = value.__class__
                if inner not in _NOTHING_IN:
                    push(value)

    # Each visit records its node; a returned pair is the scope and guard for what is inside.

    def on_call(self, item: Scoped) -> None:
        node = item[0]
        self.calls.append(item)
        # asked for again by whatever reads calls
        node.callee = owner = dotted(node.func)
        node.last = owner[owner.rfind(".") + 1 :] if owner else ""
        for keyword in node.keywords:
            if keyword.arg and keyword.value.__class__ in TELLING:
                self.assigns.append((keyword.arg, "keyword", keyword.value, owner or "", item))
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in CHANGES:
            changed = _chain(node.func.value)
            self.changes.append((changed, item))
            if method == "update" and node.args and changed == "DATABASES":
                self.assigns.append(("default", "item", node.args[0], changed, item))
        elif method in ACKNOWLEDGING:
            self.acknowledging.add(item[1])

    def on_subscript(self, item: Scoped) -> None:
        self.subscripts.append(item)

    def on_dict(self, item: Scoped) -> None:
        node = item[0]
        for key, value in zip(node.keys, node.values, strict=True):
            if value.__class__ in TELLING and isinstance(key, ast.Constant) and isinstance(key.value, str):
                self.assigns.append((key.value, "key", value, "", item))

    def on_assign(self, item: Scoped) -> None:
        node = item[0]
        for target in node.targets:
            self._bind(target, node.value, item)

    def on_annotated(self, item: Scoped) -> None:
        node = item[0]
        if node.value is not None:
            self._bind(node.target, node.value, item)

    def on_augmented(self, item: Scoped) -> None:
        node = item[0]
        self._note_change(node.target, item)

    def on_delete(self, item: Scoped) -> None:
        for target in item[0].targets:
            self._note_change(target, item)

    def _note_change(self, target: ast.expr, item: Scoped) -> None:
        if not isinstance(target, ast.Name) or isinstance(item[0], ast.AugAssign):
            self.changes.append((_chain(target), item))

    def _bind(self, target: ast.expr, value: ast.expr, item: Scoped) -> None:
        _, scope, _ = item
        if isinstance(target, _SEVERAL):
            if isinstance(value, _SEVERAL) and len(value.elts) == len(target.elts):
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
        elif isinstance(value, ast.Subscript):
            other = dotted(value.value)
            if other and other.rpartition(".")[2] in _BY_KEY:
                self.instances.setdefault((scope, name), f"{other}[]")
        elif isinstance(value, NAMED):
            other = dotted(value)
            if other and other != name:
                self.instances.setdefault((scope, name), other)

    def on_with(self, item: Scoped) -> None:
        for entry in item[0].items:
            if entry.optional_vars is not None and (name := dotted(entry.optional_vars)):
                self._note_instance(name, entry.context_expr, item[1])

    def on_function(self, item: Scoped) -> tuple[str, bool]:
        node, scope, guarded = item
        inner = inner_scope(scope, node)
        self.functions.append((node, inner, guarded))
        arguments = node.args
        positional = arguments.posonlyargs + arguments.args
        pairs = list(zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True))
        pairs += [pair for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if pair[1]]
        for parameter, default in pairs:
            self.assigns.append((parameter.arg, "parameter", default, inner, (node, inner, guarded)))
        return inner, guarded

    def on_class(self, item: Scoped) -> tuple[str, bool]:
        node, scope, guarded = item
        inner = inner_scope(scope, node)
        self.classes.append((node, inner, guarded))
        self._in_class.add(inner)
        return inner, guarded

    def on_compare(self, item: Scoped) -> None:
        node = item[0]
        if len(node.ops) == 1 and isinstance(node.ops[0], _COMPARES):
            self.comparisons.append(item)

    def on_while(self, item: Scoped) -> None:
        test = item[0].test
        if isinstance(test, ast.Constant) and test.value in (True, 1):
            self.loops.append(item)

    def on_for(self, item: Scoped) -> None:
        """A loop over a consumer reads for ever: it is kept as the call that it is."""
        node = item[0]
        if self.modules.isdisjoint(_BROKERS) or not isinstance(node.iter, NAMED):
            return
        method = ast.copy_location(ast.Attribute(node.iter, "__iter__", ast.Load()), node.iter)
        call: Any = ast.copy_location(ast.Call(method, [], []), node.iter)
        call.callee = dotted(method)
        call.last = "__iter__"
        self.calls.append((call, *item[1:]))

    def on_if(self, item: Scoped) -> tuple[str, bool] | None:
        node, scope, _ = item
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            sides = [getattr(side, "id", getattr(side, "value", None)) for side in (test.left, test.comparators[0])]
            if "__name__" in sides and "__main__" in sides:
                return scope, True
        taken = _for_debugging(test)
        branch = node.body if taken else node.orelse if taken is False else []
        if branch:
            self.debugged.append((branch[0].lineno, branch[-1].end_lineno))
        return None

    def on_try(self, item: Scoped) -> None:
        """What a module tries while it is imported, and gets by without."""
        node, scope, _ = item
        if (
            not scope
            and any(_catches_all(one) for one in node.handlers)
            and not any(isinstance(inner, ast.Raise) for one in node.handlers for inner in ast.walk(one))
        ):
            self.attempts.append((node.body[0].lineno, node.body[-1].end_lineno))

    def on_import(self, item: Scoped) -> None:
        for alias in item[0].names:
            _check_length(alias.name, item[0])
            self.modules.add(alias.name.partition(".")[0])
            self.imports.append((alias.name, "", item))
            if alias.asname:
                self.aliases[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                self.aliases.setdefault(root, root)

    def on_import_from(self, item: Scoped) -> None:
        node = item[0]
        module = "." * node.level + (node.module or "")
        _check_length(module, node)
        self.modules.add(module.partition(".")[0])
        joint = "" if module.endswith(".") or not module else "."
        for alias in node.names:
            self.imports.append((module, alias.name, item))
            if alias.name != "*":
                self.aliases[alias.asname or alias.name] = f"{module}{joint}{alias.name}"

    def on_global(self, item: Scoped) -> None:
        self.globals.append(item)

    def on_expression(self, item: Scoped) -> None:
        value = item[0].value
        if isinstance(value, ast.Constant):
            self._docs.add(id(value))

    def on_constant(self, item: Scoped) -> None:
        value = item[0].value
        if value.__class__ is not str:
            return
        if len(value) >= _SHORTEST_SHAPE and id(item[0]) not in self._docs and has_shape(value):
            self.literals.append(item)
        elif "://" in value and STORE_URL.match(value):
            self.store_urls.append(item)


def _for_debugging(test: ast.expr) -> bool | None:
    """Whether a condition holds only while somebody debugs or develops (False: only while nobody does); None: neither.

    A wish for a log file (``settings.file_logs``) or for a daemon counts as one to debug. Others are ``args.debug``,
    ``not settings.DEBUG``, ``env == "development"``, ``debug and port``.
    """
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _for_debugging(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return True if any(_for_debugging(one) for one in test.values) else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.comparators[0], ast.Constant):
        value = test.comparators[0].value
        same = isinstance(test.ops[0], ast.Eq | ast.Is)
        if isinstance(value, str) and value.lower() in _DEVELOPMENT | _PRODUCTION:
            told = same or isinstance(test.ops[0], ast.NotEq | ast.IsNot)
            return same is (value.lower() in _DEVELOPMENT) if told else None
        if not same and not value:  # log_path != ""
            return True if _asks_for_a_log_file(dotted(test.left) or "") else None
        off = not value or str(value).lower() in ("0", "false", "no", "off")
        return _for_debugging(test.left) if same and not off else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.In | ast.NotIn):
        return _of_deploys(test)
    if isinstance(test, ast.Subscript) and isinstance(test.slice, ast.Constant):  # args["daemon"]
        name = str(test.slice.value)
    else:
        name = dotted(test.func if isinstance(test, ast.Call) and not test.args else test) or ""
    return True if _names_debugging(name) else None


@lru_cache
def _names_debugging(name: str) -> bool:
    words = name.rpartition(".")[2].lower().strip("_()").split("_")
    return not _DEBUGGING.isdisjoint(words) or _asks_for_a_log_file(name)


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (dotted(handler.type) or "").rpartition(".")[2] in _WIDE


_WIDE = frozenset("Exception BaseException OSError IOError RequestException HTTPError ConnectionError".split())


def _of_deploys(test: ast.Compare) -> bool | None:
    """``env in ("dev", "stg")``, ``env not in ("production",)``: where visitors never come."""
    names = test.comparators[0]
    if (
        isinstance(test.left, ast.Constant)
        and "file" in str(test.left.value)
        and "handler" in (dotted(names) or "").lower()
    ):
        return isinstance(test.ops[0], ast.In)  # "file" in LOGGING_HANDLERS, as a switch for a log file
    if not isinstance(names, ast.Tuple | ast.List | ast.Set) or not names.elts:
        return None
    texts = {
        one.value.lower() if isinstance(one, ast.Constant) and isinstance(one.value, str) else "" for one in names.elts
    }
    if texts <= _DEVELOPMENT | _STAGING and texts & _DEVELOPMENT:
        return isinstance(test.ops[0], ast.In)
    return isinstance(test.ops[0], ast.NotIn) if texts & _PRODUCTION else None


def _asks_for_a_log_file(name: str) -> bool:
    words = set(name.rpartition(".")[2].lower().strip("_()").split("_"))
    return bool(
        (words & {"file", "files", "path"} and words & {"log", "logs", "logging"}) or words & {"logfile", "filelog"}
    )


def children(node: ast.AST) -> list[Any]:
    """A node's children, the last one first."""
    found: list[Any] = []
    for field in _CHILDREN[type(node)]:
        value = getattr(node, field)
        if isinstance(value, list):
            found += value[::-1]
        elif value is not None:
            found.append(value)
    return found


def inner_scope(scope: str, node: Any) -> str:
    """The scope inside a function or class."""
    inner = f"{scope}.{node.name}" if scope else node.name
    _check_length(inner, node)
    assert isinstance(inner, str)
    return inner


def _check_length(name: str, node: Any) -> None:
    if len(name) > LONGEST_NAME:
        raise UnreadableError(f"a name of more than {LONGEST_NAME} characters", node.lineno)


def _chain(node: ast.expr) -> str:
    """The dotted name of what is changed; "" where it starts from no variable.

    ``store.sessions[user]`` and ``store.sessions[user].items`` both change ``store.sessions``.
    """
    parts: list[str] = []
    while isinstance(node, _PARTS):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
        else:
            parts.clear()
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


_VISITS: dict[type, Callable[[Walk, Scoped], tuple[str, bool] | None]] = {
    ast.Call: Walk.on_call,
    ast.Subscript: Walk.on_subscript,
    ast.Dict: Walk.on_dict,
    ast.Assign: Walk.on_assign,
    ast.AnnAssign: Walk.on_annotated,
    ast.AugAssign: Walk.on_augmented,
    ast.Delete: Walk.on_delete,
    ast.With: Walk.on_with,
    ast.AsyncWith: Walk.on_with,
    ast.FunctionDef: Walk.on_function,
    ast.AsyncFunctionDef: Walk.on_function,
    ast.ClassDef: Walk.on_class,
    ast.If: Walk.on_if,
    ast.Try: Walk.on_try,
    ast.While: Walk.on_while,
    ast.For: Walk.on_for,
    ast.AsyncFor: Walk.on_for,
    ast.Compare: Walk.on_compare,
    ast.Import: Walk.on_import,
    ast.ImportFrom: Walk.on_import_from,
    ast.Global: Walk.on_global,
    ast.Expr: Walk.on_expression,
    ast.Constant: Walk.on_constant,
}

_NOTHING_IN = frozenset((type(None), ast.Name, ast.alias, ast.Pass, ast.Break, ast.Continue))
"""Types of what stands in a field that have nothing inside and are not asked for themselves."""
_TEXTS = frozenset(
    "ctx op ops id arg attr name names asname module level n s kind type_comment is_async simple conversion rest "
    "kwd_attrs tag".split()
)
"""Fields that hold no node, or one that nothing is to be learnt from."""


class _Children(dict[type, tuple[str, ...]]):
    """Of each type of node the fields that hold its children, the last one first."""

    def __missing__(self, kind: type) -> tuple[str, ...]:
        if kind is ast.Constant or not issubclass(kind, ast.AST):  # None stands in a display for ``**``
            fields: tuple[str, ...] = ()
        else:
            # "name" is a text everywhere but in `type X = …`
            texts = _TEXTS - {"name"} if kind.__name__ == "TypeAlias" else _TEXTS
            fields = tuple(field for field in reversed(kind._fields) if field not in texts)
        self[kind] = fields
        return fields


_CHILDREN = _Children()
