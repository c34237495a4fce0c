"""The one place where an error becomes a message and an exit code."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from twelvefac.errors import ExitCode, MachineError, TwelvefacError
from twelvefac.streams import ClosedError, open_streams, why


def guarded(call: Callable[[], object], argv: Sequence[str]) -> int:
    """Run ``call``; its returned integer is the exit code, and so is what it raises, with one message."""
    open_streams()
    try:
        result = call()
    except KeyboardInterrupt:
        return _interrupted()
    except TwelvefacError as error:
        return _refused(error)
    except BrokenPipeError:
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the user gets a message
        from typer import Abort, Exit  # imported by whoever parses with it, which is not everyone
        from typer.exceptions import TyperException

        if isinstance(error, Exit):
            return error.exit_code
        if isinstance(error, Abort):
            return _interrupted()
        if isinstance(error, TyperException):
            return _usage(error)
        if isinstance(error, OSError) and (known := _machine(error)) is not None:
            return _refused(known)
        return _internal(error, argv)
    if result == ExitCode.INTERRUPTED:  # what typer makes of a KeyboardInterrupt
        return _interrupted()
    return result if isinstance(result, int) else ExitCode.OK


def _interrupted() -> int:
    _say("\ninterrupted" if sys.stderr.isatty() else "interrupted")  # a terminal shows ^C on the line before
    return ExitCode.INTERRUPTED


def _refused(error: TwelvefacError) -> int:
    _say(f"error: {error.message}")
    if error.hint:
        _say(f"  {error.hint}")
    return ExitCode.REFUSED


def _machine(error: OSError) -> MachineError | None:
    """What the machine refused where no command looks: the current folder, or the output of ``--help``."""
    try:
        os.getcwd()  # noqa: PTH109 - asked for its error alone
    except OSError:
        return MachineError("the current folder no longer exists", hint="change to another folder")
    if isinstance(error, ClosedError) or _raised_in(error) == "echo":
        return MachineError(f"cannot write the output: {why(error)}")
    return None


def _raised_in(error: Exception) -> str:
    """The name of the function that an error comes from; ``echo`` is what typer prints help with."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return "" if place is None else place.tb_frame.f_code.co_name


def _usage(error: Exception) -> int:
    show = getattr(error, "show", None)
    if callable(show):
        with contextlib.suppress(OSError):  # as _say
            show(file=sys.stderr)
    else:
        _say(f"error: {error}")
    return ExitCode.REFUSED


def _internal(error: Exception, argv: Sequence[str]) -> int:
    """Write what is needed to mend a bug into a file, and say where it is."""
    import platform
    import tempfile
    import traceback

    from twelvefac import __version__

    text = "\n".join(
        [
            f"twelvefac {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: twelvefac {' '.join(argv)}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    _say(f"internal error: {type(error).__name__}: {str(error)[:200]}")
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="twelvefac-error-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        _say(text)
    else:
        _say(f"  this is a bug in twelvefac; please report it with the file {file.name}")
    return ExitCode.INTERNAL


def _say(line: str) -> None:
    try:
        sys.stderr.write(f"{line}\n")
    except UnicodeEncodeError:
        _say(line.encode("ascii", "backslashreplace").decode())
    except OSError:  # nobody can hear it; the exit code says it too
        return
