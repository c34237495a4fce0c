"""Which calls of a server in Python the released processes come by: not those for developers."""

import re
from collections.abc import Callable, Iterator

from twelvefac.project.callgraph import only_by_hand
from twelvefac.project.facts import Call, PythonFacts
from twelvefac.project.processes import Step
from twelvefac.project.services import Service
from twelvefac.project.tools import is_other_command
from twelvefac.source.pattern import regex

_RUN = rb"\.run(?<=[pnr)]\.run)[ \t]{0,4}\("  # the search begins with a text
_RUNS = regex(_RUN)
RUN_OF_OTHERS = f"run ~{_RUN.decode()}"
"""The anchor of files that may run an application which another module makes."""
_CALLED = rb"=[ \t]{0,4}(?:\w{1,40}\.)?(\w{1,60})[ \t]{0,4}\("
_MADE = rb"^%s[ \t]{0,4}(?::[^=\n]{0,80})?" + _CALLED
_UNPACKED = rb"^[(\[]?[\w, \t]{0,200}\b%s\b[\w, \t]{0,200}[)\]]?[ \t]{0,4}" + _CALLED
"""``app, db = make()``: one of several that a function gives back."""
_TAKEN = regex(rb"(?:=|\breturn)[ \t]{0,4}(\w{1,60})\(")
_DEFINED = regex(rb"^(?:async[ \t]{1,4})?def[ \t]{1,4}(\w{1,60})\(", re.MULTILINE)
_AFTER_BODY = regex(rb"^[^\s#)\]}'\"]", re.MULTILINE)
"""A line that no longer belongs to a function: neither a comment, nor the end of parameters or of a text."""
_MAKES_FLASK = regex(rb"(?:=|\breturn)[ \t]{0,4}(?:flask\.)?Flask\(|:[ \t]{0,4}(?:flask\.)?Flask[ \t]{0,4}=(?!=)")


def runs_of_others(service: Service, python_of: Callable[[str], PythonFacts | None]) -> Iterator[tuple[str, Call]]:
    """The calls ``app.run()`` of a Flask application that a function or another module makes, as those of Flask's own.

    What makes it is told by its text, for the file that does may be one that no rule wants.
    """
    for path in sorted(service.started):
        python = python_of(path)
        for call in python.calls if python is not None else ():
            owner, _, last = call.name.rpartition(".")
            if (
                last == "run"
                and owner
                and _RUNS.search(service.modules.read(path))
                and (_is_flask(service, path, owner) or _is_unpacked(service, path, python, owner))
            ):
                yield path, call._replace(name="flask.Flask().run")


def _is_flask(service: Service, path: str, owner: str) -> bool:
    made_by = owner.endswith("()")
    name = owner.removesuffix("()")
    if "(" in name:
        return False
    found = (path, name) if "." not in name else service.modules.locate(name, path)
    if found is None or "." in found[1]:
        return False
    data, word = service.modules.read(found[0]), found[1].encode("utf-8", "surrogatepass")
    if not made_by:
        made = re.search(_MADE % re.escape(word), data, re.MULTILINE)
        if made is None:
            return False
        word = made.group(1)
        if word == b"Flask":
            return True
    return _gives_flask(data, word)


def _is_unpacked(service: Service, path: str, python: PythonFacts | None, owner: str) -> bool:
    """Whether a name is bound to one of several things that a function gives back, and that makes an application."""
    if python is None or not owner.isidentifier():
        return False
    made = re.search(_UNPACKED % re.escape(owner.encode()), service.modules.read(path), re.MULTILINE)
    if made is None:
        return False
    maker = made.group(1).decode("utf-8", "replace")
    module = next((one.module for one in python.imports if one.name == maker), None)
    found = service.modules.locate(f"{module}.{maker}", path) if module is not None else (path, maker)
    return found is not None and _gives_flask(service.modules.read(found[0]), made.group(1))


def _gives_flask(data: bytes, name: bytes) -> bool:
    """Whether a function makes an application, or another one of its module does from which it takes it."""
    bodies: dict[bytes, bytes] = {}
    for defined in _DEFINED.finditer(data):
        after = _AFTER_BODY.search(data, defined.end())
        bodies.setdefault(defined.group(1), data[defined.end() : after.start() if after is not None else len(data)])
    body = bodies.get(name, b"")
    return any(_MAKES_FLASK.search(bodies.get(one, b"")) for one in {name, *_TAKEN.findall(body)})


def started_call(service: Service, python: PythonFacts | None, path: str, call: Call) -> Step | None:
    """The step that starts the script which makes a call; None where what is released does not come by it.

    Left out are main guards of files that are imported, what only they lead to, branches for debugging, and
    sub-commands that no released command line names.
    """
    started = service.started.get(path)
    if started is None or python is None or (call.guarded and started[1] != path) or python.is_debugged(call.at):
        return None
    if started[1] != path and call.scope and call.scope in only_by_hand(path, python, service.modules):
        return None
    words = [word for _, step, entry in service.entries if entry == started[1] for word in step.words]
    if not any("$" in word for word in words) and is_other_command(python, call.scope, words):
        return None
    return started[0]
