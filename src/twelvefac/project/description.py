"""A service in words: what the model knows of it, flat, each fact with its place, for ``audit --show-services``.

Values that may be a secret stay out: they, and words of a command that hold a credential, are replaced by ``***``.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from twelvefac.project.clients import CLIENTS
from twelvefac.project.facts import FileFacts
from twelvefac.project.images import is_store
from twelvefac.project.masking import hidden
from twelvefac.project.ports import CALLS as PORT_CALLS
from twelvefac.project.ports import bound, port_of
from twelvefac.project.processes import Process, Step
from twelvefac.project.servers import CALLS as SERVER_CALLS
from twelvefac.project.services import DJANGO_SETTINGS, Service
from twelvefac.project.shipped import Shipped, Tree, find_shipped
from twelvefac.project.variables import Given, find_variables
from twelvefac.source.span import Span

"""Images that do a chore in a compose file: nothing that a service keeps its data in."""


class Place(NamedTuple):
    """A path and a line, and what is said there: ``set by ENV``, ``read, no default``."""

    path: str
    line: int
    what: str


class ImageLine(NamedTuple):
    """An image: its file, the image it starts from ("" if not known), how many stages, whether it is released."""

    path: str
    base: str
    stages: int
    released: bool


class StepLine(NamedTuple):
    """A command of a process; ``role`` says how it runs: ``first``, ``background``, ``last``, ``last, below dash``."""

    words: tuple[str, ...]
    place: Place
    role: str


class ProcessLine(NamedTuple):
    """A process: ``argv`` is what becomes PID 1, ``steps`` what it runs in order, None where that cannot be told."""

    name: str
    released: bool
    argv: tuple[str, ...]
    place: Place
    steps: tuple[StepLine, ...] | None


class Named(NamedTuple):
    """Something with a name (a server, a backing service, a port) and where that is known from."""

    name: str
    places: tuple[Place, ...]


class Variable(NamedTuple):
    """A variable of the environment and the places that speak of it."""

    name: str
    places: tuple[Given, ...]


class Description(NamedTuple):
    """All of it; ``undecided`` is what could not be told, besides what the service itself says."""

    images: tuple[ImageLine, ...]
    shipped: tuple[Shipped, ...]
    processes: tuple[ProcessLine, ...]
    servers: tuple[Named, ...]
    settings: tuple[Named, ...]
    environment: tuple[Variable, ...]
    backing: tuple[Named, ...]
    exposures: tuple[Named, ...]
    undecided: tuple[str, ...]


def describe(service: Service, files: Mapping[str, FileFacts], tree: Tree) -> Description:
    """What is known of ``service`` in the ``tree`` of the repository; names and places are sorted."""
    shipped, notes = find_shipped(service, files, tree)
    variables = find_variables(service, files)
    given: dict[str, set[Given]] = {}
    for name, place in variables.given:
        given.setdefault(name, set()).add(place)
    return Description(
        images=tuple(
            ImageLine(image.path, hidden((image.base,))[0], len(image.dockerfile.stages), image.released)
            for image in service.images
        ),
        processes=tuple(_process(process) for process in service.processes),
        servers=_named(_servers(service, files)),
        settings=_named(_settings(service, files)),
        environment=tuple(Variable(name, tuple(sorted(given[name]))) for name in sorted(given)),
        backing=_named(_backing(service, files)),
        exposures=_named(_exposures(service)),
        undecided=(*notes, *variables.notes, *_undecided(service, files)),
        shipped=shipped,
    )


def _undecided(service: Service, files: Mapping[str, FileFacts]) -> Iterable[str]:
    """What the model has no answer to, and why."""
    for process in service.processes:
        if not process.released and process.steps is None:  # of the released ones the service itself says it
            yield f"{process.span.path}:{process.span.line}: the command is a shell program that is not followed"
    modules = [one.environment.get(DJANGO_SETTINGS) for one in service.released]
    for name in dict.fromkeys(one for one in modules if one):
        if service.modules.find(name) is None:
            yield f"{DJANGO_SETTINGS}={name}: no such module in the service"
    for path in service.files:
        for _, line, message in files[path].notices:
            yield f"{path}:{line}: {message}" if line else f"{path}: {message}"


def _named(found: Iterable[tuple[str, Place]]) -> tuple[Named, ...]:
    places: dict[str, set[Place]] = {}
    for name, place in found:
        places.setdefault(name, set()).add(place)
    return tuple(Named(name, tuple(sorted(places[name]))) for name in sorted(places, key=_by_number))


def _by_number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (1 << 20, name)


def _process(process: Process) -> ProcessLine:
    steps = None if process.steps is None else tuple(_step(step) for step in process.steps)
    place = Place(process.span.path, process.span.line, process.source)
    return ProcessLine(process.name, process.released, hidden(process.argv), place, steps)


def _step(step: Step) -> StepLine:
    if step.background:
        role = "background"
    elif not step.last:
        role = "first"
    elif step.keepers:
        names = ("the script" if keeper.name == "script" else keeper.name for keeper in step.keepers)
        role = f"last, below {' and '.join(names)}"
    else:
        role = "last"
    return StepLine(hidden(step.words), Place(step.span.path, step.span.line, step.block), role)


def _servers(service: Service, files: Mapping[str, FileFacts]) -> Iterable[tuple[str, Place]]:
    for process, step, server in service.servers:
        listens = bound(step.launch, process.environment)
        ports = (
            " or ".join(map(str, listens.numbers)) if listens is not None and listens.numbers else "a port not known"
        )
        host = "a socket" if server.host == "$socket" else f"{server.host or 'an address not known'}, {ports}"
        yield f"{server.server.name} on {host}", _at(step.span, f"started by {process.name}")
    for path in service.started:
        python = files[path].python if path in files else None
        for call in python.calls if python is not None else ():
            known = SERVER_CALLS.get(call.name)
            if known is not None and python is not None:
                port = port_of(call, python) if call.name in PORT_CALLS else None
                on = "a port not known" if port is None else str(port)
                yield f"{known.name} on {on}", Place(path, call.at[0], "a call in the code")


def _settings(service: Service, files: Mapping[str, FileFacts]) -> Iterable[tuple[str, Place]]:
    """The settings module of Django, and classes that read the environment."""
    for path in service.settings[:1]:
        others = len(service.settings) - 1
        more = f", imports {others} more" if others else ""
        yield service.modules.name_of(path), Place(path, 1, f"Django's settings module{more}")
    for path in service.python:
        python = files[path].python
        for one in python.classes if python is not None else ():
            if any(base.rpartition(".")[2].endswith("BaseSettings") for base in one.bases):
                yield one.name, Place(path, one.at[0], "a class that reads the environment")


def _backing(service: Service, files: Mapping[str, FileFacts]) -> Iterable[tuple[str, Place]]:
    composed = {
        (file.path, one.name): one for facts in files.values() if (file := facts.compose) for one in file.services
    }
    for file, one in service.composed:
        for name, _ in one.depends:
            other = composed.get((file.path, name))
            image = other.image if other is not None else None
            if other is not None and image and is_store(image):
                yield image.partition("@")[0], Place(file.path, other.image_at[0], f"compose service {name}")
    for path in service.python:
        python = files[path].python
        for call in python.calls if python is not None else ():
            client = CLIENTS.get(call.name)
            if client is not None:
                yield client.store, Place(path, call.at[0], call.name)


def _exposures(service: Service) -> Iterable[tuple[str, Place]]:
    for image in service.images:
        for instruction in image.instructions:
            if instruction.keyword == "EXPOSE":
                for port in instruction.text.split():
                    yield port.removesuffix("/tcp"), Place(image.path, instruction.at[0], "EXPOSE")
    for file, one in service.composed:
        for published in one.ports:
            if published.target:
                what = f"published as {published.published}" if published.published else "published"
                yield published.target, Place(file.path, published.at[0], what)
    for workload, container in service.deployed:
        for name, number in container.ports:
            if number:
                yield number, Place(workload.path, container.at[0], f"container port {name}".rstrip())


def _at(span: Span, what: str) -> Place:
    return Place(span.path, span.line, what)
