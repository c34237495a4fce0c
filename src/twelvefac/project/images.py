"""Images: a Dockerfile seen through the stages that its final stage is built from."""

import posixpath
from collections import ChainMap
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from twelvefac.project.dockerfile import assignments, expand
from twelvefac.project.facts import DockerfileFacts, Instruction, Stage
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

PRODUCTION = regex(r"(?:^|[._/-])(?:prod|production|release)(?:$|[._/-])")
NOT_RELEASED = regex(
    r"(?:^|[._/-])(?:dev|devel|develop|development|local|test|tests|testing|ci|debug|lint|jenkins|gitpod|\w{0,20}docs|(?:\w{1,40}_)?mocks?"
    r"|e2e|(?:e2e|unit|integration|functional|acceptance|system|smoke|load|api|browser)[_-]?tests?|selenium|cypress|playwright"
    r"|circleci|travis|taskcluster|devcontainer)(?:$|[._/-])"
)
STORES = regex(
    r"(?:^|/)(?:postgres|postgis|timescaledb|pgvector|mysql|mariadb|percona|mongo|redis|valkey|keydb|memcached|rabbitmq|"
    r"kafka|cp-kafka|zookeeper|redpanda|nats|mosquitto|elasticsearch|opensearch|solr|minio|localstack|clickhouse\S*|"
    r"cassandra|consul|vault|nginx|traefik|haproxy|envoy|caddy|prometheus|grafana|jaeger\S*|mailhog|mailpit|adminer|"
    r"pgadmin\S*|flower|keycloak|camunda\S*|busybox|alpine)(?:[:@-]|$)"
)
"""Images of somebody else: backing services and tools, not the service itself."""
_BARE = regex(r"(?:^|/)(?:busybox|alpine)(?:[:@]|$)")
"""Of those what others start from."""
_DEVELOPMENT_STAGE = regex(
    r"(?:^|[-_])(?:dev|devel|develop|development|(?:unit|integration)?-?tests?|testing|e2e|a11y|lint|debug|ci)(?:$|[-_])"
)
_DEVELOPMENT_SERVERS = frozenset(("runserver", "runserver_plus", "--reload"))
_DEVELOPMENT_INSTALLS = regex(
    r"(?:^|[\s/_-])(?:dev|develop|development|local)(?:[_-]\w{1,30})?\.txt|--with[ =]dev\b|--dev\b"
)


def is_store(name: str) -> bool:
    """Whether the image of that name is a store's or a tool's; what is made from a bare Linux may be anything."""
    return STORES.search(name) is not None and not _BARE.search(name)


def starts_for_developers(words: tuple[str, ...]) -> bool:
    """Whether a command line starts a server for development."""
    return not _DEVELOPMENT_SERVERS.isdisjoint(" ".join(words).split())


_SHELL = ("/bin/sh", "-c")  # what Docker puts before the shell form


