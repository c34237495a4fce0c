"""What ``update --check`` finds; apart from the other results, which take longer to import than it may run."""

from dataclasses import dataclass

from twelvefac.errors import ExitCode


@dataclass(frozen=True)
class Problem:
    """What ``update --check`` finds: ``kind`` is behind, drifted or conflict; ``line`` is 0 for a whole file."""

    kind: str
    path: str
    line: int
    message: str


@dataclass(frozen=True)
class CheckResult:
    """Where a service stands against the newest template.

    ``prefix`` leads from the repository's top, where code scanning looks, to the service: empty or with a slash at its
    end, None outside of a repository. ``overlay`` is the version of its overlay, empty without one.
    """

    name: str
    version: str
    newest: str
    problems: tuple[Problem, ...]
    notices: tuple[str, ...] = ()
    prefix: str | None = None
    overlay: str = ""

    @property
    def exit_code(self) -> int:
        """Return 1 when anything was found, 0 otherwise."""
        return ExitCode.FINDINGS if self.problems else ExitCode.OK
