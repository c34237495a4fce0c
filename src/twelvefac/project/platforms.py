"""Files that tell a platform what to start: App Engine's ``app.yaml``, Render's ``render.yaml``."""

import posixpath
import re
from collections.abc import Iterator

from twelvefac.project.envfile import ProcfileEntry
from twelvefac.project.yaml_nodes import Node, YamlDocument
from twelvefac.source.pattern import regex

_APP_ENGINE = regex(r"^runtime:[ \t]{1,8}[\"']?python", re.MULTILINE)
_RENDER = regex(r"^services:", re.MULTILINE)


def is_platform(path: str, text: str) -> bool:
    """Whether a file tells App Engine or Render what to start, by its name and what is in it."""
    name = posixpath.basename(path)
    shape = (
        _APP_ENGINE if name in ("app.yaml", "app.yml") else _RENDER if name in ("render.yaml", "render.yml") else None
    )
    return shape is not None and shape.search(text) is not None and "{{" not in text


def read_commands(documents: tuple[YamlDocument, ...]) -> tuple[ProcfileEntry, ...]:
    """The commands that start Python, which the platform runs as one with a Procfile does."""
    return tuple(entry for document in documents for entry in _commands(document))


def _commands(document: YamlDocument) -> Iterator[ProcfileEntry]:
    root = document.root
    yield from _command(document, root, document.text(root, "service") or "web", "entrypoint")
    for one in document.elements(document.get(root, "services")):
        # what was called env is runtime now
        if (document.text(one, "runtime") or document.text(one, "env")) == "python":
            yield from _command(document, one, document.text(one, "name") or "web", "startCommand")


def _command(document: YamlDocument, node: Node, name: str, key: str) -> Iterator[ProcfileEntry]:
    command = document.get(node, key)
    if command is not None and document.text(node, key):
        yield ProcfileEntry(name, str(command.data), command.at)
