"""A call to another service waits for an answer without limit.

## Why

requests, urllib, smtplib and http.client wait for ever by default. When the other side hangs, each request that calls
it holds a worker; soon none is left, and this service is down too.

## What it does not flag

- Clients with a limit of their own: httpx (5 seconds), aiohttp (5 minutes).
- A call that passes a timeout, or may pass one (`**options`).
- Scripts and tools of developers, and what only a build or a HEALTHCHECK runs (which Docker itself ends).
- requests in a service that mounts an adapter of its own, which is where a default timeout is put.

- Functions of a platform that ends them (`lambda_handler(event, context)`).

In commands, which hold no worker, it is low.

## How to fix

Pass `timeout=` on each call; for requests a pair `(connect, read)` in seconds.
"""

from collections.abc import Iterator
from typing import NamedTuple

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import LOW, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.callgraph import only_by_hand
from twelvefac.project.facts import Call, PythonFacts
from twelvefac.project.margin import own_arguments
from twelvefac.project.scan import anchors, calling
from twelvefac.project.services import Service
from twelvefac.project.tools import is_tool
from twelvefac.source.pattern import regex


class _Waiting(NamedTuple):
    """How a call takes its timeout: keyword, position; ``own`` whether the library has a limit without it."""

    keyword: str
    position: int | None
    own: bool = False


_METHODS = ("get", "options", "head", "post", "put", "patch", "delete", "request")
_REQUESTS = _Waiting("timeout", None)  # requests 2.34: api.py, no default
_HTTPX = _Waiting("timeout", None, own=True)  # httpx 0.28: 5 s unless None is passed
_CALLS: dict[str, _Waiting] = {
    **{f"requests.{method}": _REQUESTS for method in _METHODS},
    **{f"requests.{kind}().{method}": _REQUESTS for kind in ("Session", "session") for method in _METHODS},
    **{f"requests.sessions.Session().{method}": _REQUESTS for method in _METHODS},
    **{f"httpx.{method}": _HTTPX for method in _METHODS},
    **{f"httpx.{kind}().{method}": _HTTPX for kind in ("Client", "AsyncClient") for method in _METHODS},
    "httpx.Client": _HTTPX,
    "httpx.AsyncClient": _HTTPX,
    "aiohttp.ClientSession": _Waiting("timeout", None, own=True),
    "aiohttp.ClientTimeout": _Waiting("total", 0, own=True),
    "urllib.request.urlopen": _Waiting("timeout", 2),  # Python 3.13: socket's global default, none
    "http.client.HTTPConnection": _Waiting("timeout", 2),
    "http.client.HTTPSConnection": _Waiting("timeout", None),
    "smtplib.SMTP": _Waiting("timeout", 3),
    "smtplib.SMTP_SSL": _Waiting("timeout", None),
    "ftplib.FTP": _Waiting("timeout", 4),
    "imaplib.IMAP4_SSL": _Waiting("timeout", None),
    "socket.create_connection": _Waiting("timeout", 1),
}

_CLIENT_TIMEOUT = "aiohttp.ClientTimeout"
_LATER = frozenset(("smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP"))
_MANY = regex(
    rf"requests(?:\.[sS]ession|[ \t]{{1,4}}(?:as\b|import[ \t]{{1,4}}(?:\(|[^\n]{{0,300}}?\b(?:{'|'.join(_METHODS)}|"
    r"[sS]essions?)\b)))".encode()
)
_ONE = regex(rf"requests\.(?:{'|'.join(_METHODS)})\b(\()?".encode())
_GIVEN = regex(rb"\btimeout[ \t]{0,4}=(?![ \t]{0,4}None\b)|\*\*")


def _may_wait(data: bytes) -> bool:
    """Whether requests may be called without a timeout: by a session or another name, or directly."""
    if _MANY.search(data):
        return True
    for match in _ONE.finditer(data):
        if match.group(1) is None or not _GIVEN.search(own_arguments(data, match.end())):
            return True
    return False


rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="an outgoing call has no timeout",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=(
        *anchors("requests", confirm=lambda file: _may_wait(file.data)),
        *anchors(
            r"httpx none ~timeout[ \t]{0,4}=[ \t]{0,4}None",
            r"aiohttp none ~(?:timeout|total)[ \t]{0,4}=[ \t]{0,4}None|ClientTimeout\(\s{0,20}None",
            "httpadapter",
            "setdefaulttimeout",
        ),
        *calling(*(name for name in _CALLS if not name.startswith(("requests.", "httpx.", "aiohttp.")))),
    ),
    names=frozenset((*_CALLS, "mount", "setdefaulttimeout")),
    examples=(
        Example(
            "options that another call inside is given",
            source="""
                -- app.py --
                import requests

                def find(**options):
                    return requests.get(url(**options))  # <- no-timeout
            """,
        ),
        Example(
            "a function that its platform ends",
            source="""
                -- notify.py --
                import urllib.request

                def lambda_handler(event, context):
                    urllib.request.urlopen(event["url"])
            """,
        ),
        Example(
            "what only a person starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "-m", "shop.main"]
                -- shop/__init__.py --
                -- shop/main.py --
                from shop import prices

                prices.load()
                -- shop/prices.py --
                import requests

                def load():
                    return requests.get("https://example.com")  # <- no-timeout

                def write_table():
                    return requests.get("https://example.com/table")

                if __name__ == "__main__":
                    write_table()
            """,
        ),
        Example(
            "requests, a session and the standard library",
            source="""
                -- app.py --
                import smtplib
                from urllib.request import urlopen

                import requests

                session = requests.Session()

                def rates():
                    with requests.Session() as other:
                        other.get("https://api.example.com/rates")  # <- no-timeout
                    session.post("https://api.example.com/rates", json={})  # <- no-timeout
                    urlopen("https://api.example.com")  # <- no-timeout
                    smtplib.SMTP("mail.example.com")  # <- no-timeout
                    return requests.get("https://api.example.com/rates", timeout=None)  # <- no-timeout
            """,
        ),
        Example(
            "httpx and aiohttp switched off",
            source="""
                -- app.py --
                import aiohttp
                import httpx

                client = httpx.AsyncClient(timeout=None)  # <- no-timeout
                limit = aiohttp.ClientTimeout(total=None)  # <- no-timeout
            """,
        ),
        Example(
            "limits given, built in, or perhaps given",
            source="""
                -- app.py --
                import ftplib

                import aiohttp
                import httpx
                import requests

                LIMITS = aiohttp.ClientTimeout(total=None, sock_read=600)

                TIMEOUT = (3, 10)

                def rates(**options):
                    ftplib.FTP().connect("files.example.com", timeout=10)
                    httpx.get("https://api.example.com")
                    httpx.Client(timeout=10)
                    requests.get("https://api.example.com", timeout=TIMEOUT)
                    requests.get("https://api.example.com", **options)
                    {}.get("requests")
            """,
        ),
        Example(
            "a default for all sockets, set where it is loaded, and one that a function sets when it is called",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- a/app.py --
                import socket

                import requests

                socket.setdefaulttimeout(10)
                requests.get("https://api.example.com")
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "app.py"]
                -- b/app.py --
                import socket

                import requests

                def warehouse():
                    socket.setdefaulttimeout(10)

                requests.get("https://api.example.com")  # <- no-timeout
            """,
        ),
        Example(
            "a developer's script, a health check, and a step of the build",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                COPY . /srv
                RUN python /srv/app/fetch_model.py
                HEALTHCHECK CMD python /srv/app/probe.py || exit 1
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app.main:app"]
                -- app/main.py --
                app = object()
                -- app/probe.py --
                import requests

                requests.get("http://localhost:8000/health")
                -- app/fetch_model.py --
                import requests

                requests.get("https://models.example.com/one")
                -- app/build_package.py --
                import requests

                def download():
                    requests.get("https://files.example.com/chromium.zip")

                if __name__ == "__main__":
                    download()
                -- scripts/changelog.py --
                import requests

                requests.get("https://api.github.com/repos/o/r/releases")
            """,
        ),
        Example(
            "tools beside a program that is installed",
            source="""
                -- pyproject.toml --
                [project]
                name = "bot"
                -- tools/release.py --
                import requests

                requests.get("https://api.github.com/repos/o/r/releases")
                -- bot/auto_mock.py --
                import requests

                requests.get("https://api.github.com/repos/o/r/releases")
            """,
        ),
        Example(
            "a script that the image starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "scripts/worker.py"]
                -- scripts/worker.py --
                import requests

                requests.get("https://api.example.com/jobs")  # <- no-timeout
            """,
        ),
        Example(
            "an adapter that sets the default",
            source="""
                -- app.py --
                import requests
                from requests.adapters import HTTPAdapter

                class Limited(HTTPAdapter):
                    def send(self, request, **kwargs):
                        kwargs["timeout"] = kwargs.get("timeout") or 5
                        return super().send(request, **kwargs)

                session = requests.Session()
                session.mount("https://", Limited())
                session.get("https://api.example.com")
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    adapters = any(base.endswith("HTTPAdapter") for _, one in facts.classes() for base in one.bases)
    if any(not call.scope for _, call in facts.calls("socket.setdefaulttimeout")):
        return
    for path, call in facts.calls(*_CALLS):
        if adapters and call.name.startswith("requests."):
            continue
        if _is_function(facts.file(path).python):
            continue
        if (
            _waits(call)
            and service.comes_by(path, guarded=call.guarded)
            and not _is_by_hand(service, facts, path, call)
        ):
            shown = call.name.replace("()", "")
            by_hand = is_tool(path)
            what = "lets the command hang" if by_hand else "holds a worker"
            message = f"{shown} waits for an answer without limit: a hanging peer {what} for ever"
            severity = LOW if by_hand else MEDIUM
            yield rule.at(path, call.at, message, subject=f"call:{shown}", symbol=call.scope, severity=severity)


def _is_by_hand(service: Service, facts: Facts, path: str, call: Call) -> bool:
    """Whether a call stands where only a person comes by: below the main guard of a file that nothing starts."""
    python = facts.file(path).python
    if python is None or not call.scope or any(path == entry for _, _, entry in service.entries):
        return False
    if any(target.rpartition(":")[2] == call.scope for target in service.scripts.values()):
        return False
    return bool(service.reached) and call.scope in only_by_hand(path, python, service.modules)


def _is_function(python: PythonFacts | None) -> bool:
    """Whether a file is a function of a platform (AWS Lambda), which ends it by itself after a few seconds."""
    return python is not None and any(
        one.parameters[-2:] == ("event", "context") and one.name.endswith("handler") for one in python.functions
    )


def _waits(call: Call) -> bool:
    how = _CALLS[call.name]
    value = call.arg(how.keyword, how.position)
    if value is not None:
        # ClientTimeout(total=None, sock_read=600) ends where nothing comes for that long
        return value.kind == "none" and (call.name != _CLIENT_TIMEOUT or call.arg("sock_read") is None)
    if call.name in _LATER and not call.args and not call.kwargs:
        return False  # without a host it does not connect yet
    return not how.own and not call.is_open
