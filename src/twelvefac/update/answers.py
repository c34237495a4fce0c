"""The answers file written anew in place: what its owners wrote between our lines stays as it is.

YAML's own reader tells where each value lies; only those that change are written over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from twelvefac.errors import RefusedError
from twelvefac.scaffold.plan import ANSWERS_FILE
from twelvefac.scaffold.records import with_new_head


@dataclass(frozen=True)
class _Edit:
    """Put ``text`` in the place of what lies from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def carry_answers(there: str, wanted: Mapping[str, Any], gone: Iterable[str] = ()) -> str:
    """Return the answers file ``there`` with the values ``wanted`` and without the keys ``gone``; all else stays.

    Raises RefusedError where that cannot be done, naming the line if there is one.
    """
    import yaml

    there = with_new_head(there)
    end = "\r\n" if "\r\n" in there else "\n"
    text = there if there.endswith("\n") else there + end
    before, gone = yaml.load(text, yaml.CSafeLoader), set(gone)
    pieces, at = [], 0
    for edit in sorted(_edits(text, _root(text), before, wanted, gone), key=lambda each: each.start):
        pieces += [text[at : edit.start], edit.text.replace("\n", end)]
        at = max(at, edit.end)
    after = "".join([*pieces, text[at:]])
    try:
        same = yaml.load(after, yaml.CSafeLoader) == {
            key: value for key, value in before.items() if key not in gone
        } | dict(wanted)
    except yaml.YAMLError:
        same = False
    if not same:  # an anchor, a key that is written in an odd way
        odd = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)
        line = next((token.start_mark.line + 1 for token in yaml.scan(text) if isinstance(token, odd)), 1)
        raise RefusedError(
            f"{ANSWERS_FILE}:{line}: YAML that cannot be written anew without loss (an anchor, a tag)",
            hint="one 'question: answer' a line",
        )
    return after if there.endswith("\n") else after.removesuffix(end)


def line_of(text: str, key: str) -> int:
    """Return the line (1-based) of ``key`` in the answers file ``text``; 1 where it is not there."""
    return next((name.start_mark.line + 1 for name, _ in _root(text).value if name.value == key), 1)


def no_yaml(error: Exception) -> RefusedError:
    """Return what to tell of an answers file that YAML's own reader refuses."""
    problem = getattr(error, "problem", None)
    # what it scanned begins where somebody mistyped, what it parsed at the top
    scanned = str(getattr(error, "context", None)).startswith("while scanning")
    mark = getattr(error, "context_mark" if scanned else "problem_mark", None)
    where = f"{ANSWERS_FILE}:{mark.line + 1}" if mark else ANSWERS_FILE
    return RefusedError(f"{where}: no YAML: {problem or str(error).splitlines()[0]}", hint="take it from git")


def check_answers(text: str, questions: Iterable[str]) -> None:
    """Raise RefusedError naming the line of a key that is there twice, or of an answer that is no text."""
    questions, seen = set(questions), set()
    for key, value in _root(text).value:
        if key.value in seen:
            raise _refused(key, f"{key.value!r} is there twice", "keep one of the two")
        seen.add(key.value)
        if key.value in questions and not value.tag.endswith(":str"):
            raise _refused(key, f"the answer to {key.value!r} must be one text", "put it into quotes")


def line_of_second(text: str, key: str) -> int:
    """Return the line (1-based) in JSON's ``text`` at which one object has ``key`` for the second time."""
    import yaml

    nodes = [yaml.compose(text.replace("\t", " "), yaml.SafeLoader)]
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            there = [name for name, _ in node.value if name.value == key]
            if len(there) > 1:
                return int(there[1].start_mark.line) + 1
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return 1


def _root(text: str) -> Any:
    import yaml

    try:
        # the one in C gives the same places in a fifth of the time, save that it counts no mark of byte order
        root: Any = yaml.compose(text, yaml.SafeLoader if text.startswith("\ufeff") else yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise no_yaml(error) from error
    except RecursionError as error:
        raise RefusedError(f"{ANSWERS_FILE} is nested too deeply", hint="take it from git") from error
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _refused(root, "expected one 'question: answer' a line", "take it from git")
    for key, _ in root.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refused(key, "expected one 'question: answer' a line", "take it from git")
    return root


def _refused(node: Any, what: str, hint: str) -> RefusedError:
    line = node.start_mark.line + 1 if node is not None else 1
    return RefusedError(f"{ANSWERS_FILE}:{line}: {what}", hint=hint)


def _edits(text: str, node: Any, before: Mapping[str, Any], wanted: Mapping[str, Any], gone: set[str]) -> list[_Edit]:
    """Return what to write over in the mapping ``node``, whose values are ``before``."""
    import yaml

    found = {key.value: (key, value) for key, value in node.value}
    indent = " " * node.start_mark.column
    place = text.rfind("\n", 0, node.start_mark.index) + 1
    edits = []
    for name, value in wanted.items():
        if name not in found:
            edits.append(_Edit(place, place, _dumped(name, value, indent) + "\n"))
            continue
        key, old = found[name]
        end = _end(text, old)
        if before[name] != value:
            if isinstance(value, Mapping) and isinstance(before[name], Mapping) and not old.flow_style:
                edits += _edits(text, old, before[name], value, set(before[name]) - set(value))
            elif _is_commented(text[old.start_mark.index : end], old):
                raise _refused(old, "a comment is in what has to be written anew", "put it on a line of its own")
            elif isinstance(value, str) and isinstance(old, yaml.ScalarNode) and old.style in {"'", '"'}:
                edits.append(_Edit(old.start_mark.index, end, _quoted(value, old.style)))
            else:
                edits.append(_Edit(key.start_mark.index, end, _dumped(name, value, indent).lstrip()))
        place = text.index("\n", end) + 1
    for name in gone & set(found):
        key, old = found[name]
        end = _end(text, old)
        line_end = text.index("\n", end) + 1
        comment = text[end:line_end].strip()
        start = key.start_mark.index if comment else key.start_mark.index - len(indent)
        edits.append(_Edit(start, line_end, f"{comment}\n" if comment else ""))
    return edits


def _dumped(name: str, value: Any, indent: str) -> str:
    import yaml

    value = dict(value) if isinstance(value, Mapping) else value
    lines: list[str] = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=1000).splitlines()
    return "\n".join(indent + line for line in lines)


def _quoted(value: str, quote: str) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_style=quote, allow_unicode=True, width=1000)
    return text.rstrip("\n")


def _end(text: str, node: Any) -> int:
    """Return where the value ``node`` ends; a block's own mark is behind the comments that follow it."""
    if isinstance(node.value, list) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    start: int = node.start_mark.index
    end: int = node.end_mark.index
    return start + len(text[start:end].rstrip())


def _is_commented(text: str, node: Any) -> bool:
    if isinstance(node.value, list):
        return "#" in text
    return node.style in {"|", ">"} and "#" in text.split("\n", 1)[0]
