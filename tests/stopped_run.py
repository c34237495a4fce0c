"""A run of ``new service orders`` that is stopped in the middle; started as a process of its own.

``step TEMPLATE FOLDER SIGNAL STEP`` sends itself the signal when the step is done. ``events TEMPLATE FOLDER
SIGNAL`` forks one run for each thing that a run does to the disk, sends the signal just before that, and
prints what was found afterwards: one line of JSON a run.
"""

import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from twelvefac.app.new import NewRequest, new_service
from twelvefac.cli._boundary import guarded

# what touches the disk or starts git; reading does neither
_EVENTS = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink",
    "os.truncate", "subprocess.Popen", "shutil.rmtree", "tempfile.mkdtemp", "tempfile.mkstemp", "fcntl.flock",
}  # fmt: skip
FOREVER = 1_000_000


def run(template: Path, folder: Path, step: Callable[[str], None]) -> int:
    """Run in ``folder`` and return the exit code."""
    os.chdir(folder)
    request = NewRequest("orders")
    return guarded(lambda: new_service(request, root=template, step=step), [])


def stop_at_step(template: Path, folder: Path, number: int, wanted: str) -> int:
    """Run and stop once ``wanted`` is done; print every step."""

    def step(name: str) -> None:
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        if name == wanted:
            os.kill(os.getpid(), number)

    return run(template, folder, step)


def stop_at_events(template: Path, base: Path, number: int) -> None:
    """Run once for each event, stopped there, until a run comes to its end."""
    # a first run imports everything, so that the events of the others are those on the disk
    (base / "warm").mkdir()
    run(template, base / "warm", lambda _: None)
    shutil.rmtree(base / "warm")
    for index in range(FOREVER):
        folder = base / str(index)
        folder.mkdir()
        report, code = _forked(template, folder, number, index)
        left = sorted(path.name for path in folder.iterdir())
        sys.stdout.write(json.dumps({"code": code, "at": report, "left": left}) + "\n")
        if not report:
            return


def _forked(template: Path, folder: Path, number: int, index: int) -> tuple[str, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        gc.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        _arm(index, number, writer)
        os._exit(run(template, folder, lambda _: None))
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        report = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return report, os.waitstatus_to_exitcode(status)


def _arm(index: int, number: int, writer: int) -> None:
    seen = -1

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in _EVENTS and not (event == "open" and _writes(arguments)):
            return
        seen += 1
        if seen == index:
            os.write(writer, f"{event} {str(arguments[0])[:200]}".encode())
            os.kill(os.getpid(), number)

    sys.addaudithook(hook)


def _writes(arguments: tuple[object, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


if __name__ == "__main__":
    kind, template_path, folder_path, signal_name, *rest = sys.argv[1:]
    chosen = getattr(signal, signal_name)
    if kind == "step":
        sys.exit(stop_at_step(Path(template_path), Path(folder_path), chosen, rest[0]))
    stop_at_events(Path(template_path), Path(folder_path), chosen)
