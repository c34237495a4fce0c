"""What the README of a service with PostgreSQL says to do first, and what it says may be deleted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twelvefac.app.new import NewRequest, new_service

from .postgres import Postgres, a_server

pytestmark = pytest.mark.e2e

EXAMPLE = (
    "src/orders/store/items.py",
    "src/orders/routes/items.py",
    "src/orders/backing/database/migrations/versions/0001_items.py",
    "tests/store/test_items.py",
    "tests/store/test_items_http.py",
)


server = pytest.fixture(a_server)


def test_the_readme_from_the_first_line_to_a_service_without_the_example(tmp_path: Path, server: Postgres) -> None:
    folder = tmp_path / "orders"
    new_service(NewRequest(str(folder), {"database": "postgres"}))

    def make(*targets: str, **environment: str) -> str:
        command = ["make", "--directory", str(folder), f"PYTHON={sys.executable}", *targets]
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    readme = (folder / "README.md").read_text()
    assert "cp .env.example .env\ndocker compose up --detach --wait postgres\nmake migrate" in readme
    example = (folder / ".env.example").read_text()
    assert "postgresql://postgres@localhost:5432/postgres" in example
    (folder / ".env").write_text(example.replace("postgresql://postgres@localhost:5432/postgres", server.url))
    assert "the schema is at 0001, it was at None" in make("migrate")
    assert "the configuration is valid" in make("check")

    store = folder / EXAMPLE[0]
    colour = "    colour: Mapped[str | None] = mapped_column(String(40))\n"
    store.write_text(store.read_text().replace("    created_at:", f"{colour}    created_at:", 1))
    make("migration", TITLE="it's a colour")
    make("lint")
    assert "it was at 0001" in make("migrate")

    written = next((folder / EXAMPLE[2]).parent.glob("*colour*.py"))
    for path in (written, *(folder / path for path in EXAMPLE)):
        path.unlink()
    make("lint")
    assert " passed" in make("test", TEST_DATABASE_URL=server.url, PYTEST_ADDOPTS="tests/store")
