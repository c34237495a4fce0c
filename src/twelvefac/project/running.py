"""Which calls of a server in Python the released processes come by: not those for developers."""

from twelvefac.project.facts import Call, PythonFacts
from twelvefac.project.processes import SCRIPT, Step
from twelvefac.project.services import Service
from twelvefac.project.tools import is_other_command


def is_guessed(service: Service) -> bool:
    """Whether no file says what runs in production: scripts that start a server are taken for it."""
    return any(process.source == SCRIPT for process in service.processes)


def started_call(service: Service, python: PythonFacts | None, path: str, call: Call) -> Step | None:
    """The step that starts the script which makes a call; None where what is released does not come by it.

    Left out are main guards of files that are imported, branches for debugging, and sub-commands that no released
    command line names.
    """
    started = service.started.get(path)
    if started is None or python is None or (call.guarded and started[1] != path) or python.is_debugged(call.at):
        return None
    words = [word for _, step, entry in service.entries if entry == started[1] for word in step.words]
    if not any("$" in word for word in words) and is_other_command(python, call.scope, words):
        return None
    return started[0]
