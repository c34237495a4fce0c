"""Fixes are planned as a whole or not at all."""

import pytest
from audit_rules import call_rule

from twelvefac.audit.fix import Change, plan_fixes
from twelvefac.audit.result import AuditReport, Outcome, State
from twelvefac.audit.rule import Finding, Fix, Safety
from twelvefac.source.edit import CreateFile, Edit, Replace
from twelvefac.source.span import Span

RULE = call_rule("bad-call", "bad")
TEXTS = {"a": "abc\ndef\n", "b": "xyz\n"}


def swap(path: str, line: int, start: int, end: int, text: str) -> Replace:
    return Replace(Span(path, line, start, line, end), text)


def report(*fixes: tuple[Edit, ...] | Fix, state: State = State.NEW) -> AuditReport:
    outcomes = []
    for fix in fixes:
        one = fix if isinstance(fix, Fix) else Fix("a fix", Safety.SAFE, fix)
        finding = Finding("bad-call", "m", Span("a", 1, 1, 1, 2), "s", RULE.severity, fixes=(one,))
        outcomes.append(Outcome(finding, RULE, "s", state, "f"))
    return AuditReport((), tuple(outcomes), (), (), 0, 0)


def plan(*fixes: tuple[Edit, ...] | Fix, unsafe: bool = False) -> list[tuple[str, str | None, str]]:
    return [(one.path, one.before, one.after) for one in plan_fixes(report(*fixes), TEXTS.__getitem__, unsafe=unsafe)]


def test_edits_of_several_fixes_are_joined_by_file() -> None:
    assert plan((swap("a", 1, 1, 2, "A"),), (swap("b", 1, 1, 2, "X"),), (swap("a", 2, 1, 2, "D"),)) == [
        ("a", "abc\ndef\n", "Abc\nDef\n"),
        ("b", "xyz\n", "Xyz\n"),
    ]


def test_of_two_that_want_the_same_text_the_first_is_taken() -> None:
    assert plan((swap("a", 1, 1, 3, "1"),), (swap("a", 1, 2, 4, "2"),)) == [("a", "abc\ndef\n", "1c\ndef\n")]


def test_a_fix_that_cannot_be_applied_as_a_whole_is_not_applied() -> None:
    second = (swap("b", 1, 1, 2, "X"), swap("a", 1, 2, 4, "2"), CreateFile("c", "new"))

    assert plan((swap("a", 1, 1, 3, "1"),), second) == [("a", "abc\ndef\n", "1c\ndef\n")]


def test_new_files_and_who_wants_the_same_one() -> None:
    assert plan(
        (CreateFile("c", "one"),), (CreateFile("c", "one"),), (CreateFile("c", "two"), swap("b", 1, 1, 2, "X"))
    ) == [("c", None, "one")]


@pytest.mark.parametrize(("unsafe", "count"), [(False, 0), (True, 1)])
def test_unsafe_fixes_are_asked_for(unsafe: bool, count: int) -> None:
    assert len(plan(Fix("t", Safety.UNSAFE, (swap("a", 1, 1, 2, "A"),)), unsafe=unsafe)) == count


def test_suppressed_findings_are_not_fixed() -> None:
    assert plan_fixes(report((swap("a", 1, 1, 2, "A"),), state=State.SUPPRESSED), TEXTS.__getitem__) == ()


def test_changes_are_ordered_by_path() -> None:
    changes = plan_fixes(
        report((CreateFile("z", ""), swap("b", 1, 1, 2, "X"), CreateFile("a2", ""))), TEXTS.__getitem__
    )

    assert [change.path for change in changes] == ["a2", "b", "z"]
    assert isinstance(changes[0], Change)


def test_one_fix_of_two_findings_is_made_once() -> None:
    """Two processes of one image: an insertion twice would be two lines."""
    line = (swap("a", 1, 1, 1, "new\n"),)

    assert plan(line, line) == [("a", "abc\ndef\n", "new\nabc\ndef\n")]
    assert plan((*line, swap("b", 1, 1, 2, "X")), (*line, swap("b", 1, 2, 3, "Y"))) == [
        ("a", "abc\ndef\n", "new\nabc\ndef\n"),
        ("b", "xyz\n", "XYz\n"),
    ]
    assert plan((CreateFile("c", "x"),), (CreateFile("c", "x"),)) == [("c", None, "x")]


def test_a_change_says_what_was_done() -> None:
    [change] = plan_fixes(
        report(
            Fix("one", Safety.SAFE, (swap("a", 1, 1, 2, "A"),)), Fix("two", Safety.SAFE, (swap("a", 2, 1, 2, "D"),))
        ),
        TEXTS.__getitem__,
    )

    assert change == Change("a", "abc\ndef\n", "Abc\nDef\n", ("one", "two"))


def test_a_fix_that_touches_a_file_which_is_left_out_is_left_out_as_a_whole() -> None:
    both = (swap("a", 1, 1, 2, "A"), swap("b", 1, 1, 2, "X"))

    changes = plan_fixes(report(both, (swap("a", 2, 1, 2, "D"),)), TEXTS.__getitem__, without={"b"})

    assert [(one.path, one.after) for one in changes] == [("a", "abc\nDef\n")]
