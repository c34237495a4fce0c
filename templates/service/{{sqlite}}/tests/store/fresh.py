"""A database for one test run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = ""  # why there can be none: SQLite comes with Python


@contextmanager
def fresh_database() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder, 'test.db')}"
