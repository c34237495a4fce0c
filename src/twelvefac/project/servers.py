"""What the common Python servers bind by default, and how that is changed: one table, each row with a version.

Two ways lead to a server: a command line (``COMMANDS``) and a call in Python (``CALLS``).
"""

from collections.abc import Mapping
from typing import NamedTuple

from twelvefac.project.command import Launch
from twelvefac.source.pattern import regex

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1", "[::1]", "ip6-localhost"))


class ServerCommand(NamedTuple):
    """A server started by a command line.

    ``host`` and ``bind`` are the options for an address and for ``address:port``; ``host_env`` the environment
    variable that stands for them; ``default`` what it binds without; ``dev`` whether it is made for development.
    """

    name: str
    default: str
    host: tuple[str, ...] = ()
    bind: tuple[str, ...] = ()
    host_env: str = ""
    reload: tuple[str, ...] = ()
    dev: bool = False


_COMMANDS = {
    "uvicorn": ServerCommand(  # 0.54: config.py, main.py
        "uvicorn", "127.0.0.1", host=("--host",), host_env="UVICORN_HOST", reload=("--reload",)
    ),
    "gunicorn": ServerCommand(  # 27: config.py, class Bind: 0.0.0.0:$PORT where PORT is set
        "gunicorn", "127.0.0.1", bind=("-b", "--bind"), host_env="PORT", reload=("--reload",)
    ),
    "hypercorn": ServerCommand("hypercorn", "127.0.0.1", bind=("-b", "--bind"), reload=("--reload",)),  # 0.17
    "granian": ServerCommand(  # 2.8
        "granian", "127.0.0.1", host=("--host",), host_env="GRANIAN_HOST", reload=("--reload",)
    ),
    "daphne": ServerCommand("daphne", "127.0.0.1", host=("-b", "--bind")),  # 4.2
    "uwsgi": ServerCommand("uwsgi", "", bind=("--http", "--http-socket")),  # 2.0: no default
    "waitress-serve": ServerCommand("waitress", "0.0.0.0", host=("--host",), bind=("--listen",)),  # noqa: S104 - 3.0
    "sanic": ServerCommand("sanic", "127.0.0.1", host=("-H", "--host"), reload=("--dev", "-d", "-r")),  # 25
    "http.server": ServerCommand("http.server", "0.0.0.0", host=("-b", "--bind"), dev=True),  # noqa: S104 - 3.13
    "litestar run": ServerCommand(  # 2.18
        "litestar run", "127.0.0.1", host=("-H", "--host"), host_env="LITESTAR_HOST", reload=("-r", "--reload")
    ),
    "fastapi run": ServerCommand("fastapi run", "0.0.0.0", host=("--host",), reload=("--reload",)),  # noqa: S104 - 0.0.20
    "fastapi dev": ServerCommand("fastapi dev", "127.0.0.1", host=("--host",), dev=True),
    "flask run": ServerCommand(  # 3.1
        "flask run",
        "127.0.0.1",
        host=("-h", "--host"),
        host_env="FLASK_RUN_HOST",
        reload=("--reload", "--debug"),
        dev=True,
    ),
    "quart run": ServerCommand(  # 0.20
        "quart run", "127.0.0.1", host=("-h", "--host"), host_env="QUART_RUN_HOST", reload=("--reload",), dev=True
    ),
    "runserver": ServerCommand("manage.py runserver", "127.0.0.1", dev=True),  # Django 6.0: an address argument
    "runserver_plus": ServerCommand("manage.py runserver_plus", "127.0.0.1", dev=True),  # django-extensions 4
}
_ELSEWHERE = ("--uds", "--fd", "--unix-socket", "-u", "-c", "--config", "--ini", "--socket")
"""Options that name a socket, or a file that may."""
_ADDRESS = regex(r"(?:[^\s=/]{1,200}:)?(?:\d{1,5}|\$\{?\w{1,60}(?::?-\d{1,5})?\}?)")
"""``runserver``'s own argument: a port or ``address:port``."""
_DJANGO = frozenset(("django-admin", "django", "manage.py"))


class Listening(NamedTuple):
    """A server on a command line: what it is and the host it binds; None where the text does not tell."""

    server: ServerCommand
    host: str | None
    stated: bool
    reloads: bool


def listening(start: Launch, environment: dict[str, str | None]) -> Listening | None:
    """The server that a command line starts; ``environment`` are the image's ENV. None for anything else."""
    server, args = _server(start)
    if server is None:
        return None
    start = start._replace(args=args)
    reloads = start.has(*server.reload)
    if server.name.startswith("manage.py"):
        host = next((word.rpartition(":")[0] for word in args if _ADDRESS.fullmatch(word)), "")
        return Listening(server, None if "$" in host else host or server.default, bool(host), reloads)
    value = start.option(*server.host) if server.host else None
    if value is None and server.bind:
        hosts = [_bind_host(bound) for bound in start.options(*server.bind)]
        value = next((host for host in hosts if host not in LOOPBACK), hosts[0] if hosts else None)
    if value is not None:
        return Listening(server, None if "$" in value else value, stated=True, reloads=reloads)
    if start.options(*_ELSEWHERE) or "GUNICORN_CMD_ARGS" in environment:
        return Listening(server, None, stated=False, reloads=reloads)
    if server.host_env and server.host_env in environment:
        given = "0.0.0.0" if server.name == "gunicorn" else environment[server.host_env]  # noqa: S104 - its rule for PORT
        return Listening(server, given, stated=True, reloads=reloads)
    return Listening(server, server.default, stated=False, reloads=reloads)


