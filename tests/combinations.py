"""Which combinations of options make one and the same Python program, so that it is typed and tested once."""

import shutil
from fnmatch import fnmatchcase
from pathlib import Path

# What mypy and pytest get to see of a service. Where they run, nothing else is there: so nothing else can matter.
SEEN = ("src/*", "tests/*", "pyproject.toml", "requirements*.lock", ".env.example", "Makefile", "README.md")


def seen(folder: Path) -> dict[str, bytes]:
    """Return the files of a service that its type checker and its tests depend on; of README.md the table's rows."""
    kept = _kept(folder)
    rows = [line for line in kept["README.md"].splitlines() if line.startswith(b"| `")]
    return kept | {"README.md": b"\n".join(rows)}


def _kept(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes() for name, path in files.items() if any(fnmatchcase(name, pattern) for pattern in SEEN)
    }


def keep_seen(folder: Path) -> None:
    """Take everything else away."""
    kept = _kept(folder)
    shutil.rmtree(folder)
    for name, data in kept.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
