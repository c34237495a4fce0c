"""A container's command taken apart: simple commands, wrappers off, the server or script that runs."""

import re
import shlex
from typing import NamedTuple

from twelvefac.source.pattern import regex

_OPERATORS = frozenset(("&&", "||", ";", "|", "&", "|&", ";;"))
_ASSIGNMENT = regex(r"[A-Za-z_]\w{0,100}=")
_DUPLICATION = regex(r"\s\d?>&[\d-]|\s&>>?")
"""Redirections that hold an ampersand, which is no operator there: ``2>&1``."""
_INITS = frozenset(("tini", "dumb-init", "catatonit", "docker-init", "s6-svscan"))
_RESERVED = frozenset("if then elif else fi for while until do done case esac select function { } ! [[ ((".split())
_SUBSTITUTED_LIST = regex(r"(?:\$\(|`)[^)`]{0,500}[;&|]")
_LONGEST_LINE = 20_000
_MOST_WORDS = 1_000
"""Longer command lines are written by nobody; taking them apart would cost seconds."""
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))
_INSTRUMENTS = {"ddtrace-run": 0, "opentelemetry-instrument": 0, "newrelic-admin": 1, "xvfb-run": 0, "stdbuf": 0}
"""Programs that exec the rest of their command line, and how many words of their own come before it."""
_WAITERS = regex(r"(?:wait[-_]?for(?:[-_]?it)?(?:\.sh)?|dockerize)")
"""Programs that wait for another service and then exec, or pass signals on to, the words behind ``--``."""
RUNNERS = frozenset(("poetry", "pipenv", "uv", "pdm", "hatch", "rye", "npm", "yarn", "pnpm"))
"""Programs whose ``run`` sub-command starts the rest: the forms that stay as parent are listed in signal-lost."""


_REPLACED_BY = frozenset(("poetry", "pipenv"))
"""Of the runners those that exec what they start; uv does more before it (see build-at-run), npm stays in front."""


class SimpleCommand(NamedTuple):
    """One command of a shell line; ``after`` is the operator that follows it, "" at the end."""

    words: tuple[str, ...]
    after: str


class Launch(NamedTuple):
    """What a command line starts, its wrappers taken off.

    ``program`` is the last part of the program's path, or the module of ``python -m`` ("uvicorn"), or
    ``python`` with the script as ``args[0]``. ``wrappers`` are the programs in front, outermost first;
    ``replaced`` says whether ``exec`` makes it take the shell's place.
    """

    program: str
    args: tuple[str, ...]
    wrappers: tuple[str, ...]
    replaced: bool

    def option(self, *names: str) -> str | None:
        """The value of ``--name value``, ``--name=value``, ``-n value`` or ``-nvalue``; the last one wins."""
        found = self.options(*names)
        return found[-1] if found else None

    def options(self, *names: str) -> tuple[str, ...]:
        """All values of an option that may be given several times."""
        found = []
        for index, word in enumerate(self.args):
            for name in names:
                if word == name and index + 1 < len(self.args):
                    found.append(self.args[index + 1])
                elif word.startswith(f"{name}=") or (
                    len(name) == 2 and word.startswith(name) and len(word) > 2 and not word.startswith("--")
                ):
                    found.append(word[len(name) :].removeprefix("="))
        return tuple(found)

    def has(self, *flags: str) -> bool:
        """Whether one of the flags is among the arguments."""
        return any(word in flags for word in self.args)


def split_shell(line: str) -> list[SimpleCommand] | None:
    """The simple commands of a shell line; None where it is more than a list of them (quotes open, a block)."""
    line = _DUPLICATION.sub(" ", line)
    if len(line) > _LONGEST_LINE or _SUBSTITUTED_LIST.search(line):
        return None
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        return None
    commands: list[SimpleCommand] = []
    words: list[str] = []
    for token in tokens:
        operator = token.replace("\n", "") or ";"
        if operator in _OPERATORS:
            if words or operator != ";":
                commands.append(SimpleCommand(tuple(words), operator))
            words = []
        else:
            words.append(token)
    if words:
        commands.append(SimpleCommand(tuple(words), ""))
    if any(one.words and (one.words[0] in _RESERVED or "(" in one.words[0].partition("$")[0]) for one in commands):
        return None
    return commands


