"""What every request gets: an id, one access log line, one measurement, a JSON error."""

import logging
import os
import re
import time

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import output, request_id
from .metrics import series

log = logging.getLogger(__name__)

WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
PROBES = frozenset({"/healthz/live", "/healthz/ready", "/metrics"})


class RequestMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = time.perf_counter()
        status = 0  # no response has begun
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        identity = given.decode() if WELL_FORMED_ID.fullmatch(given) else os.urandom(16).hex()
        request_id.set(identity)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", identity.encode()))
                if scope["app"].state.draining:  # empties the balancer's connection pool
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            if status:  # too late for another answer: the server logs it and cuts the connection
                raise
            log.exception("unhandled error")
            error = JSONResponse({"detail": "Internal Server Error"}, status_code=500)
            await error(scope, receive, send_with_headers)
        finally:
            # Without a response, as when GRACEFUL_TIMEOUT is over, the server answers 500.
            self.record(scope, status or 500, time.perf_counter() - started)

    @staticmethod
    def record(scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        # The template, never the path: an id in a label would make a new time series each.
        route = getattr(scope.get("route"), "path", "unmatched")
        if scope["path"] in PROBES:
            route = scope["path"]
        series(method, route, status).observe(seconds)
        level = "DEBUG" if route in PROBES else "INFO"
        if log.isEnabledFor(getattr(logging, level)):
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "route": route,
                "status": status,
                "duration_ms": round(seconds * 1000, 1),
                "client": scope["client"][0] if scope["client"] else None,
            }
            if "problem" in scope:
                fields["problem"] = scope["problem"]
            message = f"{scope['method']} {scope['path']} {status}"
            output.write(time.time(), level, __name__, message, fields)
