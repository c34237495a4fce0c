"""A file is written whole or not at all, and nothing is left beside it."""

import errno
import os
from pathlib import Path

import pytest

from twelvefac.errors import MachineError
from twelvefac.source.write import write_atomically


def test_a_new_file_gets_what_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomically(str(tmp_path / "a"), b"x")
    finally:
        os.umask(old)

    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o640])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)

    write_atomically(str(path), b"new")

    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"new", mode)


def test_a_given_mode_counts(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o644)

    write_atomically(str(path), b"new", mode=0o600)

    assert path.stat().st_mode & 0o7777 == 0o600


def test_a_bare_name_is_written_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    write_atomically("a", b"x")

    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["x" * 255, "漢" * 85, "𝄞" * 63], ids=["ascii", "three bytes", "four bytes"])
def test_any_name_that_the_file_system_takes(tmp_path: Path, name: str) -> None:
    write_atomically(str(tmp_path / name), b"x")

    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("function", "code"),
    [("fsync", errno.ENOSPC), ("replace", errno.EROFS), ("chmod", errno.EPERM), ("fdopen", errno.ENOMEM)],
)
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, code: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*arguments: object, **words: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(MachineError) as caught:
        write_atomically(str(path), b"new")
    monkeypatch.undo()

    assert caught.value.message == f"cannot write {path}: {os.strerror(code)}"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == b"old"


def test_an_interruption_leaves_nothing_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(str(tmp_path / "a"), b"x")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["missing/a", "file/a", "folder"])
def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    path = str(tmp_path / where)

    with pytest.raises(MachineError) as caught:
        write_atomically(path, b"x")

    assert caught.value.message.startswith(f"cannot write {path}: ")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]
