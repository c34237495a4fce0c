"""The released template versions: one commit and one tag each in a git bundle, ``templates/history.bundle``.

A commit holds what Copier needs (copier.yml, templates/VERSION, templates/service) and nothing else. Identity
and dates are fixed, so the same releases give the same commit ids on every machine.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twelvefac.errors import RefusedError
from twelvefac.scaffold.catalogue import SUBDIRECTORY
from twelvefac.scaffold.git import NOBODY, run_git
from twelvefac.scaffold.plan import JUNK
from twelvefac.scaffold.version import VERSION_FILE

BUNDLE = "templates/history.bundle"
PARTS = ("copier.yml", VERSION_FILE, SUBDIRECTORY)

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")
_DATE = "2026-01-01T00:00:00Z"
_FIXED = {
    "GIT_AUTHOR_NAME": NOBODY[0],
    "GIT_AUTHOR_EMAIL": NOBODY[1],
    "GIT_AUTHOR_DATE": _DATE,
    "GIT_COMMITTER_NAME": NOBODY[0],
    "GIT_COMMITTER_EMAIL": NOBODY[1],
    "GIT_COMMITTER_DATE": _DATE,
}


def released(root: Path) -> list[str]:
    """Return the released versions of the template at ``root``, oldest first."""
    names = []
    try:
        # what a bundle holds stands in lines at its beginning, up to an empty one; asking git costs a process each time
        with (root / BUNDLE).open("rb") as bundle:
            for line in iter(bundle.readline, b""):
                if line == b"\n":
                    break
                names.append(os.fsdecode(line).rstrip("\n").partition(" refs/tags/")[2])
    except FileNotFoundError:
        return []
    return sorted((name for name in names if name), key=_key)


def extract(root: Path, version: str, into: Path) -> None:
    """Write the template as it was released in ``version`` into the existing directory ``into``.

    Raises RefusedError when that version was never released and MachineError when git fails.
    """
    if version not in released(root):
        raise RefusedError(f"template {version} was never released: there is {', '.join(released(root))}")
    with tempfile.TemporaryDirectory(prefix="twelvefac-history-") as folder:
        store = _empty_store(Path(folder))
        # half the time of a fetch, which also looks whether all of it is there
        heads = run_git(["bundle", "unbundle", str((root / BUNDLE).resolve())], store).splitlines()
        ids = {name: oid for oid, _, name in (line.partition(" refs/tags/") for line in heads)}
        run_git(["checkout", "--quiet", ids[version], "--", "."], store, {"GIT_WORK_TREE": str(into.resolve())})


def tree_ids(root: Path) -> tuple[str, str]:
    """Return the git tree ids of the template on disk and of its version as released (empty: it is not)."""
    version = (root / VERSION_FILE).read_text("utf-8").strip()
    with _repository(root) as store:
        tags = run_git(["tag", "--list", version], store)
        there = run_git(["rev-parse", f"{version}^{{tree}}"], store) if tags else ""
        return _write_tree(root, store), there


def release(root: Path) -> str:
    """Add the template on disk to the bundle under the version in templates/VERSION; return its commit id.

    Releasing the same content again changes nothing. Raises RefusedError when the version was released with
    other content, is no newer than the last or is none at all, and MachineError when git fails.
    """
    version = (root / VERSION_FILE).read_text("utf-8").strip()
    if not _VERSION.match(version):
        raise RefusedError(f"{VERSION_FILE}: {version!r} is no version such as 1.2.3")
    before = released(root)
    with _repository(root) as store:
        tree = _write_tree(root, store)
        if version in before:
            if run_git(["rev-parse", f"{version}^{{tree}}"], store) != tree:
                raise RefusedError(
                    f"template {version} is released and never changes",
                    hint=f"put a newer version into {VERSION_FILE}",
                )
            return run_git(["rev-parse", f"{version}^{{commit}}"], store)
        if before and _key(version) < _key(before[-1]):
            raise RefusedError(f"template {before[-1]} is released already: {version} is older")
        parents = ["-p", before[-1]] if before else []
        commit = run_git(["commit-tree", tree, *parents, "-m", f"Template {version}"], store, _FIXED)
        run_git(["tag", version, commit], store)
        fresh = store / "history.bundle"
        run_git(["bundle", "create", "--quiet", "--version=2", str(fresh), "--tags"], store)
        staged = root / f"{BUNDLE}.tmp"
        shutil.copyfile(fresh, staged)
        staged.replace(root / BUNDLE)
    return commit


@contextmanager
def _repository(root: Path) -> Iterator[Path]:
    """Give a bare repository with everything that is in the bundle; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="twelvefac-history-") as folder:
        store = _empty_store(Path(folder))
        if (root / BUNDLE).is_file():
            source = str((root / BUNDLE).resolve())
            run_git(["fetch", "--quiet", source, "refs/tags/*:refs/tags/*"], store)
        yield store


def _empty_store(folder: Path) -> Path:
    store = folder / "store.git"
    run_git(["init", "--quiet", "--bare", "--template=", str(store)], folder)
    return store


def _write_tree(root: Path, store: Path) -> str:
    """Write the template's parts on disk into ``store`` and return the id of their tree."""
    with tempfile.TemporaryDirectory(prefix="twelvefac-history-") as folder:
        for part in PARTS:
            source, copy = root / part, Path(folder, part)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*JUNK))
            else:
                shutil.copy(source, copy)
        index = {"GIT_INDEX_FILE": str(store / "release.index"), "GIT_WORK_TREE": folder}
        (store / "release.index").unlink(missing_ok=True)
        run_git(["add", "--all", "--force", folder], store, index)
        return run_git(["write-tree"], store, index)


def _key(version: str) -> tuple[int, ...]:
    match = _VERSION.match(version)
    if match is None:
        raise RefusedError(f"{BUNDLE}: the tag {version!r} is no version such as 1.2.3")
    return tuple(int(part) for part in match.groups())
