"""What no committed file may hold, and how long one may be."""

import re
import subprocess
from pathlib import Path

import pytest

MOST_LINES = 400
LONG_FOR_A_REASON = {
    "docs/rules/sqlite-in-production.md": "the page of a rule with many examples",
    "src/twelvefac/rules/config/debug_on.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/disposability/signal_lost.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/config/hardcoded_secret.py": "a rule is one file, and much of this one is its examples",
    "docs/rules/dev-server.md": "the page of a rule with many examples",
    "docs/rules/signal-lost.md": "the page of a rule with many examples",
    "src/twelvefac/rules/config/secret_default.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/disposability/no_health.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/logs/log_to_file.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/concurrency/scheduler_in_web.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/port_binding/dev_server.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/port_binding/port_mismatch.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/rules/processes/sqlite_in_production.py": "a rule is one file, and much of this one is its examples",
    "src/twelvefac/project/python_walk.py": "one walk over the tree: what each kind of node gives, in one class",
    "src/twelvefac/update/install.py": "an operation on the disk and its way back, which must be read side by side",
    "tests/update/test_update.py": "the cases of one command, each short",
    "tests/project/test_python.py": "the Python reader's cases, one after the other as its kinds of facts are",
}

FORBIDDEN = {
    "a package registry's host": r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|proxy[.]golang",
    "a path of one machine": r"(?<![\w.<{}$*-])/(?:work|root(?!/[.]cache)|Users|opt/pypi)/",
    "a tool from outside this repository": r"[.][.]/shared/",
    "a merge marker": r"^(?:<{7}|>{7}) ",
}


@pytest.fixture(scope="module")
def texts(repository: Path) -> dict[str, str]:
    """Each tracked text file by its path."""
    listed = subprocess.run(
        ["git", "-C", repository, "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for name in filter(None, listed.split("\0")):
        path = repository / name
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if b"\0" not in data and not name.endswith(".bundle"):
                found[name] = data.decode()
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str, texts: dict[str, str]) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    places = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for name, text in texts.items()
        for match in pattern.finditer(text)
    ]

    assert places == []


def test_no_lock_file_that_names_a_registry(texts: dict[str, str]) -> None:
    assert [name for name in texts if Path(name).name in {"uv.lock", "poetry.lock", "package-lock.json"}] == []


def test_a_long_file_has_a_reason(texts: dict[str, str]) -> None:
    judged = {
        name: text.count("\n")
        for name, text in texts.items()
        if name.endswith((".py", ".jinja", ".md", ".yaml", ".yml")) and not name.endswith(".lock.jinja")
    }
    long = {name for name, lines in judged.items() if lines > MOST_LINES}

    assert long == set(LONG_FOR_A_REASON)
