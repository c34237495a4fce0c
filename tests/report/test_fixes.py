"""A patch is what difflib makes, save where a line would show a credential."""

from difflib import unified_diff

from hypothesis import given
from hypothesis import strategies as st

from twelvefac.audit.fix import Change
from twelvefac.report.fixes import is_showable, render_diff

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=14)


@given(before=LINES, after=LINES, end=st.sampled_from(["", "\n"]))
def test_a_patch_is_that_of_difflib(before: list[str], after: list[str], end: str) -> None:
    old, new = ("\n".join(lines) + (end if lines else "") for lines in (before, after))
    wanted = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), "a/f", "b/f")
    )

    assert render_diff((Change("f", old, new),)) == wanted


def test_a_new_file_with_a_credential_is_not_shown() -> None:
    assert is_showable(Change("f", None, "a\nb\n"))
    assert not is_showable(Change("f", None, "a\npassword: hunter2\n"))
