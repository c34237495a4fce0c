"""The entry point: answers signals first, imports everything else afterwards."""

import os
import signal
import sys


def main() -> int:
    # As PID 1 Python loses a SIGTERM that comes before a handler is set, so no slow import may come
    # first. A server that has not begun yet stops cleanly by leaving at once; any other command is
    # not done: with 0 a migration that was stopped would count as a success.
    stopped = 0 if sys.argv[1:2] == ["web"] else 128 + signal.SIGTERM
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(stopped))
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))

    from . import logs

    logs.configure()

    from . import cli

    code = cli.run()
    for number in (signal.SIGTERM, signal.SIGINT):  # all is done: the exit code is settled
        signal.signal(number, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(main())
