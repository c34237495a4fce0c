"""SQLite: how to connect, and how to be the only one that migrates."""

import fcntl
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from ...settings import Settings

log = logging.getLogger(__name__)


def make_engine(settings: Settings, *, pool_size: int) -> Engine:
    engine = create_engine(
        settings.database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=settings.database_pool_timeout,
        # A statement can only be slow while it waits for the one writer that there may be.
        connect_args={"timeout": settings.database_statement_timeout},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for the writer


@contextmanager
def only_one(connection: Connection) -> Iterator[None]:
    """Waits for its turn to migrate; the end of the process, however that comes, ends the turn."""
    with open(f"{connection.engine.url.database}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another run migrates: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
