"""What is said where words were missing, untrue or passed over."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit, refused
from update_overlays import make, tag, write_overlay
from update_trees import run, snapshot

Commit = Callable[[Path], None]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--check", "--commit"), "--check commits nothing: --commit goes with an update and with --continue\n"),
        (("--abort", "--commit"), "--abort commits nothing: --commit goes with an update and with --continue\n"),
        (("--format", "json"), "--format goes with --check alone\n"),
        (("--versions", "--format=json"), "--format goes with --check alone\n"),
        (("--allow-drift",), "--allow-drift goes with --check alone\n"),
    ],
)
def test_a_flag_that_would_do_nothing_is_refused(
    service: Path, call: Run, flags: tuple[str, ...], message: str
) -> None:
    refused(call, service, message, "update", *flags)


def test_accepting_in_the_middle_of_a_run_is_told_as_such(service: Path, call: Run) -> None:
    (service / ".git/twelvefac").mkdir()
    (service / ".git/twelvefac/journal.json").write_text("{}")
    (service / ".copier-answers.yml").unlink()
    refused(call, service, "a run of twelvefac in this repository was stopped half way", "update", "--accept", "x")


def test_what_a_sparse_checkout_leaves_out_is_named_as_that(service: Path, call: Run, commit: Commit) -> None:
    run(service, "status")  # a copy: git leaves out what it knows to be unchanged
    run(service, "sparse-checkout", "set", "--no-cone", "/*", f"!/{SOURCE}/greeting.py")
    message = f"left out by this sparse checkout, and to be changed: {SOURCE}/greeting.py\n"
    refused(call, service, message)
    assert call("update", "--dry-run")[0] == 2
    run(service, "sparse-checkout", "disable")
    assert call("update")[0] == 0


def test_each_of_three_places_has_its_command(service: Path, call: Run, commit: Commit) -> None:
    run(service, "mv", f"{SOURCE}/tool.py", f"{SOURCE}/mine.py")
    commit(service)
    before = snapshot(service)
    code, out, _ = call("update")
    if code == 0:  # git follows one of the two moves: then there is nothing to say
        assert "mine.py" in out
    else:
        told = dict(line.split(None, 2)[1:] for line in out.splitlines() if line.startswith("  conflict "))
        assert told == {
            f"{SOURCE}/tool.py": (
                f"you moved it to {SOURCE}/mine.py, the template to {SOURCE}/tools/tool.py: git rm it here"
            ),
            f"{SOURCE}/mine.py": (
                f"you moved {SOURCE}/tool.py here, the template to {SOURCE}/tools/tool.py: "
                "keep it (git add), or the other (git rm this)"
            ),
            f"{SOURCE}/tools/tool.py": (
                f"the template moved {SOURCE}/tool.py here, you to {SOURCE}/mine.py: "
                "keep it (git add), or the other (git rm this)"
            ),
        }
        run(service, "rm", "--quiet", f"{SOURCE}/tool.py", f"{SOURCE}/tools/tool.py")
        run(service, "add", f"{SOURCE}/mine.py")
        assert call("update", "--continue")[0] == 0
    assert call("undo")[0] == 0
    assert snapshot(service) == before


def test_an_overlays_files_are_told_as_the_overlays(call: Run, overlay: Path, place: Path, commit: Commit) -> None:
    assert make(call, str(overlay))[0] == 0
    service = place / "orders"
    edit(service / "POLICY.md", "line 11", "mine 11")
    commit(service)
    edit(overlay / "files/POLICY.md.jinja", "line 0\n", "theirs 0\n")
    (overlay / "files/more.txt").write_text("more\n")
    (overlay / "files/org/plain.txt").unlink()
    tag(overlay, "v1.1.0")
    code, out, _ = call("update", str(service))
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("  ") and "." in line][:3] == [
        "  added     more.txt       new in the overlay",
        "  merged    POLICY.md      the overlay's changes and yours, in different places",
        "  deleted   org/plain.txt  the overlay no longer has it, and you had not changed it",
    ]


def test_an_overlays_own_answers_file_is_left_out(call: Run, overlay: Path, place: Path) -> None:
    (overlay / "files/.copier-answers.yml").write_text("_commit: 9\n")
    (overlay / "files/{{_copier_conf.answers_file}}.jinja").write_text("{{ _copier_answers|to_nice_yaml }}\n")
    shutil.rmtree(overlay / ".git")
    assert make(call, str(overlay))[0] == 0
    assert (place / "orders/.copier-answers.yml").read_text().startswith("# Written by twelvefac")


def test_the_help_names_the_way_out_of_it(call: Run) -> None:
    assert "delete .copier-answers.yml and .twelvefac/" in " ".join(call("update", "--help")[1].split()).replace(
        "- ", "-"
    )


def test_a_lock_of_gits_index_is_named(service: Path, call: Run) -> None:
    (service / ".git/index.lock").touch()
    message = (
        f"another git command is at work here, or died: {service}/.git/index.lock\n  wait for it, or remove that file\n"
    )
    refused(call, service, message)
    assert call("update", "--dry-run")[0] == 2


def test_a_folder_in_the_place_of_a_file_is_not_called_deleted(service: Path, call: Run) -> None:
    (service / "run.sh").unlink()
    (service / "run.sh").mkdir()
    out = call("update", "--check")[1]
    assert (
        "drifted   run.sh  no file that can be read is in its place; for good: twelvefac update --accept run.sh\n"
        in out
    )


def test_who_commits_is_said_where_git_knows_nobody(service: Path, call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    code, _, error = call("update", "--commit")
    assert (code, error) == (
        0,
        "git knows no user.name and user.email here: committed as twelvefac <twelvefac@localhost>\n",
    )


def test_an_empty_version_is_none(service: Path, call: Run) -> None:
    refused(call, service, "--to: must be a version such as 1.2.3, and is empty\n", "update", "--to", "")


@pytest.mark.parametrize("command", ["undo", "adopt", "add", "remove", "update"])
def test_the_help_names_the_exit_codes(call: Run, command: str) -> None:
    code, out, _ = call(command, "-h")
    assert code == 0
    assert "Exit codes: 0 " in out
    assert "2 refused and nothing changed." in " ".join(out.split())


@pytest.mark.parametrize("place", ["locks/requirements.lock", "requirements-app.lock", "deps/pins.txt"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_lock_that_was_moved_is_not_called_deleted(
    service: Path, call: Run, commit: Commit, place: str, edited: bool
) -> None:
    (service / place).parent.mkdir(exist_ok=True)
    run(service, "mv", "requirements.lock", place)
    if edited:
        edit(service / place, "one==1.0", "one==1.0.9")
    commit(service)
    code, out, _ = call("update")
    known = not edited or place.endswith("/requirements.lock")
    unknown = "not found under its name; where you moved it, yours stays: lock anew"
    lacking = f"you moved it to {place}, and yours stays: lock anew" if known else unknown
    assert code == 0
    assert " ".join(f"declined requirements.lock the template changed it; {lacking}".split()) in " ".join(out.split())
    assert not (service / "requirements.lock").exists()


def test_a_lock_that_was_deleted_is_told_as_that_whatever_other_texts_there_are(
    service: Path, call: Run, commit: Commit
) -> None:
    run(service, "rm", "requirements.lock")
    (service / "robots.txt").write_text("User-agent: *\n", "utf-8")
    commit(service)
    code, out, _ = call("update")
    assert code == 0
    told = " ".join(out.split())
    assert "declined requirements.lock the template changed it; you deleted it" in told


def test_what_a_file_of_an_overlay_meets_is_told_of_the_overlay(call: Run, place: Path, commit: Commit) -> None:
    """Also where its owner moved it, where git put it beside a folder, and where the old version is gone."""
    plain = write_overlay(place.parent / "plain", **{"files/gone.txt": "gone\n", "files/edited.txt": "one\n"})
    assert make(call, str(plain))[0] == 0
    service = place / "orders"
    edit(service / "edited.txt", "one", "mine")
    (service / "gone.txt").unlink()
    commit(service)
    edit(plain / "files/edited.txt", "one", "theirs")
    edit(plain / "files/gone.txt", "gone", "here")
    code, out, _ = call("update", str(service))
    told = dict(line.split(None, 2)[1:] for line in out.splitlines() if line.startswith("  ") and ".txt" in line)
    assert (code, told) == (
        1,
        {
            "gone.txt": "the overlay has it, you deleted or moved it: stays deleted",
            "edited.txt": (
                "you changed it, the overlay may have too, and what it was before is not at hand: they differ"
            ),
        },
    )


def test_a_moved_file_of_an_overlay_is_the_overlays(call: Run, overlay: Path, place: Path, commit: Commit) -> None:
    assert make(call, str(overlay))[0] == 0
    service = place / "orders"
    (service / "docs").mkdir()
    run(service, "mv", "POLICY.md", "docs/RULES.md")
    edit(service / "docs/RULES.md", "line 0\n", "mine 0\n")
    (service / "more.txt").mkdir()
    (service / "more.txt/mine.txt").write_text("mine\n")
    commit(service)
    edit(overlay / "files/POLICY.md.jinja", "line 0\n", "theirs 0\n")
    (overlay / "files/more.txt").write_text("more\n")
    tag(overlay, "v1.1.0")
    code, out, _ = call("update", str(service))
    told = [line.strip() for line in out.splitlines() if line.startswith("  conflict")]
    assert code == 1
    assert len(told) == 2
    assert told[0].endswith("you and the overlay changed the same lines (you moved it here from POLICY.md)")
    assert " more.txt~template" in told[1]
    assert "the template" not in "".join(told)


def test_the_other_side_of_a_conflict_is_shown_from_wherever_one_is(
    first: Path, call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: Commit
) -> None:
    top = tmp_path / "mono"
    shutil.copytree(first, top / "services/orders", ignore=shutil.ignore_patterns(".git"))
    run(top, "init", "--quiet")
    (top / "services/orders/src/orders/parts.py").write_bytes(b"\0mine")
    commit(top)
    monkeypatch.chdir(top)
    code, out, _ = call("update", "services/orders")
    assert code == 1
    command = re.search(r"the other is `git show (\S+)`", out)
    assert command is not None
    for folder in (top, top / "services", top / "services/orders"):
        assert run(folder, "show", command.group(1)).startswith(b"PART_0")
