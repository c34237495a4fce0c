import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import Service

Start = Callable[..., Service]
READY = "Application startup complete"


@pytest.mark.parametrize("delay", [0, 0.25])
def test_stops_during_the_boot(start: Start, delay: float) -> None:
    service = start("web", WEB_CONCURRENCY="2")
    _wait_for_a_handler(service.process.pid)
    time.sleep(delay)
    assert service.stop() == 0
    assert all(entry["level"] == "INFO" for entry in service.entries)


def _wait_for_a_handler(pid: int) -> None:
    if sys.platform != "linux":
        time.sleep(0.5)
        return
    status = Path(f"/proc/{pid}/status")
    caught = 0
    while not caught >> (signal.SIGTERM - 1) & 1:
        time.sleep(0.001)
        caught = int(status.read_text().partition("SigCgt:")[2].split()[0], 16)


@pytest.mark.parametrize("workers", [1, 2])
def test_serves_while_it_drains(start: Start, workers: int) -> None:
    service = start("web", DRAIN_SECONDS="60", WEB_CONCURRENCY=str(workers))
    service.wait_for(READY, workers)
    with service.client() as client:
        assert client.get("/healthz/ready").json()["status"] != "draining"
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("draining", workers)
        for _ in range(5):
            assert client.get("/healthz/ready").json() == {"status": "draining"}
            answer = client.get("/")
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert service.stop() == 0  # a second signal skips the rest
    assert service.entries


def test_stops_when_it_has_drained(start: Start) -> None:
    service = start("web", DRAIN_SECONDS="0.5")
    service.wait_for(READY)
    told = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - told > 0.5


def test_ctrl_c_stops_at_once(start: Start) -> None:
    service = start("web", DRAIN_SECONDS="60")
    service.wait_for(READY)
    assert service.stop(signal.SIGINT) == 0


def test_metrics_are_summed_over_the_workers(start: Start) -> None:
    service = start("web", WEB_CONCURRENCY="2")
    service.wait_for(READY, 2)

    def get(_: int) -> None:
        with service.client() as client:
            client.get("/").raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(get, range(40)))
    with service.client() as client:
        text = client.get("/metrics").text
    assert 'http_request_duration_seconds_count{method="GET",route="/",status="200"} 40.0' in text
    assert service.stop() == 0


def test_stops_when_a_worker_cannot_live(start: Start) -> None:
    service = start("web", WEB_CONCURRENCY="2")
    service.wait_for(READY, 2)
    worker = next(e for e in service.entries if "Started server process" in e["message"])
    os.kill(int(worker["message"].split("[")[1].rstrip("]")), signal.SIGKILL)
    assert service.wait() == 1
    assert any(entry["level"] == "ERROR" for entry in service.entries)


def test_an_occupied_port_is_one_error(start: Start) -> None:
    service = start("web")
    service.wait_for(READY)
    second = start("web", PORT=service.url.rpartition(":")[2])
    assert second.wait() != 0
    (entry,) = second.entries
    assert entry["level"] == "ERROR"
