"""Which Dockerfiles the pipelines of a repository build to publish."""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping

from twelvefac.project.facts import FileFacts
from twelvefac.project.yaml_nodes import Node, mappings, scalars
from twelvefac.source.pattern import regex

_PUBLISHES = regex(
    r"(?:docker|podman|buildah|image|container)[ :](?:\w{1,20} ){0,2}push\b|--push\b|kaniko|docker login|"
    r"builds submit|login-action|build-push-action|Publish-Docker|skopeo copy|\bacr build|\bfly(?:ctl)? deploy|"
    r"gcr\.io|\becr\b|pkg\.dev"
)
"""In a text of a pipeline that gives an image to a registry or a platform."""
_BUILDS = regex(r"\b(?:docker|podman|buildah|buildx|nerdctl)\s+(?:image\s+|buildx\s+)?(?:build|bud)\b([^;&|\n]{0,600})")
_BY_ACTION = regex(r"build-push-action|Publish-Docker")
_FILES = ("file", "dockerfile")
_FOLDERS = ("context", "workdir", "path")


def published(files: Mapping[str, FileFacts], dockerfiles: Collection[str]) -> frozenset[str]:
    """Of ``dockerfiles`` (paths) those that a publishing pipeline names: by their path, or by the folder it builds.

    A name that an expression decides is not known, and says nothing of any.
    """
    found: set[str] = set()
    for facts in files.values() if dockerfiles else ():
        for document in facts.pipeline:
            texts = [str(node.data) for _, node in scalars(document.root, "", ())]
            if any(_PUBLISHES.search(text) for text in texts):
                named = {*_in_commands(texts), *_in_actions(document.root)}
                found.update(path for path in dockerfiles if any(_is(name, path) for name in named))
    return frozenset(found)


def _is(name: str, path: str) -> bool:
    """Whether a name, from a folder that is not known if it has one in front, is a Dockerfile's."""
    return name == path or ("/" in name and path.endswith(f"/{name}"))


def _in_commands(texts: list[str]) -> Iterator[str]:
    for text in texts:
        joined = text.replace("\\\n", " ")
        for word in re.split(r"[\s\"'=,;]+", joined):
            if "ockerfile" in word or "ontainerfile" in word:
                yield posixpath.normpath(word)
        for match in _BUILDS.finditer(joined):
            words = match.group(1).split()
            if words and not any(word.startswith(("-f", "--file")) for word in words):
                yield posixpath.normpath(posixpath.join(words[-1].strip("\"'"), "Dockerfile"))


def _in_actions(root: Node) -> Iterator[str]:
    """What actions that build and publish are given; they build the Dockerfile at the top if nothing is said."""
    for inputs in inputs_of_actions(root):
        given = {key: str(value.data) for key, value in inputs.items()}
        if not any(given.get(key) for key in _FILES):
            folder = next((given[key] for key in _FOLDERS if given.get(key)), ".")
            yield posixpath.normpath(posixpath.join(folder, "Dockerfile"))


def inputs_of_actions(root: Node) -> Iterator[dict[str, Node]]:
    """What each action that builds and publishes an image is given, by name."""
    for entries in mappings(root):
        uses, inputs = entries.get("uses"), entries.get("with")
        if uses is not None and uses.kind == "scalar" and _BY_ACTION.search(uses.data):
            yield {key: value for key, _, value in inputs.data} if inputs and inputs.kind == "map" else {}
