"""The database goes away and comes back: before the boot, and under a service that runs."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx2
import pytest
from sqlalchemy import make_url

from ..conftest import DEADLINE, Service


class Wire:
    """A TCP relay to the database that can be cut and mended."""

    def __init__(self, url: str) -> None:
        self.target = make_url(url)
        self.open: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.listener: socket.socket | None = None

    @property
    def url(self) -> str:
        near = self.target.set(host="127.0.0.1", port=self.port)
        return near.render_as_string(hide_password=False)

    def mend(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        if self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for end in self.open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(
                    (self.target.host or "localhost", self.target.port or 5432)
                )
                self.open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(migrated: str) -> Iterator[Wire]:
    wire = Wire(migrated)
    yield wire
    wire.cut()


def test_the_database_is_away_at_the_boot(wire: Wire, start: Callable[..., Service]) -> None:
    service = start("web", DATABASE_URL=wire.url)
    service.wait_for("Application startup complete")
    with service.client() as client:
        assert client.get("/healthz/live").status_code == 200
        assert client.get("/healthz/ready").status_code == 503
        assert client.get("/items").status_code == 503
        wire.mend()
        wait_until_ready(client)
        assert client.get("/items").status_code == 200
    assert service.stop() == 0


def test_the_database_goes_away_later(wire: Wire, start: Callable[..., Service]) -> None:
    wire.mend()
    service = start("web", DATABASE_URL=wire.url)
    service.wait_for("Application startup complete")
    with service.client() as client:
        wait_until_ready(client)
        assert client.get("/items").status_code == 200
        wire.cut()
        for _ in range(20):
            assert client.get("/healthz/ready").status_code == 503
            assert client.get("/healthz/live").status_code == 200
            assert client.get("/items").status_code == 503
        wire.mend()
        wait_until_ready(client)
        assert client.get("/items").status_code == 200
    assert service.stop() == 0
    assert not any("exception" in entry for entry in service.entries)
    told = [entry["message"] for entry in service.entries if entry["logger"].endswith(".outage")]
    assert [message.split(":")[0] for message in told] == ["not ready", "ready again"]


def test_check_names_what_is_away(wire: Wire, start: Callable[..., Service]) -> None:
    check = start("check", DATABASE_URL=wire.url)
    assert check.wait() == 69
    (entry,) = [entry for entry in check.entries if entry["level"] == "CRITICAL"]
    assert str(wire.port) in entry["message"]


def wait_until_ready(client: httpx2.Client) -> None:
    end = time.monotonic() + DEADLINE
    while client.get("/healthz/ready").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.05)
