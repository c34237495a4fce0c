"""What a container really runs: its command followed through shells and scripts to the last program.

A process is one effective command (an image's, or a manifest's or Procfile's over it) and its steps: the simple
commands that run in order, each with the place where it is written and whether it takes the place of what started it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from twelvefac.project.command import (
    Launch,
    base_name,
    has_init,
    launch,
    shell_line,
    split_shell,
    strip_front,
    strip_init,
    strip_runner,
    strip_waiting,
)
from twelvefac.project.shell import DEBUG, ShellCommand, ShellFacts
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_BUSYBOX = regex(r"alpine|busybox|^(?:docker\.io/)?(?:library/)?(?:bash|docker)(?:[:@]|$)", re.IGNORECASE)
_BASH = regex(
    r"(?:^|[/:_.-])(?:ubi\d*|centos|fedora|rocky\w*|alma\w*|amazonlinux|oraclelinux|opensuse|archlinux)", re.IGNORECASE
)
_SHELLS = frozenset(("sh", "bash", "ash", "dash"))
_ALL = frozenset(("$@", "${@}", "$*", "$1"))
SCRIPT = "script"
"""The source of a process that no file states: what is started by hand."""
_BUILTINS = frozenset("set cd export source . shift echo true false test [ [[ local readonly umask ulimit".split())
_BRANCHES = frozenset(("if", "elif", "else", "while", "for", "until"))
_PASSING = _BUILTINS | frozenset(("exit", "printf", "trap", "wait", "sleep", "rm", "return"))
_MAX_DEPTH = 4


class Keeper(NamedTuple):
    """A shell that stays in front of a command and keeps its signals: ``dash`` …, or ``script``; and its line."""

    name: str
    span: Span


class Step(NamedTuple):
    """One command of a process.

    ``span`` is where it is written. ``last`` is the command that the container lives as long as. ``keepers`` are the
    shells that stay in front of it, outermost first: none where each was replaced; for steps that are not the last they
    say nothing. ``block`` is the statement of a script that it stands in, ``asked`` whether a variable
    has to ask for it.
    """

    words: tuple[str, ...]
    launch: Launch
    span: Span
    last: bool
    keepers: tuple[Keeper, ...]
    background: bool
    block: str
    asked: bool = False


@dataclass(frozen=True)
class Process:
    """A process type of a service.

    ``source`` is ``dockerfile``, ``compose``, ``kubernetes``, ``procfile`` or ``script`` (a guess); ``released``
    whether it is what runs in production. ``span`` states the command. ``argv`` is what becomes PID 1, ``shell`` what
    ``/bin/sh`` is in the image. ``environment`` is what the image and the manifest set; None for a value that is not
    known.
    """

    name: str
    source: str
    released: bool
    span: Span
    argv: tuple[str, ...]
    shell: str
    environment: dict[str, str | None]
    init: bool
    scripts: "Callable[[str], tuple[str, ShellFacts] | None]"
    workdir: str = "/"

    @property
    def has_init(self) -> bool:
        """Whether an init that passes signals on is in front."""
        return self.init or has_init(self.argv)

    def states(self, step: Step) -> bool:
        """Whether a manifest itself states this step, also where a script hands over to it (``exec "$@"``)."""
        if self.source not in ("compose", "kubernetes"):
            return False
        return step.span.path == self.span.path or (bool(step.words) and self.argv[-len(step.words) :] == step.words)

    @cached_property
    def line(self) -> str | None:
        """The shell line, where PID 1 is a shell with ``-c``."""
        return shell_line(self.argv)

    @cached_property
    def steps(self) -> tuple[Step, ...] | None:
        """The commands that run, in order; None where they cannot be told."""
        found = _follow(self, strip_init(self.argv), self.span, (), 0)
        return None if found is None else tuple(found)

    @cached_property
    def launches(self) -> tuple[Launch, ...]:
        """What those commands start, wrappers off."""
        return tuple(step.launch for step in self.steps or ())


def shell_of(base: str) -> str:
    """What ``/bin/sh`` is in an image made from ``base``: ``busybox``, ``bash`` or, as in Debian, ``dash``."""
    if _BUSYBOX.search(base):
        return "busybox"
    return "bash" if _BASH.search(base) else "dash"


def _follow(
    process: Process, argv: tuple[str, ...], span: Span, keepers: tuple[Keeper, ...], depth: int
) -> list[Step] | None:
    """The steps of a command that is written at ``span`` and started where ``keepers`` stay in front of it."""
    argv = strip_waiting(argv)
    if not argv or depth > _MAX_DEPTH:
        return []
    behind = strip_runner(argv)
    if behind and behind is not argv and (shell_line(behind) is not None or _script(process, behind) is not None):
        argv = behind
    line = shell_line(argv)
    if line is not None:
        return _line(process, argv, line, span, keepers, depth)
    found = _script(process, argv)
    if found is not None:
        path, facts, rest = found
        return _commands(process, path, facts, rest, keepers, depth)
    return [Step(argv, launch(argv), span, last=True, keepers=keepers, background=False, block="")]


def _line(
    process: Process, argv: tuple[str, ...], line: str, span: Span, keepers: tuple[Keeper, ...], depth: int
) -> list[Step] | None:
    parts = split_shell(line)
    if parts is None:
        return None
    shell = "bash" if base_name(strip_front(argv)[0]) == "bash" else process.shell
    parts = [part for part in parts if part.words]
    steps: list[Step] = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1 and part.after != "&"
        start = launch(part.words)
        if not last:
            steps.append(_early(part.words, span, background=part.after == "&", block=""))
            continue
        alone = len(parts) == 1
        piped = index > 0 and parts[index - 1].after == "|"
        replaces = start.replaced or (shell == "bash" and not piped) or (shell == "busybox" and alone)
        words = part.words[1:] if part.words[0] == "exec" else part.words
        inner = _follow(process, words, span, keepers if replaces else (*keepers, Keeper(shell, span)), depth + 1)
        steps += inner if inner is not None else []
    return steps


def _early(words: tuple[str, ...], span: Span, *, background: bool, block: str) -> Step:
    """A step before the last one."""
    return Step(words, launch(words), span, last=False, keepers=(), background=background, block=block)


def _script(process: Process, argv: tuple[str, ...]) -> tuple[str, ShellFacts, tuple[str, ...]] | None:
    """The script that a command runs, if it is one of the service's: its path, facts and arguments."""
    words = argv
    if base_name(words[0]) in _SHELLS:
        words = tuple(word for index, word in enumerate(words[1:]) if index or not word.startswith("-"))
    if not words:
        return None
    found = process.scripts(words[0])
    return None if found is None else (found[0], found[1], words[1:])


