"""The errors that a user can cause or meet, and the exit codes of every command.

::

    TwelvefacError            one clear message, exit 2
    ├── UsageError            the command line or the configuration is wrong
    ├── MachineError          the machine refuses: unwritable, full disk, no git
    └── RefusedError          the request is understood, and carrying it out would lose something

Anything else that reaches the boundary is a bug: a report file and exit 4.
"""

import os
from enum import IntEnum


class ExitCode(IntEnum):
    """The same for every command and output format; where several apply: 2, 4, 1, 3, 0."""

    OK = 0
    FINDINGS = 1
    REFUSED = 2
    NOTHING_TO_AUDIT = 3
    INTERNAL = 4
    INTERRUPTED = 130


class TwelvefacError(Exception):
    """A message for the person at the terminal: what is wrong, where, and the way out.

    ``hint`` is the way out, a sentence or a command, printed on its own line.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TwelvefacError):
    """The command line, an answers file or the configuration is wrong."""


class MachineError(TwelvefacError):
    """The machine refuses: an unwritable folder, a full disk, no git."""


class RefusedError(TwelvefacError):
    """Understood, but carrying it out would overwrite or lose something."""


def origin(error: BaseException) -> str:
    """Which error it is and where it comes from, the standard library left out: ``ValueError in compose.py:142``.

    Its own words are not part of what is printed about an audited file: they may quote it, secrets included.
    """
    place, known = error.__traceback__, ""
    while place is not None:
        file = place.tb_frame.f_code.co_filename
        if not known or not file.startswith(_STANDARD) or "site-packages" in file:
            known = f" in {file.rpartition(os.sep)[2]}:{place.tb_lineno}"
        place = place.tb_next
    return f"{type(error).__name__}{known}"


_STANDARD = (os.__file__.rpartition(os.sep)[0] + os.sep, "<")