class Command(NamedTuple):
    """The effective command of an image: ENTRYPOINT and CMD joined as Docker joins them.

    ``statement`` and ``span`` are the instruction that decides what runs.
    """

    statement: Instruction
    span: Span
    entrypoint: Instruction | None
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Image:
    """A Dockerfile and its final stage."""

    path: str
    dockerfile: DockerfileFacts

    @property
    def released(self) -> bool:
        """Whether it is an image to release, by its name and its command's: ``Dockerfile.dev``, ``start-dev.sh``."""
        names = [self.path, *(word for word in (self.command.argv if self.command else ()) if word.endswith(".sh"))]
        return not self.is_of_developers and all(NOT_RELEASED.search(name.lower()) is None for name in names)

    @cached_property
    def is_of_developers(self) -> bool:
        """Whether an image is called so, or starts a server for development and installs what development needs."""
        if NOT_RELEASED.search(self.path.lower()) or self.path.lower().endswith(("-template", ".template")):
            return True
        if self.environment.get("NODE_ENV") == "development":  # its server watches files, and serves one person
            return True
        words = self.command.argv if self.command is not None else ()
        return self.installs_for_developers and starts_for_developers(words)

    @cached_property
    def installs_for_developers(self) -> bool:
        """Whether a build installs what only development needs."""
        return any(one.keyword == "RUN" and _DEVELOPMENT_INSTALLS.search(one.text) for one in self.instructions)

    @property
    def _final(self) -> int:
        """The stage that is released: the last one, or one before stages that are called ``test`` or ``dev``."""
        stages = self.dockerfile.stages
        for index in range(len(stages) - 1, -1, -1):
            if not _DEVELOPMENT_STAGE.search(stages[index].name.lower()):
                return index
        for index in range(len(stages) - 1, 0, -1):  # all are for development: the one that others start from
            if all((stages[index].base or "").lower() != other.name.lower() for other in stages[:index]):
                return index
        return 0

    @cached_property
    def is_of_others(self) -> bool:
        """Whether it is somebody's store or tool with a change to it, which runs nothing of the service's."""
        return is_store(self.base) and not any(_PYTHON.search(one.text) for one in self.instructions)

    @cached_property
    def lineage(self) -> tuple[Stage, ...]:
        """The final stage and the stages it starts from, outermost base first."""
        stages = self.dockerfile.stages
        if not stages:
            return ()
        latest: dict[str, int] = {}
        bases: list[int | None] = []  # of each stage the earlier one that it starts from
        for index, stage in enumerate(stages):
            bases.append(latest.get((stage.base or "").lower()))
            if stage.name:
                latest[stage.name.lower()] = index
        chain, base = [stages[self._final]], bases[self._final]
        while base is not None:
            chain.append(stages[base])
            base = bases[base]
        return tuple(reversed(chain))

    @property
    def released_stages(self) -> tuple[Stage, ...]:
        """The stages up to the released one, without those for development (``dev``) that it takes nothing from."""
        return tuple(
            stage
            for stage in self.dockerfile.stages[: self._final + 1]
            if not _DEVELOPMENT_STAGE.search(stage.name.lower()) or any(stage is one for one in self.built_from)
        )

    @cached_property
    def built_from(self) -> tuple[Stage, ...]:
        """The lineage and the stages that something is copied or mounted from: what a build of the image runs."""
        stages = self.dockerfile.stages
        names = {stage.name.lower(): stage for stage in stages if stage.name}
        queue = list(self.lineage)
        found = {id(stage) for stage in queue}
        while queue:
            stage = queue.pop()
            wanted = [stage.base or "", *(source for one in stage.instructions for source in _sources(one))]
            for word in wanted:
                other = stages[int(word)] if word.isdecimal() and int(word) < len(stages) else names.get(word.lower())
                if other is not None and id(other) not in found:
                    found.add(id(other))
                    queue.append(other)
        return tuple(stage for stage in stages if id(stage) in found)

    @cached_property
    def copied(self) -> tuple[str, ...] | None:
        """The paths of the build context that the final image takes; None where that is everything, or not known."""
        taken: list[str] = []
        for one in self.instructions:
            if one.keyword == "RUN" and any(name == "mount" and "type=bind" in value for name, value in one.flags):
                return None
            if one.keyword in ("COPY", "ADD"):
                origin = dict(one.flags).get("from")
                found = _from_context(one) if origin is None else self._passed_on(origin, one)
                if found is None:
                    return None
                taken += found
        return tuple(taken) or None

    @cached_property
    def named(self) -> frozenset[str]:
        """The paths of the build context that some stage copies by name."""
        copies = (
            one
            for stage in self.dockerfile.stages
            for one in stage.instructions
            if one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags)
        )
        return frozenset(path for one in copies for path in _from_context(one) or ())

    @cached_property
    def takes_nothing(self) -> bool:
        """Whether nothing of a repository gets into the image, which starts from a language's or a system's own."""
        return _LANGUAGE.search(self.base) is not None and not any(
            one.keyword in ("COPY", "ADD")
            or (one.keyword == "RUN" and ("git clone" in one.text or any(name == "mount" for name, _ in one.flags)))
            for one in self.instructions
        )

    def _passed_on(self, origin: str, copy: Instruction) -> list[str] | None:
        """What of the build context comes with a COPY from another stage, or from somebody's image."""
        stages = self.dockerfile.stages
        stage = next((one for one in stages if one.name and one.name.lower() == origin.lower()), None)
        if origin.isdecimal() and int(origin) < len(stages):
            stage = stages[int(origin)]
        if stage is None:
            return []
        folder, taken, brought = "/", list[str](), False
        for one in stage.instructions:
            if one.keyword == "WORKDIR":
                folder = posixpath.join(folder, one.text.strip("\"'"))
            elif one.keyword == "RUN" and brought and PACKAGES.search(one.text):
                return None  # it may make a package of the sources
            elif one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags):
                context, given = _from_context(one), words_given(one)
                if not given:
                    continue
                target = posixpath.normpath(posixpath.join(folder, given[-1]))
                brought = brought or context is None
                for word in words_given(copy)[:-1]:
                    source = posixpath.normpath(posixpath.join("/", word))
                    if context is None and source.startswith(target.rstrip("/") + "/"):
                        taken.append(source[len(target.rstrip("/")) + 1 :])
                    elif f"{target}/".startswith(f"{source.rstrip('/')}/") or source.startswith(f"{target}/"):
                        if context is None:
                            return None
                        taken += context
        return taken

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """What the final image is made of, in order, through all its stages."""
        return tuple(instruction for stage in self.lineage for instruction in stage.instructions)

    @cached_property
    def base(self) -> str:
        """The image that the lineage starts from; "" where it is not known."""
        return (self.lineage[0].base or "") if self.lineage else ""

    @cached_property
    def environment(self) -> dict[str, str | None]:
        """ENV of the final image; None for a value that a build argument without default decides."""
        values: dict[str, str | None] = {}
        outer = dict(self.dockerfile.arguments)
        for stage in self.lineage:
            arguments: dict[str, str | None] = {}
            known = ChainMap(values, arguments)  # ENV wins over ARG
            for instruction in stage.instructions:
                if instruction.keyword == "ARG":
                    for name, value in assignments(instruction.text, spaced=False):
                        arguments[name] = outer.get(name) if value is None else expand(value, known)
                elif instruction.keyword == "ENV":
                    pairs = assignments(instruction.text)  # all of one ENV see what was before it
                    values.update([(name, None if value is None else expand(value, known)) for name, value in pairs])
        return values

    @cached_property
    def workdir(self) -> str:
        """The working directory that the command starts in."""
        folder = "/"
        for instruction in self.instructions:
            if instruction.keyword == "WORKDIR":
                stated = instruction.text.strip("\"'")
                folder = posixpath.join(folder, expand(stated, self.environment) or stated)
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
        argv = words_of(entrypoint) if entrypoint else ()
        if cmd is not None and (entrypoint is None or entrypoint.form == "exec"):
            argv += words_of(cmd)
        return Command(statement, Span.of(self.path, statement.at), entrypoint, argv)

    @cached_property
    def entrypoint(self) -> tuple[str, ...]:
        """The words of ENTRYPOINT alone, to which a manifest's arguments are added."""
        command = self.command
        return words_of(command.entrypoint) if command is not None and command.entrypoint is not None else ()

    @cached_property
    def shell_changed(self) -> bool:
        """Whether a SHELL instruction replaces ``/bin/sh -c``."""
        return any(one.keyword == "SHELL" for one in self.instructions)


