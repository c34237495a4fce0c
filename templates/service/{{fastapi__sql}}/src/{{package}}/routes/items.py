"""Items, the example: list, create, read."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..backing.database import Database
from ..store import items

router = APIRouter(prefix="/items", tags=["items"])

LARGEST = 2**63 - 1


class NewItem(BaseModel):
    sku: str = Field(pattern=r"^[A-Z0-9-]{1,40}$")
    name: str = Field(pattern=r"^[^\x00-\x1f]{1,200}$")


class Item(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    sku: str
    name: str
    created_at: datetime


class Page(BaseModel):
    items: list[Item]
    next: int | None = Field(description="`after` of the next page; null on the last one")


async def database(request: Request) -> Database:
    found: Database = request.app.state.backing["database"]
    return found


# No route is `async`: each waits for the database in a thread of its own.
Db = Annotated[Database, Depends(database)]


@router.get("")
def list_items(
    database: Db,
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page:
    with database.session() as session:
        found = items.page(session, after=after, limit=limit + 1)
    page = [Item.model_validate(item) for item in found[:limit]]
    return Page(items=page, next=page[-1].id if len(found) > limit else None)


@router.post("", status_code=201, responses={409: {}})
def create_item(new: NewItem, database: Db, response: Response) -> Item:
    try:
        with database.session() as session:
            made = items.create(session, sku=new.sku, name=new.name)
    except items.SkuTakenError as error:
        raise HTTPException(409, f"sku {new.sku} is taken") from error
    response.headers["location"] = f"/items/{made.id}"
    return Item.model_validate(made)


@router.get("/{identity}", responses={404: {}})
def read_item(identity: Annotated[int, Path(ge=1, le=LARGEST)], database: Db) -> Item:
    with database.session() as session:
        found = items.find(session, identity)
    if found is None:
        raise HTTPException(404, "no such item")
    return Item.model_validate(found)
