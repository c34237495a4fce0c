"""PostgreSQL by psycopg: how to connect, and how to be the only one that migrates."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError

from ... import SERVICE
from ...settings import EX_CONFIG, Settings

log = logging.getLogger(__name__)

LOCK_SECONDS = 10  # a migration that waits longer for a table would make all others wait behind it


def make_engine(settings: Settings, *, pool_size: int) -> Engine:
    milliseconds = int(settings.database_statement_timeout * 1000)
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
    try:
        make_conninfo(**dict.fromkeys(url.query, ""))  # refuses a name that libpq does not know
        return create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            pool_pre_ping=True,
            pool_recycle=1800,  # follows a server that moved
            connect_args={
                "application_name": SERVICE,
                "connect_timeout": settings.database_connect_timeout,
                "options": f"-c statement_timeout={milliseconds}",
                # Without these the kernel waits a quarter hour for a server that vanished.
                "keepalives_idle": 30,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": milliseconds + 5000,
            },
        )
    except (ArgumentError, ProgrammingError) as error:
        log.critical("invalid configuration: DATABASE_URL: %s", error)
        raise SystemExit(EX_CONFIG) from None


@contextmanager
def only_one(connection: Connection) -> Iterator[None]:
    """Waits for its turn to migrate; ending the connection, however that comes, ends the turn."""
    connection.execute(text("SET statement_timeout = 0"))
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
    yield
