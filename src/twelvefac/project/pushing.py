"""Which images a pipeline pushes, and by which tags, as far as its text tells."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twelvefac.project.publishing import inputs_of_actions
from twelvefac.project.yaml_nodes import Node, YamlDocument, mappings, scalars
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

_PUSH = regex(r"\b(?:docker|podman|buildah)[ \t]{1,8}(?:image[ \t]{1,8})?push[ \t]([^;&|\n]{1,300})")
_FILLED = regex(r"\$\{\{[ \t]{0,8}env\.(\w{1,60})[ \t]{0,8}\}\}|\$\{(\w{1,60})\}|\$(\w{1,60})")
_EXPRESSION = regex(r"\$\{\{[^}]{0,300}\}\}")
_FALLBACK = regex(r"\$\{\{[^}]{1,200}\|\|[ \t]{0,8}'([\w.-]{1,60})'[ \t]{0,8}\}\}")
"""``${{ inputs.tag || 'latest' }}``: what a push that nobody asked for takes."""


class Pushed(NamedTuple):
    """An image that is pushed; ``tag`` is None where the text does not tell it, "" where there is none."""

    image: str
    tag: str | None
    at: Pos


def pushes(document: YamlDocument) -> Iterator[Pushed]:
    """The pushes of a pipeline: in its commands, and by Docker's own action."""
    given = _environment(document.root)
    for _, node in scalars(document.root, "", ()):
        text = str(node.data)
        several = "\n" in text
        line, last = node.at[0] + (1 if several and node.at[2] > node.at[0] else 0), 0
        for match in _PUSH.finditer(text):
            line, last = line + text.count("\n", last, match.start()), match.start()
            words = [word for word in _filled(match.group(1), given).split() if not word.startswith("-")]
            if words:
                yield _pushed(words[0], (line, 1, line, 1) if several else node.at)
    for inputs in inputs_of_actions(document.root):
        told = {key: value for key, value in inputs.items() if value.kind == "scalar"}
        if "tags" in told and "push" in told and str(told["push"].data) != "false":
            for name in _filled(str(told["tags"].data), given).replace(",", "\n").split("\n"):
                if name.strip():
                    yield _pushed(name.strip(), told["tags"].at)


def _pushed(name: str, at: Pos) -> Pushed:
    """``${{ … }}`` has blanks and colons of its own: what is left of it is what the text does not tell."""
    head, slash, last = name.strip("\"'").rpartition("/")
    base, colon, tag = last.partition(":")
    unknown = any(mark in tag for mark in "${(") or any(mark in base for mark in "${(")
    return Pushed(f"{head}{slash}{base}", None if unknown else tag if colon else "", at)


def _environment(root: Node) -> Mapping[str, str]:
    """The variables that a pipeline gives itself, by name; one that is given twice is not known."""
    found: dict[str, str] = {}
    for entries in mappings(root):
        for value in (entries[key] for key in ("env", "variables") if key in entries):
            for name, _, one in value.data if value.kind == "map" else ():
                known = one.kind == "scalar" and name not in found
                found[name] = str(one.data) if known else "${}"
    return found


def _filled(text: str, given: Mapping[str, str]) -> str:
    filled = _FILLED.sub(lambda match: given.get(match.group(1) or match.group(2) or match.group(3), "${}"), text)
    filled = _FALLBACK.sub(lambda match: match.group(1), filled)
    return _EXPRESSION.sub("${}", filled)
