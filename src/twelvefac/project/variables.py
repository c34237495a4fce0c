"""The environment of a service: which variables are given or read, where, and to what where that is no secret."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from twelvefac.project.compose import interpolated
from twelvefac.project.credentials import entropy, signs_sessions, words_of
from twelvefac.project.dockerfile import assignments
from twelvefac.project.facts import FileFacts, Value
from twelvefac.project.images import Image
from twelvefac.project.kubernetes import Container, Resource, Workload
from twelvefac.project.masking import telling_lines
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_LONGEST = 60
_LONGEST_VALUE = 5_000
_MOST = 50_000
"""Places that speak of variables: a thousand pods that each take all of a large ConfigMap say nothing more."""
_HIDES = frozenset(
    "key salt auth authorization pass pw pwd password passphrase passwd cred creds credential credentials secret "
    "secrets token tokens dsn cert certificate private signature webhook hash sas pin otp license licence cookie jwt "
    "pat".split()
)
"""Words of names whose values are not shown, though some are harmless."""
_RANDOM = regex(r"(?=[^0-9]{0,200}[0-9])(?=[^A-Z]{0,200}[A-Z])[A-Za-z0-9+/=_-]{16,400}|[0-9a-fA-F-]{20,400}")


class Given(NamedTuple):
    """A place that speaks of a variable; ``value`` is what it gives, ``***`` for a secret, "" where it gives none."""

    path: str
    line: int
    what: str
    value: str = ""


class Variables(NamedTuple):
    """Names with their places, and what could not be told."""

    given: tuple[tuple[str, Given], ...]
    notes: tuple[str, ...]


def find_variables(service: Service, files: Mapping[str, FileFacts]) -> Variables:
    """All that is known of a service's environment."""
    found: list[tuple[str, Given]] = []
    notes: list[str] = []
    for image in service.images:
        found += _of_image(image)
    passed: set[str] = set()
    for file, one in service.composed:
        for setting in one.environment:
            what = "passed on by compose" if setting.value is None else "set by compose"
            value = shown(setting.name, interpolated(setting.value or ""))
            found.append((setting.name, Given(file.path, setting.at[0], what, value)))
        for path in one.env_files:
            passed.add(path)
            if path not in files:
                notes.append(f"{file.path}:{one.at[0]}: env_file {path} is not in the tree")
                continue
            found += _of_env_file(path, files[path], f"from the env_file of compose service {one.name}")
    maps = _Maps(files)
    for workload, container in service.deployed:
        found += islice(_of_container(workload, container, maps, notes), max(_MOST - len(found), 0))
        if len(found) >= _MOST:
            notes.append(f"{workload.path}: more variables than {_MOST}; the others are not listed")
            break
    for path in service.files:
        if path not in passed:
            found += ((name, one._replace(value="")) for name, one in _of_env_file(path, files[path], "in an env file"))
        python = files[path].python
        for read in python.env if python is not None else ():
            if read.key:
                needed = "read, needed" if read.default is None and read.api == "os.environ[]" else "read"
                what = needed if read.default is None else "read, with a default"
                found.append((read.key, Given(path, read.at[0], what, _default(read.key, read.default))))
    return Variables(tuple(found), tuple(dict.fromkeys(notes)))


def shown(name: str, value: str) -> str:
    """A value as it may be shown: ``***`` for what may be a secret by its name or its looks, cut where it is long."""
    if len(value) > _LONGEST_VALUE:
        return "***"
    value = " ".join(value.split())
    if not value:
        return ""
    if value.startswith("$") and value[1:].strip("{()}").isidentifier():
        return value  # names another variable
    if not _HIDES.isdisjoint(words_of(name)) or signs_sessions(name) or telling_lines(f"{name}={value}"):
        return "***"
    if any(
        len(word) >= 16 and not word.isalpha() and entropy(word) > 3.5 and "." not in word for word in value.split()
    ):
        return "***"  # as random as a key is, whatever it is called
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


def _default(name: str, value: Value | None) -> str:
    if value is None or not value.is_literal or value.kind == "none":
        return ""
    return shown(name, str(value.data))


def _of_image(image: Image) -> Iterator[tuple[str, Given]]:
    for instruction in image.instructions:
        if instruction.keyword == "ENV":
            for name, _ in assignments(instruction.text):
                value = shown(name, image.environment.get(name) or "")
                yield name, Given(image.path, instruction.at[0], "set by the image", value)


