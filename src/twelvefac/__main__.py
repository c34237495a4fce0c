"""The program: the shortest way to an answer, then typer.

Start-up is most of what a small run costs, so ``--version`` is answered before typer is imported (13 ms
against 50), the cyclic collector stays off (a run is short and its memory is bounded by one file), and the
process ends without tearing the interpreter down. See docs/decisions/0002-typer.md.
"""

import contextlib
import gc
import os
import sys

from twelvefac.streams import open_streams, why


def main() -> None:
    """Run the command line in ``sys.argv`` and end the process with its exit code."""
    gc.disable()
    open_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        from twelvefac import __version__

        code = _print(f"twelvefac {__version__}\n")  # the fast path, before cli exists
    else:
        from twelvefac.cli import run

        code = run(sys.argv[1:])
    _leave(code)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
    except OSError as error:
        return _unwritten(error)
    return 0


def _leave(code: int) -> None:
    """Flush and end at once: interpreter shutdown costs 7 ms and nothing here needs it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the reader (head, less) has gone: nothing more to say, and no traceback about it
    except OSError as error:
        code = code or _unwritten(error)
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _unwritten(error: OSError) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: cannot write the output: {why(error)}\n")
    return 2


if __name__ == "__main__":
    main()
