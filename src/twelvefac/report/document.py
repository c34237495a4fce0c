"""A report as a JSON document: valid for every reader, whatever an audited file is called or holds."""

import base64
import json
import os
from typing import Any

from twelvefac.source.pattern import regex

_LONE = regex(r"[\ud800-\udfff]")
"""What Python makes of a byte in a file name that is no UTF-8. As \\udce9 in JSON it is refused by most readers."""


def dump(document: Any) -> str:
    """``document`` in ASCII with a final newline; lone surrogates are written out (``caf\\udce9.py``)."""
    return json.dumps(_valid(document), indent=2, ensure_ascii=True) + "\n"


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {key: _valid(item) for key, item in value.items()}
    return [_valid(item) for item in value] if isinstance(value, (list, tuple)) else value


def shown(text: str) -> str:
    """``text`` with lone surrogates written out."""
    return text if text.isascii() else _LONE.sub(lambda match: ascii(match.group())[1:-1], text)


def path_members(path: str, key: str = "path") -> dict[str, str]:
    """``path``, and ``path_base64`` with the bytes of its name where those are no UTF-8."""
    if path.isascii() or not _LONE.search(path):
        return {key: path}
    return {key: shown(path), f"{key}_base64": base64.b64encode(os.fsencode(path)).decode("ascii")}
