"""The reader of Python files: one pass over the tree, then the tree is dropped.

The pass (``python_walk``) keeps what facts are made of; names are resolved when the whole file is known, because an
import may stand below its use.
"""

import ast
from collections.abc import Iterable
from functools import cache
from sys import stdlib_module_names
from typing import Any

from twelvefac.project.environment import MAPPINGS, READERS, WORDS, reader_of
from twelvefac.project.facts import (
    Binding,
    Call,
    Class,
    Comparison,
    EnvRead,
    Function,
    Import,
    Literal,
    PythonFacts,
    Run,
)
from twelvefac.project.python_flow import acknowledgements, endless_loops
from twelvefac.project.python_logs import logged
from twelvefac.project.python_state import module_containers, module_instances, shared_state
from twelvefac.project.python_values import NAMED, Names, Places, ValueReader, dotted, formatted
from twelvefac.project.python_walk import TELLING, Walk
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex

_CODING = regex(rb"^[ \t\f]*#.{0,200}?coding[:=][ \t]*([-\w.]{1,40})")  # PEP 263
_SLOW_CODECS = frozenset(("punycode", "idna"))  # of domain names; quadratic, a file of 1 MB takes hours

_TEXTUAL = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.BinOp, ast.Await)
"""Expressions whose value may be a text, or several."""
_DULL = (None, "", b"", ...)
_TEXTS = (str, bytes)
_COLUMNS = frozenset(("ForeignKey", "Column", "mapped_column", "relationship"))
_HAND_OVER = frozenset("submit Thread Process to_thread run_in_executor start_new_thread spawn".split())
"""Calls that run a function which is one of their arguments."""
_WHOLE = frozenset(
    "DATABASES CACHES STORAGES INSTALLED_APPS SQLALCHEMY_BINDS TORTOISE_ORM LOGGING LOGGING_CONFIG LOG_CONFIG".split()
)
"""Settings that are kept whatever their value is: with all that is in a list or dictionary, or as computed."""


def read_python(data: bytes, wanted: frozenset[str]) -> PythonFacts:
    """The facts of a Python source file.

    ``wanted`` are the last segments, or the whole names, of the callees whose calls are kept; ``get(no_ack=)`` are
    calls of ``get`` with that keyword. Raises UnreadableError.
    """
    encoding = _encoding(data)
    if encoding.replace("-", "_") in _SLOW_CODECS:
        raise UnreadableError(f"encoding {encoding}", 1)
    document = Document.decode(data, encoding)
    tree = _parse(data, encoding)
    walk = Walk()
    walk.run(tree)
    names = Names(walk.aliases, walk.instances)
    places = Places(None if data.isascii() else document)
    values = ValueReader(names, places)
    followed = _Followed(walk)
    return PythonFacts(
        calls=tuple(_calls(walk, names, places, values, wanted)),
        env=tuple(_env_reads(walk, names, places, values)),
        bindings=tuple(_bindings(walk, names, values)),
        functions=tuple(_functions(walk, followed, names, places, values)),
        classes=tuple(
            Class(scope, tuple(filter(None, (names.resolve(dotted(base), scope) for base in node.bases))), places(node))
            for node, scope, _ in walk.classes
        ),
        imports=tuple(Import(module, name, places(node), scope) for module, name, (node, scope, _) in walk.imports),
        shared=tuple(shared_state(walk, tree, names, places)),
        containers=tuple(module_containers(tree, names, places)),
        instances=tuple(module_instances(walk)),
        comparisons=tuple(_comparisons(walk, places, values)),
        literals=tuple(Literal(values.read(node, scope), scope) for node, scope, _ in walk.literals),
        loops=tuple(endless_loops(walk, names, places, values)),
        acknowledgements=tuple(acknowledgements(walk, names, places)),
        store_urls=tuple(Literal(values.read(node, scope), scope) for node, scope, _ in walk.store_urls),
        logged=tuple(logged(walk, places, values)),
        runs=tuple(dict.fromkeys(_runs(walk, followed, names))),
        debugged=tuple(walk.debugged),
        attempts=tuple(walk.attempts),
    )


