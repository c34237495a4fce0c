"""Metrics for Prometheus, summed over all worker processes."""

from functools import cache

from fastapi import Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to the last one of its response.",
    ["method", "route", "status"],
)
series = cache(REQUESTS.labels)


async def expose(request: Request) -> Response:
    registry = REGISTRY
    if request.app.state.settings.web_concurrency > 1:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
