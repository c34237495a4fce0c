"""The command line on the sample template."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sample_template import write_template

from twelvefac.cli import run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the sample template; not to be changed."""
    return write_template(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def new(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``twelvefac new service …`` in an empty directory: code, stdout, stderr. No terminal."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("twelvefac.app.new.data_root", lambda: sample)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["new", "service", *arguments])
        return code, *capsys.readouterr()

    return call
