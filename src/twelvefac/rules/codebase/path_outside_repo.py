"""The service takes code from outside its own directory.

## Why

A codebase is one repository, and its image holds what is in its build context. A path that leads out of it works on the
machine of whoever wrote it: elsewhere the import fails, or finds another version.

## What it does not flag

- `sys.path` edits to the service's own folders (`src`), and those in tests and scripts.
- Paths to a folder that is in the image's build context, as Compose names it.
- Absolute paths as images have them (`/app`, `/opt/…`).

## How to fix

Make the shared code a package with a version and depend on it, or build from a context that holds both.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_MACHINE = regex(r"/(?:home|Users)/(?!app/|appuser/)[^/]+/|[A-Za-z]:[\\/]|~/")
_SAME = frozenset(("str", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser", "os.fspath"))
_OWN = "__file__"

rule = Rule(
    __name__,
    factor=Factor.CODEBASE,
    summary="the service takes code from outside its own directory",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=anchors(r"sys path insert ~path\.insert\b", r"sys path append ~path\.append\b"),
    names=frozenset(("sys.path.insert", "sys.path.append")),
    examples=(
        Example(
            "a module path, a requirement and a COPY that leave",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY ../common /srv/common  # <- path-outside-repo
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- requirements.txt --
                -e ../common  # <- path-outside-repo
                -- app.py --
                import os
                import sys
                from pathlib import Path

                sys.path.append("/home/kim/work/common")  # <- path-outside-repo
                sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../common"))  # <- path-outside-repo
                sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # <- path-outside-repo
            """,
        ),
        Example(
            "own folders",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY --from=build /srv /srv
                COPY ./src /srv/src
                COPY ../../ /srv/all
                COPY ../shop /srv/shop
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.app:app"]
                -- requirements.txt --
                -e .
                ./libs/common
                -- shop/app.py --
                import os
                import sys

                sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
                sys.path.append("/opt/plugins")
                sys.path.append(os.environ["PLUGINS"])
            """,
        ),
        Example(
            "a context that holds both, and a script",
            source="""
                -- compose.yaml --
                services:
                  web:
                    build: {context: ., dockerfile: web/Dockerfile}
                -- web/Dockerfile --
                FROM python:3.12-slim
                COPY common /srv/common
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- web/requirements.txt --
                -e ../common
                -- web/app.py --
                -- web/scripts/load.py --
                import sys

                sys.path.append("../..")
                -- common/setup.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    roots = _roots(service)
    for path, call in facts.calls("sys.path.insert", "sys.path.append"):
        if not service.runs_there(path, guarded=call.guarded) or not call.args:
            continue
        value = call.args[-1]
        if value.text is not None and _MACHINE.match(value.text):
            message = f"{call.name} names a folder of one machine: nobody else has it, and no image does"
            yield rule.at(path, call.at, message, subject=f"path:{value.text}", symbol=call.scope)
            continue
        target = _folder(value, path)
        if target is not None and not _is_inside(target, roots):
            message = f"{call.name} leads out of the service ({target or '.'}): its image does not hold what lies there"
            yield rule.at(path, call.at, message, subject=f"path:{target}", symbol=call.scope)
    for path, manifest in facts.manifests():
        for given, at in manifest.paths:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), given.removeprefix("file:")))
            outside = target == ".." or target.startswith("../")
            if not given.startswith("/") and (outside or (len(roots) > 1 and not _is_inside(target, roots))):
                message = f"{given} leads out of the repository: whoever checks it out cannot install the service"
                yield rule.at(path, at, message, subject=f"requirement:{given}")
    for image in service.released_images:
        places = []
        for stage in image.dockerfile.stages:
            for instruction in stage.instructions:
                sources = instruction.args[:-1] or tuple(instruction.text.split()[:-1])
                if instruction.keyword not in ("COPY", "ADD") or dict(instruction.flags).get("from"):
                    continue
                if any(_is_above(source, service) for source in sources):
                    places.append((Span.of(image.path, instruction.at), sources[0]))
        if places:  # one mistake: where the build is thought to start
            message = "COPY cannot leave the build context: what lies above it is not in the image"
            yield rule.on(places[0][0], message, subject=f"copy:{places[0][1]}", related=tuple(places[1:12]))


def _is_above(source: str, service: Service) -> bool:
    """Whether a source of COPY names what the context does not hold: a build strips what leads out of the context.

    Source: the Dockerfile reference on COPY, "Copying from the build context".
    """
    if not source.startswith("../"):
        return False
    stripped = posixpath.normpath(posixpath.join("/", source)).lstrip("/")
    places = {posixpath.normpath(posixpath.join(folder, stripped)) for folder in ("", service.root)}
    return bool(stripped) and not any(
        path in places or path.startswith(tuple(f"{one}/" for one in places)) for path in service.files
    )


def _roots(service: Service) -> tuple[str, ...]:
    """The directories whose content the image can hold: the service's own and the contexts that Compose builds from."""
    contexts = [one.context for _, one in service.composed if one.context is not None]
    return tuple(dict.fromkeys((service.root, *contexts)))


def _is_inside(target: str, roots: tuple[str, ...]) -> bool:
    if target == ".." or target.startswith("../"):
        return False
    return any(not root or target == root or target.startswith(f"{root}/") for root in roots)


def _folder(value: Value, path: str) -> str | None:
    """The directory that an expression means, from the file's own place; None where it cannot be told."""
    found = _path(value, path)
    if found is None:
        return None
    found = posixpath.normpath(found)
    return "" if found == "." else found


def _path(value: Value, path: str) -> str | None:
    if value.kind == "name":
        name = str(value.data)
        if name == _OWN:
            return path
        head, _, rest = name.partition("().")
        if head == "pathlib.Path" and rest:
            return _parents(rest, path)
        return None
    if value.kind != "call":
        return None
    name, args, _ = value.data
    if name in _SAME and args:
        return _path(args[0], path)
    if name == "os.path.dirname" and args:
        inner = _path(args[0], path)
        return None if inner is None else _above(inner)
    if name == "os.path.join" and args and all(one.text is not None for one in args[1:]):
        inner = _path(args[0], path)
        return None if inner is None else posixpath.join(inner, *(str(one.text) for one in args[1:]))
    return None


def _parents(steps: str, path: str) -> str | None:
    """``Path(__file__).resolve().parent.parent``: what it is called with is taken to be the file itself."""
    here = path
    for step in steps.split("."):
        if step == "parent":
            here = _above(here)
        elif step not in ("resolve()", "absolute()"):
            return None
    return here


def _above(path: str) -> str:
    """The directory above a path; above the repository's root it is ``..``."""
    if path in ("", ".") or path == ".." or path.endswith("/.."):
        return posixpath.join(path, "..").removeprefix("./") if path not in ("", ".") else ".."
    return posixpath.dirname(path)