_LANGUAGE = regex(r"^(?:[\w.-]{1,60}/){0,2}(?:python|node|debian|ubuntu|alpine)(?:[:@]|$)")
_PYTHON = regex(r"python|\bpip\d?\b|\buv\b|\.py\b|gunicorn|uwsgi|uvicorn")
_PATTERN = regex(r"[$*?\[]")
PACKAGES = regex(r"\b(?:pip\d?|uv|poetry|pdm|hatch|flit|build|setup\.py|pex|pyinstaller)\b")


def words_given(instruction: Instruction) -> tuple[str, ...]:
    """The words of an instruction, in either form."""
    return instruction.args if instruction.form == "exec" else tuple(instruction.text.split())


def _from_context(copy: Instruction) -> list[str] | None:
    """The sources of a COPY as paths in the build context; None for all of it, or where a pattern chooses."""
    sources = [posixpath.normpath(word.strip("\"'").lstrip("/") or ".") for word in words_given(copy)[:-1]]
    if copy.heredocs:
        return []
    if any(one == "." or _PATTERN.search(one) for one in sources):
        return None
    return [one for one in sources if "://" not in one]


def words_of(instruction: Instruction) -> tuple[str, ...]:
    """What a CMD or ENTRYPOINT becomes as words: the shell form has the shell in front."""
    if instruction.form == "exec":
        return instruction.args
    return (*_SHELL, instruction.text) if instruction.text else ()


def _sources(instruction: Instruction) -> list[str]:
    """The stages and images that an instruction takes files from: ``--from=build``, ``--mount=…,from=build``."""
    found = []
    for name, value in instruction.flags:
        if name == "from":
            found.append(value)
        elif name == "mount":
            found += [part[5:] for part in value.split(",") if part.startswith("from=")]
    return found
