"""Which code is a command-line tool: what it prints is for the person who called it."""

import re
from collections.abc import Iterable

from twelvefac.project.facts import Function, PythonFacts
from twelvefac.source.pattern import regex

_PATH = regex(
    r"(?:^|/)(?:management/commands|commands|(?:\w{1,20}[-_])?scripts?|bin|tools?|cli|console)/|"
    r"(?:^|/)(?:cli|commands?|console|manage|setup|\w{0,40}_cli|__version__)\.py$"
)
_SCOPE = regex(r"help|usage|confirm|console|debug|banner|prompt|verbose|dump", re.IGNORECASE)
_DECORATORS = frozenset(("command", "group", "callback"))


def is_tool(path: str) -> bool:
    """Whether a file holds commands, by its place or name."""
    return _PATH.search(path) is not None


def is_command(python: PythonFacts | None, scope: str) -> bool:
    """Whether a function is a command of click, typer or Flask, or speaks to a person by its name (``print_help``)."""
    if python is None or not scope:
        return False
    if _SCOPE.search(scope):
        return True
    around = [one for one in python.functions if scope == one.name or scope.startswith(f"{one.name}.")]
    return any(_is_decorated(function) for function in around)


def is_other_command(python: PythonFacts | None, scope: str, words: Iterable[str]) -> bool:
    """Whether a function is one of several commands of a group (click, typer), and a command line starts another.

    Its name is what its decorator says, or its own: ``@server.command("develop")``; ``words`` are the command line's.
    """
    if python is None or not scope:
        return False
    named = {one.name: name for one in python.functions if (name := _command_name(one)) is not None}
    return len(named) > 1 and scope in named and named[scope] not in words


def _command_name(function: Function) -> str | None:
    for decorator in function.decorators:
        called = decorator.kind == "call"
        name = str(decorator.data[0] if called and decorator.data else decorator.data)
        if name.rpartition(".")[2] == "command" and name not in ("click.command", "command"):
            _, args, kwargs = decorator.data if called else ("", (), ())
            given = [*args, *(value for key, value in kwargs if key == "name")]
            first = next((value.text for value in given if value.text), None)
            return first or function.name.rpartition(".")[2].replace("_", "-")
    return None


def _is_decorated(function: Function) -> bool:
    for decorator in function.decorators:
        name = str(decorator.data[0] if decorator.kind == "call" and decorator.data else decorator.data)
        if name.rpartition(".")[2] in _DECORATORS or ".cli." in f".{name}.":
            return True
    return False
