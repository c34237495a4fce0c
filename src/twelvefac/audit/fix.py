"""Applying fixes: which files change, to what. Pure on texts; the caller reads and writes."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from twelvefac.audit.result import AuditReport
from twelvefac.audit.rule import Safety
from twelvefac.source.edit import CreateFile, OverlapError, Replace, apply_edits


class Change(NamedTuple):
    """A file before and after, and what was done in words; ``before`` is None for a new one."""

    path: str
    before: str | None
    after: str
    titles: tuple[str, ...] = ()


def plan_fixes(
    report: AuditReport, read: Callable[[str], str], *, unsafe: bool = False, without: Collection[str] = ()
) -> tuple[Change, ...]:
    """The changes that cure the report's findings; of two fixes that want the same text the first one is taken.

    A fix that touches one of the files ``without`` is passed over.
    """
    edits: dict[str, list[Replace]] = {}
    created: dict[str, str] = {}
    texts: dict[str, str] = {}
    titles: dict[str, list[str]] = {}
    for outcome in report.new:
        for fix in outcome.finding.fixes[:1]:
            if (fix.safety is Safety.UNSAFE and not unsafe) or any(edit.path in without for edit in fix.edits):
                continue
            if all(edit in edits.get(edit.path, ()) for edit in fix.edits if isinstance(edit, Replace)) and all(
                created.get(edit.path) == edit.text for edit in fix.edits if isinstance(edit, CreateFile)
            ):  # two processes of one image: an insertion would be made twice
                continue
            taken = {edit.path: list(edits.get(edit.path, [])) for edit in fix.edits if isinstance(edit, Replace)}
            for edit in fix.edits:
                if isinstance(edit, Replace):
                    texts.setdefault(edit.path, read(edit.path))
                    if edit not in taken[edit.path]:  # two fixes need one insertion: it is made once
                        taken[edit.path].append(edit)
            files = {edit.path: edit.text for edit in fix.edits if isinstance(edit, CreateFile)}
            try:  # a fix is applied as a whole or not at all
                for path, wanted in taken.items():
                    apply_edits(texts[path], wanted)
            except OverlapError:
                continue
            if any(created.get(path, text) != text for path, text in files.items()):
                continue
            edits |= taken
            created |= files
            for path in (*taken, *files):
                titles.setdefault(path, []).append(fix.title)
    changes = [
        Change(path, texts[path], apply_edits(texts[path], wanted), tuple(titles[path]))
        for path, wanted in edits.items()
    ]
    changes += [Change(path, None, text, tuple(titles[path])) for path, text in created.items()]
    return tuple(sorted(changes, key=lambda change: change.path))
