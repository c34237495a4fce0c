"""What owners write into the answers file and under `.twelvefac/` stays, or is refused by file and line."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import edit, refused
from update_overlays import make
from update_trees import run, snapshot

Commit = Callable[[Path], None]
ANSWERS = ".copier-answers.yml"
MANIFEST = ".twelvefac/manifest.json"
OLD_HEAD = "# Written by twelvefac, which updates this repository by it. Do not edit.\n"
END = "owners: [ann, bob]\n# end\n"


def fill(service: Path) -> None:
    """Keys, comments and lines of the owners' own."""
    edit(service / ANSWERS, "# Written by", "# Payments: ask Ann before an update\n# Written by")
    edit(service / ANSWERS, "name: orders\n", "\nname: orders  # never changes\n")
    edit(service / ANSWERS, "_commit: 1.0.0\n", "_commit: 1.0.0  # pinned\n")
    edit(
        service / ANSWERS, "ci: github\n", "ci: 'github' # the platform's\nteam: payments\nowners: [ann, bob]\n# end\n"
    )


FILLED = """\
# Payments: ask Ann before an update
# Written by twelvefac, which updates this repository by it; comments and keys of your own stay.
_commit: 2.0.0  # pinned
_src_path: https://github.com/twelvefac/twelvefac

name: orders  # never changes
description: The orders service
framework: fastapi
database: none
ci: 'actions' # the platform's
team: payments
owners: [ann, bob]
# end
deploy: none
"""


def test_an_update_keeps_what_owners_wrote_into_the_answers_file(service: Path, call: Run, commit: Commit) -> None:
    assert (service / ANSWERS).read_text().endswith("deploy: none\n")
    fill(service)
    commit(service)
    before = snapshot(service)
    assert "drifted" not in call("update", "--check")[1]
    code, _, error = call("update")
    assert (code, error) == (0, "")
    assert (service / ANSWERS).read_text() == FILLED
    assert call("update", "--check") == (0, "orders is up to date: template 2.0.0.\n", "")
    edit(service / ANSWERS, "database: none", "database: postgres")
    assert f"drifted   {ANSWERS}:1  you changed a file" in call("update", "--check")[1]
    edit(service / ANSWERS, "database: postgres", "database: none")
    assert call("undo")[0] == 0
    assert snapshot(service) == before


def test_add_and_remove_keep_it_too(service: Path, call: Run, commit: Commit) -> None:
    fill(service)
    commit(service)
    assert call("update", "--commit")[0] == 0
    assert call("add", "postgres", "--commit")[0] == 0
    assert (service / ANSWERS).read_text() == FILLED.replace("database: none", "database: postgres")
    assert call("remove", "postgres", "--commit")[0] == 0
    assert (service / ANSWERS).read_text() == FILLED


@pytest.mark.parametrize("staged", [True, False])
def test_an_edit_of_the_answers_file_that_is_not_committed_stays(service: Path, call: Run, staged: bool) -> None:
    fill(service)
    if staged:
        run(service, "add", ANSWERS)
    before = snapshot(service)
    assert call("update")[0] == 0
    assert (service / ANSWERS).read_text() == FILLED
    assert call("undo")[0] == 0
    assert snapshot(service) == before


