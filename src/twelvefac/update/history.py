"""The template's versions: which there are, where each lies, and what it gives for some answers."""

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from twelvefac.errors import RefusedError
from twelvefac.scaffold.answers import Answers, make_answers
from twelvefac.scaffold.catalogue import load_catalogue
from twelvefac.scaffold.history import extract, released
from twelvefac.scaffold.plan import Plan, make_plan
from twelvefac.scaffold.render import load_engine, render
from twelvefac.scaffold.version import newest, version_key


def versions(root: Path) -> list[str]:
    """Return every version that can be made, the oldest first."""
    return sorted({*released(root), newest(root)}, key=version_key)


def check_version(root: Path, version: str) -> None:
    """Raise RefusedError, naming those that there are, when ``version`` cannot be made."""
    if version not in versions(root):
        raise RefusedError(
            f"template {version} was never released: there is {', '.join(versions(root))}",
            hint="`twelvefac update --versions` says what each one brings",
        )


@contextmanager
def opened(root: Path, version: str) -> Iterator[Path | None]:
    """Give the folder with the template as it was in ``version``; None when that version is not at hand."""
    if version in released(root):
        if version == newest(root) and not _is_checkout(root):
            yield root
            return
        with tempfile.TemporaryDirectory(prefix="twelvefac-template-") as folder:
            extract(root, version, Path(folder))
            yield Path(folder)
    else:
        yield root if version == newest(root) else None


def render_both(
    first: tuple[Path, Mapping[str, str], Path] | None, second: tuple[Path, Mapping[str, str], Path]
) -> None:
    """Render two (template, answers, empty folder), side by side where that can be.

    Raises what ``scaffold.render`` raises.
    """
    if first is None:
        render(*second)
        return
    # a process with threads must not be forked: the child would wait for locks that nobody opens
    if threading.active_count() > 1 or not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        render(*first)
        render(*second)
        return
    load_engine()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 2)
            render(*first)
            code = 0
        finally:
            os._exit(code)
    try:
        render(*second)
    finally:
        _, status = os.waitpid(child, 0)
    if status != 0:  # once more here, for the reason
        shutil.rmtree(first[2])
        first[2].mkdir()
        render(*first)


def _is_checkout(root: Path) -> bool:
    """Return whether ``root`` is where the template is worked on, so that it may differ from its release."""
    return (root / "pyproject.toml").exists()


def asked(root: Path) -> tuple[str, ...]:
    """Return the questions of the template at ``root``, older ones than ours included."""
    text = (root / "copier.yml").read_text("utf-8")
    keys: list[str] = re.findall(r"^([a-z]\w*):$(?!\n(?:  .*\n)*?  when: false)", text, re.MULTILINE)
    return tuple(keys)


def plan_version(template: Path, given: Mapping[str, str]) -> Plan:
    """Return the plan of a service of the template at ``template``, which may be an old version.

    The answers are completed with that version's defaults, and hold its questions alone.
    Raises UsageError for answers that it does not know.
    """
    catalogue = load_catalogue(template)
    settled, components = make_answers(catalogue, given)
    known = asked(template)
    choices = {key: value for key, value in settled.choices.items() if key in known}
    return make_plan(catalogue, Answers(settled.name, settled.description, choices), components)
