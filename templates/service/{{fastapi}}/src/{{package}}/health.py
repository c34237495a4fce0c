"""Health probes: live says "do not restart me", ready says "send me traffic"."""

import logging

from anyio import CapacityLimiter, fail_after, to_thread
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from .backing import Backing, UnavailableError

log = logging.getLogger(__name__)

CHECK_SECONDS = 2  # a probe is answered before whoever sent it gives up
threads = CapacityLimiter(2)  # of their own: routes that wait for a database may use up the others


async def live() -> dict[str, str]:
    return {"status": "live"}


async def ready(request: Request, response: Response) -> dict[str, str]:
    state = request.app.state
    if state.draining:
        response.status_code = 503
        return {"status": "draining"}
    before, state.problem = state.problem, await find_problem(state.backing)
    if state.problem is None:
        if before is not None:
            log.info("ready again")
        return {"status": "ready"}
    if before is None:  # once, not at every probe
        log.warning("not ready: %s", state.problem)
    response.status_code = 503
    return {"status": "unavailable"}


async def find_problem(services: dict[str, Backing]) -> str | None:
    for name, service in services.items():
        try:
            with fail_after(CHECK_SECONDS):
                await to_thread.run_sync(service.check, abandon_on_cancel=True, limiter=threads)
        except UnavailableError as error:
            return str(error)
        except TimeoutError:
            return f"{name}: no answer within {CHECK_SECONDS} s"
    return None


async def unavailable(request: Request, error: Exception) -> Response:
    """Answers a request that met a backing service which is away: a 503, and no traceback."""
    request.scope["problem"] = str(error)
    return JSONResponse({"detail": "Service Unavailable"}, 503, {"retry-after": "5"})
