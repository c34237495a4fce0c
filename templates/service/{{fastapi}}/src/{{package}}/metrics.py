"""Metrics for Prometheus, summed over all worker processes."""

import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from fastapi import Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to the last one of its response.",
    ["method", "route", "status"],
)
series = cache(REQUESTS.labels)
LEAST = {"process_max_fds", "process_start_time_seconds"}  # of these a sum means nothing


async def expose(request: Request) -> Response:
    registry = REGISTRY
    if request.app.state.settings.web_concurrency > 1:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no annotations
        registry.register(Processes())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Processes(Collector):
    """The process_* metrics of the supervisor and its workers, added up."""

    def collect(self) -> Iterator[Metric]:
        supervisor = os.getppid()
        workers = Path(f"/proc/{supervisor}/task/{supervisor}/children")
        pids = [str(supervisor), *workers.read_text().split()] if workers.exists() else []
        found: dict[str, tuple[Metric, list[float]]] = {}
        for pid in pids:
            for metric in ProcessCollector(pid=partial(str, pid), registry=None).collect():
                found.setdefault(metric.name, (metric, []))[1].append(metric.samples[0].value)
        for name, (metric, values) in found.items():
            total = min(values) if name in LEAST else sum(values)
            metric.samples[0] = metric.samples[0]._replace(value=total)
            yield metric
