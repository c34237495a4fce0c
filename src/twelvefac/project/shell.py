"""The reader of shell scripts: what a script runs at its top level, in order, and how it ends.

tree-sitter-bash reads it (bashlex fails on ``case``, arrays and arithmetic). Only what a proof needs is kept: each
command with its words, the branch it stands in, and whether it takes the shell's place.
"""

import re
from typing import Any, NamedTuple

from twelvefac.project.masking import given
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_MAX_BYTES = 64_000
_MAX_COMMANDS = 5_000
_COSTLY = {b"|": 1_000, b"<<": 500, b"=(": 1_000, b"&&": 5_000, b">": 2_000, b"<": 2_000}
"""How often at most: the parser's time and memory grow with the square (10 000 pipes: 900 MB)."""
_PLAIN = bytes(code if code < 128 else ord("x") for code in range(256))
_BLOCKS = frozenset(("if_statement", "while_statement", "for_statement", "c_style_for_statement", "case_item",
                     "function_definition", "subshell", "elif_clause", "else_clause"))  # fmt: skip
_WORDS = frozenset(("word", "string", "raw_string", "concatenation", "number", "simple_expansion", "expansion",
                    "command_substitution", "ansi_c_string", "string_content", "process_substitution"))  # fmt: skip
_HOLDERS = frozenset(("redirected_statement", "list", "compound_statement", "subshell", "pipeline", "do_group",
                      "while_statement", "for_statement"))  # fmt: skip


_TEST = r"""\[\[?\s{1,9}"?\$(?:1|\{1(?::?-[^}\s]{0,50})?\})"?\s{1,9}==?\s{1,9}["']?([\w.-]{1,60})["']?\s{1,9}\]\]?"""
_COMPARED = regex(_TEST)
_IF_FIRST = regex(rf"(?:el)?if\s{{1,9}}{_TEST}(?:\s{{0,9}}\|\|\s{{0,9}}{_TEST}){{0,20}}\s{{0,9}};?")
_FIRST = regex(r"\$(?:1|\{1(?::?-[^}\s]{0,50})?\})")


_ASKED = regex(
    r"""(?:el)?if\s{1,9}\[\[?\s{1,9}(?:-n\s{1,9}"?\$\{?\w{1,60}\}?"?|"?\$\{?\w{1,60}\}?"?\s{1,9}==?\s{1,9}"""
    r"""["']?(?:1|true|yes|on)["']?)\s{1,9}\]\]?\s{0,9};?""",
    re.IGNORECASE,
)

DEBUG = "debug"
"""The block of what a script only does for debugging and development."""
_DEBUG_IF = regex(
    r"\$\{?(?:\w{0,40}_)?(?:DEBUG|DEV|DEVEL|DEVELOPMENT|RELOAD|AUTORELOAD|LOCAL)(?:_(?:MODE|SERVER|ENV))?\b"
    r"|==?\s{0,9}[\"']?(?:dev|devel|development|local)\b",
    re.IGNORECASE,
)
_FOR_DEVELOPERS = regex(r"(?:[\w|]{1,60}[-_])?(?:dev|devel|development|local|debug)", re.IGNORECASE)
"""A branch of a ``case`` that only developers ask for: ``web-local``."""
_OFF = regex(r"!|-z\s|\|\||=\s{0,9}[\"']?(?:false|0|no|off)\b", re.IGNORECASE)


class ShellCommand(NamedTuple):
    """A simple command of a script.

    ``words`` have their quotes taken off; expansions stay as they are written (``"$@"`` is ``$@``). ``block`` is the
    innermost statement around it (``if``, ``while``, ``case``, ``function`` and its name…), "" at top level, ``debug``
    in all of a branch that is only for debugging.
    ``asked`` is whether the branch is taken only where a variable without default says so (``[ "$COLLECT" = 1 ]``).
    ``joined`` is the operator before it (``&&``, ``|``…); ``background`` whether ``&`` follows.
    """

    words: tuple[str, ...]
    block: str
    joined: str
    background: bool
    at: Pos
    asked: bool = False


class ShellFacts(NamedTuple):
    """A script's commands in order; ``interpreter`` is the program of its first line (``bash``), "" without one.

    ``secrets`` are the places of credentials and what they are, never themselves.
    """

    interpreter: str
    commands: tuple[ShellCommand, ...]
    traps: tuple[str, ...]
    secrets: tuple[tuple[str, Pos], ...] = ()


def read_shell(data: bytes) -> ShellFacts:
    """The facts of a shell script; raises UnreadableError for one that is larger than a start script ever is."""
    if len(data) > _MAX_BYTES:
        raise UnreadableError(f"larger than {_MAX_BYTES} bytes")
    if any(data.count(part) > most for part, most in _COSTLY.items()):
        raise UnreadableError("more operators than a start script ever has")
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    # the grammar's scanner hands characters to isalnum(), which reads outside of its table for most of Unicode and
    # ends the process; a letter in the place of each byte leaves every offset as it is
    tree = Parser(Language(tree_sitter_bash.language())).parse(data.translate(_PLAIN))
    commands: list[ShellCommand] = []
    traps: list[str] = []
    secrets: list[tuple[str, Pos]] = []
    renamed: set[str] = set()  # variables that hold $1
    stack: list[tuple[Any, str, str, bool]] = [(tree.root_node, "", "", False)]
    while stack:
        node, block, joined, asked = stack.pop()
        kind = node.type
        if kind == "command":
            words = _words(node, data)
            if words and words[0] == "trap":
                traps += words[2:]
            secrets += [(what, _place(node, data)) for what in given(words)]
            background = _in_background(node)
            commands.append(ShellCommand(words, block, joined, background, _place(node, data), asked))
            if len(commands) > _MAX_COMMANDS:
                raise UnreadableError(f"more than {_MAX_COMMANDS} commands")
            continue
        if kind == "variable_assignment":
            secrets += [(what, _place(node, data)) for what in given((_text(node, data),))]
        if kind == "variable_assignment" and not block:
            value = _unquoted(_text(node.child_by_field_name("value"), data))
            if _FIRST.fullmatch(value):
                renamed.add(_text(node.child_by_field_name("name"), data))
        inner = _label(node, block, data) if kind in _BLOCKS else block
        if kind in ("if_statement", "elif_clause", "else_clause"):
            asked = _ASKED.fullmatch(_condition(node, data).strip()) is not None
        pending, children = joined, []
        for child in node.children:
            if child.type in ("&&", "||", "|", "|&"):
                pending = child.type
            else:
                children.append((child, inner, pending, asked))
                pending = "" if kind != "pipeline" else pending
        stack += reversed(children)
    if renamed:
        commands = [one._replace(block=_by_argument(one.block, renamed)) for one in commands]
    return ShellFacts(_interpreter(data), tuple(commands), tuple(traps), tuple(secrets))


