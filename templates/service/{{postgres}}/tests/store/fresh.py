"""A database for one test run, on the server that TEST_DATABASE_URL names."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

SERVER = os.environ.get("TEST_DATABASE_URL", "")
HOW = (
    "needs PostgreSQL: docker compose up --detach --wait postgres, then "
    "TEST_DATABASE_URL=postgresql://postgres@localhost:5432/postgres make test"
)
MISSING = "" if SERVER else HOW


@contextmanager
def fresh_database() -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
