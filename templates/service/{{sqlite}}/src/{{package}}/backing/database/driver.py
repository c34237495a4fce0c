"""SQLite: how to connect, and how to be the only one that migrates."""

import fcntl
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

from ...settings import Settings

log = logging.getLogger(__name__)

OUTAGES = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)


def make_engine(settings: Settings, *, pool_size: int) -> Engine:
    # A statement can only be slow while it waits for the one writer that there may be.
    arguments = {"timeout": settings.database_statement_timeout}
    try:
        url = make_url(settings.database_url)
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            connect_args={} if "timeout" in url.query else arguments,
        )
    except (ArgumentError, ValueError) as error:
        log.critical("invalid configuration: DATABASE_URL: %s", error)
        raise SystemExit(os.EX_CONFIG) from None
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
        # By itself sqlite3 begins a transaction before it changes rows, not before tables.
        raw = cast(sqlite3.Connection, connection.connection.driver_connection)
        raw.isolation_level = None
        # To alter a table is to drop the old one, which would take the rows that refer to it along;
        # inside a transaction SQLite ignores this.
        raw.execute("PRAGMA foreign_keys = OFF")
        before = _broken_before(connection)
        connection.rollback()
        event.listen(connection, "begin", _begin)
        event.listen(connection, "commit", lambda it: _demand_no_more(it, before))
        yield


def _begin(connection: Connection) -> None:
    # What has read cannot wait for another writer: it is the writer from the start.
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _broken_before(connection: Connection) -> Counter[tuple[str, str]] | None:
    """None where SQLite cannot tell, as with a key to a column that is not unique.

    A step may mend that too.
    """
    try:
        return _broken(connection)
    except DBAPIError as error:
        if is_outage(error):
            raise
        log.warning("references are not checked while this migrates: %s", error.orig)
        return None


def _broken(connection: Connection) -> Counter[tuple[str, str]]:
    """How many rows of one table refer to rows of another that there are not."""
    found = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return Counter((child, parent) for child, _, parent, _ in found)


def _demand_no_more(connection: Connection, before: Counter[tuple[str, str]] | None) -> None:
    """What the foreign keys would have refused, had they been on."""
    if before is None:
        return
    for (child, parent), count in (_broken(connection) - before).items():
        rows = f"1 row of {child} refers" if count == 1 else f"{count} rows of {child} refer"
        error = sqlite3.IntegrityError(f"{rows} to no row of {parent}")
        raise IntegrityError("PRAGMA foreign_key_check", None, error)


def is_outage(error: DBAPIError) -> bool:
    """Whether the file cannot be used now; sqlite3 has one exception for that and for wrong SQL."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in OUTAGES


def leftovers(connection: Connection, metadata: MetaData) -> list[str]:
    """What a migration that was cut short left behind: nothing, each step is one transaction."""
    return []
