"""The history of the schema: a step is a file in `versions`, `upgrade` takes those that remain."""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Table, inspect
from sqlalchemy.exc import DBAPIError

from ....settings import Settings
from ....store import metadata
from .. import driver, first_line, unavailable_when_lost
from . import applied

log = logging.getLogger(__name__)

INSUFFICIENT_PRIVILEGE = "42501"


class SchemaError(Exception):
    """The schema is not what this release needs; the text says why, in one line."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def configure(connection: Connection) -> Config:
    """Alembic's own configuration, for its commands on this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=metadata(), applied=applied)
    return config


def upgrade(settings: Settings) -> tuple[str | None, str | None]:
    """Takes the steps that are left, alone; gives the revision before and after."""
    with connected(settings) as connection, driver.only_one(connection):
        known, before = steps(connection), revision(connection)
        if before in known:
            take_steps(connection, before)
        else:  # this is an older release, rolled back to: does the schema still fit it?
            log.warning("the schema is at %s, a step of another release: it stays", before)
        after = revision(connection)
        demand_fit(connection, known, after)
        return before, after


def check(settings: Settings) -> None:
    """Raises SchemaError where steps are left or the schema does not fit."""
    with connected(settings) as connection:
        known, at = steps(connection), revision(connection)
        if at in known[1:]:
            left = ", ".join(map(str, known[: known.index(at)]))
            raise SchemaError(f"the schema lacks {left}: migrate comes first", os.EX_UNAVAILABLE)
        demand_fit(connection, known, at)


def take_steps(connection: Connection, at: str | None) -> None:
    try:
        if at is not None:  # what was taken before there was a record
            applied.add(connection, ancestors(connection, at))
            connection.commit()
        with owners_code():
            command.upgrade(configure(connection), "head")
    except DBAPIError:
        with suppress(DBAPIError):  # it may be the connection that failed
            connection.rollback()
            for leftover in driver.leftovers(connection, metadata()):
                log.error("%s", leftover)
        raise


def demand_fit(connection: Connection, known: list[str | None], at: str | None) -> None:
    """A revision alone proves nothing: another release or another service may have made it."""
    taken = applied.read(connection)
    left = ", ".join(str(step) for step in known[-2::-1] if at not in known and step not in taken)
    if lacking := ", ".join(find_lacking(connection, metadata().sorted_tables)):
        if at == known[0]:
            raise SchemaError(
                f"no migration makes {lacking}: `make migration TITLE=…` writes one; or"
                f" DATABASE_URL names another service's database, which is at {at} too",
                os.EX_SOFTWARE,
            )
        if not (left and taken):
            raise SchemaError(
                f"the schema is at {at} and lacks {lacking}: DATABASE_URL names another service's"
                " database, or a release since this one has dropped it",
                os.EX_CONFIG,
            )
    if left:
        raise SchemaError(
            f"the schema is at {at}, a step of another release, and nothing tells that {left} was"
            f" taken: deploy a release with all of them, {at} before what is missing",
            os.EX_SOFTWARE,
        )
    if leftovers := "; ".join(driver.leftovers(connection, metadata())):
        raise SchemaError(leftovers, os.EX_SOFTWARE)


def find_lacking(connection: Connection, tables: Iterable[Table]) -> Iterator[str]:
    """The tables and columns that the schema has not."""
    inspector = inspect(connection)
    for table in tables:
        if not inspector.has_table(table.name, table.schema):
            yield table.name
            continue
        there = {column["name"] for column in inspector.get_columns(table.name, table.schema)}
        yield from (str(column) for column in table.columns if column.name not in there)


def ancestors(connection: Connection, at: str) -> list[str]:
    """That revision and every one that comes before it."""
    history = ScriptDirectory.from_config(configure(connection))
    return [step.revision for step in history.iterate_revisions(at, "base")]


def steps(connection: Connection) -> list[str | None]:
    """Every revision that this release knows, the newest first, and None for an empty database."""
    history = ScriptDirectory.from_config(configure(connection))
    with owners_code():
        heads = history.get_heads()
    if len(heads) > 1:
        ends = " and ".join(sorted(heads))
        raise SchemaError(
            f"{ends} are both the last step: name one as the down_revision of the other",
            os.EX_SOFTWARE,
        )
    return [*(step.revision for step in history.walk_revisions()), None]


@contextmanager
def owners_code() -> Iterator[None]:
    """What a migration raises, or the import of one: only a traceback tells where."""
    try:
        yield
    except (CommandError, DBAPIError, SchemaError):
        raise
    except Exception as error:
        log.exception("a migration raised")
        text = f"a migration failed: {type(error).__name__}: {first_line(error)}"
        raise SchemaError(text, os.EX_SOFTWARE) from error


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    engine = driver.make_engine(settings, pool_size=1)
    try:
        with unavailable_when_lost(engine), engine.connect() as connection:
            yield connection
    except CommandError as error:
        raise SchemaError(first_line(error), os.EX_SOFTWARE) from error
    except DBAPIError as error:
        text = f"database {engine.url.database}: {first_line(error.orig)}"
        if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            text += f"; the role {engine.url.username} needs the right"
            raise SchemaError(text, os.EX_CONFIG) from error
        raise SchemaError(f"{text}; {first_line(error.statement)}", os.EX_SOFTWARE) from error
    finally:
        engine.dispose()


def revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return found
