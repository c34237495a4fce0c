"""What an overlay sees: answers to its own questions, and those of the service, also when they change."""

from collections.abc import Callable
from pathlib import Path

import pytest
from update.conftest import Run
from update.test_update import edit
from update_overlays import ANSWERS, make, tag, write_overlay
from update_trees import snapshot

Commit = Callable[[Path], None]


def test_its_own_questions_are_answered_and_answered_anew(
    call: Run, overlay: Path, place: Path, commit: Commit
) -> None:
    assert make(call, "../overlay", "--overlay-answer", "team=payments: EU")[0] == 0
    service = place / "orders"
    assert (service / "POLICY.md").read_text("utf-8").startswith("# orders of payments: EU\n")
    assert "_overlay_answers:\n  team: 'payments: EU'\n" in (service / ANSWERS).read_text("utf-8")
    assert call("update", "orders") == (0, "orders is up to date: template 2.0.0 with overlay v1.0.0.\n", "")
    edit(service / "POLICY.md", "line 11", "mine 11")
    commit(service)
    edit(overlay / "files/POLICY.md.jinja", "line 0\n", "theirs 0\n")
    tag(overlay, "v1.1.0")
    assert call("update", "orders", "--commit")[0] == 0
    text = (service / "POLICY.md").read_text("utf-8")
    assert text.startswith("# orders of payments: EU\ntheirs 0\n")
    assert text.endswith("mine 11\n")
    code, out, error = call("update", "orders", "--overlay-answer", "team=billing")
    assert (code, error) == (0, "")
    assert "  merged    POLICY.md  the overlay's changes and yours, in different places\n" in out
    assert (service / "POLICY.md").read_text("utf-8") == text.replace("payments: EU", "billing")
    assert call("undo", "orders")[0] == 0
    assert (service / "POLICY.md").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("color=red",), "the overlay does not ask for color: its questions are team"),
        (("name=other",), "the overlay has name from the service itself"),
        (("team",), "--overlay-answer team: must be KEY=VALUE"),
        (("size=big",), "does not render"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(
    call: Run, place: Path, tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    questions = "_subdirectory: files\nteam: platform\nname: x\n" + (
        "size: {type: int, default: 1}\n" if "size" in words[0] else ""
    )
    folder = write_overlay(tmp_path / "plain", **{"copier.yml": questions})
    code, _, error = make(call, str(folder), *(word for pair in words for word in ("--overlay-answer", pair)))
    assert code == 2
    assert named in error
    assert not list(place.iterdir())


def test_answers_without_an_overlay_are_refused(call: Run, overlay: Path, place: Path) -> None:
    assert call("new", "service", "orders", "--defaults", "--overlay-answer", "team=x")[2] == (
        "error: --overlay-answer goes with --overlay\n"
    )
    assert call("new", "service", "orders", "--defaults")[0] == 0
    assert call("update", "orders", "--overlay-answer", "team=x")[2] == (
        "error: --overlay-answer: orders has no overlay\n"
    )


def test_what_the_overlay_makes_of_the_answers_comes_with_add_and_goes_with_remove(
    call: Run, overlay: Path, place: Path, commit: Commit
) -> None:
    write_overlay(
        overlay,
        **{
            "files/POLICY.md.jinja": "# {{ name }}\n{% if database == 'postgres' %}backups: daily\n{% endif %}end\n",
            "files/{{ 'dba.md' if database == 'postgres' else '' }}": "ask us\n",
        },
    )
    tag(overlay, "v1.1.0")
    assert make(call, "../overlay")[0] == 0
    service = place / "orders"
    before = snapshot(service)
    code, out, _ = call("add", "postgres", "--in", "orders", "--commit")
    assert code == 0
    assert "  added     dba.md                  comes with postgres\n" in out
    assert (service / "POLICY.md").read_text("utf-8") == "# orders\nbackups: daily\nend\n"
    assert (service / "dba.md").read_text("utf-8") == "ask us\n"
    assert call("update", "orders", "--check")[0] == 0
    assert call("remove", "postgres", "--in", "orders", "--commit")[0] == 0
    assert not (service / "dba.md").exists()
    assert snapshot(service) == before
