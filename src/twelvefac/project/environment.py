"""Which calls read the environment: one table of the standard library's and the common libraries' ways."""

import re
from typing import NamedTuple

from twelvefac.source.pattern import regex


class Reader(NamedTuple):
    """Where a call has its key and its default: positions and keyword names; None where it has none."""

    key: int = 0
    default: int | None = 1
    key_words: tuple[str, ...] = ("key", "name", "var", "var_name", "option")
    default_words: tuple[str, ...] = ("default",)


_PLAIN = Reader()
_DJANGO_TYPES = (
    "str", "bool", "int", "float", "list", "tuple", "dict", "json", "url", "db", "db_url", "cache", "cache_url",
    "email_url", "search_url", "channels", "path", "bytes", "multiline",
)  # fmt: skip
_ENVIRONS_TYPES = (
    "str", "bool", "int", "float", "decimal", "list", "dict", "json", "datetime", "date", "time", "timedelta",
    "url", "uuid", "log_level", "path", "enum", "dj_db_url", "dj_email_url", "dj_cache_url",
)  # fmt: skip

READERS: dict[str, Reader] = {
    "os.getenv": _PLAIN,
    "os.environ.get": _PLAIN,
    "os.environ.setdefault": _PLAIN,
    "os.environ.pop": _PLAIN,
    "decouple.config": _PLAIN,  # python-decouple 3
    "decouple.AutoConfig()": _PLAIN,
    "decouple.Config()": _PLAIN,
    "starlette.config.Config()": Reader(default=2),  # Config(...)(key, cast, default)
    "environ.Env()": Reader(default=2),  # django-environ 0.11+: Env()(var, cast, default)
    "environs.Env()": Reader(key=0, default=1),
    "environs.env": Reader(key=0, default=1),  # environs 14 has a ready instance
    **{f"environ.Env().{kind}": _PLAIN for kind in _DJANGO_TYPES},
    **{f"environs.Env().{kind}": _PLAIN for kind in _ENVIRONS_TYPES},
    **{f"environs.env.{kind}": _PLAIN for kind in _ENVIRONS_TYPES},
}
"""Resolved callee -> where its key and default are. Versions: the newest of each in November 2026."""

_HELPER = regex(
    r"(?:get|read|load|require|from|str|bool|int)?_?env(?:iron(?:ment)?)?(?:_?(?:var(?:iable)?|value|setting))?"
    r"(?:_?(?:str(?:ing)?|int|bool|list|float))?",
    re.IGNORECASE,
)
KEY = regex(r"[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){0,12}")
"""The name of a variable, as what reads one by a function of its own must be told it."""


def reader_of(name: str) -> Reader | None:
    """How a callee reads the environment: one of READERS, or by its name a function that the service made for it.

    Of the latter the caller must see a variable's name (``KEY``) given to it.
    """
    reader = READERS.get(name)
    if reader is None and "env" in name:
        last = name.rpartition(".")[2]
        if _HELPER.fullmatch(last) and not name.endswith(")"):
            return _PLAIN
    return reader


MAPPINGS = ("os.environ",)
"""Names whose subscript reads the environment."""

WORDS = frozenset(name.rstrip("()").rsplit(".", 1)[-1].rstrip("()") for name in READERS)
"""The last words of the callees, for the prefilter."""
