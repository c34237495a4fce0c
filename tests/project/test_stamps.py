"""Stamps tell exactly where another walk would find the same: whatever git decides by, and where nobody walked."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from twelvefac.project.discovery import Discovery, discover
from twelvefac.project.git import find_git
from twelvefac.project.stamps import are_current, revived

OLD = 10**18
ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env=ENVIRONMENT)


def age(folder: Path) -> None:
    """Make everything old, as it is where somebody worked yesterday."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, ns=(OLD, OLD), follow_symlinks=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder ``service`` of a repository, with a folder of which git lists nothing and one that it ignores."""
    top = tmp_path / "repo"
    folder = top / "service"
    (folder / "pkg").mkdir(parents=True)
    (folder / "logs" / "old").mkdir(parents=True)
    (folder / "build").mkdir()
    (folder / "app.py").write_text("a = 1\n")
    (folder / "notes.bin").write_text("1")
    (folder / "pkg" / "inner.py").write_text("a = 1\n")
    (folder / "logs" / "old" / "a.log").write_text("1")
    (folder / "build" / "made.py").write_text("a = 1\n")
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    (folder / "link.py").symlink_to("app.py")
    (top / "outside").write_text("")
    git(top, "init", "-q")
    git(top, "add", ".")
    age(top)
    return folder


def is_same(root: Path, found: Discovery) -> bool:
    assert found.stamps is not None
    stamps = revived(json.loads(json.dumps(found.stamps)))
    assert stamps == found.stamps
    return are_current(stamps, str(root), find_git(str(root)))


def relinked(root: Path) -> None:
    (root / "link.py").unlink()
    (root / "link.py").symlink_to("../outside")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "app.py").write_text("a = 22\n"),
    "time": lambda root: os.utime(root / "app.py", ns=(OLD + 1, OLD + 1)),
    "a name less": lambda root: (root / "pkg" / "inner.py").unlink(),
    "another name": lambda root: (root / "notes.bin").rename(root / "notes2.bin"),
    "a folder more": lambda root: (root / "new").mkdir(),
    "a file where git listed nothing": lambda root: (root / "logs" / "old" / "b.py").write_text(""),
    "ignored no more": lambda root: (root / ".gitignore").write_text(""),
    "ignored from now on": lambda root: (root.parent / ".gitignore").write_text("app.py\n"),
    "excluded": lambda root: (root.parent / ".git" / "info" / "exclude").write_text("app.py\n"),
    "tracked though ignored": lambda root: git(root, "add", "-f", "build/made.py"),
    "git is gone": lambda root: (root.parent / ".git").rename(root.parent / "git"),
    "a file instead of a folder": lambda root: ((root / "pkg").rename(root / "p"), (root / "pkg").write_text("")),
    "a link elsewhere": relinked,
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_told(root: Path, what: str) -> None:
    found = discover(str(root))

    assert is_same(root, found)
    CHANGES[what](root)
    assert not is_same(root, found)


def test_a_link_that_leads_out_by_what_lies_outside(root: Path) -> None:
    (root / "far.py").symlink_to("../near")
    (root.parent / "near").symlink_to("service/app.py")
    age(root.parent)
    found = discover(str(root))
    assert is_same(root, found)

    (root.parent / "near").unlink()
    (root.parent / "near").symlink_to("outside")

    assert not is_same(root, found)


def test_what_changes_where_nobody_looks_is_no_change(root: Path) -> None:
    (root / ".venv" / "lib").mkdir(parents=True)
    age(root)
    found = discover(str(root))

    (root / ".venv" / "lib" / "x.py").write_text("")
    (root / "notes.bin").write_text("22")  # no reader wants it

    assert is_same(root, found)
    assert discover(str(root)) == found


def test_what_changed_just_now_may_change_again_unseen(root: Path) -> None:
    (root / "app.py").write_text("a = 2\n")

    assert discover(str(root)).stamps is None


def test_a_folder_that_cannot_be_listed_is_asked_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("pkg"):
            raise PermissionError(13, "no")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    assert discover(str(root)).stamps is None


def test_without_git_every_folder_is_walked(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    age(tmp_path)
    found = discover(str(tmp_path))
    assert is_same(tmp_path, found)

    (tmp_path / "a" / "b" / "new.py").write_text("")

    assert not is_same(tmp_path, found)
