"""The hidden directory beside the target, the one rename, and what dead runs leave behind."""

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from twelvefac.errors import MachineError, RefusedError
from twelvefac.scaffold.staging import Target, find_target, publish, remove_abandoned, staged


def fill(tree: Path) -> None:
    (tree / "src").mkdir()
    (tree / "src/a.py").write_text("A = 1\n")


def content(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("parts", [("orders",), ("a", "b", "orders")])
def test_one_rename_makes_the_target_and_its_parents(tmp_path: Path, parts: tuple[str, ...]) -> None:
    target = find_target(tmp_path.joinpath(*parts))
    assert target == Target(tmp_path.joinpath(*parts), tmp_path)
    with staged(target, "orders") as tree:
        assert content(target.anchor)[0].startswith(".orders.twelvefac-")
        fill(tree)
        assert not target.path.exists()
        publish(tree, target)
    assert content(target.path) == ["src", "src/a.py"]
    assert [path.name for path in tmp_path.iterdir()] == [parts[0]]


def test_over_an_empty_folder_and_through_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    target = find_target(tmp_path / "link")
    with staged(target, "link") as tree:
        fill(tree)
        publish(tree, target)
    assert content(tmp_path) == ["link", "real", "real/src", "real/src/a.py"]


def test_modes_are_the_umasks(tmp_path: Path) -> None:
    target = find_target(tmp_path / "orders")
    with staged(target, "orders") as tree:
        publish(tree, target)
    umask = os.umask(0)
    os.umask(umask)
    assert target.path.stat().st_mode & 0o777 == 0o777 & ~umask


def full(path: Path) -> Path:
    path.mkdir()
    (path / "mine").touch()
    return path


def file(path: Path) -> Path:
    path.touch()
    return path


def dangling(path: Path) -> Path:
    path.symlink_to("nowhere")
    return path


def below_a_file(path: Path) -> Path:
    path.touch()
    return path / "orders"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (full, "x is not empty"),
        (file, "x is a file"),
        (dangling, "x is a link that leads nowhere"),
        (below_a_file, "x is not a folder"),
    ],
)
def test_what_is_there_stays(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    path = make(tmp_path / "x")
    before = content(tmp_path)
    with pytest.raises(RefusedError) as caught:
        find_target(path)
    assert caught.value.message == f"{tmp_path}/{message}"
    assert caught.value.hint.startswith("choose another folder")
    assert content(tmp_path) == before


def test_something_appears_meanwhile(tmp_path: Path) -> None:
    target = find_target(tmp_path / "orders")

    def run() -> None:
        with staged(target, "orders") as tree:
            fill(tree)
            full(target.path)
            publish(tree, target)

    with pytest.raises(RefusedError, match="orders appeared while the service was made"):
        run()
    assert content(tmp_path) == ["orders", "orders/mine"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_whatever_happens(tmp_path: Path, error: type[BaseException]) -> None:
    def run() -> None:
        with staged(find_target(tmp_path / "a/orders"), "orders") as tree:
            fill(tree)
            raise error

    with pytest.raises(error):
        run()
    assert content(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no space left on device; nothing was made"),
        (errno.EACCES, "permission denied; nothing was made"),
        (errno.EROFS, "read-only file system; nothing was made"),
    ],
)
def test_the_machine_refuses(tmp_path: Path, number: int, said: str) -> None:
    with pytest.raises(MachineError) as caught, staged(find_target(tmp_path / "orders"), "orders"):
        raise OSError(number, os.strerror(number))
    assert caught.value.message == f"cannot write {tmp_path}/orders: {said}"
    assert caught.value.hint
    assert content(tmp_path) == []


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Path]:
    """A staging directory that a run holds."""
    with staged(find_target(tmp_path / "living"), "living") as tree:
        yield tree


def test_only_what_a_dead_run_left_is_removed(tmp_path: Path, living: Path) -> None:
    dead = tmp_path / ".orders.twelvefac-0a1b2c3d"
    (dead / "tree/orders").mkdir(parents=True)
    (dead / "tree/orders/a").touch()
    just_made = tmp_path / ".b.twelvefac-00000000"
    just_made.mkdir()
    somebodys = [".orders.twelvefac-12345678/mine", ".orders.twelvefac-short/tree", ".Orders.twelvefac-12345678/tree"]
    for path in somebodys:
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / ".c.twelvefac-12345678").touch()
    (tmp_path / ".d.twelvefac-12345678").symlink_to(tmp_path / ".Orders.twelvefac-12345678")
    assert remove_abandoned(tmp_path) == [just_made.name, dead.name]
    assert living.is_dir()
    assert not dead.exists()
    assert all((tmp_path / path).is_dir() for path in somebodys)
    assert remove_abandoned(tmp_path) == []


def test_nothing_is_removed_while_another_run_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twelvefac.scaffold.staging._PATIENCE", 0.05)
    (tmp_path / ".orders.twelvefac-0a1b2c3d").mkdir()
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert remove_abandoned(tmp_path) == []
    finally:
        os.close(handle)
    assert remove_abandoned(tmp_path) == [".orders.twelvefac-0a1b2c3d"]


def test_a_folder_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    assert remove_abandoned(tmp_path / "absent") == []


def test_paths_are_shown_without_control_characters(tmp_path: Path) -> None:
    full(tmp_path / "a\x1b[31mb")
    with pytest.raises(RefusedError, match=r"a\\x1b\[31mb is not empty"):
        find_target(tmp_path / "a\x1b[31mb")
