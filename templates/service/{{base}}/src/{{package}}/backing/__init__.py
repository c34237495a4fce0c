"""The backing services: each module in here connects to one, and nothing else knows which it is."""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..settings import Settings


class UnavailableError(Exception):
    """A backing service does not answer as it should; the text says which and why, in one line."""


class Backing(Protocol):
    def check(self) -> None:
        """Raise UnavailableError unless it can be used now."""

    def close(self) -> None: ...


def connect(settings: "Settings") -> dict[str, Backing]:
    """Makes a client for each; none opens a connection yet, for a fork may follow."""
    return {
        found.name: import_module(f"{__name__}.{found.name}").connect(settings)
        for found in iter_modules(__path__)
    }
