"""`adopt`: a repository that was not made by twelvefac can be updated from then on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit, refused, tracked
from update_trees import run, snapshot

from twelvefac.app.adopt import AdoptRequest, adopt
from twelvefac.scaffold.catalogue import data_root

Commit = Callable[[Path], None]


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: Commit) -> Path:
    folder = tmp_path / "Shop Service"
    (folder / "src/shop").mkdir(parents=True)
    (folder / "src/shop/__init__.py").write_text("")
    (folder / "src/shop/app.py").write_text("import fastapi\n")
    (folder / "run.sh").write_text("#!/bin/sh\nexec true\n")
    (folder / "README.md").write_text("# Shop\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "the-shop"\ndescription = "Sells things"\n'
        'dependencies = [\n    "FastAPI>=0.100",\n    "psycopg[binary]>=3",\n]\n'
    )
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/test.yml").write_text("on: push\n")
    run(tmp_path, "init", "--quiet", str(folder))
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


def test_two_files_and_nothing_else(foreign: Path, call: Run) -> None:
    before, snap = tracked(foreign), snapshot(foreign)
    assert call("adopt", "--dry-run")[0] == 0
    assert snapshot(foreign) == snap
    code, out, error = call("adopt")
    assert (code, error) == (0, "")
    assert out.startswith("Adopted shop as a service of template 2.0.0\n\n  description: Sells things\n")
    after = tracked(foreign)
    assert {name: data for name, data in after.items() if name in before} == before
    assert set(after) - set(before) == {".copier-answers.yml", ".twelvefac/manifest.json"}
    answers = after[".copier-answers.yml"].decode()
    assert "framework: fastapi\ndatabase: postgres\nci: actions\n" in answers
    files = json.loads(after[".twelvefac/manifest.json"])["files"]
    assert files["run.sh"]["ownership"] == "managed"
    assert files["README.md"]["ownership"] == "seeded"
    assert "src/shop/greeting.py" not in files
    assert call("update", "--check")[0] == 0
    assert call("update") == (0, "shop is up to date: template 2.0.0.\n", "")
    assert call("adopt")[0] == 2
    assert call("undo")[0] == 0
    assert snapshot(foreign) == snap


def test_add_and_remove_from_then_on(foreign: Path, call: Run, commit: Commit) -> None:
    assert call("adopt", "--answer", "database=none", "--answer", "name=shop")[0] == 0
    commit(foreign)
    before = tracked(foreign)
    code, out, _ = call("add", "postgres")
    assert "added     src/shop/database.py" in out
    assert "also needs what the template has in" not in out  # nothing that it needs is missing
    assert code == 1  # pyproject.toml is not the template's: a conflict that one can see
    assert b"Sells things" in (foreign / "pyproject.toml").read_bytes()
    manifest = json.loads((foreign / ".twelvefac/manifest.json").read_text())
    assert manifest["adopted"] is True
    assert "src/shop/database.py" in manifest["files"]
    assert call("update", "--abort")[0] == 0
    assert tracked(foreign) == before


def test_the_answers_of_another_template_are_replaced_and_kept(foreign: Path, call: Run, commit: Commit) -> None:
    (foreign / ".copier-answers.yml").write_text("_src_path: gh:someone/else\n_commit: v1\nname: x\n")
    commit(foreign)
    code, _, error = call("adopt")
    assert code == 0
    assert error == (".copier-answers.yml of gh:someone/else was replaced; git and `twelvefac undo` have the old one\n")
    assert call("undo")[0] == 0
    assert "someone" in (foreign / ".copier-answers.yml").read_text()


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
@pytest.mark.parametrize("staged", [True, False])
def test_the_answers_of_another_template_that_git_does_not_have_are_not_replaced(
    foreign: Path, call: Run, staged: bool, flags: tuple[str, ...]
) -> None:
    answers = foreign / ".copier-answers.yml"
    answers.write_text("_src_path: gh:someone/else\n")
    if staged:
        run(foreign, "add", ".copier-answers.yml")
        answers.write_text("_src_path: gh:someone/else\nteam: red\n")
    before = snapshot(foreign)
    code, out, error = call("adopt", *flags)
    assert (code, out) == (2, "")
    assert error == (
        "error: .copier-answers.yml of gh:someone/else is not in git as it is here, and adopt would replace it\n"
        "  `git add` it first: git and `twelvefac undo` have it then\n"
    )
    assert snapshot(foreign) == before


def test_an_answer_that_cannot_be(foreign: Path, call: Run) -> None:
    assert call("adopt", "--answer", "colour=red")[0] == 2
    code, _, error = call("adopt", "--answer", "name=kafka")
    assert code == 2
    assert "would hide" in error


def adopted(folder: Path, files: dict[str, str]) -> tuple[dict[str, str], str]:
    """Adopt a repository of these files with the real template; the answers and what was said."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    run(folder.parent, "init", "--quiet", str(folder))
    run(folder, "add", "--all")
    result = adopt(AdoptRequest(str(folder), {}, dry_run=True), root=data_root())
    return dict(result.answers), "\n".join(result.notices)


