"""The one caller of Copier: a template and answers become files in an empty directory, the same for ever.

Importing Copier costs 0.3 s of CPU, so it is imported when something is rendered.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twelvefac.scaffold.component import CatalogueError
from twelvefac.scaffold.plan import ANSWERS_FILE


def render(root: Path, data: Mapping[str, str], into: Path) -> None:
    """Render the template at ``root`` with ``data`` into the empty directory ``into``.

    Nothing of the machine matters: not the user's Copier settings, not git and its configuration, not the
    umask of whoever installed the template. The answers file is left out; ``scaffold.records`` writes it.
    Raises OSError when the disk refuses and CatalogueError when the template or the data are wrong.
    """
    with _no_git(), _compiling_once():
        import copier
        from copier.errors import CopierError
        from jinja2 import TemplateError

        try:
            copier.run_copy(
                str(root),
                into,
                data=dict(data),
                settings=copier.Settings(),
                exclude=[ANSWERS_FILE],
                answers_file=ANSWERS_FILE,
                defaults=True,
                quiet=True,
                cleanup_on_error=False,
            )
        except (CopierError, TemplateError, ValueError) as error:
            raise CatalogueError(f"the template does not render: {error}") from error
    _settle_modes(into)


def load_engine() -> None:
    """Import Copier ahead of a fork, so that both processes have it for the price of one."""
    with _no_git():
        import copier  # noqa: F401


@contextmanager
def _no_git() -> Iterator[None]:
    """Hide git from Copier.

    With git in sight it clones a template that lies in a checkout and takes its newest tag instead of what
    is on disk, and it starts git for every file that it writes to read one setting (3 ms each).
    """
    # plumbum copies the environment on import, and Copier looks commands up in that copy
    from plumbum import local

    with local.env(PATH=os.devnull):
        yield


@contextmanager
def _compiling_once() -> Iterator[None]:
    """Let Jinja compile a text once.

    For each file Copier compiles the names of its folders and, twice, that of the answers file: two fifths of a render.
    """
    from jinja2 import Environment

    original = Environment.compile
    compiled: dict[tuple[Environment, str], Any] = {}

    def compile_once(environment: Environment, source: Any, *arguments: Any, **named: Any) -> Any:
        if arguments or named or not isinstance(source, str):
            return original(environment, source, *arguments, **named)
        key = (environment, source)
        if key in compiled:
            environment.preprocess(source)  # an extension may keep state there, as that for yield does
        else:
            compiled[key] = original(environment, source)
        return compiled[key]

    # put back below: Jinja has no other place to say so
    Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Environment.compile = original  # type: ignore[method-assign]


def _settle_modes(into: Path) -> None:
    """Give each file the mode that the user's umask allows; Copier copies the template's own."""
    umask = os.umask(0)
    os.umask(umask)
    for folder, _, names in os.walk(into):
        for name in names:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                path.chmod((0o777 if mode & stat.S_IXUSR else 0o666) & ~umask)
