"""`update` on the command line: what a person sees, and what is in the repository then."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from update.conftest import Run
from update_trees import run, snapshot

from twelvefac.app.new import NewRequest, new_service

Commit = Callable[[Path], None]
SOURCE = "src/orders"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def tracked(folder: Path) -> dict[str, bytes]:
    names = run(folder, "ls-files", "-z").decode().split("\0")
    return {name: (folder / name).read_bytes() for name in names if name}


def test_without_edits_it_is_what_new_makes(service: Path, call: Run, template: Path, tmp_path: Path) -> None:
    code, out, error = call("update")
    assert (code, error) == (0, "")
    fresh = tmp_path / "fresh/orders"
    new_service(NewRequest(str(fresh), {"ci": "actions"}), root=template)
    assert tracked(service) == tracked(fresh)
    assert out == (
        "Updated orders: template 1.0.0 -> 2.0.0\n"
        "\n"
        "  added     src/orders/parts.py       new in the template\n"
        "  updated   README.md                 the template changed it, you had not\n"
        "  updated   pyproject.toml            the template changed it, you had not\n"
        "  updated   requirements.lock         locked anew, as tested\n"
        "  updated   src/orders/big.py         the template changed it, you had not\n"
        "  updated   src/orders/greeting.py    the template changed it, you had not\n"
        "  updated   template.txt              the template changed it, you had not\n"
        "  moved     src/orders/new_name.py    the template moved it from src/orders/old_name.py\n"
        "  moved     src/orders/tools/tool.py  the template moved it from src/orders/tool.py\n"
        "  deleted   src/orders/legacy.py      the template no longer has it, and you had not changed it\n"
        "\n"
        "What is new:\n"
        "  1.1.0: A database, and greetings.\n"
        "    - a greeting in words\n"
        "  2.0.0: Tools in a folder.\n"
        "\n"
        "By hand:\n"
        "  - tell everyone\n"
        "  - look at the parts\n"
        "\n"
        "Next:\n"
        "  git diff --staged\n"
        "  make test\n"
        "  git commit\n"
        "  or: twelvefac undo\n"
    )
    assert "ci: actions" in (service / ".copier-answers.yml").read_text()
    assert call("update") == (0, "orders is up to date: template 2.0.0.\n", "")


def test_edits_follow_and_what_cannot_be_merged_is_a_conflict(service: Path, call: Run, commit: Commit) -> None:
    source = service / SOURCE
    edit(source / "old_name.py", "STEP_5 = 5", "STEP_5 = 'mine'")
    edit(source / "legacy.py", "STEP_5 = 5", "STEP_5 = 'mine'")
    edit(source / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    run(service, "mv", f"{SOURCE}/tool.py", f"{SOURCE}/instrument.py")
    (service / "template.txt").unlink()
    edit(service / "requirements.lock", "one==1.0", "one==1.0.9")
    commit(service)
    before = snapshot(service)
    code, out, error = call("update", "--to", "1.1.0")
    assert (code, error) == (1, "")
    assert "moved     src/orders/new_name.py  the template moved it from src/orders/old_name.py, your changes" in out
    assert "conflict  src/orders/legacy.py    the template deleted it, you changed it: keep it (git add) or" in out
    assert "conflict  src/orders/greeting.py  you and the template changed the same lines\n" in out
    assert "declined  template.txt            the template changed it; you deleted it: stays deleted\n" in out
    assert "kept      requirements.lock       you made it again, so yours stays: lock anew (make relock)\n" in out
    assert "  resolve 2 conflicts: edit each file, then `git add` it\n" in out
    assert (
        (source / "greeting.py")
        .read_text()
        .startswith(
            "# GREETING\n<<<<<<< yours\nSTEP_0 = 'mine'\n||||||| template 1.0.0\nSTEP_0 = 0\n=======\n"
            "WORDS = 'hello'\n>>>>>>> template 1.1.0\nSTEP_1 = 1\n"
        )
    )
    assert b"'mine'" in (source / "legacy.py").read_bytes()
    status = run(service, "status", "--porcelain", "--", SOURCE).decode().splitlines()
    assert status == [
        f"UU {SOURCE}/greeting.py",
        f"UD {SOURCE}/legacy.py",
        f"RM {SOURCE}/old_name.py -> {SOURCE}/new_name.py" if "RM" in "".join(status) else status[2],
    ]
    code, out, error = call("update")
    assert code == 2
    assert error == (
        "error: the update of orders to template 1.1.0 waits for you: src/orders/greeting.py, src/orders/legacy.py\n"
        "  resolve and `git add` them, then `twelvefac update --continue`; or `twelvefac update --abort`\n"
    )
    code, out, _ = call("update", "--check", "--format=json", "--allow-drift")
    assert code == 1
    assert [(one["kind"], one["path"], one["line"]) for one in json.loads(out)["problems"]] == [
        ("behind", ".copier-answers.yml", 2),
        ("conflict", "src/orders/greeting.py", 2),
        ("conflict", "src/orders/legacy.py", None),
    ]
    code, out, _ = call("update", "--continue")
    assert (code, out) == (
        1,
        (
            "The update of orders to template 1.1.0 is not finished\n\n"
            "  src/orders/greeting.py  conflict markers are left in it\n"
            "  src/orders/legacy.py    mark it as resolved: git add, or git rm\n"
        ),
    )
    (source / "greeting.py").write_text("solved = True\n")
    code, out, error = call("update", "--abort")
    assert (code, error) == (
        0,
        "what you wrote into it meanwhile is kept: git show refs/worktree/twelvefac/kept:src/orders/greeting.py\n",
    )
    assert snapshot(service) == before
    assert run(service, "show", "refs/worktree/twelvefac/kept:src/orders/greeting.py") == b"solved = True\n"


def test_resolved_and_continued(service: Path, call: Run, commit: Commit) -> None:
    edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update")[0] == 1
    (service / SOURCE / "greeting.py").write_text("solved = True\n")
    assert call("update", "--continue")[0] == 1  # git does not know yet
    run(service, "add", f"{SOURCE}/greeting.py")
    run(service, "config", "user.name", "Ann")
    run(service, "config", "user.email", "ann@localhost")
    assert call("update", "--continue", "--commit") == (0, "Finished: the update of orders to template 2.0.0\n", "")
    assert run(service, "status", "--porcelain") == b""
    assert run(service, "log", "-1", "--format=%s") == (
        b"Twelvefac update of orders to template 2.0.0 (twelvefac 0.1.0)\n"
    )
    assert call("update", "--continue")[0] == 2
    assert call("update", "--abort")[0] == 2


def test_undo_refuses_what_was_changed_since(service: Path, call: Run) -> None:
    before = snapshot(service)
    assert call("update")[0] == 0
    with (service / "template.txt").open("a") as file:
        file.write("mine\n")
    assert call("undo") == (
        2,
        "",
        (
            "error: changed since update of orders to template 2.0.0: template.txt\n"
            "  undo would lose that: put the files back first, or use git\n"
        ),
    )
    edit(service / "template.txt", "mine\n", "")
    assert call("undo")[0] == 0
    assert snapshot(service) == before
    code, _, error = call("undo")
    assert (code, error.splitlines()[0]) == (2, "error: nothing to undo here")


def test_a_preview_changes_nothing_and_is_exact(service: Path, call: Run, commit: Commit) -> None:
    edit(service / SOURCE / "greeting.py", "STEP_9 = 9", "STEP_9 = 'mine'")
    commit(service)
    before = {path: path.read_bytes() for path in service.rglob("*") if path.is_file()}
    code, preview, _ = call("update", "--dry-run")
    assert code == 0
    assert preview.endswith("\nNo conflicts. Nothing was changed.\n")
    code, patch, _ = call("update", "--diff")
    assert code == 0
    assert {path: path.read_bytes() for path in service.rglob("*") if path.is_file()} == before
    assert call("update")[1].splitlines()[2:12] == preview.splitlines()[2:12]
    made = run(service, "diff", "--cached", "-M", "--no-color").decode()
    assert re.sub(r"^index .*\n", "", patch, flags=re.MULTILINE) == re.sub(r"^index .*\n", "", made, flags=re.MULTILINE)


def test_commit_makes_one_commit_of_the_update_alone(service: Path, call: Run) -> None:
    (service / "notes.txt").write_text("untracked\n")
    assert call("update", "--commit")[0] == 0
    assert run(service, "status", "--porcelain") == b"?? notes.txt\n"
    run(service, "add", "notes.txt")
    assert call("update", "--to=2.0.0", "--commit")[0] == 0  # nothing to do
    assert run(service, "rev-list", "--count", "HEAD") == b"2\n"


def refused(call: Run, service: Path, message: str, *arguments: str) -> None:
    before = snapshot(service) if (service / ".git").exists() else None
    code, out, error = call(*(arguments or ("update",)))
    assert (code, out) == (2, "")
    assert error.removeprefix("error: ").startswith(message)
    assert error.count("\n") <= 2
    if before is not None:
        assert snapshot(service) == before


def test_what_is_in_the_way_is_refused(service: Path, call: Run, commit: Commit) -> None:
    edit(service / "template.txt", "1.0.0", "mine, not staged")
    refused(call, service, "changed and not in git's index: template.txt\n  commit or stash them first")
    run(service, "checkout", "--quiet", "template.txt")
    (service / SOURCE / "parts.py").write_text("mine\n")
    refused(call, service, "in the way of the new files: src/orders/parts.py\n  move or delete them")
    (service / SOURCE / "parts.py").unlink()
    (service / SOURCE / "tools").write_text("a file where a folder goes\n")
    refused(call, service, "in the way of the new files: src/orders/tools\n")
    (service / SOURCE / "tools").unlink()
    (service / ".gitignore").write_text("ignored.txt\n")
    (service / "ignored.txt").write_text("mine\n")
    edit(service / "README.md", "orders", "ours, staged")
    run(service, "add", "README.md", ".gitignore")
    assert call("update")[0] in {0, 1}  # staged edits are merged
    assert (service / "ignored.txt").read_text() == "mine\n"
    assert "ours, staged" in (service / "README.md").read_text()


def test_an_edit_that_git_was_told_to_overlook_is_seen(service: Path, call: Run) -> None:
    run(service, "update-index", "--assume-unchanged", "template.txt")
    edit(service / "template.txt", "1.0.0", "mine")
    refused(call, service, "changed, and git was told to assume it unchanged: template.txt\n")


def test_nothing_is_undone_into_a_merge(service: Path, call: Run, commit: Commit) -> None:
    assert call("update", "--commit")[0] == 0
    (service / ".git/MERGE_HEAD").write_text("0" * 40)
    refused(call, service, f"a merge is under way in {service}\n", "undo")
    (service / ".git/MERGE_HEAD").unlink()
    assert call("undo")[0] == 0


def test_refusals_say_why(service: Path, call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused(call, service, "template 9.0.0 was never released: there is 1.0.0, 1.1.0, 2.0.0\n", "update", "--to=9.0.0")
    (service / ".git/MERGE_HEAD").write_text("0" * 40)
    refused(call, service, f"a merge is under way in {service}\n")
    (service / ".git/MERGE_HEAD").unlink()
    manifest = (service / ".twelvefac/manifest.json").read_text()
    (service / ".twelvefac/manifest.json").write_text("{")
    reason = "no JSON: Expecting property name enclosed in double quotes"
    refused(call, service, f".twelvefac/manifest.json:1: {reason}\n  take it from git\n")
    (service / ".twelvefac/manifest.json").write_text(manifest)
    answers = (service / ".copier-answers.yml").read_text()
    (service / ".copier-answers.yml").write_text(answers.replace("twelvefac/twelvefac", "other/template"))
    refused(call, service, ".copier-answers.yml:3: another template, https:/")
    (service / ".copier-answers.yml").write_text(answers)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    code, _, error = call("update")
    assert (code, error) == (2, "error: git is not installed\n  install git: it does the merging\n")
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 2.37.9\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/bin:/usr/bin")
    code, _, error = call("update")
    assert (code, error) == (2, "error: git version 2.37.9 is too old\n  updates need git 2.38 or later\n")
    monkeypatch.undo()
    shutil.rmtree(service / ".git")
    monkeypatch.chdir(service)
    code, _, error = call("update")
    assert code == 2
    assert error == (
        f"error: {service} is in no git repository, and git does the merging\n"
        "  git init && git add --all && git commit\n"
    )


def test_a_downgrade_is_refused(service: Path, call: Run) -> None:
    assert call("update")[0] == 0
    refused(call, service, "orders has template 2.0.0, which is newer than 1.0.0\n", "update", "--to=1.0.0")


def test_when_the_old_version_cannot_be_rendered(service: Path, call: Run, commit: Commit) -> None:
    """The manifest serves: what is untouched updates, what was edited is a conflict one can see."""
    for name in (".copier-answers.yml", ".twelvefac/manifest.json"):
        edit(service / name, "1.0.0", "0.9.0")
    edit(service / SOURCE / "greeting.py", "STEP_9 = 9", "STEP_9 = 'mine'")
    (service / "run.sh").unlink()
    commit(service)
    code, out, error = call("update")
    assert (code, error) == (
        1, "the recorded template version is not at hand: changed files are compared by the manifest\n"
    )  # fmt: skip
    assert "updated   README.md" in out
    assert "conflict  src/orders/greeting.py" in out
    assert "declined  run.sh" in out
    assert not (service / SOURCE / "legacy.py").exists()


def test_when_the_old_version_renders_differently(service: Path, call: Run, commit: Commit) -> None:
    manifest = json.loads((service / ".twelvefac/manifest.json").read_text())
    import hashlib

    changed = b"# GREETING, as another Jinja wrote it\n"
    (service / SOURCE / "greeting.py").write_bytes(changed)
    manifest["files"][f"{SOURCE}/greeting.py"]["sha256"] = hashlib.sha256(changed).hexdigest()
    (service / ".twelvefac/manifest.json").write_text(json.dumps(manifest))
    commit(service)
    code, out, error = call("update")
    assert (code, error) == (
        0, ("1 file of the recorded template version render differently than the manifest says: "
        "compared by the manifest\n"),
    )  # fmt: skip
    assert "updated   src/orders/greeting.py" in out


def test_check_in_a_pipeline(service: Path, call: Run) -> None:
    code, out, _ = call("update", "--check")
    assert (code, out) == (
        1,
        "behind    .copier-answers.yml:2  template 1.0.0, 2.0.0 is out: twelvefac update\n\norders: 1 problem.\n",
    )
    assert call("update")[0] == 0
    assert call("update", "--check") == (0, "orders is up to date: template 2.0.0.\n", "")
    edit(service / "run.sh", "true", "false")
    code, out, _ = call("update", "--check", "--format=github", ".")
    assert code == 1
    assert out == (
        "::warning file=run.sh,line=1,title=twelvefac drifted::"
        "you changed a file of the template's; for good: twelvefac update --accept run.sh\n"
    )
    assert call("update", "--check", "--allow-drift")[0] == 0
    log = json.loads(call("update", "--check", "--format=sarif")[1])
    schema = Path(__file__).parents[1] / "report/sarif-2.1.0-rtm.5.json"
    jsonschema.validate(log, json.loads(schema.read_text("utf-8")))
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == ["drifted"]


def test_versions(service: Path, call: Run) -> None:
    expected = (
        "2.0.0  Tools in a folder.\n1.1.0  A database, and greetings.\n  - a greeting in words\n"
        "1.0.0 (this service)  The first.\n"
    )
    assert call("update", "--versions") == (0, expected, "")
    assert call("new", "service", "--versions") == (0, expected.replace(" (this service)", ""), "")


def test_in_two_steps(service: Path, call: Run, first: Path, tmp_path: Path) -> None:
    assert call("update", "--to=1.1.0")[0] == 0
    assert call("update", "--to=2.0.0")[0] == 0
    twice = tracked(service)
    other = tmp_path / "other"
    shutil.copytree(first, other)
    assert call("update", str(other))[0] == 0
    assert tracked(other) == twice


def test_plain_copier_knows_where_the_service_comes_from(service: Path) -> None:
    answers = (service / ".copier-answers.yml").read_text()
    assert "_commit: 1.0.0\n" in answers
    assert "_src_path: https://github.com/twelvefac/twelvefac\n" in answers
    assert subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout == b""


def test_a_folder_that_is_none_is_named(service: Path, call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = "\n  name the service's folder\n"
    for arguments in (
        ("update", "nosuch"),
        ("update", "--check", "nosuch"),
        ("update", "--versions", "nosuch"),
        ("update", "--abort", "nosuch"),
        ("add", "postgres", "--in", "nosuch"),
        ("adopt", "nosuch"),
        ("undo", "nosuch"),
    ):
        assert call(*arguments) == (2, "", f"error: nosuch does not exist{hint}"), arguments
    for arguments in (("update", "run.sh"), ("adopt", "run.sh"), ("undo", "run.sh"), ("update", "--check", "run.sh")):
        assert call(*arguments) == (2, "", f"error: run.sh is no folder{hint}"), arguments
    monkeypatch.chdir(service / "src")
    assert call("update") == (
        2,
        "",
        (
            "error: . has no .copier-answers.yml: it was not made by twelvefac\n"
            f"  the service is {service}: name that folder, or go there\n"
        ),
    )
    gone = service / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    expected = (2, "", "error: the current folder no longer exists\n  change to another folder\n")
    for words in ("update", "update --check", "undo", "add postgres", "adopt"):
        assert call(*words.split()) == expected, words


def test_after_an_update_by_plain_copier_the_answers_lead_on(service: Path, call: Run, commit: Commit) -> None:
    """Renovate's manager runs Copier, which knows nothing of the manifest."""
    edit(service / ".copier-answers.yml", "_commit: 1.0.0", "_commit: 1.1.0")
    commit(service)
    refused(
        call,
        service,
        ".copier-answers.yml says template 1.1.0 and .twelvefac/manifest.json says 1.0.0: one of them was edited\n"
        "  take both from git; after an update by Copier or Renovate: git rm .twelvefac/manifest.json\n",
    )
    run(service, "rm", "--quiet", ".twelvefac/manifest.json")
    code, out, _ = call("update")
    assert code == 1  # Copier has not really run here: what it would have brought is missing
    assert out.startswith("Updated orders: template 1.1.0 -> 2.0.0\n")
    assert (service / ".twelvefac/manifest.json").exists()


@pytest.mark.parametrize(("asked", "size"), [(12, 12), (3, 7), (1, 7)])
def test_markers_are_found_whatever_their_size(service: Path, call: Run, commit: Commit, asked: int, size: int) -> None:
    (service / ".gitattributes").write_text(f"*.py conflict-marker-size={asked}\n")
    edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update")[0] == 1
    conflict = (
        f"{'<' * size} yours\nSTEP_0 = 'mine'\n{'|' * size} template 1.0.0\nSTEP_0 = 0\n{'=' * size}\n"
        f"WORDS = 'hello'\n{'>' * size} template 2.0.0\n"
    )
    assert conflict in (service / SOURCE / "greeting.py").read_text()
    run(service, "add", "--all")
    code, out, _ = call("update", "--continue")
    assert code == 1
    assert f"{SOURCE}/greeting.py  conflict markers are left in it" in out
    code, out, _ = call("update", "--check")
    assert code == 1
    assert f"conflict  {SOURCE}/greeting.py:" in out