def test_a_poetry_project_with_another_driver(tmp_path: Path) -> None:
    poetry = (
        '[tool.poetry]\nname = "shop-api"\ndescription = "Sells"\n'
        '[tool.poetry.dependencies]\npython = "^3.11"\nfastapi = "^0.110"\nasyncpg = {version = "^0.29"}\n'
    )
    answers, said = adopted(tmp_path / "x y", {"pyproject.toml": poetry, "app/main.py": ""})
    assert answers == {
        "name": "shop-api",
        "description": "Sells",
        "framework": "fastapi",
        "database": "postgres",
        "ci": "none",
        "deploy": "none",
    }
    assert said == ""


def test_what_anybody_may_have_is_no_sign(tmp_path: Path) -> None:
    files = {"requirements.txt": "fastapi\n", ".python-version": "3.12\n", "src/a/__init__.py": ""}
    assert adopted(tmp_path / "one", files)[0]["deploy"] == "none"
    assert adopted(tmp_path / "two", {**files, "Procfile": "web: x\n"})[0]["deploy"] == "procfile"
    assert adopted(tmp_path / "three", {**files, ".gitlab-ci.yml": "x: {}\n"})[0]["ci"] == "gitlab"
    manifests = {"deploy/kubernetes/base/deployment.yaml": "kind: Deployment\n"}
    assert adopted(tmp_path / "four", {**files, **manifests})[0]["deploy"] == "kubernetes"


def test_a_framework_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    answers, said = adopted(tmp_path / "web", {"requirements.txt": "django==5.1\n"})
    assert answers["framework"] == "fastapi"
    assert said == "nothing here tells the framework: taken for fastapi, --answer framework=… says otherwise"


def test_what_was_never_there_is_not_called_deleted(foreign: Path, call: Run, commit: Commit) -> None:
    run(foreign, "rm", "--quiet", "README.md")
    commit(foreign)
    assert call("adopt", "--answer", "database=none")[0] == 0
    commit(foreign)
    code, out, _ = call("add", "postgres")
    assert code == 1
    assert "`add postgres` changed it; it is not in this repository: left out\n" in out
    assert (
        "By hand:\n  - postgres also needs what the template has in README.md, which are not here: "
        "put it where yours is (`twelvefac new service` with the same answers shows it)\n"
    ) in out


@pytest.mark.parametrize("staged", [True, False])
def test_our_own_answers_without_a_manifest_are_what_counts(
    service: Path, call: Run, commit: Commit, staged: bool
) -> None:
    (service / ".twelvefac/manifest.json").unlink()
    answers = service / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("description: The orders service", "# ours\ndescription: Sells"))
    commit(service)
    with answers.open("a") as file:
        file.write("team: payments\n")
    if staged:
        run(service, "add", ".copier-answers.yml")
    mine = answers.read_bytes()
    before = snapshot(service)
    code, out, error = call("adopt")
    assert (code, error) == (0, "the answers in .copier-answers.yml are taken as they are\n")
    assert out.startswith("Adopted orders as a service of template 1.0.0\n\n  description: Sells\n")
    assert answers.read_bytes() == mine
    assert json.loads((service / ".twelvefac/manifest.json").read_text())["template"]["version"] == "1.0.0"
    assert call("undo")[0] == 0
    assert snapshot(service) == before
    assert call("adopt", "--answer", "description=Buys")[0] == 0
    assert answers.read_bytes() == mine.replace(b"Sells", b"Buys")
    commit(service)
    code, out, _ = call("update")
    assert code == 0
    assert out.startswith("Updated orders: template 1.0.0 -> 2.0.0\n")
    assert "\nteam: payments\n" in answers.read_text()


def test_what_an_older_service_was_before_it_was_ejected_is_told_with_the_way_there(
    service: Path, call: Run, commit: Commit
) -> None:
    run(service, "rm", "-r", "--quiet", ".copier-answers.yml", ".twelvefac")
    commit(service)
    gone = run(service, "rev-parse", "--short", "HEAD").decode().strip()
    said = (
        "this was a service of template 1.0.0: what changed up to 2.0.0 is not merged, and older text of the "
        "template's counts as yours. To have it merged: `twelvefac undo`, "
        f"`git restore --source={gone}^ .copier-answers.yml`, then adopt again\n"
    )
    code, out, error = call("adopt")
    assert (code, error) == (0, said)
    assert out.startswith("Adopted orders as a service of template 2.0.0\n")
    assert call("undo")[0] == 0
    run(service, "restore", f"--source={gone}^", ".copier-answers.yml")
    code, out, error = call("adopt")
    assert (code, error) == (0, "the answers in .copier-answers.yml are taken as they are\n")
    assert out.startswith("Adopted orders as a service of template 1.0.0\n")
    commit(service)
    assert call("update")[0] == 0
    assert "WORDS = 'hello'" in (service / SOURCE / "greeting.py").read_text()


def test_our_own_answers_of_a_version_that_nobody_has_are_refused(service: Path, call: Run, commit: Commit) -> None:
    (service / ".twelvefac/manifest.json").unlink()
    edit(service / ".copier-answers.yml", "_commit: 1.0.0", "_commit: 1.0.7")
    commit(service)
    refused(
        call,
        service,
        ".copier-answers.yml says template 1.0.7, which this twelvefac does not have\n  upgrade twelvefac",
        "adopt",
    )


def test_an_answers_file_that_names_no_template_is_called_that(foreign: Path, call: Run, commit: Commit) -> None:
    (foreign / ".copier-answers.yml").write_text("name: x\n")
    commit(foreign)
    assert call("adopt")[2] == (
        ".copier-answers.yml, which names no template, was replaced; git and `twelvefac undo` have the old one\n"
    )