def _by_argument(block: str, renamed: set[str]) -> str:
    """``case ${SERVICE} web`` is ``case $1 web`` where SERVICE was made from $1."""
    kind, _, rest = block.partition(" ")
    subject, _, patterns = rest.partition(" ")
    return f"case $1 {patterns}" if kind == "case" and subject.strip("${}") in renamed else block


def _in_background(node: Any) -> bool:
    """Whether ``&`` follows a command, or what holds it: a redirection, a list, a group or a loop."""
    while node is not None:
        if node.next_sibling is not None and node.next_sibling.type == "&":
            return True
        node = node.parent if node.parent is not None and node.parent.type in _HOLDERS else None
    return False


def _label(node: Any, block: str, data: bytes) -> str:
    """``if``, ``while``, ``function NAME``; ``case WORD PATTERN`` names what is compared with what."""
    kind = node.type
    if block == DEBUG and not (kind in ("elif_clause", "else_clause") and _is_debug(node.parent, data)):
        return block
    if kind in ("if_statement", "elif_clause") and _is_debug(node, data):
        return DEBUG
    if kind in ("if_statement", "elif_clause", "else_clause"):
        first = _first_argument(node, data)
        if first:
            return first if not block.startswith("function") else block
        if kind != "if_statement" and node.parent is not None and _first_argument(node.parent, data) == block:
            return str(kind.partition("_")[0])
    if kind == "function_definition":
        return f"function {_text(node.child_by_field_name('name'), data)}"
    if kind == "case_item":
        subject = node.parent.child_by_field_name("value") if node.parent is not None else None
        patterns = "|".join(_unquoted(_text(one, data)) for one in node.children_by_field_name("value"))
        if _FOR_DEVELOPERS.fullmatch(patterns):
            return DEBUG
        return f"case {_unquoted(_text(subject, data))} {patterns}"
    if kind == "c_style_for_statement":
        return "for"
    return str(kind.partition("_")[0]) if not block.startswith(("function", "case")) else block


def _is_debug(node: Any, data: bytes) -> bool:
    """Whether a branch is taken only for debugging: ``if [ "$DEBUG" = "True" ]``, ``if [[ $ENV == development ]]``."""
    condition = _condition(node, data)
    return bool(condition) and _DEBUG_IF.search(condition) is not None and _OFF.search(condition) is None


def _condition(node: Any, data: bytes) -> str:
    then = next((child for child in node.children if child.type == "then"), None)
    if then is None:
        return ""
    return data[node.start_byte : min(then.start_byte, node.start_byte + 500)].decode("utf-8", "replace")


def _first_argument(node: Any, data: bytes) -> str:
    """``case $1 web`` for ``if [ "$1" = web ]``, and ``case $1 *`` for its else; "" for any other condition."""
    if node.type == "else_clause":
        branches = [one for one in (node.parent, *node.parent.children) if one.type in ("if_statement", "elif_clause")]
        return "case $1 *" if all(_first_argument(one, data) for one in branches) else ""
    condition = _condition(node, data)
    match = _IF_FIRST.fullmatch(condition.strip())
    return f"case $1 {'|'.join(_COMPARED.findall(condition))}" if match else ""


def _interpreter(data: bytes) -> str:
    first = data.split(b"\n", 1)[0].decode("utf-8", "replace")
    if not first.startswith("#!"):
        return ""
    words = first[2:].split()
    program = words[0].rpartition("/")[2] if words else ""
    if program == "env":
        return next((word for word in words[1:] if not word.startswith("-")), "").rpartition("/")[2]
    return program


def _words(command: Any, data: bytes) -> tuple[str, ...]:
    words = []
    for child in command.children:
        if child.type == "command_name":
            words.append(_unquoted(_text(child, data)))
        elif child.type == "variable_assignment" and not words:
            words.append(_text(child, data))
        elif child.type in _WORDS:
            words.append(_unquoted(_text(child, data)))
    return tuple(words)


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def _text(node: Any, data: bytes) -> str:
    return "" if node is None else data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _place(node: Any, data: bytes) -> Pos:
    start, end = node.start_point, node.end_point
    return (start[0] + 1, _column(node.start_byte, data), end[0] + 1, _column(node.end_byte, data))


def _column(offset: int, data: bytes) -> int:
    line = data.rfind(b"\n", 0, offset) + 1
    before = data[line:offset]
    return (len(before) if before.isascii() else len(before.decode("utf-8", "replace"))) + 1
