"""A Python file before it is parsed: its bytes, and what several looks at them ask for, each found once."""

from functools import cached_property

_WORDS = bytes(ord(chr(code).lower()) if chr(code).isalnum() and code < 128 else 32 for code in range(256))
"""Byte table: letters to lower case, digits kept, everything else (the underscore too) to a blank."""
_STEMS = tuple(b"pwd pword ecret oken redential key".split())
_LONGER = (b"word", b"wd", b"phrase", b"code")
"""What follows ``pass`` in names. By itself it is a statement too: it counts as a part of a name."""


class Glance:
    """``data`` are the bytes, ``plain`` the same in small letters, what is neither letter nor digit a blank."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.plain = data.translate(_WORDS)

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The words in it: ``SECRET_KEY`` is two."""
        return frozenset(self.plain.split())

    @cached_property
    def lines(self) -> bytes:
        """The bytes behind a line end, so that an expression may begin each line with it."""
        return b"\n" + self.data

    @cached_property
    def secrets(self) -> tuple[int, ...]:
        """Where names that hold a secret may stand, in order: somewhere inside of each such name.

        A text is searched faster for many stems than for one expression.
        """
        data, plain = self.data, self.plain
        found = [at for stem in _STEMS for at in places(plain, stem)]
        found += [
            at
            for at in places(plain, b"pass")
            if plain.startswith(_LONGER, at + 4) or data[at : at + 4] == b"Pass" or data[at - 1 : at] in (b"_", b"-")
        ]
        return tuple(sorted(found))


def places(text: bytes, stem: bytes) -> list[int]:
    """Where ``stem`` stands in ``text``, in order."""
    found = []
    at = text.find(stem)
    while at >= 0:
        found.append(at)
        at = text.find(stem, at + len(stem))
    return found
