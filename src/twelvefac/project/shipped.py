"""Which files of the repository an image holds: the COPY and ADD of its stages, followed from the build context.

A stage is a layout: path in the image -> file of the context. What RUN makes or takes away is not in it.
"""

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from twelvefac.project.dockerfile import expand
from twelvefac.project.facts import FileFacts, Instruction, Stage
from twelvefac.project.ignorefile import count_of, is_left_out, selects
from twelvefac.project.images import PACKAGES, Image, words_given
from twelvefac.project.masking import hidden
from twelvefac.project.services import Service

_MOST_STEPS = 6_000_000
"""Paths held against sources and patterns: a thousand COPY of a large repository would take minutes."""

_MOST_FILES = 300_000
"""In a layout: a COPY of all that another stage has doubles what is there."""


class Copied(NamedTuple):
    """A COPY or ADD of the image, and how many files of the repository it puts there."""

    text: str
    path: str
    line: int
    files: int


class Shipped(NamedTuple):
    """What an image, or a Procfile's platform, takes of the repository.

    ``context`` is the folder that is built ("" for the audited one), ``left_out`` how many files that were asked for
    ``ignore``, the path of the .dockerignore ("" without one), takes away.
    """

    path: str
    context: str
    copies: tuple[Copied, ...]
    ignore: str
    left_out: int
    files: tuple[str, ...]


