"""Which images only developers have: told by who gives them their command, and what that starts."""

import posixpath
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from twelvefac.project.compose import ComposeFile, ComposeService, is_source
from twelvefac.project.facts import FileFacts
from twelvefac.project.images import Image, starts_for_developers
from twelvefac.project.processes import Process

if TYPE_CHECKING:
    from twelvefac.project.services import Service


def is_of_developers(service: "Service", image: Image) -> bool:
    """Whether an image has no command, and only developers give it one: where compose mounts the sources over it.

    Beside a Procfile, whose commands a platform runs without an image, it is theirs too. So is one whose script ends
    with a server for development, where it has what development needs or only their stack builds it, with the sources
    mounted over it.
    """
    builds = [(file, one) for file, one in service.composed if one.dockerfile == image.path]
    theirs = bool(builds) and all(
        not file.released and any(is_source(mount) for mount in one.mounts) for file, one in builds
    )
    if (image.installs_for_developers or (theirs and image.path not in service.published)) and any(
        one.source == "dockerfile" and one.span.path == image.path and _serves_developers(one)
        for one in service.processes
    ):
        return True  # by a script of its own
    if builds and _is_beside(service, image, builds):
        return True
    if image.takes_nothing and any(
        not file.released and any(mount.is_bind for mount in one.mounts) for file, one in builds
    ):
        return True  # all that it runs is mounted
    if builds and image.command is None and any(one.source == "procfile" for one in service.processes):
        return not any(file.released for file, _ in builds)
    return image.command is None and theirs


def _is_beside(service: "Service", image: Image, builds: list[tuple[ComposeFile, ComposeService]]) -> bool:
    """Whether only a developers' stack builds an image, from its own folder, and the service has one at its top.

    That is a stand-in for somebody else's service: nothing of this one gets into it.
    """
    own = posixpath.join(service.root, "Dockerfile")
    return (
        image.path != own
        and any(one.path == own for one in service.images)
        and all(not file.released and one.context != service.root for file, one in builds)
        and image.path not in service.published
    )


def _serves_developers(process: Process) -> bool:
    return any(step.last and starts_for_developers(step.words) for step in process.steps or ())


def released_together(composed: Mapping[str, list[tuple[ComposeFile, ComposeService]]]) -> frozenset[str]:
    """The folders from which a compose file for production deploys several services: it tells which ones of them."""
    together: dict[str, set[str]] = {}
    for root, found in composed.items():
        for file, _ in found:
            if file.released:
                together.setdefault(file.path, set()).add(root)
    return frozenset(
        posixpath.commonpath([posixpath.dirname(path), *roots]) for path, roots in together.items() if len(roots) > 1
    )


def is_left_out(
    service: "Service", files: Mapping[str, FileFacts], together: Collection[str], *deployed: Mapping[str, object]
) -> bool:
    """Whether no compose file, manifest, Procfile, platform's file or pipeline says anything of a service's image.

    It lies in a folder of services that are released ``together``.
    """
    return (
        bool(service.images)
        and bool(service.root)
        and any(not folder or service.root.startswith(f"{folder}/") for folder in together)
        and not any(service.root in found for found in deployed)
        and service.published.isdisjoint(image.path for image in service.images)
        and not any(path in files and files[path].procfile for path in service.files)
    )
