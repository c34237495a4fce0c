"""`update --accept`: a file of the template's that its owners changed for good."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sample_template import finish, write_component, write_template
from update.conftest import Run
from update.test_update import edit, refused
from update_trees import run

from twelvefac.app.new import NewRequest, new_service
from twelvefac.scaffold.catalogue import data_root

Commit = Callable[[Path], None]
OURS = ".twelvefac/ours"
HEAD = (
    "# Files of the template's that are ours now, one a line; * stands for anything, and # begins a comment.\n"
    "# `twelvefac update --check` passes them over, and an update still merges the template's changes into them.\n"
)


@pytest.fixture
def current(service: Path, call: Run, commit: Commit) -> Path:
    assert call("update")[0] == 0
    commit(service)
    return service


def test_check_is_quiet_about_that_file_alone(current: Path, call: Run) -> None:
    edit(current / "run.sh", "true", "false")
    (current / "template.txt").unlink()
    assert call("update", "--check") == (
        1,
        (
            "drifted   run.sh:1  you changed a file of the template's; for good: twelvefac update --accept run.sh\n"
            "drifted   template.txt  you deleted a file of the template's, or moved and changed it; for good: "
            "twelvefac update --accept template.txt\n\norders: 2 problems.\n"
        ),
        "",
    )
    assert call("update", "--accept", "run.sh") == (
        0,
        (
            "Accepted, in .twelvefac/ours (to be committed)\n\n"
            "  run.sh  yours: --check passes it, updates go on merging into it\n"
        ),
        "",
    )
    assert (current / OURS).read_text() == HEAD + "run.sh\n"
    assert call("update", "--check")[1].splitlines()[-1] == "orders: 1 problem."
    assert call("update", "--accept", "./template.txt", "--accept", "run.sh")[0] == 0
    assert (current / OURS).read_text() == HEAD + "run.sh\ntemplate.txt\n"
    assert call("update", "--check") == (0, "orders is up to date: template 2.0.0.\n", "")
    assert call("update", "--accept", "run.sh") == (0, "orders has them in .twelvefac/ours already\n", "")


def test_what_is_accepted_is_still_merged(service: Path, call: Run, commit: Commit) -> None:
    edit(service / "src/orders/greeting.py", "STEP_9 = 9", "STEP_9 = 'mine'")
    assert call("update", "--accept", "src/orders/greeting.py")[0] == 0
    commit(service)
    code, out, error = call("update")
    assert (code, error) == (0, "")
    assert "  merged    src/orders/greeting.py    the template's changes and yours, in different places\n" in out
    text = (service / "src/orders/greeting.py").read_text()
    assert "STEP_9 = 'mine'" in text
    assert "WORDS = 'hello'" in text
    assert (service / OURS).read_text() == HEAD + "src/orders/greeting.py\n"
    assert run(service, "status", "--porcelain", "--", ".twelvefac").decode() == "M  .twelvefac/manifest.json\n"
    assert call("update", "--check")[0] == 0


def test_owners_write_into_the_file_themselves(current: Path, call: Run) -> None:
    edit(current / "run.sh", "true", "false")
    edit(current / "src/orders/big.py", "STEP_1 = 1", "STEP_1 = 'mine'")
    (current / OURS).write_text("# why\n\nrun.sh  # the platform starts it\nsrc/*/b*.py\nno/such.py")
    stale = ".twelvefac/ours:5: no/such.py is no file of the template's: take the line out\n"
    assert call("update", "--check") == (0, "orders is up to date: template 2.0.0.\n", stale)
    assert call("update", "--accept", "template.txt")[0] == 0
    assert (current / OURS).read_text().endswith("\nno/such.py\ntemplate.txt\n")
    (current / OURS).write_bytes(b"\xff\n")
    refused(call, current, ".twelvefac/ours is not UTF-8\n  save it as UTF-8\n", "update", "--check")


def test_what_is_no_file_of_the_templates_is_refused(current: Path, call: Run) -> None:
    (current / "mine.py").write_text("")
    message = "'mine.py' is no file that the template gave this service: name it as --check does\n"
    refused(call, current, message, "update", "--accept", "run.sh", "--accept", "mine.py")
    assert not (current / OURS).exists()
    refused(call, current, "--check and --accept do not go together\n", "update", "--check", "--accept", "run.sh")
    refused(call, current, "--check and --to do not go together\n", "update", "--check", "--to", "2.0.0")
    refused(call, current, "--abort and --dry-run do not go together\n", "update", "--abort", "--dry-run")


def test_what_both_change_by_right_never_drifts(tmp_path: Path, call: Run) -> None:
    root = write_template(tmp_path / "template")
    component = root / "templates/service/{{base}}/_component.yml"
    component.write_text(component.read_text("utf-8") + 'shared: ["README.md"]\n', "utf-8")
    write_component(root, "base", {})
    folder = tmp_path / "orders"
    new_service(NewRequest(str(folder), {}), root=finish(root))
    edit(folder / "README.md", "orders", "Orders")
    code, out, _ = call("update", str(folder), "--check", "--format=text")
    assert "README.md" not in out
    assert code == 1  # the template of this fixture is newer


def test_what_every_owner_changes_in_the_first_week_is_shared(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    new_service(NewRequest(str(folder), {}), root=data_root())
    manifest = (folder / ".twelvefac/manifest.json").read_text("utf-8")
    for path in ("README.md", "pyproject.toml", "compose.yaml", ".env.example", "Makefile", "tests/conftest.py"):
        assert f'"{path}": {{"ownership": "shared"' in manifest


def test_conflict_markers_that_are_meant_are_accepted_in_a_file_of_ones_own(
    current: Path, call: Run, commit: Commit
) -> None:
    (current / "merging.md").write_text("<<<<<<< yours\n1\n=======\n2\n>>>>>>> template 1.0.0\n")
    commit(current)
    assert call("update", "--check") == (
        1,
        (
            "conflict  merging.md:1  a conflict of an update is not resolved; where the text is meant: "
            "twelvefac update --accept merging.md\n\norders: 1 problem.\n"
        ),
        "",
    )
    assert call("update", "--accept", "merging.md")[0] == 0
    assert call("update", "--check") == (0, "orders is up to date: template 2.0.0.\n", "")