def test_line_ends_and_a_question_that_is_new(service: Path, call: Run, commit: Commit) -> None:
    fill(service)
    text = (service / ANSWERS).read_text().replace("deploy: none\n", "").replace("database: none\n", "")
    (service / ANSWERS).write_bytes(text.replace("\n", "\r\n").encode())
    commit(service)
    assert call("update")[0] == 0
    ci = "ci: 'actions' # the platform's\n"
    wanted = FILLED.replace("deploy: none\n", "").replace(ci, f"{ci}deploy: none\n")
    assert (service / ANSWERS).read_bytes() == wanted.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ci: github\n", "ci: github\nci: none\n", f"{ANSWERS}:9: 'ci' is there twice\n"),
        ("ci: github\n", "ci: [github]\n", f"{ANSWERS}:8: the answer to 'ci' must be one text\n"),
        ("ci: github\n", "ci: github\ndatabase: no\n", f"{ANSWERS}:9: 'database' is there twice\n"),
        ("deploy: none", "deploy: fly", f"{ANSWERS}:9: unknown deploy 'fly': choose from none"),
        ("description: The", "description: |\n  The\n ", f"{ANSWERS}:5: the description must be one line of printable"),
        ("name: orders", "name: kafka", f"{ANSWERS}:4: 'kafka' cannot name a service"),
        ("name: orders", "name orders", f"{ANSWERS}:4: no YAML: could not find expected ':'\n"),
        ("_commit: 1.0.0", "_commit: &v 1.0.0\nours: *v", f"{ANSWERS}:2: YAML that cannot be written anew without"),
    ],
)
def test_what_cannot_be_carried_over_is_refused_by_its_line(
    service: Path, call: Run, commit: Commit, old: str, new: str, message: str
) -> None:
    edit(service / ANSWERS, old, new)
    commit(service)
    refused(call, service, message)


def test_one_line_for_all_is_refused(service: Path, call: Run, commit: Commit) -> None:
    import yaml

    values = yaml.safe_load((service / ANSWERS).read_text())
    (service / ANSWERS).write_text(f"---\n{json.dumps(values)}\n")
    commit(service)
    refused(call, service, f"{ANSWERS}:2: expected one 'question: answer' a line\n")


def test_keys_of_ones_own_in_the_manifest_stay(service: Path, call: Run, commit: Commit) -> None:
    values = json.loads((service / MANIFEST).read_text())
    values["reviewed"] = {"by": "Ann"}
    values["files"]["run.sh"]["note"] = "started by the platform"
    (service / MANIFEST).write_text(json.dumps(values, indent=4))
    commit(service)
    assert call("update", "--commit")[0] == 0
    after = json.loads((service / MANIFEST).read_text())
    assert after["reviewed"] == {"by": "Ann"}
    assert after["files"]["run.sh"]["note"] == "started by the platform"
    assert call("add", "postgres")[0] == 0
    assert json.loads((service / MANIFEST).read_text())["reviewed"] == {"by": "Ann"}


def test_an_owner_that_was_changed_in_the_manifest_is_told(service: Path, call: Run, commit: Commit) -> None:
    edit(service / MANIFEST, '"run.sh": {"ownership": "managed"', '"run.sh": {"ownership": "seeded"')
    commit(service)
    code, _, error = call("update")
    assert (code, error) == (
        0,
        f"{MANIFEST}: run.sh is managed again, and was seeded: `twelvefac update --accept run.sh` makes it yours\n",
    )


def test_comments_among_the_overlays_answers_stay(call: Run, overlay: Path, place: Path, commit: Commit) -> None:
    assert make(call, str(overlay), "--overlay-answer", "team=payments")[0] == 0
    service = place / "orders"
    edit(service / ANSWERS, "  team: payments\n", "  # who pays\n  team: payments  # since May\n")
    commit(service)
    assert call("update", str(service), "--overlay-answer", "team=orders")[0] == 0
    assert "\n_overlay_answers:\n  # who pays\n  team: orders  # since May\n" in (service / ANSWERS).read_text()


def test_accepting_leaves_the_line_ends_of_what_is_there(service: Path, call: Run) -> None:
    (service / ".twelvefac/ours").write_bytes(b"# ours\r\nREADME.md\r\n")
    assert call("update", "--accept", "run.sh")[0] == 0
    assert (service / ".twelvefac/ours").read_bytes() == b"# ours\r\nREADME.md\r\nrun.sh\r\n"


def test_a_description_that_was_made_a_block_of_text(service: Path, call: Run, commit: Commit) -> None:
    edit(service / ANSWERS, "description: The orders service\n", "description: |\n  Orders of all\n# end\n")
    commit(service)
    assert call("update")[0] == 0
    assert "\ndescription: Orders of all\n# end\n" in (service / ANSWERS).read_text()


