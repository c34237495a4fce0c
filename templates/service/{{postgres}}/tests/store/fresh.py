"""A database for one test run, on the server that TEST_DATABASE_URL names."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

HOW = (
    "needs PostgreSQL: docker compose up --detach postgres, then "
    "TEST_DATABASE_URL=postgresql://postgres@localhost:5432/postgres make test"
)


@contextmanager
def fresh_database() -> Iterator[str]:
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip(HOW)
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
