"""``audit --fix`` and ``--diff``: the safe fixes of a report, on the audited directory's files."""

import os
import re
from collections.abc import Collection

from twelvefac.audit.fix import Change, plan_fixes
from twelvefac.audit.result import AuditReport
from twelvefac.errors import MachineError, RefusedError
from twelvefac.project.discovery import read_bytes
from twelvefac.report.fixes import is_showable
from twelvefac.source.document import Document
from twelvefac.source.write import write_atomically

_BOM = "\ufeff".encode()


def safe_fixes(path: str, report: AuditReport, without: Collection[str] = ()) -> tuple[Change, ...]:
    """What the safe fixes change below ``path``; a file that is no UTF-8 is read as Latin-1, as the audit does.

    Fixes that touch a file of ``without`` are left out, as a whole.
    """
    try:
        changes = plan_fixes(report, lambda name: Document.decode(_read(path, name)).text, without=without)
    except ValueError as error:
        raise RefusedError("a file changed while it was audited", hint="run the audit again") from error
    return tuple(change._replace(after=_own_line_ends(change)) for change in changes)


def shown_fixes(path: str, report: AuditReport) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The safe fixes that a patch may show, and the files that it cannot, because a line would hold a credential."""
    left_out: set[str] = set()
    while True:
        changes = safe_fixes(path, report, left_out)
        telling = {change.path for change in changes if not is_showable(change)}
        if not telling:
            return changes, tuple(sorted(left_out))
        left_out |= telling


def apply_fixes(path: str, changes: tuple[Change, ...]) -> None:
    """Write each changed file, whole or not at all; raises RefusedError, before anything, for one that changed."""
    files = [(change.path, _bytes(path, change)) for change in changes]
    for name, data in files:
        write_atomically(os.path.join(path, name), data)


def _bytes(path: str, change: Change) -> bytes:
    if change.before is None:
        if os.path.lexists(os.path.join(path, change.path)):
            raise RefusedError(f"{change.path} exists already", hint="move it away")
        return change.after.encode()
    data = _read(path, change.path)
    if Document.decode(data).text != change.before:
        raise RefusedError(f"{change.path} changed while it was audited", hint="run the audit again")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return change.after.encode("latin-1", "backslashreplace")
    return (_BOM if data.startswith(_BOM) else b"") + change.after.encode()


def _own_line_ends(change: Change) -> str:
    """The new text with the line ends that the old one has throughout."""
    before = change.before or ""
    if "\r\n" in before and not re.search(r"(?<!\r)\n", before):
        return re.sub(r"(?<!\r)\n", "\r\n", change.after)
    return change.after


def _read(path: str, name: str) -> bytes:
    try:
        return read_bytes(os.path.realpath(path), name)
    except OSError as error:
        raise MachineError(f"cannot read {name}: {error.strerror}") from error
