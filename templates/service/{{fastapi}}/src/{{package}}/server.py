"""The HTTP server: worker processes, and a stop that loses no request.

SIGTERM: /healthz/ready answers 503 while requests are still served for DRAIN_SECONDS, so that
balancers look elsewhere; then the listener closes, running requests get GRACEFUL_TIMEOUT to finish.
A second SIGTERM, or SIGINT, skips the draining; a further one skips the waiting. What is not done
LAST_SECONDS after that, be it a thread or a loop that does not yield, ends with the process.
"""

import contextlib
import errno
import logging
import os
import signal
import socket
import tempfile
import time
from types import FrameType

import uvicorn
from starlette.datastructures import State

from . import logs
from .settings import Settings

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
KEEP_ALIVE = 75  # seconds: longer than common balancers keep idle connections
LAST_SECONDS = 3  # for cancelled requests to be recorded and traces to leave
YOUNG = 10  # seconds: a worker that dies younger would only die again


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, state: State, settings: Settings) -> None:
        super().__init__(config)
        self.state = state
        self.drain_seconds = settings.drain_seconds
        self.stop_seconds = settings.graceful_timeout + LAST_SECONDS
        self.drained_at: float | None = None
        self.supervisor: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self.started and not self.state.draining:
            self.state.draining = True
            self.exit_within(self.drain_seconds + self.stop_seconds)
        else:
            self.force_exit = self.should_exit
            self.should_exit = True
            self.exit_within(LAST_SECONDS if self.force_exit else self.stop_seconds)

    @staticmethod
    def exit_within(seconds: float) -> None:
        signal.signal(signal.SIGALRM, lambda number, frame: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, seconds)

    async def on_tick(self, counter: int) -> bool:
        now = time.monotonic()
        if self.state.draining and self.drained_at is None:
            log.info("draining for %g s", self.drain_seconds)
            self.drained_at = now + self.drain_seconds
        orphaned = self.supervisor is not None and self.supervisor != os.getppid()
        if orphaned or (self.drained_at is not None and now >= self.drained_at):
            self.should_exit = True
        return await super().on_tick(counter)


def run(settings: Settings) -> int:
    if settings.web_concurrency == 1:
        server, listener = prepare(settings)
        server.run([listener])
        logging.shutdown()
        os._exit(0)  # Python itself would wait for the threads of requests that were cut off
    with tempfile.TemporaryDirectory() as shared:
        # prometheus_client looks at it when imported: each worker then counts in a file there.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        logs.take_turns()
        return supervise(*prepare(settings), settings.web_concurrency)


def prepare(settings: Settings) -> tuple[Server, socket.socket]:
    from .app import create_app

    app = create_app(settings)
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.graceful_timeout,
    )
    return Server(config, app.state, settings), bind(settings.host, settings.port)


def bind(host: str, port: int) -> socket.socket:
    """Takes the port; nothing is accepted yet."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.EADDRINUSE, errno.EACCES):
            log.critical("cannot listen on %s, port %d: %s", host, port, os.strerror(number))
            raise SystemExit(os.EX_UNAVAILABLE) from None
        log.critical("invalid configuration: HOST: no address of this machine: %s", error)
        raise SystemExit(os.EX_CONFIG) from None
    name = f"[{host}]" if ":" in host else host
    log.info("running on http://%s:%d", name, listener.getsockname()[1])
    return listener


def supervise(server: Server, listener: socket.socket, count: int) -> int:
    """Forks the workers, passes signals on to them and replaces one that dies."""
    server.supervisor = os.getpid()
    before = [signal.getsignal(number) for number in SIGNALS]
    born: dict[int, float] = {}
    stopping = failed = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        listener.close()
        for pid in born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def start() -> None:
        # A signal has to wait while the new process is not in `born` or has the wrong handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        if not stopping:
            pid = os.fork()
            if pid == 0:
                os._exit(work())
            born[pid] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def work() -> int:
        try:
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            server.run([listener])
        except SystemExit as exit_:
            return exit_.code if isinstance(exit_.code, int) else 1
        except BaseException:
            log.critical("worker failed", exc_info=True)
            return 1
        return 0

    for number in SIGNALS:
        signal.signal(number, stop)
    for _ in range(count):
        start()
    while born:
        pid, status = os.wait()
        if pid not in born:  # an orphan that PID 1 has to bury
            continue
        age = time.monotonic() - born.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if stopping:
            failed = failed or code != 0
            continue
        log.error("worker %d ended with code %d after %.0f s", pid, code, age)
        if age < YOUNG:
            failed = True
            stop(signal.SIGTERM, None)
        else:
            start()
    return int(failed)
