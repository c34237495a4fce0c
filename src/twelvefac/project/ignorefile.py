"""``.dockerignore``: which files a build context leaves out.

Docker's rules are those of Go's filepath.Match with ``**`` and ``!`` (Dockerfile reference, ".dockerignore file");
they differ from git's: a pattern is anchored at the context's root.
"""

import re
from functools import lru_cache


@lru_cache(64)
def _patterns(text: str) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    found = []
    for line in text.split("\n"):
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keeps = pattern.startswith("!")
        pattern = pattern.lstrip("!").strip().strip("/").removeprefix("./")
        if pattern and len(pattern) < 500:
            found.append((keeps, re.compile(_expression(pattern))))
    return tuple(found)


def _expression(pattern: str) -> str:
    parts = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if pattern.startswith("**/", index):
            parts.append("(?:[^/]{1,255}/){0,60}")
            index += 3
            continue
        if pattern.startswith("**", index):
            parts.append(".*")
            index += 2
            continue
        parts.append({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)))
        index += 1
    return "".join(parts) + "(?:/.*)?"


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern))


def selects(pattern: str, path: str) -> bool:
    """Whether a pattern of COPY takes ``path`` (below the context), itself or with the folder that it names."""
    return len(pattern) < 500 and _compiled(pattern).fullmatch(path) is not None


def is_left_out(text: str, path: str) -> bool:
    """Whether ``path`` (below the context) is left out by a ``.dockerignore`` with this text; the last match wins."""
    out = False
    for keeps, pattern in _patterns(text):
        if pattern.fullmatch(path):
            out = not keeps
    return out
