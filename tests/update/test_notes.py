"""What a version says of itself, and what follows for answers and paths."""

from pathlib import Path

import pytest
from sample_template import write_notes
from update_trees import User, merge, repository_of, run, text, work_tree

from twelvefac.scaffold.catalogue import data_root
from twelvefac.scaffold.component import CatalogueError
from twelvefac.scaffold.notes import NOTES, Manual, Notes, read_notes
from twelvefac.update.files import REGULAR, File
from twelvefac.update.migrate import declared_moves, migrate_answers
from twelvefac.update.repository import find_repository
from twelvefac.update.result import Kind


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    write_notes(
        tmp_path,
        "1.0.0",
        """
        summary: One.
        changes: [more]
        manual: [always, {text: sometimes, when: {deploy: kubernetes}}]
        moves: {"src/{package}/a.py": "src/{package}/b.py"}
        questions: {pipeline: ci}
        choices: {ci: {gh: github}}
        """,
    )
    notes = read_notes(tmp_path, "1.0.0")
    assert notes is not None
    assert [step.text for step in notes.manual if step.applies({"deploy": "procfile,kubernetes"})] == [
        "always",
        "sometimes",
    ]
    assert [step.text for step in notes.manual if step.applies({"deploy": "none"})] == ["always"]
    assert migrate_answers({"pipeline": "gh", "name": "x"}, [notes]) == {"ci": "github", "name": "x"}
    later = Notes("2.0.0", "Two.", (), (Manual("x"),), {"src/{package}/b.py": "c.py"})
    assert declared_moves("orders", [notes, later]) == {"src/orders/a.py": "c.py"}
    assert read_notes(tmp_path, "9.9.9") is None


@pytest.mark.parametrize(
    "wrong",
    ["[]", "summary: ''", "summary: x\nother: y", "summary: x\nchanges: y", "summary: x\nmoves: [y]", "a: [",
     "summary: x\nmanual: [{txt: y}]"],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, wrong: str) -> None:
    write_notes(tmp_path, "1.0.0", wrong)
    with pytest.raises(CatalogueError, match=r"1\.0\.0\.yml"):
        read_notes(tmp_path, "1.0.0")


def test_a_declared_move_takes_the_users_lines_along() -> None:
    """Less than half of the lines stayed: git alone would see a deleted file and a new one."""
    base = {"a.py": File(REGULAR, text("one", "two", "three", "four", "five"))}
    theirs = {"b.py": File(REGULAR, text("one", "two", "6", "7", "8", "9", "10"))}
    user = User({"a.py": File(REGULAR, text("mine", "one", "two", "three", "four", "five"))})
    with work_tree(user) as folder:
        proposal, _ = merge(repository_of(folder), base, theirs)
        assert [change.kind for change in proposal.conflicts] == [Kind.CONFLICT]
    with work_tree(user) as folder:
        proposal, _ = merge(repository_of(folder), base, theirs, declared={"a.py": "b.py"})
        assert [(change.path, change.source, change.kind) for change in proposal.changes] == [
            ("b.py", "a.py", Kind.MOVED)
        ]
        assert not (folder / "a.py").exists()
        assert (folder / "b.py").read_bytes() == text("mine", "one", "two", "6", "7", "8", "9", "10")


def test_a_declared_move_says_what_a_merge_driver_left_out() -> None:
    base = {"a.py": File(REGULAR, text("one", "two", "three", "four", "five"))}
    theirs = {"b.py": File(REGULAR, text("one", "two", "three", "four", "6"))}
    mine = text("mine", "one", "two", "three", "four", "five")
    user = User({"a.py": File(REGULAR, mine), ".gitattributes": File(REGULAR, b"* merge=ours\n")})
    with work_tree(user) as folder:
        run(folder, "config", "merge.ours.driver", "true")
        proposal, _ = merge(find_repository(folder), base, theirs, declared={"a.py": "b.py"})
        [change] = [change for change in proposal.changes if change.path == "b.py"]
        assert change.kind is Kind.DECLINED
        assert "merge driver ours" in change.why
        assert (folder / "b.py").read_bytes() == mine


def test_the_notes_of_every_version_can_be_read_those_of_the_one_that_is_made_now_too() -> None:
    root = data_root()
    files = sorted((root / NOTES).glob("*.yml"))
    assert [notes.version for path in files if (notes := read_notes(root, path.stem)) is not None] == [
        path.stem for path in files
    ]
    assert files
