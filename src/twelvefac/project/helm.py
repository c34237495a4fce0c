"""What a Helm chart states without being rendered: values files and Chart.yaml.

Values are plain YAML, and what they say is what a deploy gets unless it says otherwise. Of templates no more is told
than a line of theirs says by itself.
"""

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_VALUES = regex(r"values\.ya?ml|values[._-][\w.-]{1,60}\.ya?ml|[\w.-]{1,60}[._-]values\.ya?ml")
_IMAGE = regex(r"[\w.-]{1,100}(?::\d{1,5})?(?:/[\w.-]{1,100}){0,6}(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{1,64})?")
_OF_HELM = regex(r"\.(?:Values|Chart|Release)\b")
_LITERAL = regex(rf"^[ \t-]{{0,60}}image:[ \t]{{1,8}}[\"']?({_IMAGE.pattern})[\"']?[ \t]{{0,8}}(?:#.{{0,200}})?$")
_COMMENT = regex(r"\{\{-?\s{0,4}/\*")
_END_OF_COMMENT = regex(r"\*/\s{0,4}-?\}\}")
_SEEN = regex(r"[^\n]")
_OPENS_BLOCK = regex(r"[:-][ \t]{1,8}[|>][-+0-9]{0,2}[ \t]{0,8}(?:[ \t]#.{0,200})?$")
_COMPARED = regex(r"\b(?:eq|ne)[ \t]{1,4}\.Values\.([\w.]{1,100})[ \t]")
_OF_TESTS = regex(r"helm\.sh/hook[\"']?:[ \t]{0,8}[\"']?test")
_TAGS = ("tag", "imageTag", "version")


class Setting(NamedTuple):
    """A value: the keys that lead to it, and its text; of ``env: [{name: A, value: b}]`` the last key is ``A``."""

    route: tuple[str, ...]
    value: str
    at: Pos

    @property
    def name(self) -> str:
        """The key that it stands under."""
        return self.route[-1]


class ChartImage(NamedTuple):
    """An image that values name: ``repository`` and ``tag``, each where it is written; no tag is the empty text."""

    repository: str
    tag: str
    at: Pos
    route: tuple[str, ...]


class Template(NamedTuple):
    """What a template states by its text: images that it names itself, and values that it compares with something."""

    images: tuple[tuple[str, Pos], ...] = ()
    compared: tuple[str, ...] = ()


def read_template(text: str) -> Template:
    """A template of a chart; nothing of one that another tool fills in, or that only tests a release."""
    if not _OF_HELM.search(text) or _OF_TESTS.search(text):
        return Template()
    text = _without_comments(text)
    images = [
        (match.group(1), (line, match.start(1) + 1, line, match.end(1) + 1))
        for line, content in (_fields(text) if "image:" in text else ())
        if (match := _LITERAL.match(content))
    ]
    return Template(tuple(images), tuple(dict.fromkeys(_COMPARED.findall(text))))


def _without_comments(text: str) -> str:
    """A template whose comments ``{{/* ... */}}`` are blank, so that all else keeps its place."""
    parts, last = [], 0
    while (comment := _COMMENT.search(text, last)) is not None:
        end = _END_OF_COMMENT.search(text, comment.end())
        if end is None:
            break
        parts += [text[last : comment.start()], _SEEN.sub(" ", text[comment.start() : end.end()])]
        last = end.end()
    return "".join((*parts, text[last:]))


def _fields(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a template that no block of text (``data: |``) holds, where nothing is a field."""
    block: int | None = None
    for line, content in enumerate(text.split("\n"), 1):
        stripped = content.lstrip()
        if block is not None and (not stripped or stripped.startswith("{{") or len(content) - len(stripped) > block):
            continue
        block = None
        if _OPENS_BLOCK.search(content):
            key = content.lstrip(" -")  # of "- key: |" it is the key that the text is further in than
            block = len(content) - len(stripped if key[0] in "|>" else key)
        yield line, content


def is_helm(name: str) -> bool:
    """Whether a file is called as values files and charts are."""
    return name in ("Chart.yaml", "Chart.yml") or _VALUES.fullmatch(name) is not None


def is_chart(path: str) -> bool:
    """Whether a path is a chart's description."""
    return posixpath.basename(path).startswith("Chart.")


def settings(document: YamlDocument) -> Iterator[Setting]:
    """All scalars of a values file in order; aliases are not followed, what they stand for is there already."""
    stack: list[tuple[tuple[str, ...], Node]] = [((), document.root)]
    while stack:
        route, node = stack.pop()
        if node.kind == "scalar" and route:
            yield Setting(route, str(node.data), node.at)
        elif node.kind == "list":
            stack += [((*route, str(index)), item) for index, item in enumerate(node.data)][::-1]
        elif node.kind == "map":
            inner = {key: value for key, _, value in node.data}
            name, value = inner.get("name"), inner.get("value")
            if name is not None and name.kind == "scalar" and value is not None and value.kind == "scalar":
                yield Setting((*route, str(name.data)), str(value.data), value.at)
                continue
            stack += [((*route, key), value) for key, _, value in node.data][::-1]


def images(document: YamlDocument) -> Iterator[ChartImage]:
    """The images of a values file: a ``repository`` and the ``tag`` beside it, or ``image: name:tag``."""
    found = list(settings(document))
    by_route = {one.route: one for one in found}
    for one in found:
        beside = [by_route[(*one.route[:-1], tag)] for tag in _TAGS if (*one.route[:-1], tag) in by_route]
        if one.name == "repository" or (one.name in ("image", "name") and beside and _IMAGE.fullmatch(one.value)):
            if beside and beside[0].value:
                yield ChartImage(one.value, beside[0].value, beside[0].at, beside[0].route)
        elif one.name == "image" and not beside and _IMAGE.fullmatch(one.value):
            repository, colon, tag = one.value.partition("@")[0].rpartition(":")
            if colon and "/" not in tag and "@" not in one.value:
                yield ChartImage(repository, tag, one.at, one.route)
