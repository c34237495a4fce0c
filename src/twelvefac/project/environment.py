"""Which calls read the environment: one table of the standard library's and the common libraries' ways."""

from typing import NamedTuple


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

MAPPINGS = ("os.environ",)
"""Names whose subscript reads the environment."""

WORDS = frozenset(name.rstrip("()").rsplit(".", 1)[-1].rstrip("()") for name in READERS)
"""The last words of the callees, for the prefilter."""
