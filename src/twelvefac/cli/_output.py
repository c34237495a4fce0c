"""Printing: results to stdout; colours only where somebody sees them."""

import contextlib
import os
import sys
from collections.abc import Iterable

from twelvefac.errors import MachineError
from twelvefac.streams import why


def print_result(text: str, *, done: str = "") -> None:
    """Write a result to stdout; characters that its encoding lacks become escapes, never an error.

    Raises MachineError when it cannot be written (a full disk, a closed stream); ``done`` is what was done all the
    same and is said with it.
    """
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding or "ascii"
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has what it wanted
    except OSError as error:
        message = f"cannot write the output: {why(error)}"
        raise MachineError(f"{message}; {done}" if done else message) from error


def color_wanted() -> bool:
    """NO_COLOR (no-color.org) wins, then FORCE_COLOR, then whether stdout is a terminal that knows colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def say_notices(notices: Iterable[str]) -> None:
    """Write what a person should know, and no program reads, to stderr."""
    encoding = sys.stderr.encoding or "ascii"
    with contextlib.suppress(OSError):  # where nobody can hear them, there is nobody to tell that either
        for notice in notices:
            sys.stderr.write(f"{notice}\n".encode(encoding, "backslashreplace").decode(encoding))


def width_wanted() -> int:
    """The columns of a line: COLUMNS, else the terminal's; without one 100, so that logs look the same everywhere."""
    from twelvefac.report.view import PLAIN_WIDTH

    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or PLAIN_WIDTH
    except (OSError, ValueError):  # a pipe, a file; a stream without a descriptor
        return PLAIN_WIDTH
