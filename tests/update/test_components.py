"""`add` and `remove` on a service that its owner has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit, refused, tracked
from update_trees import run, snapshot

Commit = Callable[[Path], None]


@pytest.fixture
def current(service: Path, call: Run, commit: Commit) -> Path:
    """The service at the newest version, edited and committed."""
    assert call("update")[0] == 0
    with (service / "README.md").open("a") as file:
        file.write("\n## Ours\n")
    edit(service / "pyproject.toml", 'version = "0.1.0"', 'version = "7.0.0"')
    commit(service)
    return service


def test_added_and_removed_again(current: Path, call: Run, commit: Commit) -> None:
    before = tracked(current)
    code, out, error = call("add", "postgres", "postgres")
    assert (code, error) == (0, "")
    assert out.startswith("Added postgres to orders (template 2.0.0)\n")
    assert "  added     src/orders/database.py  comes with postgres\n" in out
    assert "  merged    pyproject.toml          the command's changes and yours, in different places\n" in out
    assert "the template" not in out
    assert '"psycopg>=3.2"' in (current / "pyproject.toml").read_text()
    assert "## Ours" in (current / "README.md").read_text()
    assert "DATABASE_URL" in (current / "README.md").read_text()
    assert "database: postgres" in (current / ".copier-answers.yml").read_text()
    assert call("add", "postgres") == (0, "orders has postgres already.\n", "")
    commit(current)
    code, out, error = call("remove", "postgres")
    assert (code, error) == (0, "")
    assert "  deleted   src/orders/database.py  goes with postgres, and you had not changed it\n" in out
    assert "the template" not in out
    assert tracked(current) == before
    assert call("remove", "postgres")[1] == "orders has no postgres.\n"


def test_what_was_edited_is_flagged_and_never_deleted(current: Path, call: Run, commit: Commit) -> None:
    assert call("add", "postgres", "--commit")[0] == 0
    edit(current / SOURCE / "database.py", "STEP_3 = 3", "STEP_3 = 'mine'")
    commit(current)
    code, out, _ = call("remove", "postgres")
    assert code == 1
    assert "  conflict  src/orders/database.py  `remove postgres` deleted it, you changed it: keep it (git add)" in out
    assert "'mine'" in (current / SOURCE / "database.py").read_text()
    run(current, "rm", "--quiet", f"{SOURCE}/database.py")
    assert call("update", "--continue") == (0, "Finished: the remove of postgres from orders\n", "")


def test_a_dry_run(current: Path, call: Run) -> None:
    before = snapshot(current)
    code, out, _ = call("add", "postgres", "--dry-run")
    assert code == 0
    assert out.startswith("Would add postgres to orders (template 2.0.0)\n")
    assert "+DATABASE" not in out
    assert "database.py" in call("add", "postgres", "--diff")[1]
    assert snapshot(current) == before


def test_refusals_name_the_way_out(service: Path, call: Run) -> None:
    refused(
        call,
        service,
        "postgres came with a newer template than 1.0.0, which this service has\n"
        "  twelvefac update, commit, then twelvefac add postgres\n",
        "add",
        "postgres",
    )
    refused(call, service, "unknown component 'kafka': choose from fastapi, github\n", "add", "kafka")
    refused(call, service, "base comes by itself and cannot be chosen", "remove", "base")
    refused(call, service, "fastapi cannot be removed: a service needs a framework\n", "remove", "fastapi")
