"""The reader of INI files that say what a container runs: supervisor's and uWSGI's configuration, with exact places.

configparser gives no places, and refuses what uWSGI allows: a key twice, each of which counts.
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twelvefac.project.command import Launch
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

NAME = regex(
    r"(?:.{1,300}/)?(?:supervisor[\w.-]{0,60}|supervisor[\w.-]{0,60}/(?:[\w.-]{1,60}/){0,2}[\w.-]{1,60})\.(?:conf|ini)"
    r"|(?:.{1,300}/)?(?:[\w.-]{0,40}uwsgi[\w.-]{0,40}\.ini|uwsgi/[\w.-]{1,60}\.ini)"
)
_SECTION = regex(r"[ \t]{0,20}\[([^\]\n]{1,200})\]")
_ENTRY = regex(r"[ \t]{0,20}([\w.:-]{1,100})[ \t]{0,20}[=:][ \t]{0,20}(.{0,4000})")
_COMMENT = regex(r"[ \t]{1,20};.{0,2000}")


class IniEntry(NamedTuple):
    """``key = value`` in a section; a comment behind the value is taken off."""

    section: str
    key: str
    value: str
    at: Pos


def is_ini(path: str) -> bool:
    """Whether a path is a configuration of supervisor or uWSGI."""
    return path.endswith((".conf", ".ini")) and NAME.fullmatch(path) is not None


def read_ini(text: str) -> tuple[IniEntry, ...]:
    """The entries in order; lines that are none (those that go on with a value too) are passed over."""
    document = Document(text)
    section = ""
    found = []
    for number in range(1, len(document.starts) + 1):
        line = document.line(number)
        if line.lstrip()[:1] in ("#", ";", ""):
            continue
        if (head := _SECTION.match(line)) is not None:
            section = head.group(1).strip()
        elif (entry := _ENTRY.fullmatch(line)) is not None:
            value = _COMMENT.split(entry.group(2), maxsplit=1)[0].rstrip()
            end = entry.start(2) + len(value) + 1
            found.append(IniEntry(section, entry.group(1), value, (number, entry.start(1) + 1, number, end)))
    return tuple(found)


def configurations(
    start: Launch, files: Mapping[str, tuple[IniEntry, ...]]
) -> Iterator[tuple[str, tuple[IniEntry, ...]]]:
    """The files that supervisord or uWSGI is started with: those that its command names, or the only one there is."""
    section = {"supervisord": ("supervisord", "program:", "unix_http_server"), "uwsgi": ("uwsgi",)}.get(start.program)
    if section is None:
        return
    own = {path: entries for path, entries in files.items() if any(one.section.startswith(section) for one in entries)}
    named = {posixpath.basename(word.rpartition("=")[2]) for word in start.args}
    chosen = [path for path in own if posixpath.basename(path) in named] or (list(own) if len(own) == 1 else [])
    for path in chosen:
        yield path, own[path]
