"""What every test may rely on: a clean environment, and no silent skips where none are allowed.

The environment is scrubbed once, before anything is collected, so that a test means the same on a laptop, in
a pipeline and inside `make`: no colours, width or CI flags of the caller, no git identity or hooks, no cache
or configuration of the user, no settings meant for twelvefac or for a generated service. With NO_SKIPS=1, as
in `.ci/run`, a skipped test is a failed one.
"""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

_NAMES = {
    "CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES",
    "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHON", "ARGS", "TREES",
    "PYTHONPATH", "PYTHONWARNINGS", "PYTHONHASHSEED", "VIRTUAL_ENV", "PORT", "HOST",
    "LOG_LEVEL", "DRAIN_SECONDS", "GRACEFUL_TIMEOUT", "WEB_CONCURRENCY",
}  # fmt: skip
_PREFIXES = ("GITHUB_", "GITLAB_", "TWELVEFAC_", "GIT_", "OTEL_", "COPIER_", "PROMETHEUS_")
_SCRATCH = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    scratch = tempfile.mkdtemp(prefix="twelvefac-tests-")
    config.stash[_SCRATCH] = scratch
    _scrub_environment(scratch)
    # a shell ignores Ctrl-C for what it starts in the background, and so would every program that a test interrupts
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash.get(_SCRATCH, ""), ignore_errors=True)


def _scrub_environment(scratch: str) -> None:
    # downloaded packages stay where they are: a test that installs must not fetch everything again
    user_cache = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    os.environ.setdefault("PIP_CACHE_DIR", f"{user_cache}/pip")
    for name in list(os.environ):
        if name in _NAMES or name.startswith(_PREFIXES):
            del os.environ[name]
    os.environ["XDG_CACHE_HOME"] = f"{scratch}/cache"
    os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
    os.environ["GIT_CONFIG_NOSYSTEM"] = "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("NO_SKIPS") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, and NO_SKIPS=1 counts that as a failure: {reason}"
    return report


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return Path(__file__).resolve().parent.parent
