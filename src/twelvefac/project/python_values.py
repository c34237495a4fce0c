"""Names, places and values of Python expressions, as far as one file tells them."""

import ast
from bisect import bisect_right
from typing import Any

from twelvefac.project.environment import KEY, MAPPINGS, READERS, reader_of
from twelvefac.project.facts import Value
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_DEPTH = 6
"""How deep values are followed; deeper ones are ``other``. Bounds the work on hostile nesting."""
LONGEST_NAME = 500
"""Longer dotted names are no names: they are copied for each use, so one of 500 KB would fill the memory."""
_MOST_PARTS = 50
_MOST_BITS = 64  # of an integer: Python refuses to print one of more than 4300 digits
_WIDE = regex(r"[^\x00-\x7f]")


_SAME = frozenset(("lower", "upper", "strip", "casefold", "rstrip", "lstrip"))
"""Methods after which a text read from the environment still is that text."""


NAMED = (ast.Name, ast.Attribute)
"""What may have a dotted name."""
_LISTED = (ast.List, ast.Tuple, ast.Set)
_NAME, _ATTRIBUTE = ast.Name, ast.Attribute


def dotted(node: Any) -> str | None:
    """``a.b.c`` of a chain of attributes, calls in it as ``()``: ``Session().get``; None for anything else."""
    if node.__class__ is _NAME:  # most are short
        return node.id if len(node.id) <= LONGEST_NAME else None
    if node.__class__ is not _ATTRIBUTE:
        return None
    if node.value.__class__ is _NAME:
        name = f"{node.value.id}.{node.attr}"
        return name if len(name) <= LONGEST_NAME else None
    parts: list[str] = []
    called = False
    while len(parts) <= _MOST_PARTS:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and parts:
            parts.append("()")
            node = node.func
            called = True
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            name = ".".join(reversed(parts))
            if called:
                name = name.replace(".()", "()")
            return name if len(name) <= LONGEST_NAME else None
        else:
            return None
    return None


