"""Health probes: live says "do not restart me", ready says "send me traffic"."""

from fastapi import APIRouter, Request, Response

router = APIRouter(prefix="/healthz", include_in_schema=False)


@router.get("/live")
async def live() -> dict[str, str]:
    return {"status": "live"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, str]:
    if request.app.state.draining:
        response.status_code = 503
        return {"status": "draining"}
    return {"status": "ready"}
