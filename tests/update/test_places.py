"""`update` where a repository is not the plain one: a monorepo, a linked work tree, a shallow clone, CRLF."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import SOURCE, edit
from update_trees import User, merge, repository_of, run, snapshot, text, work_tree

from twelvefac.errors import RefusedError
from twelvefac.update.carry import undo
from twelvefac.update.files import LINK, REGULAR, SUBMODULE, File, Files
from twelvefac.update.journal import locked

Commit = Callable[[Path], None]


def test_in_a_folder_of_a_monorepo(first: Path, call: Run, tmp_path: Path, commit: Commit) -> None:
    top = tmp_path / "mono"
    shutil.copytree(first, top / "services/orders", ignore=shutil.ignore_patterns(".git"))
    shutil.copytree(first, top / "services/twin", ignore=shutil.ignore_patterns(".git"))
    run(tmp_path, "init", "--quiet", str(top))
    (top / f"services/orders/{SOURCE}/greeting.py").unlink()  # the twin's is alike, and none of our business
    commit(top)
    (top / "services/twin/README.md").write_text("dirty elsewhere\n")
    twin = {path: path.read_bytes() for path in (top / "services/twin").rglob("*") if path.is_file()}
    code, out, _ = call("update", str(top / "services/orders"))
    assert code == 0
    assert "declined  src/orders/greeting.py" in out
    assert {path: path.read_bytes() for path in (top / "services/twin").rglob("*") if path.is_file()} == twin
    assert (top / f"services/orders/{SOURCE}/parts.py").is_file()
    assert call("undo", str(top / "services/orders"))[0] == 0
    assert run(top, "status", "--porcelain") == b" M services/twin/README.md\n"


def test_in_a_monorepo_paths_are_those_of_the_service_and_undo_is_its_own(
    first: Path, call: Run, tmp_path: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "mono"
    for name in ("orders", "twin"):
        shutil.copytree(first, top / "services" / name, ignore=shutil.ignore_patterns(".git"))
    run(tmp_path, "init", "--quiet", str(top))
    greeting = top / f"services/orders/{SOURCE}/greeting.py"
    greeting.write_text(greeting.read_text().replace("STEP_0 = 0", "STEP_0 = 'mine'"))
    commit(top)
    monkeypatch.chdir(top / "services/orders")
    (top / f"services/orders/{SOURCE}/parts.py").write_text("mine\n")
    assert call("update")[2].startswith("error: in the way of the new files: src/orders/parts.py\n")
    (top / f"services/orders/{SOURCE}/parts.py").unlink()
    assert call("update")[0] == 1
    assert call("update", "--continue")[1].endswith("\n\n  src/orders/greeting.py  conflict markers are left in it\n")
    assert "waits for you: src/orders/greeting.py\n" in call("update")[2]
    for arguments in (("undo",), ("update", "--abort"), ("update", "--continue")):
        with monkeypatch.context() as patch:
            patch.chdir(top)
            code, _, error = call(*arguments, "services/twin")
        assert (code, error) == (
            2,
            (
                "error: what was done last in this repository is the update of orders to template 2.0.0, "
                "which changed services/orders/.copier-answers.yml\n"
                f"  name that service's folder: twelvefac {' '.join(arguments)} services/orders\n"
            ),
        )
    for folder, named in (("../twin", ""), (str(top / "services/twin"), f" {top / 'services/orders'}")):
        assert call("update", folder)[2] == (
            "error: the update of orders to template 2.0.0 waits for you: services/orders/src/orders/greeting.py\n"
            f"  resolve and `git add` them, then `twelvefac update --continue{named}`; "
            f"or `twelvefac update --abort{named}`\n"
        )
    code, out, _ = call("update", "--abort")
    assert code == 0
    assert "\n  src/orders/greeting.py    as it was\n" in out


def test_in_a_linked_work_tree_and_a_shallow_clone(service: Path, call: Run, tmp_path: Path) -> None:
    run(service, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    run(tmp_path, "clone", "--quiet", "--depth=1", f"file://{service}", str(tmp_path / "shallow"))
    for place in (tmp_path / "linked", tmp_path / "shallow"):
        before = snapshot(place)
        assert call("update", str(place))[0] == 0
        assert (place / SOURCE / "parts.py").is_file()
        assert call("undo", str(service))[0] == 2  # each work tree has its own
        assert call("undo", str(place))[0] == 0
        assert snapshot(place) == before


@pytest.mark.parametrize("setting", ["input", "true", "as committed"])
def test_in_a_repository_with_carriage_returns(service: Path, call: Run, commit: Commit, setting: str) -> None:
    for path in service.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for name in ("README.md", "pyproject.toml", "template.txt"):
        (service / name).write_bytes((service / name).read_bytes().replace(b"\n", b"\r\n"))
    if setting != "as committed":
        run(service, "config", "core.autocrlf", setting)
    edit_bytes = (service / SOURCE / "greeting.py").read_bytes().replace(b"STEP_9 = 9", b"STEP_9 = 'mine'")
    (service / SOURCE / "greeting.py").write_bytes(edit_bytes)
    commit(service)
    before = snapshot(service)
    code, out, error = call("update")
    assert (code, error) == (0, ""), out
    greeting = (service / SOURCE / "greeting.py").read_bytes()
    assert b"'hello'" in greeting
    assert b"'mine'" in greeting
    if setting != "input":
        assert greeting.count(b"\n") == greeting.count(b"\r\n")
    assert call("undo")[0] == 0
    assert snapshot(service) == before


def test_ejecting_is_deleting_two_things(service: Path, call: Run, commit: Commit) -> None:
    """Nothing of the service speaks of its records, so it goes on as it is without them."""
    (service / ".copier-answers.yml").unlink()
    shutil.rmtree(service / ".twelvefac")
    texts = [path.read_text("utf-8") for path in service.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert not [text for text in texts if ".copier-answers" in text or ".twelvefac" in text]
    commit(service)
    assert call("update")[0] == 2
    assert call("adopt")[0] == 0  # and the way back


def test_with_ids_of_sha256(service: Path, call: Run, commit: Commit) -> None:
    shutil.rmtree(service / ".git")
    run(service, "init", "--quiet", "--object-format=sha256")
    commit(service)
    before = snapshot(service)
    assert call("update")[0] == 0
    assert call("undo")[0] == 0
    assert snapshot(service) == before


def test_a_line_feed_in_the_path(service: Path, call: Run) -> None:
    odd = service.with_name("odd\nname")
    shutil.copytree(service, odd)
    code, _, error = call("update", str(odd))
    assert (code, error.splitlines()) == (
        2,
        [f"error: {service.parent}/odd\\nname has a line feed in its path, which git's answers cannot carry"],
    )


BODY = [f"line {number}" for number in range(12)]


@pytest.mark.parametrize("mode", [REGULAR, LINK, SUBMODULE])
@pytest.mark.parametrize("there", ["routes", "routes/info.py/deeper"])
def test_a_declared_move_to_where_the_user_has_something_else(mode: str, there: str) -> None:
    base: Files = {"routes.py": File(REGULAR, text(*BODY)), "other.py": File(REGULAR, text("other"))}
    theirs: Files = {"routes/info.py": File(REGULAR, text(*BODY, "theirs")), "other.py": base["other.py"]}
    tracked = {**base, "routes.py": File(REGULAR, text("mine", *BODY))}
    user = User(tracked, modules=(there,)) if mode == SUBMODULE else User({**tracked, there: File(mode, b"elsewhere")})
    with work_tree(user) as folder:
        repository = repository_of(folder)
        before = snapshot(folder)
        try:
            proposal, operation = merge(repository, base, theirs, declared={"routes.py": "routes/info.py"})
        except RefusedError as error:
            assert there in str(error) or "routes" in str(error)  # noqa: PT017 - refusing is one good answer of two
            assert snapshot(folder) == before
            return
        assert proposal.conflicts
        assert any(b"mine" in data for _, data in snapshot(folder)[0].values())
        assert operation is not None
        with locked(repository):
            undo(repository, operation)
        assert snapshot(folder) == before


@pytest.mark.parametrize("mode", [LINK, REGULAR])
def test_a_link_in_the_place_of_a_file_is_named_as_one(mode: str) -> None:
    base: Files = {"README.md": File(REGULAR, text(*BODY)), "other.py": File(REGULAR, text("other"))}
    theirs: Files = {**base, "README.md": File(REGULAR, text(*BODY, "theirs"))}
    if mode == LINK:
        mine: Files = {"doc.md": base["README.md"], "README.md": File(LINK, b"doc.md"), "other.py": base["other.py"]}
    else:
        mine = {"other.py": base["other.py"], "README.md/x": File(REGULAR, text("mine"))}
    with work_tree(User(mine)) as folder:
        proposal, _ = merge(repository_of(folder), base, theirs)
    words = {change.path: change.why for change in proposal.changes}
    if mode == LINK:
        assert words["README.md"] == "you and the template made different kinds of file of it: keep one"
        assert words[next(path for path in words if "~" in path)] == (
            "the template's README.md, put beside yours: keep one of the two under that name (git add, git rm)"
        )
    else:
        assert "README.md" not in words  # it is told under the name that it got beside the folder
    assert [change.path.partition("~")[0] for change in proposal.conflicts] == ["README.md"] * len(proposal.conflicts)


def test_no_text_that_the_template_moves_to_where_the_user_has_another_file() -> None:
    base: Files = {name: File(REGULAR, text(*(f"{name} {line}" for line in BODY))) for name in ("a.py", "b.py")}
    theirs: Files = {"deploy/y.py": base["a.py"]}
    mine: Files = {
        "a.py": File(REGULAR, b"\x00\x01mine"),
        "deploy/y.py": File(REGULAR, base["b.py"].data + b"mine too\n"),
    }
    with work_tree(User(mine)) as folder:
        repository = repository_of(folder)
        before = snapshot(folder)
        proposal, operation = merge(repository, base, theirs)
        assert (folder / "a.py").read_bytes() == mine["a.py"].data
        assert (folder / "deploy/y.py").read_bytes() == mine["deploy/y.py"].data
        assert [change.path for change in proposal.conflicts] == ["deploy/y.py"]
        assert {change.path: change.why for change in proposal.changes}["a.py"].endswith("stays here")
        assert operation is not None
        with locked(repository):
            undo(repository, operation)
        assert snapshot(folder) == before


def test_a_link_of_the_users_where_the_template_has_a_folder_is_named_as_theirs() -> None:
    base: Files = {"src/a.py": File(REGULAR, text(*BODY)), "other.py": File(REGULAR, text("other"))}
    theirs: Files = {**base, "src/new.py": File(REGULAR, text("new"))}
    mine: Files = {"lib/a.py": base["src/a.py"], "src": File(LINK, b"lib"), "other.py": base["other.py"]}
    with work_tree(User(mine)) as folder:
        proposal, _ = merge(repository_of(folder), base, theirs)
        assert (folder / "src~yours").is_symlink()
    words = {change.path: change.why for change in proposal.changes}
    assert words["src~yours"] == "yours, which was src, where the template has a folder: move it, or git rm it"


def test_a_service_in_a_service_is_not_taken_for_what_was_moved(service: Path, call: Run, commit: Commit) -> None:
    shutil.copytree(service, service / "services/inner", ignore=shutil.ignore_patterns(".git"))
    run(service, "rm", "--quiet", f"{SOURCE}/greeting.py")
    commit(service)
    inner = run(service, "rev-parse", "HEAD:services")
    code, out, _ = call("update", "--commit")
    assert code == 0
    assert "services/" not in out
    assert run(service, "rev-parse", "HEAD:services") == inner


def test_what_is_to_be_typed_next_works_from_the_top_of_a_monorepo(
    first: Path, call: Run, tmp_path: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "mono"
    shutil.copytree(first, top / "services/orders", ignore=shutil.ignore_patterns(".git"))
    run(tmp_path, "init", "--quiet", str(top))
    commit(top)
    monkeypatch.chdir(top)
    place = "services/orders"
    assert call("undo", place)[0] == 2
    code, _, error = call("update", "--abort", place)
    assert (code, error.splitlines()[1]) == (2, f"  twelvefac undo {place} takes back an update that is finished")
    error = call("add", "postgres", "--in", place)[2]
    assert f"  twelvefac update {place}, commit, then twelvefac add postgres --in {place}\n" in error
    edit(top / place / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(top)
    code, out, _ = call("update", place)
    assert code == 1
    assert f"then `git -C {place} add` it\n" in out
    run(top, "-C", place, "reset", "--quiet")
    assert f"  `twelvefac update --abort {place}` puts the files back too" in call("update", "--continue", place)[2]
    run(top, "reset", "--quiet", "--hard")
    run(top, "clean", "--quiet", "--force", "-d")
    assert f"  `twelvefac update {place}` does it again" in call("update", "--continue", place)[2]
    assert call("update", place, "--to", "2.0.0")[0] == 1
    assert call("update", "--abort", place)[0] == 0
    run(top, "rm", "--quiet", f"{place}/.copier-answers.yml", f"{place}/.twelvefac/manifest.json")
    commit(top)
    code, out, _ = call("adopt", place)
    assert code == 0
    assert out.endswith(
        f"Next:\n  git -C {place} diff --staged\n  git -C {place} commit\n"
        f"  twelvefac add … --in {place}, and twelvefac update {place} from then on\n"
    )


@pytest.mark.parametrize("place", [".", "services"])
def test_above_a_service_nothing_is_ended_or_taken_back(
    first: Path, call: Run, tmp_path: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whoever stands there may mean another service; the way to the one in question is told."""
    top = tmp_path / "mono"
    service = top / "services/orders"
    shutil.copytree(first, service, ignore=shutil.ignore_patterns(".git"))
    run(tmp_path, "init", "--quiet", str(top))
    edit(service / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(top)
    assert call("update", str(service))[0] == 1
    monkeypatch.chdir(top / place)
    before = snapshot(top)
    named = os.path.relpath(service)
    for arguments in (("undo",), ("update", "--abort"), ("update", "--continue")):
        assert call(*arguments) == (
            2,
            "",
            (
                "error: what was done last in this repository is the update of orders to template 2.0.0, "
                "which changed services/orders/.copier-answers.yml\n"
                f"  name that service's folder: twelvefac {' '.join(arguments)} {named}\n"
            ),
        )
    assert snapshot(top) == before
    assert call("undo", named)[0] == 0


def test_a_service_around_another_answers_for_itself_alone(service: Path, call: Run, commit: Commit) -> None:
    inner = service / "services/inner"
    shutil.copytree(service, inner, ignore=shutil.ignore_patterns(".git"))
    edit(inner / SOURCE / "greeting.py", "STEP_0 = 0", "STEP_0 = 'mine'")
    commit(service)
    assert call("update", "services/inner")[0] == 1
    assert "name that service's folder: twelvefac undo services/inner\n" in call("undo")[2]
    assert "waits for you" not in call("update", "--check")[1]
    assert call("update", "--abort", "services/inner")[0] == 0
    assert call("update", "--commit")[0] == 0
    edit(inner / SOURCE / "greeting.py", "STEP_0 = 'mine'", "STEP_0 = 0")
    commit(service)
    assert call("update", "services/inner")[0] == 0
    head = run(service, "rev-parse", "HEAD")
    assert call("update", "--commit") == (0, "orders is up to date: template 2.0.0.\n", "")
    assert run(service, "rev-parse", "HEAD") == head


@pytest.mark.parametrize("kind", ["text", "link", "folder"])
def test_what_came_to_the_old_place_of_a_conflict_stays_when_it_is_taken_back(kind: str) -> None:
    base = {"old.txt": File(REGULAR, text(*(f"t{number} = 1" for number in range(9))))}
    theirs = {"theirs.txt": base["old.txt"]}
    with work_tree(User({"mine.txt": base["old.txt"]})) as folder:
        repository = repository_of(folder)
        place = folder / "old.txt"
        if kind == "text":
            place.write_text("not in git\n")
        elif kind == "link":
            place.symlink_to("nowhere")
        before = snapshot(repository.top)
        _, operation = merge(repository, base, theirs, records=True)
        assert operation is not None
        assert operation.conflicts == ("mine.txt", "old.txt", "theirs.txt")
        if kind == "folder":
            place.mkdir()
            (place / "inside.txt").write_text("mine as well\n")
        run(folder, "add", "old.txt")
        with locked(repository):
            undo(repository, operation)
        if kind == "folder":
            assert (place / "inside.txt").read_text() == "mine as well\n"
        else:
            assert snapshot(repository.top) == before
