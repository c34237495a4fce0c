"""`update --check`: what it finds, in whose words, and the command that fits where it was asked."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit, refused
from update_overlays import make
from update_trees import run

Commit = Callable[[Path], None]
LEGACY = f"{SOURCE}/legacy.py"
WAITS = "a conflict of the update of orders to template 2.0.0 waits for you: "


@pytest.fixture
def waiting(service: Path, call: Run, commit: Commit) -> Path:
    """The service with a conflict that leaves no marker in the file: deleted by the template, changed by its owner."""
    edit(service / LEGACY, "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update")[0] == 1
    return service


def test_a_conflict_that_waits_is_told_and_fails(waiting: Path, call: Run) -> None:
    left = f"{WAITS}mark it as resolved: git add, or git rm; then twelvefac update --continue"
    assert call("update", "--check") == (1, f"conflict  {LEGACY}  {left}\n\norders: 1 problem.\n", "")
    assert call("update", "--check", "--allow-drift")[0] == 1
    code, out, _ = call("update", "--check", "--format=json")
    assert (code, json.loads(out)["problems"]) == (
        1,
        [{"kind": "conflict", "path": LEGACY, "line": None, "message": left}],
    )
    assert call("update", "--check", "--format=github")[1].startswith(f"::error file={LEGACY},title=twelvefac conflict")


def test_one_with_markers_is_told_once(service: Path, call: Run, commit: Commit) -> None:
    edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update")[0] == 1
    out = call("update", "--check")[1]
    assert out.count("conflict  ") == 1
    assert "greeting.py:2  a conflict of an update is not resolved\n" in out


@pytest.mark.parametrize("end", ["continue", "commit", "abort", "reset"])
def test_a_resolved_one_passes_and_is_told_until_it_is_ended(
    waiting: Path, call: Run, commit: Commit, end: str
) -> None:
    run(waiting, "rm", "--quiet", "--force", LEGACY)
    fine = "orders is up to date: template 2.0.0.\n"
    said = (
        "the update of orders to template 2.0.0 is resolved: "
        "twelvefac update --continue ends it, and so does your commit\n"
    )
    assert call("update", "--check") == (0, fine, said)
    match end:
        case "continue":
            assert call("update", "--continue")[0] == 0
        case "commit":
            commit(waiting)
        case "abort":
            assert call("update", "--abort")[0] == 0
        case _:
            run(waiting, "reset", "--quiet", "--hard")
    code, out, error = call("update", "--check")
    assert error == ""
    if end in {"continue", "commit"}:
        assert (code, out) == (0, fine)
    else:
        assert (code, out.split()[0], "conflict" in out) == (1, "behind", False)


def test_a_run_that_was_stopped_half_way_is_no_state_to_judge(service: Path, call: Run) -> None:
    (service / ".git/twelvefac").mkdir()
    (service / ".git/twelvefac/journal.json").write_text("{}")
    message = "a run of twelvefac in this repository was stopped half way, or is still at work\n"
    refused(call, service, message, "update", "--check")


MARKERS = "<<<<<<< yours\na\n=======\nb\n>>>>>>> template 2.0.0\n"


@pytest.mark.parametrize("setting", ["color.ui", "color.grep"])
def test_markers_are_found_where_the_repository_wants_colour(
    service: Path, call: Run, commit: Commit, setting: str
) -> None:
    run(service, "config", setting, "always")
    (service / "mine.txt").write_text(MARKERS)
    commit(service)
    assert "conflict  mine.txt:1  " in call("update", "--check")[1]


@pytest.mark.parametrize("attribute", ["-diff", "binary"])
def test_markers_are_found_in_what_attributes_call_binary(
    service: Path, call: Run, commit: Commit, attribute: str
) -> None:
    (service / ".gitattributes").write_text(f"*.txt {attribute}\n")
    (service / "mine.txt").write_text(MARKERS)
    commit(service)
    assert "conflict  mine.txt:1  " in call("update", "--check")[1]


def test_where_git_refuses_nothing_is_said_to_be_fine(
    service: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    code, out, error = call("update", "--check")
    assert (code, out) == (2, "")
    assert error.startswith(f"error: git refuses to work in {service}: detected dubious ownership in repository")
    assert "safe.directory" in error


def test_where_git_cannot_search_nothing_is_said_to_be_fine(service: Path, call: Run) -> None:
    run(service, "config", "grep.patternType", "bogus")
    code, out, error = call("update", "--check")
    assert (code, out) == (2, "")
    assert error.startswith("error: git grep failed: ")
    assert "grep.patterntype" in error.lower()
    run(service, "config", "grep.patternType", "default")
    (service / ".git/index").write_bytes(b"damaged")
    code, out, error = call("update", "--check")
    assert (code, out) == (2, "")
    assert error.startswith("error: git grep failed: ")


def test_without_git_what_was_not_searched_is_said(
    service: Path, call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert call("update", "--commit")[0] == 0
    said = "only the template's files were searched for conflicts: "
    fine = "orders is up to date: template 2.0.0.\n"
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "nothing"))
        assert call("update", "--check") == (0, fine, f"{said}git is not installed\n")
    shutil.rmtree(service / ".git")
    code, out, error = call("update", "--check")
    assert (code, out) == (0, fine)
    assert error == f"{said}. is in no git repository\n"


@pytest.mark.parametrize("folder", ["services/orders", "my services/orders"])
def test_the_commands_that_it_names_have_the_folder(
    first: Path, call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: Commit, folder: str
) -> None:
    top = tmp_path / "mono"
    shutil.copytree(first, top / folder, ignore=shutil.ignore_patterns(".git"))
    run(top, "init", "--quiet")
    edit(top / folder / "run.sh", "true", "false")
    edit(top / folder / LEGACY, "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(top)
    monkeypatch.chdir(top)
    quoted = f"'{folder}'" if " " in folder else folder
    out = call("update", "--check", folder)[1]
    assert f"2.0.0 is out: twelvefac update {quoted}\n" in out
    assert f"for good: twelvefac update --accept run.sh {quoted}\n" in out
    assert call("update", "--accept", "run.sh", folder)[0] == 0
    commit(top)
    assert call("update", folder)[0] == 1
    out = call("update", "--check", folder)[1]
    assert f"conflict  {LEGACY}  {WAITS}" in out
    assert f"then twelvefac update --continue {quoted}\n" in out


@pytest.mark.parametrize("place", [".", "services", "services/orders"])
def test_for_programs_paths_are_those_of_the_repository_wherever_it_is_asked(
    first: Path, call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    top = tmp_path / "mono"
    service = top / "services/orders"
    shutil.copytree(first, service, ignore=shutil.ignore_patterns(".git"))
    run(top, "init", "--quiet")
    monkeypatch.chdir(top / place)
    (tmp_path / "link").symlink_to(service)
    for folder in (os.path.relpath(service), str(service), str(tmp_path / "link")):
        out = call("update", "--check", "--format=github", folder)[1]
        assert out.startswith("::warning file=services/orders/.copier-answers.yml,line=")
        runs = json.loads(call("update", "--check", "--format=sarif", folder)[1])["runs"]
        assert [
            place["physicalLocation"]["artifactLocation"]["uri"]
            for result in runs[0]["results"]
            for place in result["locations"]
        ] == ["services/orders/.copier-answers.yml"]
        assert call("update", "--check", folder)[1].startswith("behind    .copier-answers.yml:")


def test_another_services_conflict_is_not_this_ones(
    first: Path, call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: Commit
) -> None:
    top = tmp_path / "mono"
    for name in ("one", "two"):
        shutil.copytree(first, top / name, ignore=shutil.ignore_patterns(".git"))
    run(top, "init", "--quiet")
    commit(top)
    monkeypatch.chdir(top)
    assert call("update", "--commit", "two")[0] == 0
    edit(top / "one" / LEGACY, "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(top)
    assert call("update", "one")[0] == 1
    assert call("update", "--check", "two") == (0, "orders is up to date: template 2.0.0.\n", "")


def test_a_file_that_was_moved_is_not_called_deleted(service: Path, call: Run, commit: Commit) -> None:
    (service / "bin").mkdir()
    run(service, "mv", "run.sh", "bin/start.sh")
    (service / "template.txt").unlink()
    out = call("update", "--check")[1]
    assert "drifted   run.sh  you moved a file of the template's to bin/start.sh; for good: " in out
    assert "drifted   template.txt  you deleted a file of the template's, or moved and changed it; for good: " in out


def test_drift_of_an_overlays_files_is_told_as_that(call: Run, overlay: Path, place: Path, commit: Commit) -> None:
    assert make(call, str(overlay))[0] == 0
    service = place / "orders"
    edit(service / "POLICY.md", "line 11", "mine 11")
    run(service, "mv", "org/plain.txt", "plain.txt")
    out = call("update", "--check", str(service))[1]
    assert "drifted   POLICY.md:1  you changed a file of the overlay's; for good: " in out
    assert "drifted   org/plain.txt  you moved a file of the overlay's to plain.txt; for good: " in out


def test_the_version_of_an_overlay_is_told(call: Run, overlay: Path, place: Path) -> None:
    assert make(call, str(overlay))[0] == 0
    version = call("update", "--check", "orders")[1]
    assert version == "orders is up to date: template 2.0.0 with overlay v1.0.0.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--check",),
        ("--check", "--allow-drift"),
        (".", "--check"),
        ("--check", "--format", "json"),
        ("--format=sarif", "--check", "."),
        ("--check", "--format=github", "nosuch"),
        ("--check", "--format=xml"),
        ("--check", "--format"),
        ("--check", "--format", "--check"),
        ("--check", ".", "."),
        ("--check", ""),
        ("--check", "--"),
        ("--check", "--", "--allow-drift"),
        ("--check", "--commit"),
        ("--check", "-h"),
        ("--check", "--nosuch"),
        ("--", "--check"),
        ("--to", "--check"),
    ],
)
def test_the_short_way_answers_as_the_long_one_does(
    service: Path, call: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    edit(service / "run.sh", "true", "false")
    answer = call("update", *words)
    monkeypatch.setattr("twelvefac.cli._check.plain_check", lambda _: None)
    assert call("update", *words) == answer


def test_a_check_takes_no_longer_than_it_must(service: Path) -> None:
    """It imports nothing of what parses other command lines, and of what carries out an update."""
    code = "import sys; from twelvefac.cli import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, "update", "--check"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("behind ")
    heavy = {"typer", "rich", "copier", "jinja2", "twelvefac.update.install", "twelvefac.update.result"}
    assert heavy & set(done.stderr.split()) == set()
