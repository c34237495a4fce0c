"""The reader of YAML: nodes with exact places, from the C parser's events.

Built from events and not by ``yaml.compose``, because its C composer ends the process at 100 000 open brackets:
depth and size are bounded here before anything nests. Tags are not resolved (``on`` and ``yes`` stay text), aliases
are kept as aliases, so that a file that doubles itself a hundred times stays as small as it is written.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.span import Pos

MAX_DEPTH = 60
MAX_NODES = 100_000
MAX_ANCHORS = 500


class Node(NamedTuple):
    """A YAML node.

    ``kind`` is ``map`` (``data``: ``((key, place of the key, Node)…)``), ``list`` (``(Node…)``), ``scalar`` (its text)
    or ``alias`` (the anchor's name). ``plain`` tells an unquoted scalar, whose text may mean a number or null.
    """

    kind: str
    data: Any
    at: Pos
    plain: bool = False


class YamlDocument(NamedTuple):
    """One document of a file and the nodes that its anchors name."""

    root: Node
    anchors: tuple[tuple[str, Node], ...]

    def resolve(self, node: Node) -> Node:
        """The node that an alias stands for; itself for anything else."""
        for _ in range(MAX_DEPTH):
            if node.kind != "alias":
                return node
            node = dict(self.anchors).get(node.data, _NOTHING)
        return _NOTHING

    def items(self, node: Node) -> Iterator[tuple[str, Pos, Node]]:
        """A mapping's entries, aliases resolved and merge keys (``<<``) put in behind its own; nothing for others."""
        yield from self._items(self.resolve(node), set())

    def _items(self, node: Node, visited: set[int]) -> Iterator[tuple[str, Pos, Node]]:
        if node.kind != "map" or id(node) in visited or len(visited) > MAX_DEPTH:
            return
        visited.add(id(node))  # a second time adds no key; eight maps that merge a hundred times each would never end
        seen: set[str] = set()
        for key, at, value in node.data:
            if key != "<<":
                seen.add(key)
                yield key, at, self.resolve(value)
        for key, _, value in node.data:
            if key == "<<":
                merged = self.resolve(value)
                for source in merged.data if merged.kind == "list" else (merged,):
                    for inner, at, inner_value in self._items(self.resolve(source), visited):
                        if inner not in seen:
                            seen.add(inner)
                            yield inner, at, inner_value

    def get(self, node: Node, *route: str | int) -> Node | None:
        """The node below ``node`` at a route of keys and indexes; None where there is none."""
        here: Node | None = self.resolve(node)
        for step in route:
            if here is None:
                return None
            if isinstance(step, int):
                items = here.data if here.kind == "list" else ()
                here = self.resolve(items[step]) if step < len(items) else None
            else:
                here = next((value for key, _, value in self.items(here) if key == step), None)
        return here

    def elements(self, node: Node | None) -> tuple[Node, ...]:
        """A list's nodes, aliases resolved; empty for others."""
        if node is None:
            return ()
        node = self.resolve(node)
        return tuple(self.resolve(item) for item in node.data) if node.kind == "list" else ()

    def text(self, node: Node, *route: str | int) -> str | None:
        """The text of the scalar at a route; None where there is none, or where it is null."""
        found = self.get(node, *route)
        if found is None or found.kind != "scalar" or (found.plain and found.data in ("", "~", "null", "Null", "NULL")):
            return None
        return str(found.data)


_NOTHING = Node("scalar", "", (1, 1, 1, 1), plain=True)


def read_yaml(text: str) -> tuple[YamlDocument, ...]:
    """The documents of a YAML file; raises UnreadableError for what is no YAML, too deep or too large."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    documents: list[YamlDocument] = []
    try:
        documents.extend(_documents(loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        hint = " (a template?)" if "{{" in text else ""
        raise UnreadableError(f"{error.problem or 'not YAML'}{hint}", line) from None
    except yaml.YAMLError as error:  # characters that YAML does not allow
        raise UnreadableError(str(error).split("\n", 1)[0]) from None
    finally:
        loader.dispose()
    return tuple(documents)


def _documents(loader: Any) -> Iterator[YamlDocument]:
    from yaml import events

    count = 0
    anchors: dict[str, Node] = {}
    # each open collection: (children, start event); a mapping's children are keys and values in turn
    stack: list[tuple[list[Node], Any]] = []
    while True:
        event = loader.get_event()
        kind = type(event)
        if kind is events.StreamEndEvent:
            return
        if kind is events.DocumentStartEvent:
            anchors, stack = {}, [([], event)]
            continue
        if kind is events.DocumentEndEvent:
            yield YamlDocument(stack[0][0][0], tuple(anchors.items()))
            continue
        if kind is events.ScalarEvent:
            node = Node("scalar", event.value, _place(event, event), not event.style)
        elif kind is events.AliasEvent:
            node = Node("alias", event.anchor, _place(event, event))
        elif kind in (events.MappingStartEvent, events.SequenceStartEvent):
            if len(stack) > MAX_DEPTH:
                raise UnreadableError(f"nested deeper than {MAX_DEPTH}", event.start_mark.line + 1)
            stack.append(([], event))
            continue
        elif kind in (events.MappingEndEvent, events.SequenceEndEvent):
            children, start = stack.pop()
            node = _collection(children, start, event)
            event = start
        else:
            continue
        count += 1
        if count > MAX_NODES:
            raise UnreadableError(f"more than {MAX_NODES} nodes", event.start_mark.line + 1)
        if event.anchor and kind is not events.AliasEvent:
            if len(anchors) >= MAX_ANCHORS:
                raise UnreadableError(f"more than {MAX_ANCHORS} anchors", event.start_mark.line + 1)
            anchors[event.anchor] = node
        stack[-1][0].append(node)


def _collection(children: list[Node], start: Any, end: Any) -> Node:
    from yaml import events

    at = _place(start, end)
    if isinstance(start, events.SequenceStartEvent):
        return Node("list", tuple(children), at)
    pairs = zip(children[::2], children[1::2], strict=False)
    return Node("map", tuple((str(key.data), key.at, value) for key, value in pairs if key.kind == "scalar"), at)


def _place(start: Any, end: Any) -> Pos:
    first, last = start.start_mark, end.end_mark
    return (first.line + 1, first.column + 1, last.line + 1, last.column + 1)


def scalars(node: Node, key: str, without: Collection[Node]) -> Iterator[tuple[str, Node]]:
    """The scalars of a document, each with the key that it stands under; aliases are not followed."""
    stack = [(key, node)]
    while stack:
        name, here = stack.pop()
        if any(here is one for one in without):
            continue
        if here.kind == "scalar":
            yield name, here
        elif here.kind == "list":
            stack += [(name, item) for item in here.data]
        elif here.kind == "map":
            stack += [(inner, value) for inner, _, value in here.data]


def mappings(root: Node) -> Iterator[dict[str, Node]]:
    """The mappings of a document, each as its values by key; aliases are not followed."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.kind == "list":
            stack += node.data
        elif node.kind == "map":
            entries = {key: value for key, _, value in node.data}
            stack += entries.values()
            yield entries
