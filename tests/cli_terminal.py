"""The program as a process of its own, on a terminal too: what is typed, what it says, how it ends."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 30  # seconds; the machine may be busy


def program(root: Path, *arguments: str) -> list[str]:
    """The command line as a process of its own, on the template at ``root``."""
    code = (
        "import sys; from pathlib import Path; import twelvefac.app.new as new; from twelvefac.cli import run;"
        "root = Path(sys.argv.pop(1)); new.data_root = lambda: root; sys.exit(run(sys.argv[1:]))"
    )
    # Copier leaves directory handles to the collector when it fails
    warnings = ["-W", "error", "-W", "ignore::ResourceWarning"]
    return [sys.executable, *warnings, "-c", code, str(root), *arguments]


def talk(command: list[str], folder: Path, lines: list[tuple[str, str]], **more: str) -> tuple[int, str, str]:
    """Run ``command`` on a terminal, answering each awaited text with a line; ``\\x03`` is Ctrl-C.

    Returns the exit code, stdout (a pipe) and what was shown on the terminal (stderr and the echo).
    Raises AssertionError when an awaited text does not come.
    """
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **more}
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        env=environment,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - no threads here
    )
    os.close(follower)
    shown = ""
    try:
        for awaited, line in lines:
            shown = _await(leader, shown, awaited)
            os.write(leader, line.encode() if line == "\x03" else f"{line}\n".encode())
        out, _ = process.communicate(timeout=PATIENCE)
        shown += _rest(leader)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        os.close(leader)
    return process.returncode, out.decode(), shown.replace("\r\n", "\n")


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _await(leader: int, shown: str, awaited: str) -> str:
    deadline = time.monotonic() + PATIENCE
    start = len(shown)
    while awaited not in shown[start:]:
        assert time.monotonic() < deadline, f"{awaited!r} did not come, but: {shown!r}"
        if select.select([leader], [], [], 0.1)[0]:
            try:
                shown += os.read(leader, 4096).decode()
            except OSError as error:
                raise AssertionError(f"{awaited!r} did not come, but: {shown!r}") from error
    return shown


def _rest(leader: int) -> str:
    rest = b""
    while select.select([leader], [], [], 0)[0]:
        try:
            data = os.read(leader, 4096)
        except OSError:  # Linux says so when nobody holds the other end any more
            break
        if not data:
            break
        rest += data
    return rest.decode()
