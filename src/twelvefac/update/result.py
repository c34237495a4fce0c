"""What an update would do or did, file by file and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from twelvefac.errors import ExitCode
from twelvefac.scaffold.notes import Notes


class Kind(StrEnum):
    """What happens to one file."""

    ADDED = "added"
    UPDATED = "updated"
    MERGED = "merged"
    MOVED = "moved"
    DELETED = "deleted"
    CONFLICT = "conflict"
    DECLINED = "declined"  # the template's change is not taken, because of what the user did
    KEPT = "kept"  # nothing to take: the user's file has it, or is the user's alone


@dataclass(frozen=True)
class Change:
    """One file: ``path`` where it is afterwards, ``source`` where it was before when it moved."""

    path: str
    kind: Kind
    why: str
    source: str = ""


@dataclass(frozen=True)
class UpdateResult:
    """What ``update``, ``add`` or ``remove`` did, or in a ``preview`` would do.

    ``manual`` are the steps that a person must do; ``what`` names the components of an add or remove; ``refused``
    says, in a preview, why it would be and the way out; ``folder`` is where the service was named to be.
    """

    name: str
    kind: str
    before: str
    after: str
    what: str = ""
    changes: tuple[Change, ...] = ()
    notes: tuple[Notes, ...] = ()
    manual: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    preview: bool = False
    refused: tuple[str, ...] = ()
    diff: str = ""
    committed: bool = False
    folder: str = "."

    @property
    def current(self) -> bool:
        """Return whether there was nothing to do."""
        return self.before == self.after and not self.changes

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """Return what waits for a person."""
        return tuple(change for change in self.changes if change.kind is Kind.CONFLICT)

    @property
    def exit_code(self) -> int:
        """Return 1 when conflicts are (or would be) left, 2 when it would be refused, 0 otherwise."""
        if self.refused:
            return ExitCode.REFUSED
        return ExitCode.FINDINGS if self.conflicts else ExitCode.OK


@dataclass(frozen=True)
class EndResult:
    """How an update was ended: in words, and each file with what became of it or is still to do (``left``)."""

    text: str
    files: tuple[tuple[str, str], ...]
    notices: tuple[str, ...] = ()
    left: bool = False

    @property
    def exit_code(self) -> int:
        """Return 1 while something is left to do, 0 otherwise."""
        return ExitCode.FINDINGS if self.left else ExitCode.OK


@dataclass(frozen=True)
class Version:
    """A version of the template; ``here`` when it is that of the service in question."""

    version: str
    notes: Notes | None
    here: bool = False


@dataclass(frozen=True)
class AdoptResult:
    """What the repository in ``folder`` was taken for, and how many files are alike, changed and missing."""

    answers: Mapping[str, str]
    version: str
    alike: int
    changed: int
    missing: int
    notices: tuple[str, ...] = ()
    preview: bool = False
    folder: str = "."
