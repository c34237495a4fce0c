"""The twelve factors, in the numbering of 2011 (12factor.net)."""

from enum import IntEnum


class Factor(IntEnum):
    """One of the twelve factors; the value is its number."""

    CODEBASE = 1
    DEPENDENCIES = 2
    CONFIG = 3
    BACKING_SERVICES = 4
    BUILD_RELEASE_RUN = 5
    PROCESSES = 6
    PORT_BINDING = 7
    CONCURRENCY = 8
    DISPOSABILITY = 9
    DEV_PROD_PARITY = 10
    LOGS = 11
    ADMIN_PROCESSES = 12

    @property
    def roman(self) -> str:
        """The number as the factors are usually cited: ``III``."""
        return _ROMAN[self - 1]

    @property
    def title(self) -> str:
        """The factor's name in running text: ``build, release, run``."""
        return _TITLES[self - 1]


_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_TITLES = (
    "codebase",
    "dependencies",
    "config",
    "backing services",
    "build, release, run",
    "processes",
    "port binding",
    "concurrency",
    "disposability",
    "dev/prod parity",
    "logs",
    "admin processes",
)