def _server(start: Launch) -> tuple[ServerCommand | None, tuple[str, ...]]:
    program, args = start.program, start.args
    if program == "python" and args and args[0].rsplit("/", 1)[-1] == "manage.py":
        program, args = "manage.py", args[1:]
    if program in _DJANGO:
        if not args:
            return None, args
        return (_COMMANDS.get(args[0]) if args[0].startswith("runserver") else None), args[1:]
    if program in ("flask", "quart", "fastapi", "litestar"):
        for index, word in enumerate(args):
            if word in ("run", "dev"):
                return _COMMANDS.get(f"{program} {word}"), args[:index] + args[index + 1 :]
        return None, args
    return _COMMANDS.get(program), args


def _bind_host(bind: str) -> str:
    """The host of ``host:port``, ``:port``, ``unix:path`` or ``fd://n``; "" (every address) where none is given."""
    if bind.startswith(("unix:", "fd:")):
        return "$socket"
    bind = bind.removeprefix("tcp://").removeprefix("http://")
    host, colon, _ = bind.rpartition(":")
    return (host or "0.0.0.0") if colon else bind  # noqa: S104 - what the servers do with ":8000"


_APPLICATION = regex(r"[A-Za-z_][\w.]{0,200}(?::[\w.]{1,200}(?:\(.{0,200}\))?)?")
_LOADERS = frozenset(
    "uvicorn gunicorn hypercorn granian daphne waitress-serve dramatiq arq huey_consumer huey_consumer.py".split()
)
"""Programs that take the module of the application as an argument."""


def applications(start: Launch, environment: Mapping[str, str | None]) -> tuple[str, ...]:
    """Names that may be the module a server or worker loads (``app.main:app``), likeliest first."""
    program, args = start.program, start.args
    if program in ("flask", "quart"):
        given = start.option("--app", "-A") or environment.get(f"{program.upper()}_APP")
        return (given,) if given else ("app", "wsgi")
    if program in ("celery", "faust"):
        given = start.option("-A", "--app")
        return (f"{given}.celery", f"{given}.app", given) if given else ()
    if program == "fastapi":
        return tuple(word for word in args[1:] if word.endswith(".py"))[:1] or ("main", "app", "app.main")
    if program == "uwsgi":
        given = start.option("--module", "-w", "--wsgi", "--wsgi-file", "--mount")
        return (given.rpartition("=")[2],) if given else ()
    if program not in _LOADERS:
        return ()
    words = [word for word in reversed(args) if _APPLICATION.fullmatch(word)]
    return tuple(sorted(words, key=lambda word: ":" not in word))


class ServerCall(NamedTuple):
    """A server started by a call; ``host`` is the parameter's name and position."""

    name: str
    default: str
    host: tuple[str, int | None] = ("host", None)
    debug: str = ""
    dev: bool = False


CALLS: dict[str, ServerCall] = {
    "uvicorn.run": ServerCall("uvicorn.run", "127.0.0.1"),
    "uvicorn.Config": ServerCall("uvicorn.Config", "127.0.0.1"),
    "flask.Flask().run": ServerCall("app.run", "127.0.0.1", host=("host", 0), debug="debug", dev=True),
    "connexion.App().run": ServerCall("connexion's app.run", "", host=("host", 2), dev=True),  # 2: Flask's, 3: uvicorn
    "connexion.FlaskApp().run": ServerCall("connexion's app.run", "", host=("host", 2), dev=True),
    "apiflask.APIFlask().run": ServerCall("app.run", "127.0.0.1", host=("host", 0), debug="debug", dev=True),
    "dash.Dash().run": ServerCall("app.run", "127.0.0.1", host=("host", 0), debug="debug", dev=True),
    "dash.Dash().run_server": ServerCall("app.run_server", "127.0.0.1", host=("host", 0), debug="debug", dev=True),
    "quart.Quart().run": ServerCall("app.run", "127.0.0.1", host=("host", 0), debug="debug", dev=True),
    "flask_socketio.SocketIO().run": ServerCall("socketio.run", "127.0.0.1", host=("host", 1), debug="debug"),
    "werkzeug.serving.run_simple": ServerCall("run_simple", "", host=("hostname", 0), debug="use_debugger", dev=True),
    "wsgiref.simple_server.make_server": ServerCall("wsgiref", "", host=("host", 0), dev=True),
    "bottle.run": ServerCall("bottle.run", "127.0.0.1", debug="debug", dev=True),
    "bottle.Bottle().run": ServerCall("bottle.run", "127.0.0.1", debug="debug", dev=True),
    "aiohttp.web.run_app": ServerCall("web.run_app", "0.0.0.0"),  # noqa: S104 - its default
    "waitress.serve": ServerCall("waitress.serve", "0.0.0.0"),  # noqa: S104 - its default
    "sanic.Sanic().run": ServerCall("app.run", "127.0.0.1", host=("host", 0), debug="debug"),
    "tornado.web.Application().listen": ServerCall("app.listen", "0.0.0.0", host=("address", 1)),  # noqa: S104
}
"""Resolved callee -> server. Checked against the newest release of each in November 2026."""
