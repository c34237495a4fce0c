"""The service model: image -> effective command -> script or module -> the code that it reaches.

A service is a directory that is built into an image of its own, or, without Dockerfiles, that has a manifest of
its own. What the text does not tell is left open (None) and named in ``Service.undecided``; nothing is guessed.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from twelvefac.project.command import Launch, SimpleCommand, launch, shell_line, split_shell, strip_init
from twelvefac.project.dockerfile import assignments, expand
from twelvefac.project.facts import DockerfileFacts, FileFacts, Instruction, Stage
from twelvefac.project.modules import Modules
from twelvefac.project.servers import Listening, listening
from twelvefac.source.span import Span

_NOT_RELEASED = re.compile(r"(?:^|[._/-])(?:dev|devel|development|local|test|tests|testing|ci|debug|lint)(?:$|[._/-])")
_BUILD_FOLDERS = frozenset(
    "docker dockerfiles deploy deployment build .docker compose images ops infra .devcontainer".split()
)
_SHELL = ("/bin/sh", "-c")  # what Docker puts before the shell form


@dataclass(frozen=True)
class Command:
    """The effective command of an image: ENTRYPOINT and CMD joined as Docker joins them.

    ``argv`` is what becomes PID 1. ``line`` is the shell line where PID 1 is a shell, None otherwise.
    ``statement`` and ``span`` are the instruction that decides what runs.
    """

    statement: Instruction
    span: Span
    entrypoint: Instruction | None
    argv: tuple[str, ...]
    line: str | None

    @cached_property
    def commands(self) -> tuple[SimpleCommand, ...] | None:
        """The simple commands that run, in order; None where the shell line is more than a list of them."""
        if self.line is None:
            return (SimpleCommand(strip_init(self.argv), ""),)
        parts = split_shell(self.line)
        return None if parts is None else tuple(parts)

    @cached_property
    def launches(self) -> tuple[Launch, ...]:
        """What those commands start, wrappers off; empty where it cannot be told."""
        return tuple(launch(command.words) for command in self.commands or ())


@dataclass(frozen=True)
class Image:
    """A Dockerfile and its final stage, seen through the stages that it is built from."""

    path: str
    dockerfile: DockerfileFacts
    released: bool

    @cached_property
    def lineage(self) -> tuple[Stage, ...]:
        """The final stage and the stages it starts from, outermost base first."""
        stages = self.dockerfile.stages
        if not stages:
            return ()
        chain, index = [stages[-1]], len(stages) - 1
        while True:
            base = stages[index].base
            earlier = [at for at in range(index) if stages[at].name and stages[at].name.lower() == (base or "").lower()]
            if not earlier:
                return tuple(reversed(chain))
            index = earlier[-1]
            chain.append(stages[index])

    @cached_property
    def environment(self) -> dict[str, str | None]:
        """ENV of the final image; None for a value that a build argument without default decides."""
        values: dict[str, str | None] = {}
        arguments = dict(self.dockerfile.arguments)
        for stage in self.lineage:
            for instruction in stage.instructions:
                if instruction.keyword == "ARG":
                    arguments |= {
                        name: arguments.get(name) if value is None else value
                        for name, value in assignments(instruction.text)
                    }
                elif instruction.keyword == "ENV":
                    for name, value in assignments(instruction.text):
                        values[name] = None if value is None else expand(value, arguments | values)
        return values

    @cached_property
    def workdir(self) -> str:
        """The working directory that the command starts in."""
        folder = "/"
        for stage in self.lineage:
            for instruction in stage.instructions:
                if instruction.keyword == "WORKDIR":
                    folder = posixpath.join(folder, instruction.text.strip("\"'"))
        return posixpath.normpath(folder)

    @cached_property
    def command(self) -> Command | None:
        """The effective command; None where the Dockerfile gives none (the base image or a manifest may)."""
        entrypoint: Instruction | None = None
        cmd: Instruction | None = None
        for stage in self.lineage:
            inherited = cmd
            for instruction in stage.instructions:
                if instruction.keyword == "CMD":
                    cmd = instruction
                elif instruction.keyword == "ENTRYPOINT":
                    entrypoint = instruction
                    if cmd is inherited:  # an ENTRYPOINT drops the CMD that its base brought
                        cmd = None
        if entrypoint is None and cmd is None:
            return None
        return self._join(entrypoint, cmd)

    def _join(self, entrypoint: Instruction | None, cmd: Instruction | None) -> Command:
        statement = entrypoint if entrypoint is not None and (cmd is None or entrypoint.form == "shell") else cmd
        assert statement is not None
        argv = _argv(entrypoint) if entrypoint else ()
        if cmd is not None and (entrypoint is None or entrypoint.form == "exec"):
            argv += _argv(cmd)
        return Command(statement, Span.of(self.path, statement.at), entrypoint, argv, shell_line(argv))

    @cached_property
    def shell_changed(self) -> bool:
        """Whether a SHELL instruction replaces ``/bin/sh -c``."""
        return any(one.keyword == "SHELL" for stage in self.lineage for one in stage.instructions)


def _argv(instruction: Instruction) -> tuple[str, ...]:
    if instruction.form == "exec":
        return instruction.args
    return (*_SHELL, instruction.text) if instruction.text else ()


@dataclass(frozen=True)
class Service:
    """One deployable service. ``root`` is its directory below the audited one, "" for itself."""

    name: str
    root: str
    images: tuple[Image, ...]
    files: tuple[str, ...]
    modules: Modules
    undecided: tuple[str, ...] = ()

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The effective commands of the images that are released."""
        return tuple(image.command for image in self.images if image.released and image.command is not None)

    @cached_property
    def servers(self) -> tuple[tuple[Command, Launch, Listening], ...]:
        """The servers that the released images start by a command line."""
        found = []
        for image in self.images:
            if image.released and image.command is not None:
                for start in image.command.launches:
                    server = listening(start, image.environment)
                    if server is not None:
                        found.append((image.command, start, server))
        return tuple(found)

    @cached_property
    def entries(self) -> tuple[tuple[Command, str], ...]:
        """The Python files that the released images start as a script or with ``python -m``, and by which command."""
        found = []
        for image in self.images:
            if image.released and image.command is not None:
                for start in image.command.launches:
                    path = self._entry(start, image.workdir)
                    if path is not None:
                        found.append((image.command, path))
        return tuple(found)

    def _entry(self, start: Launch, workdir: str) -> str | None:
        if start.program == "python":
            if not start.args or start.args[0] == "-c":
                return None
            return self.modules.script(start.args[0], workdir)
        path = self.modules.find(start.program)
        if path is not None:
            return path
        return self.modules.script(start.program, workdir) if start.program.endswith(".py") else None

    @cached_property
    def started(self) -> Mapping[str, tuple[Command, str]]:
        """Files that run in a released image: path -> (the command, the entry file it is reached from)."""
        reached: dict[str, tuple[Command, str]] = {}
        for command, entry in self.entries:
            for path in self.modules.reachable(entry):
                reached.setdefault(path, (command, entry))
        return reached


