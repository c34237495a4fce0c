"""What is built or installed lies in the repository.

## Why

A codebase is what people wrote. Byte code, virtual environments and built packages differ by machine and Python
version: they make every change a conflict, hide what a change is about, and get into images beside the real ones.

## What it does not flag

- What lies in the directory and is not tracked by git.
- A `.gitignore` anywhere above; a directory that is no git repository.

## How to fix

Add a `.gitignore` (`__pycache__/`, `.venv/`, `dist/`, `*.egg-info/`) and take out what is tracked:
`git rm -r --cached PATH`.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_BUILT = (
    ("byte code", regex(r"(?:^|/)__pycache__/|\.py[co]$")),
    ("a virtual environment", regex(r"(?:^|/)pyvenv\.cfg$|(?:^|/)site-packages/[^/]{1,200}\.(?:dist|egg)-info/")),
    ("a built package", regex(r"(?:^|/)dist/[^/]{1,200}\.(?:whl|tar\.gz)$|\.egg-info/PKG-INFO$")),
    ("a tool's cache", regex(r"(?:^|/)\.(?:pytest|mypy|ruff)_cache/")),
)
_ANY = regex("|".join(pattern.pattern for _, pattern in _BUILT))
_ENDS = (".pyc", ".pyo", "pyvenv.cfg", ".whl", ".tar.gz", "/PKG-INFO")
_OTHERS = regex(r"(?:^|/)(?:tests?|testdata|fixtures|vendor|third_party|examples?|docs?)/")
_FIRST = (1, 1, 1, 1)

rule = Rule(
    __name__,
    factor=Factor.CODEBASE,
    summary="what is built or installed lies in the repository",
    severity=LOW,
    confidence=Confidence.HIGH,
    since="0.1",
    examples=(
        Example(
            "byte code and an environment are tracked",
            source="""
                -- .gitignore --
                *.log
                -- app.py --
                -- __pycache__/app.cpython-312.pyc --
                -- venv/pyvenv.cfg --
                -- notes.txt (untracked) --
                -- expect --
                __pycache__/app.cpython-312.pyc:1 no-vcs-ignore
                venv/pyvenv.cfg:1 no-vcs-ignore
            """,
        ),
        Example(
            "there, but not tracked",
            source="""
                -- .gitignore --
                __pycache__/
                -- app.py --
                -- __pycache__/app.cpython-312.pyc (untracked) --
            """,
        ),
        Example(
            "no git repository",
            source="""
                -- app.py --
                -- __pycache__/app.cpython-312.pyc --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    tracked = facts.repository.tracked
    if tracked is None or not service.files or min(facts.repository.files) not in service.files:
        return  # no git; or another service of the repository says it
    # most paths are told apart without an expression
    built = [
        path
        for path in tracked
        if (path.endswith(_ENDS) or "_cache/" in path or "__/" in path or "-info/" in path)
        and _ANY.search(path)
        and not _OTHERS.search(path)
    ]
    for what, pattern in _BUILT:
        found = sorted(filter(pattern.search, built))
        if found:
            more = f" and {len(found) - 1} more files" if len(found) > 1 else ""
            message = f"{what} is tracked by git ({found[0]}{more}): it differs by machine and was written by nobody"
            yield rule.on(Span.of(found[0], _FIRST), message, subject=f"tracked:{what}")