def _of_env_file(path: str, facts: FileFacts, what: str) -> Iterator[tuple[str, Given]]:
    return ((entry.name, Given(path, entry.at[0], what, shown(entry.name, entry.value))) for entry in facts.environment)


class _Maps:
    """The ConfigMaps and Secrets of the tree by name, with what Kustomize makes: ``(path, key, line, value)``."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self._files = files
        self._found: dict[tuple[str, str], list[tuple[str, str, int, str]]] = {}
        for facts in files.values():
            for one in facts.resources:
                if one.kind in ("ConfigMap", "Secret"):
                    self._found.setdefault((one.kind, one.name), []).extend(self._data(one))
                elif one.kind == "Kustomization":
                    for kind, section in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
                        for name, entries in self._generated(one, section):
                            self._found.setdefault((kind, name), []).extend(entries)

    def keys(self, kind: str, name: str, beside: str) -> "list[tuple[str, str, int, str]] | None":
        """What one of them holds; of several of a name those in the folder of ``beside``. None for one not there."""
        found = self._found.get((kind, name))
        if found is None:
            return None
        near = [one for one in found if posixpath.dirname(one[0]) == posixpath.dirname(beside)]
        return near or found

    def _data(self, one: Resource) -> Iterator[tuple[str, str, int, str]]:
        for section in ("data", "stringData"):
            node = one.document.get(one.node, section)
            for key, at, value in one.document.items(node) if node is not None else ():
                yield one.path, key, at[0], str(value.data) if value.kind == "scalar" else ""

    def _generated(self, one: Resource, section: str) -> Iterator[tuple[str, list[tuple[str, str, int, str]]]]:
        for entry in one.document.elements(one.document.get(one.node, section)):
            entries: list[tuple[str, str, int, str]] = []
            for literal in one.document.elements(one.document.get(entry, "literals")):
                key, _, value = str(literal.data).partition("=")
                entries.append((one.path, key, literal.at[0], value.strip("\"'")))
            named = [*one.document.elements(one.document.get(entry, "envs")), one.document.get(entry, "env")]
            for node in named:
                if node is None or node.kind != "scalar":
                    continue
                path = posixpath.normpath(posixpath.join(posixpath.dirname(one.path), str(node.data)))
                given = self._files[path].environment if path in self._files else ()
                entries += [(path, item.name, item.at[0], item.value) for item in given]
            yield one.document.text(entry, "name") or "", entries


def _of_container(
    workload: Workload, container: Container, maps: _Maps, notes: list[str]
) -> Iterable[tuple[str, Given]]:
    document, path = workload.document, workload.path
    for setting in container.environment:
        value = shown(setting.name, setting.value or "")
        yield setting.name, Given(path, setting.at[0], "set by the manifest", value)
    sources = {document.text(entry, "name"): entry for entry in document.elements(document.get(container.node, "env"))}
    for reference in container.references:
        entry = sources.get(reference.name)
        if entry is None:
            continue
        kind = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}.get(reference.source, "")
        name = document.text(entry, "valueFrom", reference.source, "name") or ""
        key = document.text(entry, "valueFrom", reference.source, "key") or ""
        what = f"from the {kind} {name}" if kind and name else f"from a {reference.source}"
        value = ""
        if kind == "ConfigMap":
            held = [one for one in maps.keys(kind, name, path) or () if one[1] == key]
            value = shown(reference.name, held[0][3]) if held else ""
        yield reference.name, Given(path, reference.at[0], what, "***" if kind == "Secret" else value)
    for entry in document.elements(document.get(container.node, "envFrom")):
        prefix = document.text(entry, "prefix") or ""
        for kind, reference_key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            name = document.text(entry, reference_key, "name") or ""
            if not name:
                continue
            keys = maps.keys(kind, name, path)
            if keys is None:
                notes.append(f"{path}:{entry.at[0]}: the {kind} {name} is not in the tree: its variables are not known")
            for where, key, line, value in keys or ():
                what = f"from all of the {kind} {name}, for {path}:{entry.at[0]}"
                known = "***" if kind == "Secret" else shown(prefix + key, value)
                yield prefix + key, Given(where, line, what, known)
