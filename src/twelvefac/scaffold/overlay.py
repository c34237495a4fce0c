"""An organisation's own template, laid over ours: more files, none of ours changed, with a version of its own.

It is foreign code, so little of it runs: files are copied and Jinja is rendered in Copier's sandbox. Tasks,
migrations, extensions and data from elsewhere are refused, as are links out of it.
"""

import hashlib
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from twelvefac.errors import MachineError, RefusedError, UsageError
from twelvefac.scaffold.component import CatalogueError
from twelvefac.scaffold.git import run_git
from twelvefac.scaffold.plan import ANSWERS_FILE, JUNK, Layer, Ownership, Plan, PlannedFile
from twelvefac.scaffold.render import render
from twelvefac.scaffold.staging import shown

ORIGIN = "overlay"

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:")
_LOGIN = re.compile(r"https?://[^/]*@")
_TAG = re.compile(r"v?(\d+(?:\.\d+)*)\Z")
_PATIENCE = 60  # seconds for a remote repository to answer
# what a template may set: none of it runs anything
_SETTINGS = (
    *("_min_copier_version", "_subdirectory", "_exclude", "_templates_suffix", "_answers_file", "_skip_if_exists"),
    *("_message_before_copy", "_message_after_copy", "_message_before_update", "_message_after_update"),
)
_HASH = "sha256-"
_REACH = "`git ls-remote` says whether its address is right and git is let in"


def check_trust(spec: str, *, trusted: bool) -> None:
    """Raise UsageError when there is an overlay without trust, or trust without an overlay."""
    if spec and not trusted:
        raise UsageError(
            f"the overlay {spec} is not ours: --trust-overlay takes its files and Jinja (no tasks, no extensions)"
        )
    if trusted and not spec:
        raise UsageError("--trust-overlay goes with --overlay")


def split_spec(spec: str, service: Path) -> tuple[str, str]:
    """Return the source, as it is recorded in the folder ``service``, and the version (empty: the newest).

    A relative directory is recorded as seen from the service, so that it holds for whoever has both.
    Raises UsageError for what no overlay can be.
    """
    source, at, version = spec.rpartition("@")
    if not at or not source or "/" in version or ":" in version or Path(spec).is_dir():
        source, version = spec, ""
    if _LOGIN.match(source):
        raise UsageError("the overlay's URL holds a login, which would be recorded: leave it to git's own helpers")
    if not source or source.startswith("-") or not source.isprintable():
        raise UsageError(f"{source!r} is no directory and no git URL")
    if not _URL.match(source) and not Path(source).is_absolute():
        source = os.path.relpath(source, service)
    return source, version


def newest_version(source: str, service: Path) -> str:
    """Return the newest version of the overlay: a git repository's last tag, a plain directory's content.

    Raises RefusedError when it has none, MachineError when it cannot be reached.
    """
    place = _place(source, service)
    if not _is_git(place):
        return _content_hash(_directory(place, service))
    tags = [name for name in _tags(place) if _TAG.match(name)]
    if not tags:
        raise RefusedError(f"the overlay {source} has no version: no tag such as 1.2.3", hint="tag a version in it")
    return max(tags, key=overlay_key)


def overlay_key(version: str) -> tuple[int, ...]:
    """Return what the tags of an overlay are ordered by; what is no version is older than all."""
    match = _TAG.match(version)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


@contextmanager
def opened_overlay(layer: Layer, service: Path) -> Iterator[Path | None]:
    """Give the folder with the overlay in its version; None when that version is not at hand.

    Raises MachineError when the overlay cannot be reached.
    """
    place = _place(layer.source, service)
    if not _is_git(place):
        yield _directory(place, service) if _content_hash(_directory(place, service)) == layer.version else None
        return
    if layer.version not in _tags(place):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="twelvefac-overlay-") as folder:
        store, tree = Path(folder, "store.git"), Path(folder, "tree")
        tree.mkdir()
        run_git(["init", "--quiet", "--bare", "--template=", str(store)], Path(folder))
        reference = f"refs/tags/{layer.version}"
        _remote("fetch", "--quiet", "--no-tags", "--depth=1", "--", place, f"{reference}:{reference}", folder=store)
        run_git(["checkout", "--quiet", reference, "--", "."], store, {"GIT_WORK_TREE": str(tree)})
        yield tree


def split_answers(pairs: Iterable[str]) -> dict[str, str]:
    """Return the answers of ``KEY=VALUE`` words. Raises UsageError for what is none."""
    answers = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"--overlay-answer {pair}: must be KEY=VALUE")
        answers[key] = value
    return answers


def render_overlay(root: Path, plan: Plan, into: Path, answers: Mapping[str, str]) -> list[str]:
    """Render the overlay at ``root`` into the empty ``into``; return its paths.

    It sees the answers of ``plan`` and, to its own questions, ``answers``, else its defaults. Raises RefusedError
    for an overlay that would do more than give files, or does not render, UsageError for an answer to no question.
    """
    asked = [str(key) for key in _check_harmless(root) if not str(key).startswith("_")]
    known = {**plan.answers.as_data(), "package": "", "template_version": ""}
    for key in answers:
        if key in known:
            raise UsageError(f"the overlay has {key} from the service itself: it cannot be answered apart")
        if key not in asked:
            there = ", ".join(sorted(set(asked) - set(known))) or "none"
            raise UsageError(f"the overlay does not ask for {key}: its questions are {there}")
    data = {**answers, **plan.answers.as_data(), "package": plan.answers.package, "template_version": plan.version}
    try:
        render(root, data, into)
    except CatalogueError as error:
        reason = str(error).removeprefix("the template does not render: ")
        raise _unfit(f"the overlay does not render: {reason}") from error
    except OSError as error:
        raise MachineError(f"the overlay does not render: {error.strerror or error}") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise _unfit(f"the overlay does not render: {type(error).__name__}: {error}") from error
    return sorted(
        Path(folder, name).relative_to(into).as_posix() for folder, _, names in os.walk(into) for name in names
    )