def _commands(
    process: Process, path: str, facts: ShellFacts, rest: tuple[str, ...], keepers: tuple[Keeper, ...], depth: int
) -> list[Step] | None:
    steps: list[Step] = []
    commands = _taken(facts, rest)
    for index, one in enumerate(commands):
        words = one.words
        executed = words[0] == "exec"
        if executed:
            words = words[1:]
        here = span = Span.of(path, one.at)
        if words and words[0] in _ALL:
            words, span = rest, process.span
        if not words or words[0] in _BUILTINS:
            continue
        if not _is_last(commands, index):
            early = _early(words, span, background=one.background, block=one.block)
            steps.append(early._replace(asked=one.asked))
            continue
        inner = _follow(process, words, span, keepers if executed else (*keepers, Keeper("script", here)), depth + 1)
        steps += [step._replace(block=step.block or one.block) for step in inner or ()]
    return steps


def _taken(facts: ShellFacts, rest: tuple[str, ...]) -> list[ShellCommand]:
    """The commands in the order they run: called functions put in, untaken branches of ``case $1`` left out."""
    functions: dict[str, list[ShellCommand]] = {}
    main: list[ShellCommand] = []
    for one in facts.commands:
        if not one.words or one.block == DEBUG:
            continue
        if one.block.startswith("function "):
            functions.setdefault(one.block.removeprefix("function "), []).append(one._replace(block=""))
        else:
            main.append(one)
    cases = [one.block.split(" ", 2)[2] for one in main if one.block.startswith(("case $1 ", "case ${1"))]
    named = {pattern for alternatives in cases for pattern in alternatives.split("|")}
    first = rest[0] if rest else ""
    taken: list[ShellCommand] = []
    for one in main:
        if one.block.startswith(("case $1 ", "case ${1")):
            patterns = one.block.split(" ", 2)[2].split("|")
            if first not in patterns and not ("*" in patterns and first not in named):
                continue
            one = one._replace(block="")  # noqa: PLW2901 - the branch is taken: it runs like any other command
        body = functions.get(one.words[0])
        taken += [one] if body is None else [inner._replace(block=one.block) for inner in body[:200]]
    return taken[:1000]


def _is_last(commands: list[ShellCommand], index: int) -> bool:
    """Whether a script ends with this command: the last one at top level, or one that replaces the script."""
    one = commands[index]
    if one.background:
        return False
    if one.words[0] == "exec":
        return True
    later = commands[index + 1 :]
    if one.block in ("if", "elif", "else"):  # the last command of a branch where the script ends with the branches
        behind = [other.block for other in later]
        return (one.block == "else" and not behind) or (
            bool(behind) and one.block not in behind and set(behind) <= {"elif", "else"} and "else" in behind
        )
    if one.block or any(not other.background and not other.block for other in later):
        return False
    # what a branch behind it runs is what the script ends with: not this one
    return not any(other.block in _BRANCHES and other.words[0] not in _PASSING for other in later)