class Tree:
    """All paths of the repository, made ready once for its services."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self._paths = frozenset(self.names)

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for name in self.names:
            folder = posixpath.dirname(name)
            while folder and folder not in found:
                found.add(folder)
                folder = posixpath.dirname(folder)
        return frozenset(found)

    def has(self, path: str) -> bool:
        """Whether there is a file or a folder at a path."""
        return path in self._paths or path in self._folders

    def below(self, folder: str) -> list[str]:
        """The paths in a folder ("" is the audited one), at any depth."""
        if not folder:
            return self.names
        return self.names[bisect_left(self.names, f"{folder}/") : bisect_left(self.names, f"{folder}0")]


def find_shipped(
    service: Service, files: Mapping[str, FileFacts], tree: Tree
) -> tuple[tuple[Shipped, ...], tuple[str, ...]]:
    """What ships of a repository, by image; and what could not be told."""
    found: list[Shipped] = []
    notes: list[str] = []
    for image in service.images:
        context = _context(service, image, tree)
        ignore = next((path for path in _ignores(image, context) if files.get(path, _NONE).text is not None), "")
        text = (files[ignore].text or "") if ignore else ""
        layouts = _Layouts(image, context, tree.below(context), text)
        layouts.follow()
        shipped = sorted(set(layouts.final.values()))
        found.append(Shipped(image.path, context, tuple(layouts.copies), ignore, len(layouts.left_out), tuple(shipped)))
        notes += dict.fromkeys(layouts.notes)
    if not service.images:
        for path in sorted({one.span.path for one in service.released if one.source == "procfile"}):
            folder = posixpath.dirname(path)
            found.append(Shipped(path, folder, (), "", 0, tuple(tree.below(folder))))
    return tuple(found), tuple(notes)


_NONE = FileFacts()


def _ignores(image: Image, context: str) -> Iterator[str]:
    yield f"{image.path}.dockerignore"
    yield posixpath.join(context, ".dockerignore")


def _context(service: Service, image: Image, tree: Tree) -> str:
    """The folder that is built: what compose says, or the one that has most of what is copied."""
    stated = [one.context for _, one in service.composed if one.dockerfile == image.path and one.context is not None]
    if stated:
        return stated[0]
    wanted = [
        source.strip("\"'").lstrip("/").removeprefix("./").rstrip("/")
        for stage in image.built_from
        for one in stage.instructions
        if one.keyword in ("COPY", "ADD") and "from" not in dict(one.flags)
        for source in words_given(one)[:-1]
    ]
    candidates = dict.fromkeys((service.root, posixpath.dirname(image.path), ""))
    return max(candidates, key=lambda folder: sum(tree.has(posixpath.join(folder, one)) for one in wanted))


_Layout = dict[str, str]


class _Layouts:
    """The layouts of an image's stages, made in the order in which they are written."""

    def __init__(self, image: Image, context: str, names: list[str], ignore: str) -> None:
        self._image = image
        self._inside = [(name[len(context) + 1 :] if context else name, name) for name in names]
        self._ignore = ignore
        self._steps = 0
        self.final: _Layout = {}
        self.copies: list[Copied] = []
        self.left_out: set[str] = set()
        self.notes: list[str] = []

    def follow(self) -> None:
        """Work them out, up to the stage that is released."""
        image = self._image
        if not image.lineage:
            return
        done: dict[str, tuple[_Layout, str, Stage]] = {}
        wanted = {id(stage) for stage in image.built_from}
        lineage = {id(stage) for stage in image.lineage}
        for index, stage in enumerate(image.dockerfile.stages):
            if id(stage) not in wanted:
                continue
            base = done.get((stage.base or "").lower())
            layout, folder = (dict(base[0]), base[1]) if base is not None else (dict[str, str](), "/")
            for one in stage.instructions:
                if one.keyword == "WORKDIR":
                    folder = posixpath.normpath(posixpath.join(folder, self._expanded(one.text.strip("\"'"))))
                elif one.keyword in ("COPY", "ADD"):
                    if self._is_too_much(one, layout):
                        return
                    taken = self._taken(one, folder, done)
                    layout.update(taken)
                    if id(stage) in lineage:
                        self.copies.append(self._copied(one, len(taken)))
            entry = (layout, folder, stage)
            done[str(index)] = entry
            if stage.name:
                done[stage.name.lower()] = entry
            if stage is image.lineage[-1]:
                self.final = layout
                return

    def _is_too_much(self, one: Instruction, layout: _Layout) -> bool:
        sources = len(words_given(one)) * (1 + sum(name == "exclude" for name, _ in one.flags))
        self._steps += sources * (len(self._inside) + len(layout)) + len(self._inside) * count_of(self._ignore)
        too_much = self._steps > _MOST_STEPS or len(layout) > _MOST_FILES
        if too_much:
            self.notes.append(f"{self._image.path}: which files ship is not worked out, it takes too many steps")
        return too_much

    def _copied(self, one: Instruction, files: int) -> Copied:
        flags = [f"--{name}={value}" for name, value in one.flags if name in ("from", "exclude")]
        words = hidden((one.keyword, *flags, *words_given(one)))
        return Copied(" ".join(words), self._image.path, one.at[0], files)

    def _expanded(self, word: str) -> str:
        return expand(word, self._image.environment) or word

    def _taken(self, one: Instruction, folder: str, done: Mapping[str, tuple[_Layout, str, Stage]]) -> _Layout:
        *sources, target = [self._expanded(word.strip("\"'")) for word in words_given(one)] or [""]
        into = target.endswith("/") or target in (".", "./") or len(sources) > 1
        target = posixpath.normpath(posixpath.join(folder, target))
        origin = next((value for name, value in one.flags if name == "from"), None)
        excluded = [value for name, value in one.flags if name == "exclude"]
        taken: _Layout = {}
        for source in sources:
            if "$" in source:
                self.notes.append(f"{self._at(one)}: {one.keyword} {hidden((source,))[0]}: a build argument says what")
            elif origin is not None:
                self._from_stage(taken, one, source, target, into, done.get(origin.lower()))
            elif "://" not in source and not one.heredocs:
                self._from_context(taken, source, target, into, excluded)
        return taken

    def _from_context(self, taken: _Layout, source: str, target: str, into: bool, excluded: list[str]) -> None:
        source = posixpath.normpath(source.lstrip("/") or ".")
        for inside, name in self._inside:
            if source == inside:
                place = posixpath.join(target, posixpath.basename(inside)) if into else target
            elif source == ".":
                place = posixpath.join(target, inside)
            elif inside.startswith(f"{source}/"):
                place = posixpath.join(target, inside[len(source) + 1 :])
            elif selects(source, inside):  # COPY *.py ./: a folder that matches gives what is in it
                place = posixpath.join(target, posixpath.basename(inside))
            else:
                continue
            if any(selects(one, inside) for one in excluded):
                continue
            if is_left_out(self._ignore, inside):
                self.left_out.add(name)
            else:
                taken[place] = name

    def _from_stage(
        self,
        taken: _Layout,
        one: Instruction,
        source: str,
        target: str,
        into: bool,
        entry: tuple[_Layout, str, Stage] | None,
    ) -> None:
        if entry is None:  # somebody's image
            return
        layout, _, stage = entry
        source = posixpath.normpath(posixpath.join("/", source))
        before = len(taken)
        for place, name in layout.items():
            if place == source:
                taken[posixpath.join(target, posixpath.basename(place)) if into else target] = name
            elif source == "/" or place.startswith(f"{source}/"):
                taken[posixpath.join(target, place[len(source.rstrip("/")) + 1 :])] = name
        installs = any(run.keyword == "RUN" and PACKAGES.search(run.text) for run in stage.instructions)
        if len(taken) == before and layout and installs:
            self.notes.append(f"{self._at(one)}: what the stage {stage.name or 'before'} installed is not followed")

    def _at(self, one: Instruction) -> str:
        return f"{self._image.path}:{one.at[0]}"
