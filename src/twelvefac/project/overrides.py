"""Compose files that are put over others: which ones, as far as it is proved, and what comes of it.

Proof is a name (``compose.override.yaml``), a command that names both (``-f a.yaml -f b.yaml`` in a Makefile, a script,
a pipeline; ``COMPOSE_FILE=a.yaml:b.yaml``), or a service that has neither image nor build, which alone is none.
"""

import posixpath
from collections.abc import Iterator, Mapping

from twelvefac.project.compose import ComposeService, Named, extended, layered
from twelvefac.project.facts import FileFacts
from twelvefac.project.yaml_nodes import Node
from twelvefac.source.pattern import regex

_MAIN = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDE = regex(r"((?:docker-)?compose)\.override\.ya?ml")
_FILE = regex(r"(?:^|\s)(?:-f|--file)(?:[ \t]{1,8}|=)[\"']?([\w./-]{1,200}\.ya?ml)")
_LONGEST_LINE = 5_000


def is_override(path: str) -> bool:
    """Whether Compose puts a file over the main one by itself: what developers have over what is there."""
    return _OVERRIDE.fullmatch(posixpath.basename(path)) is not None


def find_bases(files: Mapping[str, FileFacts], composes: Named) -> Mapping[str, tuple[str, ...]]:
    """Of each file that is put over others those others, the undermost first."""
    if len(composes) < 2:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for path, facts in sorted(files.items()):
        for chain in _chains(facts):
            known = [_resolved(one, path, composes) for one in chain]
            if len(known) > 1 and None not in known:
                paths = [one for one in known if one is not None]
                found.setdefault(paths[-1], tuple(paths[:-1]))
    for path in composes:
        main = _main_beside(path, composes)
        if is_override(path) and main is not None:
            found.setdefault(path, (main,))
    return found


def with_bases(path: str, one: ComposeService, composes: Named, bases: Mapping[str, tuple[str, ...]]) -> ComposeService:
    """A service with what it extends, and what it is put over, put in."""
    own = extended(path, one, composes) if one.extends is not None else one
    under = bases.get(path)
    if under is None:
        main = _main_beside(path, composes)
        if main is None or own.image is not None or own.context is not None:
            return own
        under = (main,)
    result: ComposeService | None = None
    for base in under:
        other = composes[base].get(one.name)
        if other is not None:
            whole = extended(base, other, composes) if other.extends is not None else other
            result = whole if result is None else layered(result, whole)
    return own if result is None else layered(result, own)


def _main_beside(path: str, composes: Named) -> str | None:
    folder = posixpath.dirname(path)
    beside = (posixpath.join(folder, name) for name in _MAIN)
    return next((one for one in beside if one in composes and one != path), None)


def _resolved(name: str, path: str, composes: Named) -> str | None:
    folders = (posixpath.dirname(path), "")  # a pipeline and a script start where the repository begins
    candidates = (posixpath.normpath(posixpath.join(folder, name)) for folder in folders)
    return next((one for one in candidates if one in composes), None)


def _chains(facts: FileFacts) -> Iterator[list[str]]:
    """Compose files that one command names, in order."""
    for line in _lines(facts):
        if "compose" in line and len(line) < _LONGEST_LINE and len(names := _FILE.findall(line)) > 1:
            yield names
    for entry in facts.environment:
        if entry.name == "COMPOSE_FILE" and ":" in entry.value:
            yield entry.value.split(":")


def _lines(facts: FileFacts) -> Iterator[str]:
    if facts.text is not None and "compose" in facts.text:
        yield from facts.text.replace("\\\n", " ").split("\n")
    for command in facts.shell.commands if facts.shell is not None else ():
        yield " ".join(command.words)
    stack: list[Node] = [document.root for document in facts.pipeline]
    while stack:
        node = stack.pop()
        if node.kind == "map":
            stack += [value for _, _, value in node.data]
        elif node.kind == "list":
            stack += node.data
        elif node.kind == "scalar" and "compose" in node.data:
            yield from str(node.data).replace("\\\n", " ").split("\n")
