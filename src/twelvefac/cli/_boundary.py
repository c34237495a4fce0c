"""The one place where an error becomes a message and an exit code."""

import sys
from collections.abc import Callable, Sequence

from twelvefac.errors import ExitCode, TwelvefacError


def guarded(call: Callable[[], object], argv: Sequence[str]) -> int:
    """Run ``call``; its returned integer is the exit code, and so is what it raises, with one message."""
    from typer import Abort, Exit
    from typer.exceptions import TyperException

    try:
        result = call()
    except Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, Abort):
        return _interrupted()
    except TwelvefacError as error:
        _say(f"error: {error.message}")
        if error.hint:
            _say(f"  {error.hint}")
        return ExitCode.REFUSED
    except TyperException as error:
        return _usage(error)
    except BrokenPipeError:
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the user gets a message
        return _internal(error, argv)
    if result == ExitCode.INTERRUPTED:  # what typer makes of a KeyboardInterrupt
        return _interrupted()
    return result if isinstance(result, int) else ExitCode.OK


def _interrupted() -> int:
    _say("\ninterrupted" if sys.stderr.isatty() else "interrupted")  # a terminal shows ^C on the line before
    return ExitCode.INTERRUPTED


def _usage(error: Exception) -> int:
    show = getattr(error, "show", None)
    if callable(show):
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
    except (BrokenPipeError, UnicodeEncodeError):
        sys.stderr.write(line.encode("ascii", "backslashreplace").decode() + "\n")
