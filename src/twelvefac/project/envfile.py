"""The reader of ``.env`` files and Procfiles."""

import re
from typing import NamedTuple

from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_ENTRY = regex(r"[ \t]{0,20}(?:export[ \t]{1,4})?([A-Za-z_][\w.-]{0,200})[ \t]{0,4}=[ \t]{0,4}(.{0,5000})")
_PROCESS = regex(r"([A-Za-z0-9_-]{1,60})[ \t]{0,10}:[ \t]{0,10}(.{1,2000})")


class EnvEntry(NamedTuple):
    """``NAME=value``; quotes are taken off the value."""

    name: str
    value: str
    at: Pos


class ProcfileEntry(NamedTuple):
    """``web: gunicorn app:app``."""

    name: str
    command: str
    at: Pos


def read_envfile(text: str) -> tuple[EnvEntry, ...]:
    """The entries of an env file; lines that are none are passed over."""
    document = Document(text)
    entries = []
    for number in range(1, len(document.starts) + 1):
        line = document.line(number)
        match = _ENTRY.fullmatch(line)
        if match:
            value = match.group(2).strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            else:
                value = re.split(r"[ \t]#", value, maxsplit=1)[0].rstrip()
            entries.append(EnvEntry(match.group(1), value, (number, match.start(1) + 1, number, len(line) + 1)))
    return tuple(entries)


def read_procfile(text: str) -> tuple[ProcfileEntry, ...]:
    """The process types of a Procfile."""
    document = Document(text)
    entries = []
    for number in range(1, len(document.starts) + 1):
        line = document.line(number)
        match = _PROCESS.fullmatch(line.strip())
        if match and not line.startswith("#"):
            entries.append(ProcfileEntry(match.group(1), match.group(2).strip(), (number, 1, number, len(line) + 1)))
    return tuple(entries)
