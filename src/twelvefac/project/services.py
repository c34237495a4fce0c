"""The service model: image -> effective command -> script or module -> the code that it reaches.

A service is a directory that is built into an image of its own, or, without Dockerfiles, that has a manifest of
its own. What the text does not tell is left open (None) and named in ``Service.undecided``; nothing is guessed.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from twelvefac.project.command import Launch
from twelvefac.project.compose import ComposeFile, ComposeService
from twelvefac.project.credentials import words_of
from twelvefac.project.developers import is_of_developers
from twelvefac.project.django import DEVELOPMENT_SETTINGS, DJANGO_MODULES, STARTS_DJANGO, TEST_PROJECT
from twelvefac.project.folders import (
    ASIDE,
    ASIDE_ON_TOP,
    HELPERS,
    JOBS,
    MAKES,
    OF_DEVELOPERS,
    SHOWN,
    TOOLS,
)
from twelvefac.project.images import PRODUCTION, Image
from twelvefac.project.kubernetes import Container, Workload
from twelvefac.project.modules import Modules
from twelvefac.project.processes import Process, Step
from twelvefac.project.servers import Listening, applications, listening
from twelvefac.source.pattern import regex

_PYTHON_FILE = regex(r"[\w./${}-]{1,200}\.py\b")

_TASKS = frozenset("tasks.py tasks/__init__.py fabfile.py noxfile.py dodo.py".split())
_RUNNERS = frozenset("invoke fabric fabric2 nox doit".split())

_STAND_INS = frozenset(("test", "example", "sample"))
"""Words in the names of files that stand in for what ships."""
_DEEP = 2
_OF_IMAGES = frozenset(("", "docker", "container", "deploy", "deployment", "build", ".docker"))
"""Folders where one looks for the Dockerfile of a service that has one."""

DJANGO_SETTINGS = "DJANGO_SETTINGS_MODULE"


@dataclass(frozen=True)
class Service:
    """One deployable service.

    ``root`` is its directory below the audited one, "" for itself. ``files`` are all its files that some reader reads,
    ``python`` those in Python that are in scope. ``composed`` and ``deployed`` are the compose services and the
    Kubernetes containers that run it, wherever their files lie. ``scripts`` are the console scripts that it installs
    (``orders`` -> ``orders.cli:main``). ``aside`` is whether it is shown beside the real ones (``demo-app``).
    ``published`` are the paths of Dockerfiles that a pipeline builds to publish, this service's among them; ``alone``
    whether images are built of no other service of the repository, and systemd starts none.
    """

    name: str
    root: str
    images: tuple[Image, ...]
    files: tuple[str, ...]
    python: tuple[str, ...]
    modules: Modules
    processes: tuple[Process, ...] = ()
    composed: tuple[tuple[ComposeFile, ComposeService], ...] = ()
    deployed: tuple[tuple[Workload, Container], ...] = ()
    undecided: tuple[str, ...] = field(default=(), compare=False)
    scripts: Mapping[str, str] = field(default_factory=dict, compare=False)
    aside: bool = False
    published: frozenset[str] = frozenset()
    alone: bool = True

    @cached_property
    def released(self) -> tuple[Process, ...]:
        """The processes that run in production."""
        return tuple(process for process in self.processes if process.released)

    @cached_property
    def released_images(self) -> tuple[Image, ...]:
        """The images that are released: those that say so (``Dockerfile.prod``), or all that do not say otherwise."""
        folders = self.root.lower().split("/")
        if self.aside or not HELPERS.isdisjoint(folders) or (folders[0] in TOOLS and not self.alone):
            return ()
        released = tuple(image for image in self.images if image.released and not is_of_developers(self, image))
        released = tuple(image for image in released if not self.is_shown(image.path)) or released
        # beside an image that runs, one that nothing starts builds something: a binary, packages
        started = {one.dockerfile for _, one in self.composed}
        released = tuple(image for image in released if image.command is not None or image.path in started) or released
        deployed = {one.dockerfile for file, one in self.composed if file.released}
        if not self.published.isdisjoint(image.path for image in released):
            released = tuple(
                one
                for one in released
                if one.path in self.published or one.path in deployed or self._is_deployment(one.path)
            )
        named = tuple(image for image in released if PRODUCTION.search(image.path.rpartition("/")[2].lower()))
        if not released and any(posixpath.basename(path) == "Procfile" for path in self.files):
            return ()  # the image is for development, the Procfile is what ships
        # a command that only sounds like development is what there is, where no other image does better
        return (
            named
            or released
            or tuple(image for image in self.images if not image.is_of_developers and not is_of_developers(self, image))
        )

    def _is_deployment(self, path: str) -> bool:
        """Whether an image is deployed by its place, by whatever means: the service's own, or one for a deployment."""
        inside = path[len(self.root) :].strip("/").lower()
        return inside == "dockerfile" or "deploy" in inside

    @cached_property
    def is_deployed(self) -> bool:
        """Whether something shows that what is judged is what is deployed: a manifest, a pipeline that publishes it.

        The only image of a repository, where one looks for it, is taken to be it; of several, or of one that lies
        with scripts or requirements, only its name or nothing tells.
        """
        if self.deployed or any(one.source in ("kubernetes", "procfile") for one in self.released):
            return True
        if any(file.released for file, _ in self.composed):
            return True
        if any(image.path in self.published for image in self.released_images):
            return True
        own = [image.path for image in self.images if not image.is_of_others]
        inside = own[0][len(self.root) :].strip("/").lower() if len(own) == 1 else ""
        return (
            self.alone
            and not self.composed
            and inside.count("/") < _DEEP
            and inside.rpartition("/")[0] in _OF_IMAGES
            and bool(inside)
        )

    @cached_property
    def servers(self) -> tuple[tuple[Process, Step, Listening], ...]:
        """The servers that the released processes start by a command line."""
        found = []
        for process in self.released:
            for step in process.steps or ():
                server = listening(step.launch, process.environment)
                if server is not None:
                    found.append((process, step, server))
        return tuple(found)

    @cached_property
    def entries(self) -> tuple[tuple[Process, Step, str], ...]:
        """The Python files that the released processes start as a script or with ``python -m``."""
        found = []
        for process in self.released:
            for step in process.steps or ():
                path = self._entry(step.launch, process.workdir)
                if path is not None:
                    found.append((process, step, path))
        return tuple(found)

    @cached_property
    def served(self) -> Mapping[str, tuple[Step, str]]:
        """Files that a released server or worker loads with its application: path -> (the step, the entry file)."""
        reached: dict[str, tuple[Step, str]] = {}
        steps = [(process, step) for process in self.released for step in process.steps or ()]
        for process, step in sorted(steps, key=_stays):
            for path in self._loaded(step.launch, process.environment):
                for file in self.modules.reachable(path, reached):
                    reached.setdefault(file, (step, path))
        return reached

    def may_reach(self) -> frozenset[str]:
        """The files that a released process may run, told before Python is parsed: ``reached`` and more, as a rule."""
        entries = {path for _, _, path in self.entries}
        for process in self.released:
            for step in process.steps or ():
                entries.update(self._loaded(step.launch, process.environment))
        return self.modules.may_reach(entries)

    @cached_property
    def reached(self) -> Mapping[str, tuple[Step, str]]:
        """Files that a released process runs, as a script or as a server's application: ``started`` and ``served``."""
        served = {path: found for path, found in self.served.items() if found[0].last}
        prepared = {path for path, (step, _) in self.started.items() if not step.last}
        return {
            path: served[path] if path in prepared and path in served else found
            for path, found in {**self.served, **self.started}.items()
        }

    def ships(self, path: str) -> bool:
        """Whether a Python file may be part of what is released.

        What a released process reaches does. Of the rest, scripts and tools of developers do not, nor do files that
        only a build (RUN) or a HEALTHCHECK starts; everything else may be loaded by a way that is not followed.
        """
        if self.is_of_developers(path):
            return False
        if path in self.reached:
            return True
        *folders, _ = (path[len(self.root) + 1 :] if self.root else path).lower().split("/")
        if not ASIDE.isdisjoint(folders) or (folders and folders[0] in TOOLS):
            return False
        if folders and folders[0] in ASIDE_ON_TOP and self._is_aside(folders):
            return False
        if not _STAND_INS.isdisjoint(words_of(posixpath.basename(path)[:-3])):
            return False
        if self.released and "-" in path.rpartition("/")[2] and folders[-1:] != ["commands"]:
            return False  # no import finds it: somebody starts it by hand
        made = not MAKES.isdisjoint(words_of(posixpath.basename(path)[:-3]))
        if self.reached and (made or JOBS.isdisjoint(folders)) and self._is_script(path):
            return False
        return path not in self._built_or_probed and self._is_copied(path)

    def comes_by(self, path: str, *, guarded: bool) -> bool:
        """Whether a call of a file may be part of what is released: under a main guard only in what somebody starts.

        Where no start is known, that may be a file at the top or in a folder there.
        """
        if not self.ships(path):
            return False
        if not guarded or (path in self.started and self.started[path][1] == path):
            return True
        inside = path[len(self.root) + 1 :] if self.root else path
        return not self.reached and inside.count("/") < _DEEP

    def _is_aside(self, folders: list[str]) -> bool:
        """Whether a folder at the top is known not to be what runs; files for images may be what they need."""
        return bool(self.reached if folders[0] == "docker" else self.released)

    def _is_copied(self, path: str) -> bool:
        """Whether the released images may hold a file: no where they name what they copy, and it is not there."""
        return self._copied is None or self._is_among(path, self._copied)

    def _is_among(self, path: str, copied: Iterable[str]) -> bool:
        names = (path, path[len(self.root) + 1 :] if self.root else path)  # the context may be the whole repository
        return any(name == one or name.startswith(f"{one}/") for name in names for one in copied)

    @cached_property
    def _copied(self) -> frozenset[str] | None:
        """What the released images copy; None where one takes everything, or something else is released too."""
        if any(one.source != "dockerfile" for one in self.released) or not self.released_images:
            return None
        found: set[str] = set()
        for image in self.released_images:
            if image.copied is None:
                return None
            found.update(image.copied)
        # without any of the service's code it comes from elsewhere: a volume, a package, an image on top
        return frozenset(found) if any(self._is_among(path, found) for path in self.python) else None

    def is_of_developers(self, path: str) -> bool:
        """Whether a Python file holds settings of developers by its name, and they are not the ones released.

        What a runner of developers' tasks reads (invoke, fabric, nox) is theirs too.
        """
        if not OF_DEVELOPERS.isdisjoint(self.root.split("/")):
            return True
        inside = path[len(self.root) + 1 :] if self.root else path
        if inside in _TASKS and self.modules.needs(path, _RUNNERS):
            return True
        if TEST_PROJECT.search(path):
            return True
        return DEVELOPMENT_SETTINGS.search(path) is not None and path not in self.settings[:1]

    @cached_property
    def _settings_files(self) -> frozenset[str]:
        return frozenset(self.settings)

    def is_proven(self, path: str) -> bool:
        """Whether a Python file is known to be a part of what is deployed."""
        return self.is_deployed and (path in self.reached or path in self._settings_files)

    def is_for_developers(self, path: str) -> bool:
        """Whether a manifest lies in a folder of scripts and tools that is no service of its own."""
        if not OF_DEVELOPERS.isdisjoint(self.root.split("/")):
            return True
        known = bool(self.images or self.released)
        inside = path[len(self.root) + 1 :] if self.root and known else path
        folders = inside.lower().split("/")[:-1]
        if known and any(one.startswith(".") for one in folders):
            return True
        # beside a service that is known what is shown in a tutorial is not what ships
        if not (ASIDE if known else ASIDE - SHOWN).isdisjoint(folders):
            return True
        aside = bool(self.released and folders) and folders[0] in (*ASIDE_ON_TOP, "package", "packaging", "installer")
        return aside and not self._is_built_from(inside)

    def is_shown(self, path: str) -> bool:
        """Whether a manifest is part of a tutorial or demonstration beside a service that has an image of its own."""
        inside = path[len(self.root) + 1 :] if self.root else path
        return bool(self.images) and not SHOWN.isdisjoint(inside.lower().split("/")[:-1])

    def _is_built_from(self, inside: str) -> bool:
        """Whether an instruction of an image names a file or its folder."""
        folder = posixpath.dirname(inside)
        return any(folder in one.text for image in self.images for one in image.instructions)

    def _is_script(self, path: str) -> bool:
        """Whether a file has a main guard and no process, released or not, starts it."""
        if not self.modules.has_guard(path):
            return False
        steps = ((step, process.workdir) for process in self.processes for step in process.steps or ())
        return all(self._entry(step.launch, workdir) != path for step, workdir in steps)

    @cached_property
    def _built_or_probed(self) -> frozenset[str]:
        found = set()
        for image in self.images:
            for one in (one for stage in image.dockerfile.stages for one in stage.instructions):
                if one.keyword in ("RUN", "HEALTHCHECK"):
                    for word in _PYTHON_FILE.findall(one.text):
                        path = self.modules.script(posixpath.basename(word), image.workdir)
                        found |= {path} if path is not None else set()
        return frozenset(found)

    def runs_there(self, path: str, *, guarded: bool) -> bool:
        """Whether a released process runs a file's code; ``guarded`` code only where the file is what it starts."""
        where = self.started.get(path)
        return where is not None and where[1] == path if guarded else path in self.reached

    def _loaded(self, start: Launch, environment: Mapping[str, str | None]) -> tuple[str, ...]:
        entry = None
        for name in applications(start, environment):
            found = self.modules.script(name, "/") if name.endswith(".py") else self.modules.find(name)
            if found is not None:
                entry = found
                break
        if start.program in ("python", "manage.py", "django-admin") and "runserver" in start.args:
            entry = next((path for path in self.python if posixpath.basename(path) == "manage.py"), None)
        if entry is None:
            return ()
        if not any(posixpath.basename(path) == "manage.py" for path in self.python):
            return (entry,)
        # Django finds its applications by name: what it loads of each by convention stands for them
        return (entry, *(path for path in self.python if posixpath.basename(path) in DJANGO_MODULES))

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The Django settings module that is released and what it imports, itself first; nothing where it is not known.

        A manifest's ``DJANGO_SETTINGS_MODULE`` counts, then the image's, then the default in wsgi.py or manage.py.
        """
        given = [one for file, item in self.composed if file.released for one in item.environment]
        given += [one for _, container in self.deployed for one in container.environment]
        names = [one.value for one in given if one.name == DJANGO_SETTINGS]
        names += [one.environment[DJANGO_SETTINGS] for one in self.released if DJANGO_SETTINGS in one.environment]
        stated = bool(names)
        if not names:
            for path in sorted(self.python, key=self._by_start):
                if STARTS_DJANGO.fullmatch(posixpath.basename(path)):
                    names += [one.default.text for one in self.modules.env_reads(path, DJANGO_SETTINGS) if one.default]
        found = self.modules.find(names[0]) if names and names[0] else None
        if found is not None and not stated and DEVELOPMENT_SETTINGS.search(found):
            # what wsgi.py falls back to is for developers, where there are settings for production beside it
            beside = (posixpath.join(posixpath.dirname(found), name) for name in ("production.py", "prod.py"))
            found = next((path for path in beside if path in self.python), found)
        if found is None or posixpath.basename(found) == "__main__.py":
            return ()
        return tuple(self.modules.reachable(found))

    def _by_start(self, path: str) -> tuple[bool, bool, str]:
        """What a released server loads comes first, then what any server may load."""
        return posixpath.basename(path) == "manage.py", path not in self.served, path

    def _entry(self, start: Launch, workdir: str) -> str | None:
        if start.program == "python":
            if not start.args or start.args[0] == "-c":
                return None
            return self.modules.script(start.args[0], workdir)
        script = self.scripts.get(start.program)
        path = self.modules.find(script or start.program)
        if path is not None:
            return path
        return self.modules.script(start.program, workdir) if start.program.endswith(".py") else None

    @cached_property
    def started(self) -> Mapping[str, tuple[Step, str]]:
        """Files that a released process runs: path -> (the step, the entry file it is reached from)."""
        reached: dict[str, tuple[Step, str]] = {}
        for _, step, entry in sorted(self.entries, key=_stays):
            for path in self.modules.reachable(entry, reached):
                reached.setdefault(path, (step, entry))
        return reached


def _stays(started: "tuple[Process, Step] | tuple[Process, Step, str]") -> bool:
    """Sorts what runs for good before what only prepares it: a file that both load is of the former."""
    return not started[1].last