def with_overlay(plan: Plan, layer: Layer, paths: Iterable[str]) -> Plan:
    """Return ``plan`` with the overlay's files. Raises RefusedError naming a file that both would write."""
    ours = {file.path.casefold(): file.path for file in plan.files}
    folders = {parent: path for path in ours for parent in _parents(path)}
    added = []
    for path in paths:
        parts = path.casefold().split("/")
        if ".git" in parts or parts[0] == ".twelvefac":
            raise _unfit(f"the overlay writes {shown(Path(path))}, which is not its own to write")
        key = "/".join(parts)
        taken = next((name for name in (key, *_parents(key)) if name in ours), folders.get(key))
        if taken is not None:
            raise RefusedError(
                f"the overlay and template {plan.version} both write {ours[taken]}",
                hint="an overlay adds files; take it out of the overlay",
            )
        added.append(PlannedFile(path, Ownership.MANAGED, ORIGIN))
    files = tuple(sorted((*plan.files, *added), key=lambda file: file.path))
    return replace(plan, files=files, overlay=layer)


def _unfit(what: str) -> RefusedError:
    return RefusedError(what, hint="whoever keeps the overlay mends that there, and tags a version")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _place(source: str, service: Path) -> str:
    return source if _URL.match(source) else os.path.normpath(service / source)


def _is_git(place: str) -> bool:
    return bool(_URL.match(place)) or Path(place, ".git").exists() or Path(place, "HEAD").is_file()


def _directory(place: str, service: Path) -> Path:
    folder = Path(place)
    if not folder.is_dir():
        recorded = (service / ANSWERS_FILE).is_file()  # it is given to `new` alone
        there = f"put it back, or say in {ANSWERS_FILE} (_overlay_src_path) where it is now"
        hint = there if recorded else "name its directory or git URL"
        raise MachineError(f"the overlay {shown(folder)} is not there", hint=hint)
    return folder


def _content_hash(root: Path) -> str:
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_junk(name))
        for name in sorted(name for name in names if not _is_junk(name)):
            path = Path(folder, name)
            try:
                mode = path.stat().st_mode
                if not stat.S_ISREG(mode):  # a pipe would wait for ever
                    raise _unfit(f"the overlay's {shown(path.relative_to(root))} is no plain file")
                data, executable = path.read_bytes(), mode & 0o100
            except OSError as error:
                raise MachineError(f"cannot read {shown(path)}: {error.strerror or error}") from error
            head = f"{path.relative_to(root).as_posix()}\0{executable}\0{len(data)}\0"
            digest.update(os.fsencode(head) + data)
    return _HASH + digest.hexdigest()[:16]


def _is_junk(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in JUNK)


def _tags(place: str) -> list[str]:
    lines = _remote("ls-remote", "--tags", "--refs", "--", place, folder=Path("/")).splitlines()
    return [line.partition("\trefs/tags/")[2] for line in lines]


def _remote(*arguments: str, folder: Path) -> str:
    """Run git where it talks to another repository: by the user's own settings, since they know the way."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or "SSH" in key}
    clean |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:https:ssh", "LC_ALL": "C"}
    command = ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise MachineError("git is not installed", hint="install git: the overlay comes by it") from error
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"the overlay's repository did not answer within {_PATIENCE} s", hint=_REACH) from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        telling = (
            [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines[-1:] or ["no reason given"]
        )
        raise MachineError(f"cannot reach the overlay: {telling[0].removeprefix('fatal: ')}", hint=_REACH)
    return done.stdout.decode("utf-8", "replace")


def _check_harmless(root: Path) -> Mapping[Any, Any]:
    """Return the overlay's settings and questions.

    Raises RefusedError when it would run something, or read what is not in it.
    """
    real = root.resolve()
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            if path.is_symlink() and not _leads_into(path, real):
                raise _unfit(f"the overlay's {shown(path.relative_to(root))} is a link that leads out of it")
    settings = _settings(root)
    for key in settings:
        if str(key).startswith("_") and key not in _SETTINGS:
            raise _unfit(f"the overlay sets {key}, and of an overlay only files and Jinja are taken")
    inner = str(settings.get("_subdirectory", ""))
    if not (root / inner).resolve().is_relative_to(real):
        raise _unfit("the overlay's _subdirectory leads out of it")
    return settings


def _leads_into(link: Path, real: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(real)
    except (OSError, RuntimeError):  # to nowhere, or in a circle
        return False


def _settings(root: Path) -> Mapping[Any, Any]:
    import yaml

    merged: dict[Any, Any] = {}
    for name in ("copier.yml", "copier.yaml"):
        if not (root / name).is_file():
            continue
        try:
            documents = list(yaml.safe_load_all((root / name).read_text("utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise _unfit(f"the overlay's {name} is no plain YAML: {str(error).splitlines()[0]}") from error
        for document in documents:
            if not isinstance(document, dict | None):
                raise _unfit(f"the overlay's {name} must hold questions and settings")
            merged |= document or {}
    return merged
