"""While a backing service is away: the process is not ready, requests that need it get a 503."""

import logging

from anyio import CapacityLimiter, fail_after, to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import State

from . import backing
from .backing import Backing, UnavailableError

log = logging.getLogger(__name__)

CHECK_SECONDS = 2  # a probe is answered before whoever sent it gives up
threads = CapacityLimiter(2)  # of their own: routes that wait for a database may use up the others


def attach_backing(app: FastAPI) -> None:
    app.state.backing = backing.connect(app.state.settings)
    app.state.problem = None
    app.add_exception_handler(UnavailableError, unavailable)


async def unavailable(request: Request, error: Exception) -> Response:
    """Answers a request that met a backing service which is away: a 503, and no traceback."""
    request.scope["problem"] = str(error)
    return JSONResponse({"detail": "Service Unavailable"}, 503, {"retry-after": "5"})


async def lasts(state: State) -> bool:
    """Whether one is away now; logs the change, not every probe."""
    before, state.problem = state.problem, await find_problem(state.backing)
    if state.problem is None:
        if before is not None:
            log.info("ready again")
        return False
    if before is None:
        log.warning("not ready: %s", state.problem)
    return True


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
