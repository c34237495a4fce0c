"""PostgreSQL by psycopg: how to connect, and how to be the only one that migrates."""

import logging
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    MetaData,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from ... import SERVICE
from ...settings import Settings

log = logging.getLogger(__name__)

READ_ONLY = "25006"
CONCURRENT = re.compile(
    r"(\s|--.*\n|/\*[\s\S]*?\*/)*"
    r"((CREATE\s+(UNIQUE\s+)?INDEX|DROP\s+INDEX|REFRESH\s+MATERIALIZED\s+VIEW)\s+CONCURRENTLY\b"
    r"|REINDEX\b[^;\"]*\bCONCURRENTLY\b)",
    re.IGNORECASE,
)
LOCK_SECONDS = 10  # a migration that waits longer for a table would make all others wait behind it


def make_engine(settings: Settings, *, pool_size: int) -> Engine:
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
    try:
        arguments = connect_arguments(settings, url)
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            pool_pre_ping=True,
            pool_recycle=1800,  # follows a server that moved
            connect_args=arguments,
        )
    except (ArgumentError, psycopg.Error) as error:
        log.critical("invalid configuration: DATABASE_URL: %s", str(error).strip())
        raise SystemExit(os.EX_CONFIG) from None
    event.listen(engine, "handle_error", leave_standby)
    return engine


def leave_standby(context: ExceptionContext) -> None:
    """What was the primary before a failover: the next connection looks for the new one."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def connect_arguments(settings: Settings, url: URL) -> dict[str, Any]:
    """What a connection needs besides the URL, which has the last word; refuses an invalid URL."""
    milliseconds = math.ceil(settings.database_statement_timeout * 1000)
    ours = {
        "application_name": SERVICE,
        "target_session_attrs": "read-write",
        "connect_timeout": settings.database_connect_timeout,
        # Without these the kernel waits a quarter hour for a server that vanished.
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": milliseconds + 5000,
    }
    arguments: dict[str, Any] = {key: ours[key] for key in ours if key not in url.query}
    options = [f"-c statement_timeout={milliseconds}", *url.normalized_query.get("options", ())]
    arguments["options"] = " ".join(options)

    _, given = url.get_dialect()().create_connect_args(url)
    make_conninfo(**dict.fromkeys(given, ""))  # refuses a name that libpq does not know
    for port in filter(None, ports(url, given)):
        if not 0 < int(port) < 65536:
            raise ArgumentError(f"port {port} is not within 1 to 65535")
    # Values are looked at only to connect: here to a socket that nobody has.
    nowhere = {"host": "/", "hostaddr": None, "port": "1"}
    try:
        psycopg.connect(**{**given, **arguments, **nowhere})
    except psycopg.OperationalError as error:
        if "connection to server" not in str(error):
            raise
    return arguments


def ports(url: URL, given: Mapping[str, Any]) -> Iterator[str]:
    """Every port that the URL names: SQLAlchemy takes 0 for none, and not all that follow hosts."""
    yield "" if url.port is None else str(url.port)
    yield from str(given.get("port", "")).split(",")
    for host in ",".join(url.normalized_query.get("host", ())).split(","):
        if named := re.fullmatch(r"[^/@:][^:]*:(\d+)", host):  # neither a socket nor IPv6
            yield named[1]


def is_outage(error: DBAPIError) -> bool:
    """Whether the server is lost or refuses to serve now."""
    return error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError))


@contextmanager
def only_one(connection: Connection) -> Iterator[None]:
    """Waits for its turn to migrate; ending the connection, however that comes, ends the turn."""
    connection.execute(text("SET statement_timeout = 0"))
    # The server looks every second whether this process is still there: a statement that nobody
    # waits for any more would go on, and keep the turn. Servers before 14 do not know how.
    connection.execute(
        text(
            "SELECT set_config(name, '1s', false) FROM pg_settings"
            " WHERE name = 'client_connection_check_interval'"
        )
    )
    # A statement that waits holds a snapshot, and CREATE INDEX CONCURRENTLY waits until none is
    # held: a deadlock. So it asks, and holds nothing until it asks again.
    ask = text("SELECT pg_try_advisory_lock(hashtext(:name))")
    told = False
    while not connection.scalar(ask, {"name": f"{SERVICE} migrate"}):
        if not told:
            log.info("another run migrates: waiting for it")
            told = True
        connection.commit()
        time.sleep(0.2)
    connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
    connection.commit()
    event.listen(connection, "before_cursor_execute", wait_on)
    event.listen(connection, "after_cursor_execute", wait_no_longer)
    yield


def wait_on(_: Connection, cursor: Any, statement: str, *__: Any) -> None:
    """What is CONCURRENTLY holds nobody up while it waits; cut short it leaves half an index."""
    if CONCURRENT.match(statement):
        cursor.connection.execute("SET lock_timeout = 0")


def wait_no_longer(_: Connection, cursor: Any, statement: str, *__: Any) -> None:
    if CONCURRENT.match(statement):
        cursor.connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")


def leftovers(connection: Connection, metadata: MetaData) -> list[str]:
    """What a migration of ours that was cut short left behind, and the way out."""
    ours = [
        str(connection.dialect.identifier_preparer.format_table(table))
        for table in metadata.tables.values()
    ]
    invalid = text(
        "SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE NOT indisvalid AND relkind = 'i'"
        " AND indrelid IN (SELECT to_regclass(name) FROM unnest(CAST(:ours AS text[])) AS name)"
        " AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid)"
    )
    found = list(connection.scalars(invalid, {"ours": ours}))
    # Of another role's work PostgreSQL shows only that there is some.
    hidden = text(
        "SELECT count(*) FROM pg_stat_progress_create_index JOIN pg_database ON oid = datid"
        " WHERE pg_database.datname = current_database() AND relid IS NULL"
    )
    if found and connection.scalar(hidden):
        log.warning("the index %s is invalid: another role makes an index now", ", ".join(found))
        return []
    return [
        f"the index {name} is invalid, its making was cut short: DROP INDEX CONCURRENTLY {name},"
        " then make it again"
        for name in found
    ]
