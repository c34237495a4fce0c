"""A real service process, a real balancer before it and clients that count every failure."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from free_port import free_port

DEADLINE = 20.0


class Instance:
    """One running ``<service> web`` on a free port, and every line of both of its streams."""

    def __init__(self, command: Path, **environment: str) -> None:
        clean = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(free_port())}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [command, "web"],
            env=clean | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self.lines.extend(stream)

    @property
    def address(self) -> str:
        """Where it listens, as ``host:port``; waits until it says so."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.lines:
                if found := re.search(r"running on http://([\d.]+:\d+)", line):
                    return found.group(1)
            time.sleep(0.01)
        raise AssertionError(f"it never listened: {self.lines}")

    def wait_until_ready(self) -> float:
        """Return the seconds from the start of the process to the first 200 of its readiness."""
        wait_for_200(f"http://{self.address}/healthz/ready")
        return time.monotonic() - self.began

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Every line, parsed; fails on the first one that is not a JSON object."""
        entries = [json.loads(line) for line in self.lines]
        assert all(isinstance(entry, dict) for entry in entries)
        return entries


class Clients:
    """Threads that send one request after the other over connections that they keep open."""

    def __init__(self, address: str, path: str, count: int) -> None:
        self._address, self._path = address, path
        self._stop = threading.Event()
        self.sent = 0
        self.failures: list[str] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=DEADLINE)
        while not self._stop.is_set():
            # POST, because Go's client, and so Caddy, repeats a GET on a broken connection by itself
            try:
                connection.request("POST", self._path)
                answer = connection.getresponse()
                answer.read()
                failure = "" if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
                connection.close()
            with self._lock:
                self.sent += 1
                if failure:
                    self.failures.append(failure)
        connection.close()


def caddy() -> str | None:
    """Return the program beside this Python or on the path."""
    beside = Path(sys.executable).parent
    return shutil.which("caddy", path=f"{beside}{os.pathsep}{os.environ['PATH']}")


@contextmanager
def balancer(program: str, folder: Path, upstreams: list[str]) -> Iterator[str]:
    """Run Caddy before ``upstreams``: readiness read every 100 ms, no retries. Yields its address.

    Not round_robin: requests at the same time move its counter for each other, and one of them may then look at the
    draining upstream twice, at the other never, and answer 503 by itself.
    """
    address = f"127.0.0.1:{free_port()}"
    file = folder / "Caddyfile"
    file.write_text(f"""{{
    admin off
    auto_https off
    persist_config off
}}
http://{address} {{
    bind 127.0.0.1
    reverse_proxy {" ".join(upstreams)} {{
        lb_policy least_conn
        lb_retries 0
        health_uri /healthz/ready
        health_interval 100ms
        health_timeout 5s
    }}
}}
""")
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "run", "--adapter", "caddyfile", "--config", file],
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_200(f"http://{address}/healthz/live")
            yield address
        finally:
            process.terminate()
            process.wait(DEADLINE)


def wait_for_200(url: str) -> None:
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with urlopen(url, timeout=1) as answer:
                assert answer.status == 200
                return
        except OSError as error:
            if time.monotonic() > end:
                raise AssertionError(f"{url}: {error}") from error
            time.sleep(0.01)
