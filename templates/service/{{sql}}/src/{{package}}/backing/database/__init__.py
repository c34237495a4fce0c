"""The database: a pool of connections, and transactions on them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import Session, sessionmaker

from ...settings import Settings
from .. import UnavailableError
from . import driver

# At INFO Alembic tells how it was set up, on every run: only the steps that it takes are news.
logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
logging.getLogger("alembic.runtime.migration").addFilter(
    lambda record: record.levelno > logging.INFO or str(record.msg).startswith("Running")
)


class Database:
    def __init__(self, settings: Settings) -> None:
        self.engine = driver.make_engine(settings, pool_size=settings.database_pool_size)
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)
        # A connection of its own: a busy pool is no reason to take the process out of service.
        self.probe = driver.make_engine(settings, pool_size=1)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back when an exception leaves it."""
        with unavailable_when_lost(self.engine), self.sessions.begin() as session:
            yield session

    def check(self) -> None:
        with unavailable_when_lost(self.probe), self.probe.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()
        self.probe.dispose()


def connect(settings: Settings) -> Database:
    return Database(settings)


def first_line(text: object) -> str:
    return str(text).strip().partition("\n")[0]


@contextmanager
def unavailable_when_lost(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not driver.is_outage(error):
            raise
        text = f"database {engine.url.database}: {first_line(error.orig)}"
        raise UnavailableError(text) from error
    except TimeoutError as error:
        name = engine.url.database
        raise UnavailableError(f"database {name}: all connections are in use") from error
