"""Regular expressions that are compiled when they are first used.

Compiling all of ours costs more than everything else of an import, and a run needs a third of them.
"""

import re
from typing import Any, AnyStr, cast

_METHODS = ("search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split")


class _Lazy:
    """Stands for a compiled pattern; after the first use its methods are those of the compiled one."""

    def __init__(self, text: Any, flags: int) -> None:
        self.pattern = text
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # copying and pickling ask for what only a compiled pattern could answer
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As ``re.compile``, later. A mistake in ``text`` is found by a test that compiles them all."""
    return cast("re.Pattern[AnyStr]", _Lazy(text, flags))
