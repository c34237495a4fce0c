"""Logs as an event stream: one JSON object a line on stdout, whoever writes it."""

import json
import logging
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from . import SERVICE, __version__

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

encode = json.JSONEncoder(default=str).encode

# What no entry shows need not be found out for each: https://docs.python.org/3/howto/logging.html
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
vars(logging).update(_srcfile=None, logAsyncioTasks=False)

# What a record has by itself; anything more came in through `extra=`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "color_message",
    "message",
    "span_id",
    "trace_id",
}


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # the arguments do not fit the format: lose nothing
            message = f"{record.msg} {record.args}"
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": message,
            "logger": record.name,
            "service": SERVICE,
            "version": __version__,
            "request_id": request_id.get(),
            "trace_id": getattr(record, "trace_id", None),
            "span_id": getattr(record, "span_id", None),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = record.stack_info
        for key, value in vars(record).items():
            if key not in STANDARD:
                entry.setdefault(key, value)
        return encode(entry)


def configure() -> None:
    """Sends the root logger, warnings and uncaught exceptions to stdout as JSON."""
    # A buffer larger than any entry makes each one a single write, so that the lines of several
    # worker processes do not mix.
    stream = open(1, "w", 1 << 20, encoding="utf-8", closefd=False)  # noqa: SIM115
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a closed stdout is no reason for a traceback on stderr
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda problem: _uncaught(
        problem.exc_type, problem.exc_value, problem.exc_traceback
    )
    threading.excepthook = lambda problem: _uncaught(
        problem.exc_type, problem.exc_value, problem.exc_traceback
    )


def _uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    logging.getLogger(__name__).critical(
        "uncaught %s", kind.__name__, exc_info=(kind, error or kind(), trace)
    )
