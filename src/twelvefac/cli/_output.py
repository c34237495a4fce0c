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
