"""A template with three versions, and a service of the first one, as its owner has it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from update_overlays import tag, write_overlay
from update_template import write_history
from update_trees import run

from twelvefac.app.new import NewRequest, new_service
from twelvefac.cli import run as run_cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the template; not to be changed."""
    return write_history(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def first(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service of version 1.0.0; not to be changed."""
    folder = tmp_path_factory.mktemp("first") / "orders"
    new_service(NewRequest(str(folder), {}, version="1.0.0"), root=template)
    return folder


@pytest.fixture
def service(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the service, which is the current directory."""
    folder = tmp_path / "orders"
    shutil.copytree(first, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def call(template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command line on the template: code, stdout, stderr."""
    for module in ("update", "components", "check", "versions", "new", "adopt"):
        monkeypatch.setattr(f"twelvefac.app.{module}.data_root", lambda: template)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run_cli(list(arguments))
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def commit() -> Callable[[Path], None]:
    """Commit everything in a work tree."""

    def commit(folder: Path) -> None:
        run(folder, "add", "--all")
        run(folder, "commit", "--quiet", "--message=mine")

    return commit


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """An overlay in git with the version v1.0.0."""
    folder = write_overlay(tmp_path / "overlay")
    tag(folder, "v1.0.0")
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, beside the overlay."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
