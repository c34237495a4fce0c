"""What answers at /: delete it, or start here."""

from fastapi import APIRouter

from .. import SERVICE, VERSION

router = APIRouter()


@router.get("/")
async def info() -> dict[str, str]:
    return {"service": SERVICE, "version": VERSION}
