"""An overlay to test with: an organisation's own template, in a directory or in git."""

from collections.abc import Callable
from pathlib import Path

from update_trees import run

Run = Callable[..., tuple[int, str, str]]
LINES = [f"line {number}" for number in range(12)]
ANSWERS, MANIFEST = ".copier-answers.yml", ".twelvefac/manifest.json"


def write_overlay(folder: Path, **files: str) -> Path:
    """Write an overlay: a policy that knows the service's name, a plain file, and what is given."""
    texts = {
        "copier.yml": "_subdirectory: files\nteam:\n  type: str\n  default: platform\n",
        "files/POLICY.md.jinja": "\n".join(["# {{ name }} of {{ team }}", *LINES, ""]),
        "files/org/plain.txt": "\n".join([*LINES, ""]),
        **files,
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def tag(folder: Path, version: str) -> None:
    if not (folder / ".git").exists():
        run(folder, "init", "--quiet", "--initial-branch=main")
    run(folder, "add", "--all")
    run(folder, "commit", "--quiet", f"--message={version}")
    run(folder, "tag", version)


def make(call: Run, overlay: str, *more: str) -> tuple[int, str, str]:
    return call("new", "service", "orders", "--defaults", "--overlay", overlay, "--trust-overlay", *more)