def formatted(node: ast.expr) -> str | None:
    """What a URL that ``"…".format(…)`` puts together begins with; None for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        template = node.func.value
        if isinstance(template, ast.Constant) and isinstance(template.value, str) and "://" in template.value:
            return template.value.partition("{")[0]
    return None


class Names:
    """What names mean in one file: imports, and variables that hold an instance of something imported."""

    def __init__(self, aliases: dict[str, str], instances: dict[tuple[str, str], str]) -> None:
        self._aliases = aliases
        self._instances = instances
        self._resolved: dict[tuple[str, str], str | None] = {}

    def resolve(self, name: str | None, scope: str) -> str | None:
        """The full name, ``requests.Session().get`` for ``s.get`` where ``s = Session()``; None for None."""
        if name is None:
            return None
        key = (name, scope)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(name, scope)
        return self._resolved[key]

    def _resolve(self, name: str, scope: str) -> str | None:
        for _ in range(8):  # each round replaces one variable; a cycle of variables ends here
            step = self._instance(name, scope)
            if step is None:
                break
            name = step
            if len(name) > LONGEST_NAME:
                return None
        head, dot, rest = name.partition(".")
        bare = head.removesuffix("()")
        return self._aliases.get(bare, bare) + head[len(bare) :] + dot + rest

    def _instance(self, name: str, scope: str) -> str | None:
        """``name`` with its first variable replaced by what it was assigned, looking outwards from ``scope``."""
        head, _, rest = name.partition(".")
        if head == "self" and rest:
            head = f"self.{rest.partition('.')[0].removesuffix('()')}"
        while True:
            target = self._instances.get((scope, head))
            if target is not None:
                return target + name[len(head) :]
            if not scope:
                return None
            scope = scope.rpartition(".")[0]


class Places:
    """Positions of nodes. ``ast`` counts columns in UTF-8 bytes; a document turns them into characters."""

    def __init__(self, document: Document | None) -> None:
        self._document = document
        self._lines: dict[int, tuple[list[int], list[int]]] = {}

    def __call__(self, node: Any) -> Pos:
        line, last, start, end = node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
        if last == line:
            last = line  # one number in memory, of hundreds of thousands
        if self._document is not None:
            start = self._characters(line, start)
            end = self._characters(last, end)
        return (line, start + 1, last, end + 1)

    def _characters(self, line: int, column: int) -> int:
        ends, extra = self._lines.get(line) or self._measure(line)
        return column - extra[bisect_right(ends, column)]

    def _measure(self, line: int) -> tuple[list[int], list[int]]:
        """Of each character of several bytes: the byte it ends at, and how many bytes more than characters so far."""
        assert self._document is not None
        ends, extra = [], [0]
        for match in _WIDE.finditer(self._document.line(line)):
            more = extra[-1] + len(match.group().encode("utf-8", "surrogatepass")) - 1
            ends.append(match.end() + more)
            extra.append(more)
        self._lines[line] = ends, extra
        return ends, extra


class ValueReader:
    """Turns expressions into Values."""

    def __init__(self, names: Names, places: Places) -> None:
        self._names = names
        self._places = places

    def read(self, node: ast.expr, scope: str, depth: int = 0) -> Value:
        """The value of ``node`` inside ``scope``; never raises, ``other`` where it cannot be told."""
        if isinstance(node, ast.Constant):
            return self._constant(node)
        at = self._places(node)
        if depth > _DEPTH:
            return Value("other", None, at)
        if isinstance(node, ast.Call):
            return self._call(node, scope, depth, at)
        if isinstance(node, NAMED):
            name = dotted(node)
            return Value("name", self._names.resolve(name, scope), at) if name else Value("other", None, at)
        if isinstance(node, _LISTED):
            return Value("list", tuple(self.read(item, scope, depth + 1) for item in node.elts), at)
        if isinstance(node, ast.Dict):
            pairs = tuple(
                (self.read(key, scope, depth + 1), self.read(value, scope, depth + 1))
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            )
            return Value("dict", pairs, at)
        return self._compound(node, scope, depth, at)

    def _compound(self, node: ast.expr, scope: str, depth: int, at: Pos) -> Value:
        if isinstance(node, ast.Subscript):
            base = dotted(node.value)
            if base and self._names.resolve(base, scope) in MAPPINGS:
                key = self.read(node.slice, scope, depth + 1)
                return Value("env", (key.text, None, "os.environ[]"), at)
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            first, last = self.read(node.values[0], scope, depth + 1), self.read(node.values[-1], scope, depth + 1)
            if first.kind == "env":  # os.getenv("X") or "fallback"
                return Value("env", (first.data[0], last, "or"), at)
        elif isinstance(node, ast.IfExp):
            then, other = self.read(node.body, scope, depth + 1), self.read(node.orelse, scope, depth + 1)
            if then.kind == "env" and then.data[1] is None:  # os.environ["X"] if "X" in os.environ else "fallback"
                return Value("env", (then.data[0], other, "if"), at)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.read(node.left, scope, depth + 1), self.read(node.right, scope, depth + 1)
            if left.kind == right.kind == "str":
                return Value("str", left.data + right.data, at)
            if left.kind == "str":  # "sqlite:///" + path: what it begins with is known
                return Value("joined", (left, right), at)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.read(node.operand, scope, depth + 1)
            if inner.kind in ("int", "float"):
                return Value(inner.kind, -inner.data, at)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):  # "…%s" % value
            if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
                inner = self.read(node.right, scope, depth + 1)
                return Value("joined", inner.data if inner.kind == "list" else (inner,), at)
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
            return Value("joined", tuple(self.read(part, scope, depth + 1) for part in parts), at)
        elif isinstance(node, ast.Await):
            return self.read(node.value, scope, depth + 1)
        return Value("other", None, at)

    def arguments(
        self, node: ast.Call, scope: str, depth: int = 0
    ) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]:
        """The positional and keyword arguments; ``*x`` is a ``splat``, ``**x`` has the keyword ``**``."""
        args = tuple(
            Value("splat", None, self._places(arg))
            if isinstance(arg, ast.Starred)
            else self.read(arg, scope, depth + 1)
            for arg in node.args
        )
        kwargs = tuple((keyword.arg or "**", self.read(keyword.value, scope, depth + 1)) for keyword in node.keywords)
        return args, kwargs

    def _call(self, node: ast.Call, scope: str, depth: int, at: Pos) -> Value:
        callee = dotted(node.func)
        name = self._names.resolve(callee, scope) if callee else None
        if name is None:
            head = formatted(node)
            if head is None:
                return Value("other", None, at)
            return Value("joined", (Value("str", head, at), *self.arguments(node, scope, depth)[0]), at)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SAME and not node.keywords:
            inner = self.read(node.func.value, scope, depth + 1)
            if inner.kind == "env":
                return inner
        args, kwargs = self.arguments(node, scope, depth)
        reader = reader_of(name)
        if reader is None or (name not in READERS and not (args and KEY.fullmatch(args[0].text or ""))):
            return Value("call", (name, args, kwargs), at)
        words = dict(kwargs)
        key = next((words[word] for word in reader.key_words if word in words), None)
        if key is None and len(args) > reader.key:
            key = args[reader.key]
        default = next((words[word] for word in reader.default_words if word in words), None)
        if default is None and reader.default is not None and len(args) > reader.default:
            default = args[reader.default]
        return Value("env", (key.text if key else None, default, name), at)

    def _constant(self, node: ast.Constant) -> Value:
        value, at = node.value, self._places(node)
        if isinstance(value, str):
            return Value("str", value, at)
        if isinstance(value, bytes):
            return Value("str", value.decode("latin-1"), at)
        if isinstance(value, bool):
            return Value("bool", value, at)
        if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= _MOST_BITS):
            return Value(type(value).__name__, value, at)
        if value is None:
            return Value("none", None, at)
        return Value("other", None, at)
