"""The history of the schema: a step is a file in `versions`, `upgrade` takes those that remain."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from ....settings import Settings
from ....store import metadata
from .. import driver, unavailable_when_lost


def configure(connection: Connection) -> Config:
    """Alembic's own configuration, for its commands on this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=metadata())
    return config


def upgrade(settings: Settings) -> tuple[str | None, str | None]:
    """Takes the steps that are left, alone; gives the revision before and after."""
    engine = driver.make_engine(settings, pool_size=1)
    try:
        with (
            unavailable_when_lost(engine),
            engine.connect() as connection,
            driver.only_one(connection),
        ):
            before = revision(connection)
            command.upgrade(configure(connection), "head")
            return before, revision(connection)
    finally:
        engine.dispose()


def revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return found
