"""What runs where nothing says so: scripts that start a server or a bot, in a repository without anything to deploy it.

Without Dockerfile, manifest, Compose file and Procfile the way to start a service is ``python app.py``. Told by a look
at the bytes, so that it does not hang on what the rules that are asked for have read.
"""

import posixpath
import re
from collections.abc import Callable, Iterable

from twelvefac.project.credentials import words_of
from twelvefac.project.folders import ASIDE, ASIDE_ON_TOP, MAKES
from twelvefac.source.pattern import regex

_GUARD = regex(rb"^if[ \t(]{1,4}__name__[ \t]{0,4}==[ \t]{0,4}['\"]__main__['\"]", re.MULTILINE)
_STARTS = regex(
    rb"\b(?:app|application|socketio|server|api|bot|client)\.run\(|\buvicorn\.run\(|\.serve_forever\(|\.run_app\(|"
    rb"\.run_polling\(|\bstart_polling\(|\binfinity_polling\(|\bstart_consuming\(|\brun_simple\("
)
_DEEPEST = 2
_MOST = 200


def started_scripts(root: str, python: Iterable[str], read: Callable[[str], bytes]) -> list[str]:
    """The files near the top of a service with a main guard that start a server, a bot or a consumer."""
    found = []
    for path in sorted(python)[:_MOST]:
        inside = path[len(root) + 1 :] if root else path
        *folders, name = inside.lower().split("/")
        if len(folders) > _DEEPEST or not (ASIDE | ASIDE_ON_TOP).isdisjoint(folders):
            continue
        if not (MAKES | {"test", "tests"}).isdisjoint(words_of(posixpath.basename(name)[:-3])):
            continue
        data = read(path)
        if _GUARD.search(data) and _STARTS.search(data):
            found.append(path)
    return found
