"""Reading answers from a file, YAML or JSON, with the line of whatever is wrong in it.

A repository's own ``.copier-answers.yml`` can be read too: keys with an underscore first are passed over.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twelvefac.errors import UsageError

LARGEST = 64 * 1024  # bytes; five short answers take less than one


_TEXTS = (":str", ":int", ":float", ":bool")


def read_answers(
    path: str,
    known: tuple[str, ...],
    several: tuple[str, ...] = (),
    check: Callable[[str, str], None] = lambda _question, _answer: None,
) -> dict[str, str]:
    """Return the answers that the file at ``path`` gives to the questions ``known``.

    A list of texts answers those in ``several``; it comes back as one text with commas. ``check`` is told each
    question and answer and raises UsageError for one that cannot be.

    Raises UsageError naming the file, the line and what is wrong there.
    """
    text = _read(path)
    decoded: Any = None
    if path.endswith(".json"):
        decoded = _json(path, text)
        # from here on it is YAML, which knows the line of every key; it takes a tab for no space, and JSON has
        # none inside its texts
        text = text.replace("\t", " ")
    entries = _entries(path, text, several)
    answers: dict[str, str] = {}
    for line, key, value in entries:
        if key.startswith("_"):
            continue
        if key not in known:
            raise UsageError(f"{path}:{line}: unknown answer {key!r}: choose from {', '.join(known)}")
        if key in answers:
            raise UsageError(f"{path}:{line}: {key!r} is answered twice: keep one of the two")
        if value is None:
            raise UsageError(f"{path}:{line}: the answer to {key!r} must be one text")
        # JSON writes a character beyond 16 bits as two escapes, which YAML would keep apart
        answers[key] = decoded[key] if decoded and isinstance(decoded[key], str) else value
        try:
            check(key, answers[key])
        except UsageError as error:
            raise UsageError(f"{path}:{line}: {error.message}", hint=error.hint) from error
    return answers


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"cannot read the answers file {path}: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise UsageError(f"{path}: an answers file holds a few short texts, this one is over {LARGEST} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: not UTF-8: save the file as UTF-8") from error


def _json(path: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: nested too deeply for an answers file") from error


def _entries(path: str, text: str, several: tuple[str, ...]) -> list[tuple[int, str, str | None]]:
    """Return line (1-based), key and text value (None when it is no single text) of each entry."""
    import yaml

    try:
        # the composer in Python: a hostile nesting is a RecursionError here, and a crash in the one in C
        node: Any = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: nested too deeply for an answers file") from error
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise UsageError(f"{path}:{line}: expected one 'question: answer' a line")
    entries: list[tuple[int, str, str | None]] = []
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        items = value.value if isinstance(value, yaml.SequenceNode) and name in several else [value]
        plain = all(isinstance(item, yaml.ScalarNode) and item.tag.endswith(_TEXTS) for item in items)
        entries.append((line, name, ",".join(item.value for item in items) if plain else None))
    return entries
