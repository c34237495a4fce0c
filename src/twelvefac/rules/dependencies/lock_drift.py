"""The lock file does not hold what the manifest asks for.

## Why

The build either stops (`uv sync --locked`, `poetry install`, `pipenv install --deploy`), or it resolves anew and ships
what nobody tested. Both happen on the day of the next release, not on the day of the change.

## What it does not flag

- What the two texts do not prove: ranges, Poetry's carets, markers, requirements by URL, path or workspace.
- A lock in another folder than the manifest, one that holds nothing, one of another tool.
- Versions that are written in another way: `1.0` and `1.0.0`.

## How to fix

Lock again with the tool, and let the pipeline check it: `uv lock --check`, `poetry check --lock`, `pdm lock --check`,
`pipenv verify`.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.dependencies import Manifest
from twelvefac.project.locks import Lock
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

rule = Rule(
    __name__,
    factor=Factor.DEPENDENCIES,
    summary="the lock file does not hold what the manifest asks for",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "a requirement that was added, and one that was pinned to another version, without locking",
            source="""
                -- pyproject.toml --
                [project]
                dependencies = [
                    "flask==3.1.0",  # <- lock-drift
                    "redis>=5",
                ]
                [dependency-groups]
                dev = ["pytest==8.0"]
                -- uv.lock --
                version = 1

                [[package]]
                name = "flask"
                version = "3.0.3"

                [[package]]
                name = "pytest"
                version = "8.0.0"
                -- app.py --
                -- b/Pipfile --
                [packages]
                flask = "*"
                requests = "*"  # <- lock-drift
                -- b/Pipfile.lock --
                {"default": {"flask": {"version": "==3.1.0"}}, "develop": {}}
                -- b/b.py --
            """,
        ),
        Example(
            "in step, in other words",
            source="""
                -- pyproject.toml --
                [project]
                dependencies = ["Flask==3.1", "ruamel.yaml==0.18.6", "shop @ https://acme.io/shop.whl", "local==1.0"]
                [tool.uv.sources]
                local = {workspace = true}
                -- uv.lock --
                version = 1

                [[package]]
                name = "flask"
                version = "3.1.0"

                [[package]]
                name = "ruamel-yaml"
                version = "0.18.6"

                [[package]]
                name = "shop"
                version = "1"

                [[package]]
                name = "local"
                source = { editable = "local" }
                -- app.py --
            """,
        ),
        Example(
            "several versions for several Pythons, a lock of another tool, an empty one",
            source="""
                -- a/pyproject.toml --
                [project]
                dependencies = ["numpy==2.0.0; python_version >= '3.10'", "numpy==1.26.0; python_version < '3.10'"]
                -- a/uv.lock --
                [[package]]
                name = "numpy"
                version = "1.26.0"

                [[package]]
                name = "numpy"
                version = "2.0.0"
                -- a/a.py --
                -- b/pyproject.toml --
                [tool.poetry.dependencies]
                python = "^3.12"
                flask = "^3.0"
                -- b/uv.lock --
                [[package]]
                name = "requests"
                version = "2.33.1"
                -- b/b.py --
                -- c/pyproject.toml --
                [project]
                dependencies = ["flask"]
                -- c/poetry.lock --
                package = []
                -- c/c.py --
            """,
        ),
    ),
)

_OF_MANIFEST = {"uv.lock": "pyproject.toml", "pdm.lock": "pyproject.toml", "poetry.lock": "pyproject.toml",
                "Pipfile.lock": "Pipfile"}  # fmt: skip
_EXACT = regex(r"={2,3}[ \t]{0,4}v?(\d{1,6}(?:\.\d{1,8}){0,5})")
_RELEASE = regex(r"v?(\d{1,6}(?:\.\d{1,8}){0,5})")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    manifests = dict(facts.manifests())
    for path in service.files:
        folder, name = posixpath.split(path)
        where = posixpath.join(folder, _OF_MANIFEST.get(name, ""))
        manifest, lock = manifests.get(where), facts.file(path).lock
        if lock is None or not lock.packages or manifest is None or service.is_for_developers(path):
            continue
        beside = [posixpath.basename(other) for other in facts.repository.by_folder.get(folder, ())]
        if sum(_OF_MANIFEST.get(other) == posixpath.basename(where) for other in beside) > 1:
            continue  # which of the tools is still in use is not known
        found = list(_drifted(manifest, lock))
        if found and len(found) < len(manifest.requirements):  # else it is another project's
            (subject, why, at), *others = found
            verb = "is" if len(others) == 1 else "are"
            more = f", and {len(others)} more {verb} out of step" if others else ""
            message = f"{name} {why}{more}: the build stops, or ships what nobody tested"
            related = tuple((Span.of(where, place), other) for other, _, place in others[:11])
            yield rule.at(where, at, message, subject=f"lock:{subject}", related=related)


def _drifted(manifest: Manifest, lock: Lock) -> Iterator[tuple[str, str, Pos]]:
    """Requirements that the lock does not hold, or holds in another version than asked for: name, why, place."""
    versions: dict[str, set[str]] = {}
    for one in lock.packages:
        versions.setdefault(one.name, set()).add(one.version)
    for wanted in manifest.requirements:
        if wanted.conditional or wanted.specifier.startswith("@") or (lock.format == "pdm" and wanted.group):
            continue
        held = versions.get(wanted.name)
        if held is None:
            yield wanted.name, f"does not hold {wanted.name}", wanted.at
            continue
        exact = _EXACT.fullmatch(wanted.specifier)
        if exact and all(_RELEASE.fullmatch(version) for version in held):
            asked = _release(exact.group(1))
            if all(_release(version) != asked for version in held):
                has = ", ".join(sorted(held))
                yield wanted.name, f"holds {wanted.name} {has}, the manifest asks for {exact.group(1)}", wanted.at


def _release(version: str) -> tuple[int, ...]:
    """A version's numbers without zeros at the end: 1.0 is 1.0.0."""
    numbers = [int(part) for part in version.lstrip("v").split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
