"""`fastapi-fullstack upgrade` on the cases of ``peers``: its own template, with the case's files in it.

It renders its template alone, the old version of which it fetches: from a package index, else from its repository.
Here git is told to find that repository in a folder, and two copies of the package hold the two versions.
"""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

OLD, NEW = "0.2.20", "0.2.21"  # the second is the one that is installed
REPOSITORY = "https://github.com/vstorm-co/full-stack-ai-agent-template"
INNER = "fastapi_gen/template/{{cookiecutter.project_slug}}"
Made = tuple[Path, list[str]]


def make_fullstack(
    environment: Path, commit: Callable[..., None]
) -> Callable[[Path, Mapping[str, str], Mapping[str, str], dict[str, str]], Made]:
    """Return the way to make a project of it; ``environment`` is the virtual environment that it is installed in."""
    command = str(environment / "bin/fastapi-fullstack")
    package = next(environment.glob("lib/python3*/site-packages/fastapi_gen"))

    def make(place: Path, before: Mapping[str, str], after: Mapping[str, str], env: dict[str, str]) -> Made:
        for side, files in (("old", before), ("new", after)):
            shutil.copytree(package, place / side / "fastapi_gen")
            for path, text in files.items():
                target = place / side / INNER / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        store = place / "store"
        shutil.copytree(place / "old/fastapi_gen/template", store / "template")
        commit(store, tag=OLD)
        with (place / "gitconfig").open("a") as file:
            file.write(f'[url "file://{store}"]\n\tinsteadOf = {REPOSITORY}\n')
        few = ["--minimal", "--frontend", "none", "--ai-framework", "none"]
        create = [command, "create", "project", *few, "--output", str(place)]
        subprocess.run(create, check=True, env=env | {"PYTHONPATH": str(place / "old")}, capture_output=True)
        record = place / "project/.fastapi-fullstack.json"
        text = record.read_text()
        for key in ("template_ref", "package_version"):
            text = text.replace(f'"{key}": "{NEW}"', f'"{key}": "{OLD}"')
        record.write_text(text)
        return place / "project", ["env", f"PYTHONPATH={place / 'new'}", command, "upgrade"]

    return make
