"""The HTTP server: worker processes, and a stop that loses no request.

SIGTERM: /healthz/ready answers 503 while requests are still served for DRAIN_SECONDS, so that
balancers look elsewhere; then the listener closes, running requests get GRACEFUL_TIMEOUT to finish.
A second SIGTERM, or SIGINT, skips the draining; a further one skips the waiting.
"""

import contextlib
import logging
import os
import signal
import socket
import tempfile
import time
from types import FrameType

import uvicorn
from starlette.datastructures import State

from .settings import Settings

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
KEEP_ALIVE = 75  # seconds: longer than common balancers keep idle connections
YOUNG = 10  # seconds: a worker that dies younger would only die again


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, state: State, drain_seconds: float) -> None:
        super().__init__(config)
        self.state = state
        self.drain_seconds = drain_seconds
        self.drained_at: float | None = None
        self.supervisor: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self.started and not self.state.draining:
            self.state.draining = True
        else:
            self.force_exit = self.should_exit
            self.should_exit = True

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
        return 0
    with tempfile.TemporaryDirectory() as shared:
        # prometheus_client looks at it when imported: each worker then counts in a file there.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        return supervise(*prepare(settings), settings.web_concurrency)


def prepare(settings: Settings) -> tuple[Server, socket.socket]:
    from .app import create_app

    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.graceful_timeout,
    )
    return Server(config, app.state, settings.drain_seconds), config.bind_socket()


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
