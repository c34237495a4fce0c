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


def test_stops_before_anything_is_imported(start: Start) -> None:
    if sys.platform != "linux":
        pytest.skip("needs /proc to see when the handler is set")
    service = start("web", DRAIN_SECONDS="60")
    status = Path(f"/proc/{service.process.pid}/status")
    while not _catches(status.read_text(), signal.SIGTERM):
        time.sleep(0.001)
    assert service.stop() == 0
    assert service.lines == []


def _catches(status: str, number: int) -> bool:
    mask = status.partition("SigCgt:")[2].split()
    return bool(mask) and bool(int(mask[0], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("delay", [0.2, 0.4, 0.6])
def test_stops_during_the_boot(start: Start, delay: float) -> None:
    service = start("web", DRAIN_SECONDS="0.1", WEB_CONCURRENCY="2")
    time.sleep(delay)
    assert service.stop() == 0
    assert all(entry["level"] == "INFO" for entry in service.entries)


@pytest.mark.parametrize("workers", [1, 2])
def test_drains_before_it_stops(start: Start, workers: int) -> None:
    service = start("web", DRAIN_SECONDS="0.5", WEB_CONCURRENCY=str(workers))
    service.wait_for(READY, workers)
    with service.client() as client:
        assert client.get("/healthz/ready").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("draining", workers)
        for _ in range(5):
            assert client.get("/healthz/ready").status_code == 503
            answer = client.get("/")
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert service.wait() == 0
    assert service.entries


def test_a_second_signal_skips_the_draining(start: Start) -> None:
    service = start("web", DRAIN_SECONDS="60")
    service.wait_for(READY)
    service.process.send_signal(signal.SIGTERM)
    service.wait_for("draining")
    assert service.stop() == 0


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
