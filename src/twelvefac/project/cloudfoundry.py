"""Manifests of Cloud Foundry: which commands its applications are started with."""

import posixpath
import re

from twelvefac.project.envfile import ProcfileEntry
from twelvefac.project.images import NOT_RELEASED
from twelvefac.project.yaml_nodes import YamlDocument
from twelvefac.source.pattern import regex

_MANIFEST = regex(r"manifest(?:[._-][\w.-]{1,60})?\.ya?ml")


_STAGING = regex(r"(?:^|[._-])(?:stag(?:e|ing)|feature|sandbox|demo|qa)(?:$|[._-])")
_SNIFF = regex(r"^applications:", re.MULTILINE)


def is_cloud_foundry(path: str, text: str) -> bool:
    """Whether a file is a manifest of applications, by its name and what is in it, and not one for development."""
    name = posixpath.basename(path)
    if _MANIFEST.fullmatch(name) is None or NOT_RELEASED.search(name.lower()) or _STAGING.search(name.lower()):
        return False
    return _SNIFF.search(text) is not None and "{{" not in text


def read_applications(documents: tuple[YamlDocument, ...]) -> tuple[ProcfileEntry, ...]:
    """The commands of a manifest of Cloud Foundry, which runs them as a platform with a Procfile does."""
    entries = []
    for document in documents:
        for application in document.elements(document.get(document.root, "applications")):
            name = document.text(application, "name") or "web"
            for node in (application, *document.elements(document.get(application, "processes"))):
                command = document.get(node, "command")
                if command is None or not document.text(node, "command") or "((" in command.data:
                    continue  # ((…)) is put in when it is deployed
                kind = document.text(node, "type") or name
                entries.append(ProcfileEntry(kind, str(command.data), command.at))
    return tuple(entries)
