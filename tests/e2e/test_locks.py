"""Rendered lock files are what uv resolves, and install with hashes on every platform that is named."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from twelvefac.app.new import NewRequest, new_service
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.component import QUESTIONS

pytestmark = pytest.mark.e2e

_DATABASES = load_catalogue(data_root()).choices(next(kind for kind in QUESTIONS if kind.name == "database"))
_PLATFORMS = ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "x86_64-apple-darwin", "aarch64-apple-darwin"]


def uv(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "uv", "pip", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("database", _DATABASES)
def test_a_lock_is_what_uv_resolves_and_installs_everywhere(tmp_path: Path, database: str) -> None:
    repository = tmp_path / "locked"
    new_service(NewRequest(str(repository), {"database": database}, git=False))
    kept = tmp_path / "kept.lock"
    rendered = (repository / "requirements.lock").read_text()
    kept.write_text(rendered)
    options = ["--universal", "--python-version", "3.11", "--no-annotate", "--no-header", "--no-emit-index-url"]
    uv(repository, "compile", "pyproject.toml", *options, "--quiet", "--output-file", str(kept))
    # without the hashes: a file that a project adds to an old release later changes them
    assert kept.read_text() == re.sub(r" \\\n    --hash=\S+", "", rendered)
    for platform in _PLATFORMS:
        for version in ("3.11", "3.14"):
            target = ["--python-version", version, "--python-platform", platform, "--target", str(tmp_path / "none")]
            wheels = ["--require-hashes", "--only-binary", ":all:", "--requirement", "requirements-dev.lock"]
            uv(repository, "install", "--dry-run", "--quiet", *target, *wheels)
