"""TOML of somebody else's: the standard library's parser, kept from files that it takes minutes for."""

from typing import Any

from twelvefac.source.pattern import regex

_MOST_DOTS = 3_000
"""On one line. The parser's time grows with the square of a dotted key's parts: 136 seconds for one of 900 KB."""


_QUOTED = regex(r"(declare|namespace|key) [('\"].*?(?= twice| \(at |$)")
"""What the parser quotes of the document."""


def parse_toml(text: str) -> dict[str, Any]:
    """The document; raises ValueError, with the parser's words, for what is no TOML or is made to hurt."""
    import tomllib

    if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
        raise ValueError(f"a line with more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_QUOTED.sub(r"\1 a name", str(error))) from None
