"""A service of the first released template, changed by its owner, updated: it passes its own checks, and back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twelvefac.app.components import add_components
from twelvefac.app.new import NewRequest, new_service
from twelvefac.app.undo import undo_last
from twelvefac.app.update import UpdateRequest, update
from twelvefac.scaffold.catalogue import data_root
from twelvefac.update.history import versions

pytestmark = pytest.mark.e2e


def make(folder: Path, *targets: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["make", "--directory", str(folder), f"PYTHON={sys.executable}", *targets]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def commit(folder: Path) -> None:
    words = ["git", "-c", "user.name=User", "-c", "user.email=user@localhost"]
    subprocess.run([*words, "add", "--all"], cwd=folder, check=True)
    subprocess.run([*words, "commit", "--quiet", "--message=mine"], cwd=folder, check=True)


def files(folder: Path) -> dict[str, bytes]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True).stdout.decode()
    return {name: (folder / name).read_bytes() for name in listed.split("\0") if name}


@pytest.mark.parametrize("version", [versions(data_root())[0]])
def test_updated_added_to_and_undone(tmp_path: Path, version: str) -> None:
    folder = tmp_path / "orders"
    new_service(NewRequest(str(folder), version=version))
    routes, router = folder / "src/orders/routes.py", "router = APIRouter()\n"
    routes.write_text(routes.read_text().replace(router, f'{router}\nMINE = "written by the owner"\n'))
    with (folder / "README.md").open("a") as file:
        file.write("\n## Ours\n")
    commit(folder)
    before = files(folder)
    result = update(UpdateRequest(str(folder)))
    assert not result.conflicts
    assert any(b"written by the owner" in data for data in files(folder).values())
    make(folder, "lint", "test")
    undo_last(str(folder))
    assert files(folder) == before
    update(UpdateRequest(str(folder), commit=True))
    added = add_components(UpdateRequest(str(folder), commit=True), ["postgres", "kubernetes"])
    assert not added.conflicts
    make(folder, "lint", "test")
