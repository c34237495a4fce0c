"""Text from an audited repository, made safe to print: a file name may hold an escape sequence."""

from twelvefac.source.pattern import regex

_UNSAFE = regex(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """``text`` with control, bidirectional and zero-width characters and lone surrogates as escapes."""
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], text)
