"""Items, the example."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity, Integer, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from . import Table


class Item(Table):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True
    )
    sku: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


# How PostgreSQL and how SQLite names what one SKU for two items breaks.
SKU_TAKEN = ("uq_items_sku", "UNIQUE constraint failed: items.sku")


class SkuTakenError(Exception):
    """Another item has this SKU."""


def create(session: Session, *, sku: str, name: str) -> Item:
    item = Item(sku=sku, name=name)
    session.add(item)
    try:
        session.flush()
    except IntegrityError as error:
        if any(name in str(error.orig) for name in SKU_TAKEN):
            raise SkuTakenError(sku) from error
        raise
    session.refresh(item)
    return item


def find(session: Session, identity: int) -> Item | None:
    return session.get(Item, identity)


def page(session: Session, *, after: int, limit: int) -> Sequence[Item]:
    """Those with a greater id, in order: every page costs the same, none is skipped or doubled."""
    query = select(Item).where(Item.id > after).order_by(Item.id).limit(limit)
    return session.scalars(query).all()