def _encoding(data: bytes) -> str:
    for line in data.split(b"\n", 2)[:2]:
        if match := _CODING.match(line):
            return match.group(1).decode("ascii", "replace").lower()
    return "utf-8"


def _parse(data: bytes, encoding: str) -> ast.Module:
    """Parse without executing anything: ``PyCF_ONLY_AST`` stops before code is made."""
    try:
        tree = compile(data, "<audited>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        message = (error.msg or "syntax error").removesuffix(f": {encoding}")  # which may be any word
        raise UnreadableError(message, error.lineno or 0) from None
    except (RecursionError, MemoryError):  # the parser says either of what is nested too deep
        raise UnreadableError("nested too deep") from None
    except ValueError as error:  # NUL bytes
        raise UnreadableError(str(error)) from None
    assert isinstance(tree, ast.Module)
    return tree


def _calls(walk: Walk, names: Names, places: Places, values: ValueReader, wanted: frozenset[str]) -> Iterable[Call]:
    for node, scope, guarded, callee in _called(walk, _last_parts(wanted)):
        name = names.resolve(callee, scope)
        if not name or not _is_wanted(name, node, wanted):
            continue
        args, kwargs = values.arguments(node, scope)
        yield Call(name, places(node), args, kwargs, scope, guarded)


def _is_wanted(name: str, node: ast.Call, wanted: frozenset[str]) -> bool:
    last = name[name.rfind(".") + 1 :]
    return last in wanted or name in wanted or any(f"{last}({one.arg}=)" in wanted for one in node.keywords)


@cache
def _last_parts(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.partition("(")[0] if name.endswith("=)") else name.rpartition(".")[2] for name in names)


def _called(walk: Walk, last: frozenset[str]) -> Iterable[tuple[ast.Call, str, bool, str]]:
    """The calls whose resolved name may end in one of these, or read the environment: others need not be resolved."""
    renamed = {name for name, full in walk.aliases.items() if full[full.rfind(".") + 1 :] in last or "env" in full}
    renamed.update(name for _, name in walk.instances)
    for node, scope, guarded in walk.calls:
        end = node.last
        if end and (end in last or node.callee in renamed or "env" in end):
            yield node, scope, guarded, node.callee


def _env_reads(walk: Walk, names: Names, places: Places, values: ValueReader) -> Iterable[EnvRead]:
    for node, scope, _, callee in _called(walk, WORDS):
        name = names.resolve(callee, scope)
        if name and reader_of(name) is not None and (value := values.read(node, scope)).kind == "env":
            key, default, api = value.data
            yield EnvRead(key, default, places(node), scope, api)
    for node, scope, _ in walk.subscripts:
        base = dotted(node.value)
        if base and names.resolve(base, scope) in MAPPINGS and isinstance(node.ctx, ast.Load):
            key, default, api = values.read(node, scope).data
            yield EnvRead(key, default, places(node), scope, api)


def _comparisons(walk: Walk, places: Places, values: ValueReader) -> Iterable[Comparison]:
    for node, scope, _ in walk.comparisons:
        left, right = node.left, node.comparators[0]
        if isinstance(left, ast.Constant):
            left, right = right, left
        if not isinstance(right, _TEXTUAL):
            continue
        value = values.read(right, scope)
        texts = value.data if value.kind == "list" else (value,)
        if any(text.kind == "str" for text in texts):
            yield Comparison(dotted(left) or "", values.read(left, scope), texts, places(node), scope)


def _bindings(walk: Walk, names: Names, values: ValueReader) -> Iterable[Binding]:
    for target, kind, node, owner, (_, scope, guarded) in walk.assigns:
        if kind in ("keyword", "parameter") and node.__class__ is ast.Constant and node.value.__class__ not in _TEXTS:
            continue  # no rule asks for a number or a switch that is passed
        if kind == "field" and node.__class__ is ast.Call and not target.isupper() and _is_column(node):
            continue
        whole = (target in _WHOLE and kind in ("name", "field")) or (kind == "item" and owner == "DATABASES")
        if not (node.__class__ in TELLING or whole) or (isinstance(node, ast.Constant) and node.value in _DULL):
            continue
        kept = whole or kind == "field" or not isinstance(node, ast.Call)
        if not kept and names.resolve(dotted(node.func), scope) not in READERS and formatted(node) is None:
            continue
        value = values.read(node, scope)
        if value.kind != "other" or whole:
            resolved = names.resolve(owner, scope) or owner if owner and kind in ("keyword", "item") else owner
            yield Binding(target, value, kind, resolved, scope, guarded)


def _is_column(node: Any) -> bool:
    """Whether a field of a class is made like a column of a table, or of a form: a model has hundreds."""
    name = node.last
    return (name.endswith("Field") and name != "Field") or name in _COLUMNS


def _functions(
    walk: Walk, followed: "_Followed", names: Names, places: Places, values: ValueReader
) -> Iterable[Function]:
    known = followed.known
    called: dict[str, list[str]] = {}
    outside: dict[str, list[str]] = {}
    handed: dict[str, list[str]] = {}
    for node, scope, _ in walk.calls:
        callee = node.callee
        if not scope or not callee or not followed.may_lead_on(node):
            continue
        target = _local_function(callee, scope, known) or _method(names.resolve(callee, scope), known)
        if target:
            called.setdefault(scope, []).append(target)
        elif (name := _imported(callee, walk, names, scope)) is not None:
            outside.setdefault(scope, []).append(name)
        if node.last in _HAND_OVER:
            for other in _handed_over(node):
                name = _local_function(other, scope, known) or _imported(other, walk, names, scope)
                if name is not None:
                    handed.setdefault(scope, []).append(name)
    for node, scope, _ in walk.functions:
        decorators = tuple(values.read(decorator, scope) for decorator in node.decorator_list)
        line, column, _, _ = places(node)
        head = (line, column, line, column + len(node.name) + 4)
        parameters = tuple(one.arg for one in node.args.posonlyargs + node.args.args)
        calls, others, threads = (tuple(dict.fromkeys(one.get(scope, ()))) for one in (called, outside, handed))
        yield Function(scope, parameters, decorators, calls, head, others, threads)


class _Followed:
    """Which callees may be a function of this file, or of another one that is imported: most are neither."""

    def __init__(self, walk: Walk) -> None:
        self.known = {scope for _, scope, _ in walk.functions}
        self._last = {name[name.rfind(".") + 1 :] for name in self.known} | _HAND_OVER
        self._heads = walk.aliases.keys() | {name.partition(".")[0] for _, name in walk.instances}

    def may_lead_on(self, call: Any) -> bool:
        return call.last in self._last or call.callee.partition(".")[0].removesuffix("()") in self._heads


def _handed_over(node: ast.Call) -> Iterable[str]:
    """The names among the arguments of a call that starts a thread, a process or a job of a pool."""
    for value in (*node.args[:2], *(keyword.value for keyword in node.keywords if keyword.arg == "target")):
        if isinstance(value, NAMED) and (name := dotted(value)):
            yield name


def _runs(walk: Walk, followed: "_Followed", names: Names) -> Iterable[Run]:
    known = followed.known
    for node, scope, guarded in walk.calls:
        callee = node.callee
        if scope or not callee or not followed.may_lead_on(node):
            continue
        target = _local_function(callee, scope, known) or _method(names.resolve(callee, scope), known)
        name = target or _imported(callee, walk, names, scope)
        if name is not None:
            yield Run(name, guarded)


def _method(name: str | None, known: set[str]) -> str | None:
    """The method of this file that ``Worker().run`` means."""
    plain = (name or "").replace("()", "")
    return plain if "." in plain and plain in known else None


def _imported(callee: str, walk: Walk, names: Names, scope: str) -> str | None:
    name = (names.resolve(callee, scope) or "").replace("()", "")
    top = name.partition(".")[0]
    return name if "." in name and (not top or top in walk.modules) and top not in stdlib_module_names else None


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
