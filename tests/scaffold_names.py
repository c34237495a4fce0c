"""Strategies for the answers that a person may give."""

import re

from hypothesis import strategies as st

from twelvefac.errors import UsageError
from twelvefac.scaffold.answers import LONGEST_DESCRIPTION, check_description
from twelvefac.scaffold.names import LONGEST, PATTERN, objection


def _describes(text: str) -> bool:
    try:
        check_description(text)
    except UsageError:
        return False
    return bool(text.strip())


NAMES = st.from_regex(re.compile(PATTERN), fullmatch=True).filter(
    lambda name: len(name) <= LONGEST and not objection(name)
)
DESCRIPTIONS = st.text(st.characters(codec="utf-8"), max_size=LONGEST_DESCRIPTION).filter(_describes)
