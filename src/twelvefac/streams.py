"""The three streams of a process, whichever of them its parent closed.

A closed descriptor is the next one that is given out: a report or git's index would be opened as stdout. So each is
opened on nothing, and what would be printed there says that it cannot be.
"""

import errno
import io
import os
import sys


class ClosedError(OSError):
    """Nothing can be written, for the stream is closed."""


class _Closed(io.TextIOBase):
    """Stands for a stdout that is closed: whatever is written is an error, as with a full disk."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        if text:
            raise ClosedError(errno.EBADF, "it is closed")
        return 0


def open_streams() -> None:
    """Give every closed stream something to stand on; Python has None for it."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for as long as the process
    if sys.stdout is None:
        os.open(os.devnull, os.O_WRONLY)  # descriptor 1, the lowest that is free
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above


def why(error: OSError) -> str:
    """Why a stream cannot be written, in words that go on after a colon."""
    return (error.strerror or str(error)).lower()
