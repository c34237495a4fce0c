"""An overlay: new with it, refused without trust or when it is not disjoint, updated by the same engine, undone."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import edit
from update_overlays import ANSWERS, MANIFEST, make, tag, write_overlay
from update_trees import run, snapshot

Commit = Callable[[Path], None]


def test_its_files_are_there_and_its_source_and_version_recorded(call: Run, overlay: Path, place: Path) -> None:
    code, out, error = make(call, "../overlay")
    assert (code, error) == (0, "")
    assert "overlay v1.0.0" in out
    service = place / "orders"
    assert (service / "POLICY.md").read_text("utf-8").startswith("# orders of platform\n")
    assert (service / "org/plain.txt").is_file()
    assert not (service / "copier.yml").exists()
    answers = (service / ANSWERS).read_text("utf-8").splitlines()
    assert answers[3:6] == ["_overlay_commit: v1.0.0", "_overlay_src_path: ../../overlay", "name: orders"]
    manifest = json.loads((service / MANIFEST).read_text("utf-8"))
    assert manifest["version"] == 2
    assert manifest["overlay"] == {"source": "../../overlay", "version": "v1.0.0"}
    assert [path for path, entry in manifest["files"].items() if entry.get("origin") == "overlay"] == [
        "POLICY.md",
        "org/plain.txt",
    ]
    assert not run(service, "status", "--porcelain")
    assert call("update", "orders") == (0, "orders is up to date: template 2.0.0 with overlay v1.0.0.\n", "")
    assert call("update", "orders", "--check")[0] == 0


def test_without_trust_it_is_refused_in_one_line(call: Run, overlay: Path, place: Path) -> None:
    code, out, error = call("new", "service", "orders", "--defaults", "--overlay", str(overlay))
    assert (code, out) == (2, "")
    assert len(error.splitlines()) == 1
    assert "--trust-overlay takes its files and Jinja (no tasks, no extensions)" in error
    assert not list(place.iterdir())
    assert call("new", "service", "orders", "--defaults", "--trust-overlay")[0] == 2


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("files/README.md", "README.md"),
        ("files/readme.md", "README.md"),
        ("files/README.md/x", "README.md"),
        ("files/src", "src/"),
        ("files/.twelvefac/x", ".twelvefac/x"),
        ("files/{{ '.git' }}/hooks/post-commit", ".git/hooks/post-commit"),
    ],
)
def test_a_clash_is_refused_by_name(call: Run, place: Path, tmp_path: Path, name: str, named: str) -> None:
    folder = write_overlay(tmp_path / "plain", **{name: "mine\n"})
    code, _, error = make(call, str(folder))
    assert code == 2
    assert named in error
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("_tasks: [touch pwned]\n", "_tasks"),
        ("_migrations: [{version: v1, command: touch pwned}]\n", "_migrations"),
        ("_jinja_extensions: [os]\n", "_jinja_extensions"),
        ("_external_data: {x: /etc/passwd}\n", "_external_data"),
        ("_envops: {loader: 1}\n", "_envops"),
        ("--- {a: {default: 1}}\n---\n_tasks: [touch pwned]\n", "_tasks"),
        ("!include /etc/passwd\n", "plain YAML"),
        ("_subdirectory: ../..\n", "_subdirectory"),
        ("[1]\n", "must hold"),
        ("team: {type: str, default: '{{ 1 / 0 }}'}\n", "does not render"),
        ("team: {type: str}\n", "does not render"),
        ("team: {type: nonsense, default: x}\n", "does not render"),
        ("team: {type: str, default: \"{{ ''.__class__.__mro__ }}\"}\n", "does not render"),
    ],
)
def test_it_runs_nothing(call: Run, place: Path, tmp_path: Path, text: str, named: str) -> None:
    folder = write_overlay(tmp_path / "plain", **{"copier.yml": text})
    code, _, error = make(call, str(folder))
    assert code == 2
    assert named in error
    assert error.endswith("\n  whoever keeps the overlay mends that there, and tags a version\n")
    assert "Traceback" not in error
    assert not list(place.iterdir())


# Copier leaves the folder that it was reading open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "content", ["{{ 1 / 0 }}", "{{ name.__class__.__base__ }}", "{% include '/etc/passwd' %}", "{%"]
)
def test_a_file_that_does_not_render_is_refused(call: Run, place: Path, tmp_path: Path, content: str) -> None:
    folder = write_overlay(tmp_path / "plain", **{"files/x.jinja": content + "\n"})
    code, _, error = make(call, str(folder))
    assert code == 2
    assert "does not render" in error
    assert error.endswith("\n  whoever keeps the overlay mends that there, and tags a version\n")
    assert not list(place.iterdir())


def test_what_is_no_plain_file_is_refused(call: Run, place: Path, tmp_path: Path) -> None:
    folder = write_overlay(tmp_path / "plain")
    os.mkfifo(folder / "files/pipe")
    code, _, error = make(call, str(folder))
    assert code == 2
    assert "files/pipe is no plain file" in error
    assert error.endswith("\n  whoever keeps the overlay mends that there, and tags a version\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    code, _, error = make(call, str(empty))
    assert code == 2
    assert "gives no file" in error
    assert not list(place.iterdir())


@pytest.mark.parametrize("target", ["nowhere", "circle", "/etc/passwd", ".."])
def test_a_link_in_git_leads_nowhere_else(call: Run, overlay: Path, place: Path, target: str) -> None:
    (overlay / "circle").symlink_to(target)
    tag(overlay, "v1.0.1")
    code, _, error = make(call, str(overlay))
    assert code == 2
    assert "circle is a link that leads out of it" in error
    assert error.endswith("\n  whoever keeps the overlay mends that there, and tags a version\n")
    assert not list(place.iterdir())


def test_a_link_out_of_it_is_refused(call: Run, place: Path, tmp_path: Path) -> None:
    folder = write_overlay(tmp_path / "plain")
    (folder / "files/secret").symlink_to("/etc/passwd")
    code, _, error = make(call, str(folder))
    assert code == 2
    assert "files/secret is a link that leads out of it" in error
    assert error.endswith("\n  whoever keeps the overlay mends that there, and tags a version\n")


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("https://me:secret@example.org/x.git", "holds a login"),
        ("../nowhere", "is not there"),
        ("../overlay@v9", "no version v9"),
        ("ext::sh -c touch% pwned", "is not there"),
    ],
)
def test_what_is_no_overlay_is_refused(call: Run, overlay: Path, place: Path, source: str, named: str) -> None:
    code, _, error = make(call, source)
    assert code == 2
    assert named in error
    assert not list(place.iterdir())


def test_update_merges_its_newer_version_and_undo_takes_it_back(
    call: Run, overlay: Path, place: Path, commit: Commit
) -> None:
    assert make(call, "../overlay@v1.0.0", "--template-version", "1.0.0")[0] == 0
    service = place / "orders"
    edit(service / "POLICY.md", "line 11", "mine 11")
    edit(service / "org/plain.txt", "line 11", "mine 11")
    run(service, "mv", "org/plain.txt", "org/moved.txt")
    commit(service)
    before = snapshot(service)
    edit(overlay / "files/POLICY.md.jinja", "line 0\n", "theirs 0\n")
    edit(overlay / "files/org/plain.txt", "line 0\n", "theirs 0\n")
    (overlay / "files/new.txt").write_text("new\n", "utf-8")
    tag(overlay, "v1.10.0")
    code, out, _ = call("update", "orders", "--check", "--allow-drift")
    assert code == 1
    assert "overlay v1.0.0, v1.10.0 is out" in out
    assert call("update", "orders", "--dry-run")[0] == 0
    assert snapshot(service) == before

    code, out, error = call("update", "orders")
    assert (code, error) == (0, "")
    assert "template 1.0.0 with overlay v1.0.0 -> 2.0.0 with overlay v1.10.0" in out
    for name in ("POLICY.md", "org/moved.txt"):
        text = (service / name).read_text("utf-8")
        assert "mine 11" in text
        assert "theirs 0" in text
    assert (service / "new.txt").is_file()
    assert "_overlay_commit: v1.10.0" in (service / ANSWERS).read_text("utf-8")
    assert call("undo", "orders")[0] == 0
    assert snapshot(service) == before


def test_a_conflict_in_its_file_is_seen_by_check(call: Run, overlay: Path, place: Path, commit: Commit) -> None:
    make(call, "../overlay")
    service = place / "orders"
    edit(service / "POLICY.md", "line 5", "mine 5")
    commit(service)
    edit(overlay / "files/POLICY.md.jinja", "line 5", "theirs 5")
    tag(overlay, "v2.0.0")
    assert call("update", "orders")[0] == 1
    assert "conflict" in call("update", "orders", "--check")[1]
    assert call("update", "orders", "--abort")[0] == 0
    assert "mine 5" in (service / "POLICY.md").read_text("utf-8")


def test_add_leaves_it_as_it_is_where_it_is_out_of_reach(call: Run, overlay: Path, place: Path) -> None:
    make(call, "../overlay")
    service = place / "orders"
    before = json.loads((service / MANIFEST).read_text("utf-8"))
    shutil.rmtree(overlay)
    code, _, error = call("add", "postgres", "--in", "orders")
    assert code == 0
    assert error == f"the overlay {overlay} is not there: its files stay as they are\n"
    after = json.loads((service / MANIFEST).read_text("utf-8"))
    assert after["overlay"] == before["overlay"]
    assert after["files"]["POLICY.md"] == before["files"]["POLICY.md"]
    assert (service / "POLICY.md").is_file()
    assert "_overlay_commit: v1.0.0" in (service / ANSWERS).read_text("utf-8")


def test_an_overlay_out_of_reach_stays_and_check_says_so(call: Run, overlay: Path, place: Path, commit: Commit) -> None:
    make(call, "../overlay", "--template-version", "1.0.0")
    shutil.rmtree(overlay)
    code, out, error = call("update", "orders")
    assert code == 0
    assert "its files stay as they are" in error
    assert "2.0.0 with overlay v1.0.0" in out
    assert (place / "orders/POLICY.md").is_file()
    code, _, error = call("update", "orders", "--check")
    assert code == 2
    assert error.endswith(
        " is not there\n  put it back, or say in .copier-answers.yml (_overlay_src_path) where it is now\n"
    )


def test_an_overlay_that_was_moved_is_found_where_the_answers_file_says(
    call: Run, overlay: Path, place: Path, commit: Commit
) -> None:
    make(call, "../overlay")
    overlay.rename(overlay.with_name("moved"))
    assert call("update", "orders", "--check")[0] == 2
    answers = place / "orders" / ANSWERS
    answers.write_text(answers.read_text("utf-8").replace("../overlay", "../moved"), "utf-8")
    commit(place / "orders")
    assert call("update", "orders", "--check", "--allow-drift")[0] == 0
    assert call("update", "orders")[0] == 0


def test_a_new_file_of_ours_that_it_has_is_refused_at_the_update(call: Run, overlay: Path, place: Path) -> None:
    write_overlay(overlay, **{"files/src/orders/parts.py": "PARTS = 1\n"})
    tag(overlay, "v1.1.0")
    assert make(call, "../overlay", "--template-version", "1.0.0")[0] == 0
    before = snapshot(place / "orders")
    code, _, error = call("update", "orders")
    assert code == 2
    assert "both write src/orders/parts.py" in error
    assert snapshot(place / "orders") == before


def test_a_plain_directory_has_its_content_for_a_version(
    call: Run, place: Path, tmp_path: Path, commit: Commit
) -> None:
    plain = write_overlay(tmp_path / "plain", **{"files/gone.txt": "gone\n", "files/edited.txt": "one\n"})
    assert make(call, str(plain))[0] == 0
    service = place / "orders"
    assert "_overlay_commit: sha256-" in (service / ANSWERS).read_text("utf-8")
    edit(service / "POLICY.md", "line 11", "mine 11")
    edit(service / "edited.txt", "one", "mine")
    commit(service)
    before = snapshot(service)
    assert call("update", "orders", "--check", "--allow-drift")[0] == 0

    edit(plain / "files/org/plain.txt", "line 0\n", "theirs 0\n")
    edit(plain / "files/edited.txt", "one", "theirs")
    (plain / "files/gone.txt").unlink()
    assert call("update", "orders", "--check", "--allow-drift")[0] == 1
    code, out, error = call("update", "orders")
    assert code == 1, out
    assert "compared by the manifest" in error
    assert "theirs 0" in (service / "org/plain.txt").read_text("utf-8")  # not edited: updated
    assert "mine 11" in (service / "POLICY.md").read_text("utf-8")  # edited, and the overlay's is as it was
    assert "<<<<<<<" not in (service / "POLICY.md").read_text("utf-8")
    text = (service / "edited.txt").read_text("utf-8")  # both: a conflict
    assert "mine" in text
    assert "theirs" in text
    assert not (service / "gone.txt").exists()
    assert call("update", "orders", "--abort")[0] == 0
    assert snapshot(service) == before


def test_a_tool_that_knows_no_overlay_refuses_and_ours_refuses_half_a_record(
    call: Run, overlay: Path, place: Path
) -> None:
    make(call, "../overlay")
    answers = place / "orders" / ANSWERS
    answers.write_text(answers.read_text("utf-8").replace("_overlay_commit: v1.0.0\n", ""), "utf-8")
    code, _, error = call("update", "orders")
    assert code == 2
    assert "lacks the overlay's source or version" in error