def shell_line(argv: tuple[str, ...]) -> str | None:
    """The line that ``sh -c LINE`` runs; None where the command is no shell with ``-c``."""
    argv = strip_front(argv)
    if len(argv) < 3 or base_name(argv[0]) not in _SHELLS:
        return None
    for index, word in enumerate(argv[1:], 1):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            return argv[index + 1] if index + 1 < len(argv) else None
        if not word.startswith("-"):
            return None
    return None


def strip_init(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command after a small init such as ``tini --``."""
    if not argv or base_name(argv[0]) not in _INITS:
        return argv
    rest = list(argv[1:])
    while rest and rest[0].startswith("-"):
        if rest.pop(0) == "--":
            break
    return tuple(rest)


def strip_front(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command after an init and after programs that take its place: ``ddtrace-run sh -c …``."""
    argv = strip_waiting(strip_init(argv))
    while argv and (program := base_name(argv[0])) in _INSTRUMENTS:
        argv = strip_waiting(strip_init(argv[1 + _INSTRUMENTS[program] :]))
    return argv


def strip_waiting(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command after programs that wait for another service first: ``wait-for-it.sh db:5432 -- …``."""
    while "--" in argv:
        words = argv[1:] if base_name(argv[0]) in _SHELLS else argv
        if not _WAITERS.fullmatch(base_name(words[0])):
            return argv
        argv = words[words.index("--") + 1 :]
    return argv


def strip_runner(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command that a runner of virtual environments takes the place of: ``poetry run ./start.sh``."""
    if argv and base_name(argv[0]) in _REPLACED_BY and "run" in argv[1:3]:
        return argv[argv.index("run") + 1 :]
    return argv


def has_init(argv: tuple[str, ...]) -> bool:
    """Whether an init that passes signals on is the first program."""
    return bool(argv) and base_name(argv[0]) in _INITS


def launch(words: tuple[str, ...]) -> Launch:
    """Take wrappers off a simple command."""
    rest, wrappers, replaced = list(strip_init(words[:_MOST_WORDS])), [], False
    while rest:
        program = base_name(rest[0])
        if _ASSIGNMENT.match(rest[0]):
            rest.pop(0)
        elif program == "exec":
            rest.pop(0)
            replaced = True
        elif program == "env":
            rest.pop(0)
            while rest and (rest[0].startswith("-") or "=" in rest[0]):
                rest.pop(0)
        elif program in _INSTRUMENTS:
            wrappers.append(program)
            del rest[: 1 + _INSTRUMENTS[program]]
        elif program in RUNNERS and "run" in rest[1:3]:
            wrappers.append(program)
            del rest[: rest.index("run") + 1]
            while rest and rest[0].startswith("-"):
                flag = rest.pop(0)
                if flag in ("--package", "--with", "--group", "--extra", "--project", "--directory", "-p") and rest:
                    rest.pop(0)
        elif _WAITERS.fullmatch(program) and "--" in rest:
            wrappers.append(program)
            del rest[: rest.index("--") + 1]
        elif program in _SHELLS and len(rest) > 1 and not rest[1].startswith("-"):
            wrappers.append(program)
            rest.pop(0)
        else:
            break
    if not rest:
        return Launch("", (), tuple(wrappers), replaced)
    program, args = base_name(rest[0]), rest[1:]
    if program == "coverage" and args[:1] == ["run"]:
        program, args = _python(args[1:])
    elif re.fullmatch(r"python[\d.]*|pypy3?", program):
        program, args = _python(args)
    return Launch(program, tuple(args), tuple(wrappers), replaced)


def _python(args: list[str]) -> tuple[str, list[str]]:
    rest = list(args)
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        letters = "" if flag.startswith("--") else flag[1:]
        taking = next((index for index, letter in enumerate(letters) if letter in "mcWX"), None)
        if taking is None:
            continue
        value = letters[taking + 1 :] or (rest.pop(0) if rest else "")
        if letters[taking] == "m" and value:
            return value, rest
        if letters[taking] == "c":
            return "python", ["-c", *filter(None, (value,)), *rest]
    return "python", rest


def base_name(path: str) -> str:
    """The last part of a program's path."""
    return path.rsplit("/", 1)[-1]
