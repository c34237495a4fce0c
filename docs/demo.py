"""`make demo`: the whole path, each step printed as the command that one would type.

A service is generated into a temporary folder, tested, started on a free port, called, stopped with SIGTERM
and audited. The first step that fails ends the demo with its exit code; the service is stopped and the folder
removed in every case (`make demo ARGS=--keep` leaves the folder).
"""

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

NAME = "orders"
STARTS_WITHIN = 30
STOPS_WITHIN = 60


class StepFailedError(Exception):
    """A step did not do what the demo promises."""


class Narrator:
    """Prints the steps, in colour where somebody is watching."""

    def __init__(self) -> None:
        wanted = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
        self.colour = wanted and not os.environ.get("NO_COLOR")
        self.step_number = 0

    def paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def step(self, text: str) -> None:
        self.step_number += 1
        self.say("\n" + self.paint("1;36", f"{self.step_number}. {text}"))

    def command(self, text: str) -> None:
        self.say(self.paint("1;32", "$ ") + self.paint("1", text))


def run(narrator: Narrator, command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command, its output on ours; anything but exit code 0 ends the demo."""
    narrator.command(shlex.join(command))
    code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    if code:
        raise StepFailedError(f"`{shlex.join(command)}` ended with exit code {code}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(url: str) -> tuple[int, str]:
    """Status and body; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def call(narrator: Narrator, url: str) -> None:
    narrator.command(f"curl -i {url}")
    status, body = fetch(url)
    narrator.say(f"HTTP {status}\n{body}")
    if status != 200:
        raise StepFailedError(f"{url} answered {status}, not 200")


@contextlib.contextmanager
def started(
    command: list[str], folder: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A running process that is gone afterwards, whatever happens."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its worker processes too
                process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while fetch(url)[0] != 200:
        if process.poll() is not None:
            raise StepFailedError(f"the service ended with exit code {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise StepFailedError(f"the service was not ready within {STARTS_WITHIN} s")
        time.sleep(0.1)


def run_the_service(narrator: Narrator, service: Path, environment: dict[str, str], log: Path) -> None:
    port = free_port()
    program = [f".venv/bin/{NAME}", "web"]
    narrator.step("Start it: configuration comes from the environment, here the port")
    narrator.command(f"PORT={port} {shlex.join(program)} >log.jsonl 2>&1 &")
    # DRAIN_SECONDS: nobody balances load in this demo, so one second of draining is enough to see
    settings = {**environment, "PORT": str(port), "DRAIN_SECONDS": "1"}
    with started(program, service, settings, log) as process:
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}/healthz/ready")
            narrator.step("Call it")
            call(narrator, f"http://127.0.0.1:{port}/healthz/ready")
            call(narrator, f"http://127.0.0.1:{port}/")
            narrator.step("Stop it as a platform does: it drains, finishes what runs and leaves with 0")
            narrator.command("kill -TERM %1; wait %1; echo $?")
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOPS_WITHIN)
            narrator.say(str(code))
        except subprocess.TimeoutExpired:
            raise StepFailedError(f"SIGTERM did not stop the service within {STOPS_WITHIN} s") from None
        finally:
            narrator.step("Read its log: one JSON object a line, server, access and application alike")
            narrator.command("cat log.jsonl")
            narrator.say(log.read_text(errors="replace").rstrip())
    if code:
        raise StepFailedError(f"after SIGTERM the service left with exit code {code}, not 0")


def tell(narrator: Narrator, folder: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VIRTUAL_ENV", "PYTHONPATH"):
        environment.pop(name, None)
    service = folder / NAME

    narrator.step("Generate a service")
    run(narrator, ["twelvefac", "new", "service", NAME, "--defaults"], folder, environment)
    narrator.step("Run its tests (the first time it makes its own environment)")
    narrator.command(f"cd {NAME}")
    run(narrator, ["make", "test"], service, environment)
    run_the_service(narrator, service, environment, folder / "log.jsonl")
    narrator.step("Audit it against the twelve factors")
    run(narrator, ["twelvefac", "audit", "."], service, environment)


def main() -> int:
    parser = argparse.ArgumentParser(description="Show the whole path, step by step.")
    parser.add_argument("--keep", action="store_true", help="leave the generated service for a look at it")
    keep = parser.parse_args().keep
    narrator = Narrator()
    folder = Path(tempfile.mkdtemp(prefix="twelvefac-demo-")).resolve()
    began = time.monotonic()
    try:
        narrator.command(f". {shlex.quote(str(Path(sys.executable).parent / 'activate'))}")
        narrator.command(f"cd {folder}")
        tell(narrator, folder)
    except StepFailedError as error:
        narrator.say("\n" + narrator.paint("1;31", f"demo stopped: {error}"))
        return 1
    except KeyboardInterrupt:
        narrator.say("\ndemo interrupted")
        return 130
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    narrator.say("\n" + narrator.paint("1;32", f"All of it worked, in {time.monotonic() - began:.0f} s."))
    narrator.say(f"It is left in {folder / NAME}" if keep else "The folder is removed again.")
    narrator.say("Your own: .venv/bin/twelvefac new service ../orders")
    return 0


if __name__ == "__main__":
    sys.exit(main())
