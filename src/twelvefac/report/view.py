"""How a report is to look: what a format may ask of its reader besides the report itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

PLAIN_WIDTH = 100
"""The width of text where no terminal tells one: the same on every machine."""


class View(NamedTuple):
    """The reader's side of a report.

    ``prefix`` is the path of the audited directory below the repository, with a final slash ("" for the repository
    itself): services that show findings beside code count paths from there. ``color`` and ``width`` are for text.
    ``remedies`` has the command that cures a finding, by (service, rule), where the template has a cure.
    """

    color: bool = False
    width: int = PLAIN_WIDTH
    prefix: str = ""
    remedies: Mapping[tuple[str, str], str] = MappingProxyType({})
