"""The reader of Dockerfiles.

Written here because no library gives exact places for heredocs and continuations with comments between
(../RULES.md, "Secrets, parsers, libraries": dockerfile-parse takes heredoc bodies for instructions, the BuildKit
binding has no arm64 wheel). The grammar is Docker's Dockerfile reference, "Format" to "Here-Documents".
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from twelvefac.project.facts import DockerfileFacts, Instruction, Stage
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

KEYWORDS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER "
    "VOLUME WORKDIR".split()
)
_DIRECTIVE = regex(r"#\s{0,20}(\w{1,20})\s{0,20}=\s{0,20}(\S{1,200})\s*$")
_HEREDOC = regex(r"(?<!<)<<(-?)([\"']?)([A-Za-z_][\w.-]{0,60})\2(?!<)")
_FLAG = regex(r"--([a-z][a-z-]{0,30})(?:=(\S{0,500}))?(?:\s+|$)")
_VARIABLE = regex(r"\$(?:\{(\w{1,100})(?:(:?[-+?])([^{}]{0,200}))?\}|(\w{1,100}))")
_LONGEST_VALUE = 10_000
"""Of what variables put in: ``ARG b=$a$a``, forty times over, would fill any memory."""
_HEREDOC_KEYWORDS = ("RUN", "COPY", "ADD")


class _Logical(NamedTuple):
    """One instruction's lines, joined: ``text`` without continuations and comments, and where it came from."""

    text: str
    start: int  # first line, 1-based
    end: int  # last line of the instruction, heredocs not included
    heredocs: tuple[str, ...]


def read_dockerfile(text: str) -> DockerfileFacts:
    """The stages of a Dockerfile; raises UnreadableError at the first line that is no instruction."""
    document = Document(text)
    lines = [document.line(number) for number in range(1, len(document.starts) + 1)]
    arguments: dict[str, str | None] = {}
    stages: list[Stage] = []
    current: list[Instruction] = []
    head: tuple[str, str | None, str, Pos] | None = None
    for logical in _logical_lines(lines):
        instruction = _instruction(logical, lines)
        if instruction.keyword == "FROM":
            if head is not None:
                stages.append(Stage(*head, tuple(current)))
            head, current = _from(instruction, arguments), []
        elif head is None:
            if instruction.keyword != "ARG":
                raise UnreadableError(f"{instruction.keyword} before the first FROM", logical.start)
            given = [
                (name, value and expand(value, arguments))
                for name, value in assignments(instruction.text, spaced=False)
            ]
            arguments.update(given)
        else:
            current.append(instruction)
    if head is not None:
        stages.append(Stage(*head, tuple(current)))
    return DockerfileFacts(tuple(stages), tuple(arguments.items()))


def expand(text: str, variables: Mapping[str, str | None]) -> str | None:
    """``text`` with ``$X``, ``${X}``, ``${X:-default}`` and ``${X:+other}`` put in.

    None if one has no value, if it is one of the rarer forms, or if the result would be out of all proportion.
    """
    missing = False
    length = 0

    def put(match: re.Match[str]) -> str:
        nonlocal missing, length
        value = found(match)
        length += len(value)
        missing = missing or length > _LONGEST_VALUE
        return "" if missing else value

    def found(match: re.Match[str]) -> str:
        nonlocal missing
        name = match.group(1) or match.group(4)
        operator, operand = match.group(2) or "", match.group(3) or ""
        value = variables.get(name)
        given = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("-") and not given:
            return operand
        if operator.endswith("+"):
            return operand if given else ""
        if value is None:
            missing = True
            return ""
        return value

    result = _VARIABLE.sub(put, text)
    return None if missing or "${" in _VARIABLE.sub("", text) else result


def assignments(text: str, *, spaced: bool = True) -> list[tuple[str, str | None]]:
    """The ``NAME=value`` pairs of an ENV or ARG; quotes are taken off; None for a name without a value.

    ``spaced`` is for ENV and LABEL, which also have the form ``NAME value with blanks``.
    """
    pairs: list[tuple[str, str | None]] = []
    words = split_words(text)
    if spaced and len(words) > 1 and "=" not in words[0]:  # ENV NAME value with spaces
        name, value = text.split(None, 1)
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        return [(name, value[1:-1] if quoted else value)]
    for word in words:
        name, equals, value = word.partition("=")
        pairs.append((name, value if equals else None))
    return pairs


