"""The readers of lock files: which distribution is pinned to which version, and where that is written.

``uv.lock``, ``poetry.lock``, ``pdm.lock`` and PEP 751's ``pylock.toml`` are lists of ``[[package]]`` tables that their
tools write in one way; they are searched and not parsed, which a file of a megabyte makes 40 times as fast.
"""

import json
import posixpath
import re
from typing import NamedTuple

from twelvefac.project.dependencies import normalised, read_requirements
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_TABLE = regex(r"^\[\[packages?\]\][ \t]{0,8}\r?$", re.MULTILINE)
_MEMBER = regex(r"^(name|version|optional)[ \t]{0,4}=[ \t]{0,4}[\"']?([^\"'\r\n]{1,200})", re.MULTILINE)
_ENTRY = regex(r"^[ \t]{4,12}\"([A-Za-z0-9][\w.-]{0,100})\": \{", re.MULTILINE)
_CONFLICT = regex(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_FORMATS = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv"}


class Locked(NamedTuple):
    """A distribution that a lock holds; ``version`` is "" where it has none (a folder, a repository)."""

    name: str
    version: str
    at: Pos


class Lock(NamedTuple):
    """A lock file; ``format`` is one of ``uv``, ``poetry``, ``pdm``, ``pipenv``, ``pylock``, ``requirements``."""

    format: str
    packages: tuple[Locked, ...]


def read_lock(path: str, text: str) -> Lock:
    """What a lock file pins; raises UnreadableError where it is none, or holds marks of a merge."""
    conflict = _CONFLICT.search(text)
    if conflict:
        raise UnreadableError("marks of a merge", text.count("\n", 0, conflict.start()) + 1)
    name = posixpath.basename(path)
    kind = _FORMATS.get(name, "requirements" if name.endswith(".lock") else "pylock")
    if kind == "pipenv":
        return Lock(kind, _pipenv(text))
    if kind == "requirements":
        pinned = read_requirements(path, text).requirements
        return Lock(kind, tuple(Locked(one.name, one.specifier.lstrip("="), one.at) for one in pinned))
    return Lock(kind, tuple(_tables(text)))


def _tables(text: str) -> list[Locked]:
    found: list[Locked] = []
    line, seen = 1, 0
    for table in _TABLE.finditer(text):
        end = text.find("\n[", table.end())
        body = text[table.end() : end if end >= 0 else len(text)]
        members = {match.group(1): match for match in _MEMBER.finditer(body)}
        if (name := members.get("name")) is None:
            continue
        at = table.end() + name.start()
        line, seen = line + text.count("\n", seen, at), at
        version = members["version"].group(2) if "version" in members else ""
        found.append(Locked(normalised(name.group(2)), version, (line, 1, line, name.end() - name.start() + 2)))
    return found


def _pipenv(text: str) -> tuple[Locked, ...]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UnreadableError("not JSON", getattr(error, "lineno", 0)) from None
    sections = [
        data[one] for one in ("default", "develop") if isinstance(data, dict) and isinstance(data.get(one), dict)
    ]
    document = Document(text)
    places: dict[str, Pos] = {}
    for match in _ENTRY.finditer(text):
        places.setdefault(match.group(1), document.pos(match.start(1), match.end(1)))
    found: dict[str, Locked] = {}
    for section in sections:
        for name, entry in section.items():
            version = entry.get("version", "") if isinstance(entry, dict) else ""
            pinned = version.lstrip("=") if isinstance(version, str) else ""
            found.setdefault(name, Locked(normalised(name), pinned, places.get(name, (1, 1, 1, 1))))
    return tuple(found.values())
