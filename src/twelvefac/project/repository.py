"""A repository's services: where they lie, which images are theirs, and what is read of each."""

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from twelvefac.errors import origin
from twelvefac.project.credentials import words_of
from twelvefac.project.facts import FileFacts
from twelvefac.project.folders import SHOWN, folders_of, manifest_roots, owner_of, service_root
from twelvefac.project.images import Image
from twelvefac.project.modules import Modules
from twelvefac.project.publishing import published
from twelvefac.project.services import Service
from twelvefac.project.starting import find_processes


class Modelled(NamedTuple):
    """The services of a repository, by root; ``failures`` are ``(path, error)`` of what could not be made into one."""

    services: tuple[Service, ...]
    failures: tuple[tuple[str, str], ...] = ()


def find_services(
    root_name: str,
    files: Mapping[str, FileFacts],
    manifests: Iterable[str],
    read: Callable[[str], bytes],
    names: Collection[str] = (),
) -> Modelled:
    """The services of a repository.

    ``read`` gives a file's bytes for the import graph, ``names`` are the paths of all files that there are.
    """
    python = sorted(path for path in files if path.endswith(".py"))
    folders = folders_of(python)
    images: dict[str, list[Image]] = {}
    for path, facts in sorted(files.items()):
        if facts.dockerfile is not None and facts.dockerfile.stages:
            image = Image(path, facts.dockerfile)
            root = _built_from(image, service_root(path, folders, facts.dockerfile), files, folders)
            images.setdefault(root, []).append(image)
    roots = set(images) or manifest_roots(manifests, folders) or ({""} if python else set())
    shown = frozenset(root for root in images if not SHOWN.isdisjoint(words_of(root)))
    aside = shown if len(shown) < len(images) else frozenset()
    if not roots:
        return Modelled(())
    by_root: dict[str, list[str]] = {root: [] for root in roots}
    owners: dict[str, str] = {root: root for root in roots}
    for path in sorted(files):
        # what belongs to no service in particular goes to the top: manifests and pipelines of the whole repository
        by_root.setdefault(owner_of(posixpath.dirname(path), owners), []).append(path)
    built = published(files, [image.path for found in images.values() for image in found])
    alone = sum(1 for root in images if root not in aside) < 2 and not any(map(_is_unit, names))
    services: list[Service] = []
    failures: list[tuple[str, str]] = []
    for root in sorted(by_root):
        name = posixpath.basename(root) or root_name
        try:
            service = _service(root, name, tuple(images.get(root, ())), by_root[root], files, read)
            services.append(replace(service, aside=root in aside, published=built, alone=alone))
        except Exception as error:  # noqa: BLE001 - a mistake in one service must not cost the others
            failures.append((root or ".", origin(error)))
    filled, failed = find_processes(tuple(services), files)
    return Modelled(filled, (*failures, *failed))


def _is_unit(path: str) -> bool:
    """Whether systemd starts something by a file: the service is run without its image as well."""
    return path.endswith(".service")


def _built_from(image: Image, root: str, python: Collection[str], folders: frozenset[str]) -> str:
    """The folder that an image is built from: another one than its own, where the code that it copies lies there.

    Only a folder without code is asked: that of a Dockerfile beside the service, ``container/Dockerfile``.
    """
    taken = image.named
    above = root
    while above and root not in folders and taken:
        above = posixpath.dirname(above)
        found = {one for one in taken if (path := posixpath.join(above, one)) in folders or path in python}
        if len(found) > 1:
            return above
    return root


def _service(
    root: str,
    name: str,
    images: tuple[Image, ...],
    own: list[str],
    files: Mapping[str, FileFacts],
    read: Callable[[str], bytes],
) -> Service:
    python = tuple(path for path in own if path.endswith(".py"))
    manifests = (manifest for path in own if (manifest := files[path].manifest) is not None)
    scripts = {script: target for manifest in manifests for script, target in manifest.scripts}
    return Service(name, root, images, tuple(own), python, Modules(root, python, files, read), scripts=scripts)