def test_keys_of_ones_own_stay_at_any_depth_of_the_manifest(
    call: Run, overlay: Path, place: Path, commit: Commit
) -> None:
    assert make(call, str(overlay))[0] == 0
    service = place / "orders"
    values = json.loads((service / MANIFEST).read_text())
    values["template"]["approved"] = {"by": ["Ann"]}
    values["overlay"]["contact"] = "platform"
    (service / MANIFEST).write_text(json.dumps(values, indent=4))
    commit(service)
    assert call("add", "postgres", "--in", str(service))[0] == 0
    after = json.loads((service / MANIFEST).read_text())
    assert after["template"] == values["template"]
    assert after["overlay"] == values["overlay"]


def test_a_key_that_is_there_twice_in_the_manifest_is_refused_by_its_line(
    service: Path, call: Run, commit: Commit
) -> None:
    text = (service / MANIFEST).read_text()
    line = next(number for number, one in enumerate(text.splitlines(), 1) if '"run.sh"' in one)
    edit(service / MANIFEST, '    "run.sh": {', '    "run.sh": {"note": "one", "note": "two", ')
    commit(service)
    refused(call, service, f"{MANIFEST}:{line}: 'note' is there twice\n  keep one of the two\n")


def test_what_is_noted_at_a_file_that_goes_is_told(service: Path, call: Run, commit: Commit) -> None:
    gone = "src/orders/legacy.py"
    edit(service / MANIFEST, f'"{gone}": {{', f'"{gone}": {{"note": "ask Bob", ')
    commit(service)
    code, _, error = call("update")
    assert code == 0
    assert error == (
        f"{MANIFEST}: note of {gone} goes with that file, which the template no longer has: "
        "git and `twelvefac undo` have it\n"
    )


def test_what_cannot_be_carried_over_is_told_at_add_too(service: Path, call: Run, commit: Commit) -> None:
    edit(service / ANSWERS, "deploy: none", "deploy: fly")
    commit(service)
    refused(call, service, f"{ANSWERS}:9: unknown deploy 'fly': choose from none", "add", "github")


def test_bytes_between_what_changes_stay_as_they_are(service: Path, call: Run, commit: Commit) -> None:
    """A byte order mark, quotes, line ends of two kinds, no line end at the end."""
    text = (service / ANSWERS).read_text()
    text = text.replace("_commit: 1.0.0\n", "_commit: '1.0.0'\r\n").replace("ci: github\n", '"ci":  "github"  # x\n')
    (service / ANSWERS).write_bytes(b"\xef\xbb\xbf" + text.removesuffix("\n").encode())
    commit(service)
    assert call("update")[0] == 0
    wanted = text.replace("'1.0.0'", "'2.0.0'").replace('"github"', '"actions"').removesuffix("\n")
    assert (service / ANSWERS).read_bytes() == b"\xef\xbb\xbf" + wanted.encode()
    assert call("update", "--check") == (0, "orders is up to date: template 2.0.0.\n", "")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_head_that_said_not_to_edit_is_written_anew(service: Path, call: Run, commit: Commit, end: str) -> None:
    head = FILLED.partition("# Written")[2].partition("_commit")[0]
    old = (service / ANSWERS).read_text().replace(f"# Written{head}", OLD_HEAD)
    manifest = json.loads((service / MANIFEST).read_text())
    manifest["files"][ANSWERS]["sha256"] = hashlib.sha256(old.encode()).hexdigest()
    (service / MANIFEST).write_text(json.dumps(manifest))
    (service / ANSWERS).write_text(old + "team: payments\n", newline=end)
    commit(service)
    assert "drifted" not in call("update", "--check")[1]
    assert call("update")[0] == 0
    text = (service / ANSWERS).read_bytes().decode()
    assert text.startswith(f"# Written{head}".replace("\n", end))
    assert "Do not edit" not in text
    assert text.endswith(f"team: payments{end}")
    assert call("update", "--check")[0] == 0
