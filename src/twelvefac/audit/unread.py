"""What a file that cannot be read leaves open: the factors that it speaks of."""

from collections.abc import Iterable, Mapping

from twelvefac.factors import Factor
from twelvefac.project.discovery import File
from twelvefac.project.facts import ERRORED, FileFacts
from twelvefac.project.services import Service

_DEPLOYED = frozenset(Factor) - {Factor.CODEBASE, Factor.DEPENDENCIES}
"""What runs, with which command, environment, ports and volumes: nearly everything."""
_TELLS: Mapping[str, frozenset[Factor]] = {
    "compose": _DEPLOYED,
    "dockerfile": frozenset(Factor) - {Factor.CODEBASE},
    "envfile": frozenset((Factor.CONFIG,)),
    "ini": frozenset((Factor.PORT_BINDING, Factor.CONCURRENCY, Factor.LOGS)),
    "lock": frozenset((Factor.DEPENDENCIES,)),
    "nginx": frozenset((Factor.PROCESSES, Factor.PORT_BINDING, Factor.LOGS)),
    "pipeline": frozenset((Factor.CONFIG, Factor.BUILD_RELEASE_RUN)),
    "pipfile": frozenset((Factor.DEPENDENCIES, Factor.DEV_PROD_PARITY)),
    "procfile": _DEPLOYED,
    "pyproject": frozenset((Factor.DEPENDENCIES, Factor.DEV_PROD_PARITY)),
    "requirements": frozenset((Factor.DEPENDENCIES, Factor.DEV_PROD_PARITY)),
    "shell": _DEPLOYED,
    "values": frozenset((Factor.CONFIG, Factor.BUILD_RELEASE_RUN, Factor.PROCESSES)),
    "yaml": _DEPLOYED,
}
"""Of each reader the factors whose rules read its facts. Python is told by what runs: see the engine."""
_UNREAD = frozenset((ERRORED, "unreadable"))


def unread_files(files: Iterable[File], facts: Mapping[str, FileFacts]) -> Mapping[str, str]:
    """The files that no reader could read, and their kinds."""
    return {
        file.path: file.kind
        for file in files
        if file.kind in _TELLS
        and ((known := facts.get(file.path)) is None or any(kind in _UNREAD for kind, _, _ in known.notices))
    }


def open_factors(services: Iterable[Service], unread: Mapping[str, str]) -> Mapping[str, Mapping[Factor, str]]:
    """Of each service, by its root, the factors that cannot be passed, and the file that is why.

    What lies in no service in particular, such as a compose file of the whole repository, may speak of each.
    """
    if not unread:
        return {}
    services = tuple(services)
    shared = [path for one in services if not (one.images or one.python) for path in one.files if path in unread]
    found: dict[str, dict[Factor, str]] = {}
    for service in services:
        own = [
            path
            for path in service.files
            if path in unread and (unread[path] == "pipeline" or not service.is_for_developers(path))
        ]
        for path in sorted({*own, *shared}):
            for factor in _TELLS[unread[path]]:
                found.setdefault(service.root, {}).setdefault(factor, path)
    return found
