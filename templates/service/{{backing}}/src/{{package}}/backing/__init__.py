"""The backing services: each module in here connects to one, and nothing else knows which it is."""

import logging
import os
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..settings import Settings

log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """A backing service does not answer as it should; the text says which and why, in one line."""

    exit_code = os.EX_UNAVAILABLE


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


def check(settings: "Settings") -> bool:
    """Whether each of them answers; logs what does not."""
    well = True
    for service in connect(settings).values():
        try:
            service.check()
        except UnavailableError as error:
            log.critical("%s", error)
            well = False
        service.close()
    return well
