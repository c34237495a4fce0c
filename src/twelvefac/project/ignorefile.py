"""``.dockerignore``: which files a build context leaves out.

Docker's rules are those of Go's filepath.Match with ``**`` and ``!`` (Dockerfile reference, ".dockerignore file");
they differ from git's: a pattern is anchored at the context's root. A pattern is matched part by part: as one regular
expression ``*a*a*a`` would take for ever.
"""

import re
from collections.abc import Callable
from fnmatch import translate
from functools import lru_cache

_MOST_PATTERNS = 2_000
_LONGEST = 500
_Part = Callable[[str], object] | str | None
"""Of a pattern: a test, a name, or None for ``**``, any number of folders."""


@lru_cache(64)
def _patterns(text: str) -> tuple[tuple[bool, tuple[_Part, ...]], ...]:
    found = []
    for line in text.split("\n")[: 10 * _MOST_PATTERNS]:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keeps = pattern.startswith("!")
        pattern = pattern.lstrip("!").strip().strip("/").removeprefix("./")
        if pattern and len(pattern) < _LONGEST:
            found.append((keeps, _parts(pattern)))
        if len(found) == _MOST_PATTERNS:
            break
    return tuple(found)


@lru_cache(256)
def _parts(pattern: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for word in pattern.split("/"):
        if word == "**":
            parts += [None] if parts[-1:] != [None] else []
        elif any(character in word for character in "*?["):
            # fnmatch's expressions never try a place twice
            parts.append(re.compile(translate(word.replace("[^", "[!"))).match)
        elif word not in ("", "."):
            parts.append(word)
    if parts and parts[-1] is None:  # what is in a folder, not the folder
        parts[-1] = bool
    return tuple(parts)


def _matches(parts: tuple[_Part, ...], path: str) -> bool:
    """Whether a pattern matches a path, or a folder that it lies in."""
    states = {0}
    for name in path.split("/"):
        for state in sorted(states):
            if state < len(parts) and parts[state] is None:
                states.add(state + 1)
        behind: set[int] = set()
        for state in states:
            part = parts[state] if state < len(parts) else ""
            if part is None:
                behind.add(state)
            elif part == name or (callable(part) and part(name)):
                behind.add(state + 1)
        if len(parts) in behind:
            return True
        states = behind
    return False


def selects(pattern: str, path: str) -> bool:
    """Whether a pattern of COPY takes ``path`` (below the context), itself or with the folder that it names."""
    return len(pattern) < _LONGEST and _matches(_parts(pattern), path)


def count_of(text: str) -> int:
    """How many patterns a ``.dockerignore`` has, which each path is held against."""
    return len(_patterns(text))


def is_left_out(text: str, path: str) -> bool:
    """Whether ``path`` (below the context) is left out by a ``.dockerignore`` with this text; the last match wins."""
    out = False
    for keeps, parts in _patterns(text):
        if out is keeps and _matches(parts, path):
            out = not keeps
    return out
