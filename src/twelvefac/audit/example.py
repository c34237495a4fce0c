"""Examples: a tree of files as text, with markers that are the exact expectation of a test."""

import re
import textwrap
from typing import NamedTuple

from twelvefac.source.pattern import regex

_FILE = regex(r"^-- (\S+)(?: \((untracked)\))? --$", re.MULTILINE)
_MARKER = regex(r"[ \t]*# <- ([a-z0-9-]+)(?: x(\d+))?[ \t]*$", re.MULTILINE)


class Tree(NamedTuple):
    """Files by path, and what must be found in them: sorted ``(rule, path, line)``, repeated for ``x2``.

    Where some are ``untracked`` the tree is a git repository that tracks the others.
    """

    files: dict[str, str]
    expected: tuple[tuple[str, str, int], ...]
    untracked: frozenset[str] = frozenset()


def read_tree(source: str) -> Tree:
    """Take the markers out of an example's source and split it into files.

    Files without comments state their expectations in a part ``-- expect --``, a line ``path:line rule`` each.
    """
    text = textwrap.dedent(source).strip("\n") + "\n"
    starts = list(_FILE.finditer(text))
    files: dict[str, str] = {}
    expected: list[tuple[str, str, int]] = []
    untracked = frozenset(start.group(1) for start in starts if start.group(2))
    for index, start in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(text)
        path, body = start.group(1), text[start.end() + 1 : end]
        if path == "expect":
            expected += [_expectation(line.strip()) for line in body.split("\n") if line.strip()]
            continue
        for number, line in enumerate(body.split("\n"), 1):
            if match := _MARKER.search(line):
                expected += [(match.group(1), path, number)] * int(match.group(2) or 1)
        files[path] = _MARKER.sub("", body)
    return Tree(files, tuple(sorted(expected)), untracked)


def _expectation(line: str) -> tuple[str, str, int]:
    place, _, rule = line.partition(" ")
    path, _, number = place.rpartition(":")
    return rule, path, int(number)
