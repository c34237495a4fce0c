"""The history of the schema: a step is a file in `versions`, `upgrade` takes those that remain."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ....settings import Settings
from ....store import metadata
from .. import driver, unavailable_when_lost

log = logging.getLogger(__name__)


def configure(connection: Connection) -> Config:
    """Alembic's own configuration, for its commands on this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=metadata())
    return config


def upgrade(settings: Settings) -> tuple[str | None, str | None]:
    """Takes the steps that are left, alone; gives the revision before and after."""
    with connected(settings) as connection, driver.only_one(connection):
        before = revision(connection)
        if before in steps(connection):
            command.upgrade(configure(connection), "head")
        else:  # this is an older release, rolled back to: the schema still fits it
            log.warning("the schema is at %s, a step of another release: it stays", before)
        return before, revision(connection)


def missing(settings: Settings) -> list[str | None]:
    """The steps that are left, the newest first; none where a newer release has migrated."""
    with connected(settings) as connection:
        found, at = steps(connection), revision(connection)
        return found[: found.index(at)] if at in found else []


def steps(connection: Connection) -> list[str | None]:
    """Every revision that this release knows, the newest first, and None for an empty database."""
    history = ScriptDirectory.from_config(configure(connection))
    return [*(step.revision for step in history.walk_revisions()), None]


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    engine = driver.make_engine(settings, pool_size=1)
    try:
        with unavailable_when_lost(engine), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return found
