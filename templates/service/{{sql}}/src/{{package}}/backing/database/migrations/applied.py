"""The steps that were ever taken: a revision of another release tells nothing about this one's."""

from collections.abc import Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, inspect, select

RECORD = Table("applied_migrations", MetaData(), Column("revision", String(255), primary_key=True))


def read(connection: Connection) -> set[str]:
    if not inspect(connection).has_table(RECORD.name):
        return set()
    return set(connection.scalars(select(RECORD.c.revision)))


def add(connection: Connection, revisions: Iterable[str]) -> None:
    if new := set(revisions) - read(connection):
        RECORD.create(connection, checkfirst=True)
        connection.execute(insert(RECORD), [{"revision": revision} for revision in sorted(new)])


def note(*, ctx: MigrationContext, step: MigrationInfo, **_: Any) -> None:
    """Alembic calls it after each step, within the step's transaction."""
    if (connection := ctx.connection) is None:  # the SQL is only printed
        return
    if step.is_upgrade:
        add(connection, step.up_revision_ids)
    elif read(connection):
        connection.execute(delete(RECORD).where(RECORD.c.revision.in_(step.up_revision_ids)))


def is_compared(name: str | None, type_: str, _: Any) -> bool:
    """Whether the next migration may speak of it: not of this table, which no model has."""
    return (type_, name) != ("table", RECORD.name)
