"""Logs as an event stream: one JSON object a line on stdout, whoever writes it."""

import fcntl
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import IO, Any

from . import SERVICE, VERSION

log = logging.getLogger(__name__)

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

encode = json.JSONEncoder(default=str, allow_nan=False).encode

# What no entry shows need not be found out for each: https://docs.python.org/3/howto/logging.html
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
vars(logging).update(_srcfile=None, logAsyncioTasks=False)

# What a record or an entry has by itself; anything more came in through `extra=`.
STANDARD = {
    *vars(logging.makeLogRecord({})),
    *("asctime", "color_message", "message"),
    *("level", "logger", "request_id", "service", "span_id", "time", "trace_id", "version"),
}


@lru_cache(maxsize=1)
def whole_second(seconds: int) -> str:
    """What the entries of one second share: to format it for each is a sixth of what one costs."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Output(logging.Handler):
    """Writes each entry at once and whole, whatever is in it."""

    descriptor = 1
    turn: IO[bytes] | None = None  # its lock is taken for each write when processes share stdout
    find_span: Callable[[], tuple[str | None, str | None]] = staticmethod(lambda: (None, None))

    def emit(self, record: logging.LogRecord) -> None:
        fields = {key: value for key, value in vars(record).items() if key not in STANDARD}
        try:
            message = record.getMessage()
        except Exception as error:  # the arguments do not fit the format: lose nothing
            message = f"{show(record.msg)} {show(record.args)}"
            fields["log_error"] = explain(error)
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        self.write(record.created, record.levelname, record.name, message, fields)

    def write(
        self, created: float, level: str, logger: str, message: str, fields: dict[str, Any]
    ) -> None:
        """One entry; by itself, for what each request writes, a third of the cost of a record."""
        trace_id, span_id = self.find_span()
        entry: dict[str, Any] = {
            "time": f"{whole_second(int(created))}.{int(created % 1 * 1000):03d}+00:00",
            "level": level,
            "message": message,
            "logger": logger,
            "service": SERVICE,
            "version": VERSION,
            "request_id": request_id.get(),
            "trace_id": trace_id,
            "span_id": span_id,
            **fields,
        }
        try:
            line = encode(entry)
        except Exception as error:  # something in it is not JSON: show that as a text
            entry = {show(key): strict(value) for key, value in entry.items()}
            line = encode(entry | {"log_error": explain(error)})
        self._put(line.encode() + b"\n")

    def _put(self, line: bytes) -> None:
        self.acquire()
        try:
            if self.turn is not None:
                fcntl.lockf(self.turn, fcntl.LOCK_EX)
            while line:  # a pipe that is full takes a part
                line = line[os.write(self.descriptor, line) :]
        except OSError:
            pass  # nobody reads any more, and there is no other place to say so
        finally:
            if self.turn is not None:
                fcntl.lockf(self.turn, fcntl.LOCK_UN)
            self.release()


output = Output()


def configure() -> None:
    """Sends the root logger, warnings and uncaught exceptions to stdout as JSON."""
    logging.basicConfig(handlers=[output], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda problem: _uncaught(
        problem.exc_type, problem.exc_value, problem.exc_traceback
    )
    threading.excepthook = lambda problem: _uncaught(
        problem.exc_type, problem.exc_value, problem.exc_traceback
    )
    if sys.stdout is None:  # the next file or socket would get its number, and our entries
        output.descriptor = 2
        log.critical("stdout is closed: there is nowhere to log to")
        raise SystemExit(os.EX_IOERR)


def take_turns() -> None:
    """Before a fork: keeps the lines of all processes whole, however slowly they are read."""
    output.turn = tempfile.TemporaryFile()  # noqa: SIM115  for as long as the process lives


def show(value: object) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__}>"


def explain(error: Exception) -> str:
    return f"{type(error).__name__}: {show(error)}"


def strict(value: object) -> object:
    try:
        encode(value)
    except Exception:
        return show(value)
    return value


def _uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    log.critical("uncaught %s", kind.__name__, exc_info=(kind, error or kind(), trace))
