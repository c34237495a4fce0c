"""Printing: results to stdout; colours only where somebody sees them."""

import os
import sys
from collections.abc import Iterable


def print_result(text: str) -> None:
    """Write a result to stdout; characters that its encoding lacks become escapes, never an error."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def color_wanted() -> bool:
    """NO_COLOR (no-color.org) wins, then FORCE_COLOR, then whether stdout is a terminal that knows colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def say_notices(notices: Iterable[str]) -> None:
    """Write what a person should know, and no program reads, to stderr."""
    for notice in notices:
        encoding = sys.stderr.encoding or "ascii"
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