def find_services(
    root_name: str,
    files: Mapping[str, FileFacts],
    python_files: Iterable[str],
    manifests: Iterable[str],
    read: Callable[[str], bytes],
) -> tuple[Service, ...]:
    """The services of a repository, by root. ``read`` gives a file's bytes for the import graph."""
    python = sorted(python_files)
    images: dict[str, list[Image]] = {}
    for path, facts in sorted(files.items()):
        if facts.dockerfile is not None and facts.dockerfile.stages:
            root = _service_root(path, python)
            images.setdefault(root, []).append(Image(path, facts.dockerfile, not _NOT_RELEASED.search(path.lower())))
    roots = set(images)
    if not roots:
        roots = _manifest_roots(manifests, python)
    if not roots and python:
        roots = {""}
    by_root: dict[str, list[str]] = {root: [] for root in roots}
    for path in python:
        owner = _deepest(path, roots)
        if owner is not None:
            by_root[owner].append(path)
    services = []
    for root in sorted(roots):
        own = tuple(by_root[root])
        modules = Modules(root, own, files, read)
        name = posixpath.basename(root) or root_name
        found = tuple(images.get(root, ()))
        if not any(image.released for image in found):  # Dockerfile.dev alone: nothing better is known
            found = tuple(Image(image.path, image.dockerfile, True) for image in found)
        services.append(Service(name, root, found, own, modules, _undecided(found)))
    return tuple(services)


def _undecided(images: tuple[Image, ...]) -> tuple[str, ...]:
    reasons = []
    if not images:
        reasons.append("no Dockerfile: what the released process runs is not known")
    for image in images:
        if image.released and image.command is None:
            reasons.append(f"{image.path}: no CMD or ENTRYPOINT: the command is given elsewhere")
        elif image.released and image.command is not None and image.command.commands is None:
            reasons.append(f"{image.path}: the command is a shell program that is not followed")
    return tuple(reasons)


def _service_root(dockerfile: str, python: list[str]) -> str:
    """The directory an image is built from: the Dockerfile's own.

    Where Dockerfiles are kept apart (``docker/web/Dockerfile``) it is the nearest directory above that has Python
    files; a directory that has none, and is not such a place, is a service in another language.
    """
    own = folder = posixpath.dirname(dockerfile)
    parts = own.lower().split("/")
    while folder and not any(path.startswith(f"{folder}/") for path in python):
        folder = posixpath.dirname(folder)
    kept_apart = not _BUILD_FOLDERS.isdisjoint(parts)
    return folder if kept_apart or folder == own else own


def _manifest_roots(manifests: Iterable[str], python: list[str]) -> set[str]:
    """The outermost directories that have a manifest and Python files."""
    roots: set[str] = set()
    for folder in sorted({posixpath.dirname(path) for path in manifests}, key=lambda one: (one.count("/"), one)):
        inside = f"{folder}/" if folder else ""
        if not any(root == "" or folder == root or folder.startswith(f"{root}/") for root in roots) and any(
            path.startswith(inside) for path in python
        ):
            roots.add(folder)
    return roots


def _deepest(path: str, roots: set[str]) -> str | None:
    folder = posixpath.dirname(path)
    while folder not in roots:
        if not folder:
            return None
        folder = posixpath.dirname(folder)
    return folder