def split_words(text: str) -> list[str]:
    """Words as Docker splits ENV, ARG and LABEL: by blanks, quotes and backslashes understood."""
    words: list[str] = []
    word, quote, started = [], "", False
    characters = iter(text)
    for character in characters:
        if character == "\\" and quote != "'":
            word.append(next(characters, ""))
            started = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word.append(character)
        elif character in "\"'":
            quote, started = character, True
        elif character.isspace():
            if started or word:
                words.append("".join(word))
            word, started = [], False
        else:
            word.append(character)
    if started or word:
        words.append("".join(word))
    return words


def _logical_lines(lines: list[str]) -> list[_Logical]:
    escape = _escape(lines)
    result: list[_Logical] = []
    index, count = 0, len(lines)
    while index < count:
        if not lines[index].strip() or lines[index].lstrip().startswith("#"):
            index += 1
            continue
        start = index
        parts: list[str] = []
        while True:
            line = lines[index]
            stripped = line.rstrip()
            more = stripped.endswith(escape) and not stripped.endswith(escape * 2)
            parts.append(stripped[:-1] if more else line)
            last = index
            index += 1
            while more and index < count and (not lines[index].strip() or lines[index].lstrip().startswith("#")):
                index += 1  # comments and blank lines between continued lines belong to none
            if not more or index >= count:
                break
        text = _joined(parts)
        if not text:
            continue
        bodies: list[str] = []
        if text.split(None, 1)[0].upper() in _HEREDOC_KEYWORDS:
            for dash, _, name in _HEREDOC.findall(text):
                body: list[str] = []
                while index < count:
                    line = lines[index].lstrip("\t") if dash else lines[index]
                    index += 1
                    if line.rstrip("\r") == name:
                        break
                    body.append(line)
                bodies.append("\n".join(body))
        result.append(_Logical(text, start + 1, last + 1, tuple(bodies)))
    return result


def _joined(parts: list[str]) -> str:
    """Continued lines as one: a word goes on across the end of a line, blanks there count as one."""
    text = ""
    pieces: list[str] = []
    for part in parts:
        inner = part.strip()
        if pieces and (text[-1:].isspace() or part[:1].isspace()):
            pieces.append(" ")
        pieces.append(inner)
        text = part
    return "".join(pieces).strip()


def _escape(lines: list[str]) -> str:
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if not match:
            break  # directives come first or not at all
        if match.group(1).lower() == "escape" and match.group(2) in ("\\", "`"):
            return match.group(2)
    return "\\"


def _instruction(logical: _Logical, lines: list[str]) -> Instruction:
    word, *others = logical.text.split(None, 1)
    keyword = word.upper()
    rest = others[0] if others else ""
    if keyword not in KEYWORDS:
        # not quoted: where a continuation is missing, the next line of an ENV stands here
        raise UnreadableError("no instruction that Docker knows", logical.start)
    flags: list[tuple[str, str]] = []
    start = 0
    if keyword != "ONBUILD":
        while match := _FLAG.match(rest, start):
            flags.append((match.group(1), match.group(2) or ""))
            start = match.end()
    rest = rest[start:].strip()
    args = _exec_form(rest) if keyword in ("CMD", "ENTRYPOINT", "RUN", "SHELL", "COPY", "ADD", "VOLUME") else None
    first, last = lines[logical.start - 1], lines[logical.end - 1]
    indent = len(first) - len(first.lstrip())
    at = (logical.start, indent + 1, logical.end, len(last.rstrip()) + 1)
    text_start = _text_column(first, indent, logical.text, rest)
    text_at = (logical.start, text_start, at[2], at[3]) if text_start else at
    return Instruction(
        keyword,
        tuple(flags),
        rest,
        "shell" if args is None else "exec",
        args or (),
        logical.heredocs,
        at,
        text_at,
    )


def _text_column(first: str, indent: int, text: str, rest: str) -> int:
    """Where ``rest``, the end of ``text``, starts on its first line (1-based); 0 where it starts on a later one."""
    before = len(text) - len(rest)
    head = rest.split(None, 1)[0] if rest else ""
    return indent + before + 1 if head and first.startswith(head[:1], indent + before) else 0


def _exec_form(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array; None for the shell form, which a malformed array also is."""
    if not text.startswith("["):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(data, list) and all(isinstance(item, str) for item in data):
        return tuple(data)
    return None


def _from(instruction: Instruction, arguments: dict[str, str | None]) -> tuple[str, str | None, str, Pos]:
    words = instruction.text.split()
    raw = words[0] if words else ""
    name = words[2] if len(words) >= 3 and words[1].lower() == "as" else ""
    line, column, _, _ = instruction.text_at
    return name, expand(raw, arguments), raw, (line, column, line, column + len(raw))
