"""Which port a server listens on: what its command line, its environment and its own default say, and calls in Python.

One table, checked against the newest release of each in November 2026, as in ``servers``.
"""

from collections.abc import Mapping
from typing import NamedTuple

from twelvefac.project.command import Launch
from twelvefac.project.dockerfile import expand
from twelvefac.project.facts import Call, PythonFacts, Value
from twelvefac.project.servers import listening
from twelvefac.source.pattern import regex

_NUMBER = regex(r"\d{1,5}")
_USED = regex(r"\$\{?(\w{1,100})")


class _Options(NamedTuple):
    """The options for a port and for ``address:port``, the variable that stands for them, the default."""

    default: int
    port: tuple[str, ...] = ()
    bind: tuple[str, ...] = ()
    variable: str = ""


_COMMANDS = {
    "uvicorn": _Options(8000, port=("--port",), variable="UVICORN_PORT"),
    "gunicorn": _Options(8000, bind=("-b", "--bind"), variable="PORT"),
    "hypercorn": _Options(8000, bind=("-b", "--bind")),
    "granian": _Options(8000, port=("--port",), variable="GRANIAN_PORT"),
    "daphne": _Options(8000, port=("-p", "--port")),
    "uwsgi": _Options(0, bind=("--http", "--http-socket")),
    "waitress": _Options(8080, port=("--port",), bind=("--listen",)),
    "sanic": _Options(8000, port=("-p", "--port")),
    "litestar run": _Options(8000, port=("-p", "--port"), variable="LITESTAR_PORT"),
    "fastapi run": _Options(8000, port=("--port",), variable="PORT"),
    "fastapi dev": _Options(8000, port=("--port",), variable="PORT"),
    "flask run": _Options(5000, port=("-p", "--port"), variable="FLASK_RUN_PORT"),
    "quart run": _Options(5000, port=("-p", "--port"), variable="QUART_RUN_PORT"),
    "manage.py runserver": _Options(8000),
    "manage.py runserver_plus": _Options(8000),
    "http.server": _Options(8000),
}
_POSITIONAL = regex(r"(?:[^\s=/]{1,200}:)?(\d{1,5}|\$\{?\w{1,60}(?::?-\d{1,5})?\}?)")
_FILES = ("-c", "--config", "--uds", "--fd", "--unix-socket", "-u", "--ini", "--socket")


class Bound(NamedTuple):
    """The ports of a server. ``numbers`` is empty where they are not certain; ``literal`` if the command states them.

    ``option`` is the option that states the port, "" where none does.
    """

    numbers: tuple[int, ...]
    literal: bool
    option: str


def bound(start: Launch, environment: Mapping[str, str | None]) -> Bound | None:
    """The port of the server that a command line starts; None for anything else.

    A variable is only followed where the image or the manifest gives it; ``${PORT:-8000}`` alone is not certain.
    """
    server = listening(start, dict(environment))
    options = _COMMANDS.get(server.server.name) if server is not None else None
    if server is None or options is None:
        return None
    stated = _stated(start, options, positional=server.server.name.startswith(("manage.py", "http.server")))
    if stated:
        option, texts = stated
        literal = all(_NUMBER.fullmatch(text) for text in texts)
        numbers = [_number(text, environment) for text in texts]
        return Bound(tuple(one for one in numbers if one is not None) if None not in numbers else (), literal, option)
    if server.server.name.startswith("manage.py"):  # Flask-Script's and others' have another default than Django's
        return Bound((), literal=False, option="")
    if start.options(*_FILES) or "GUNICORN_CMD_ARGS" in environment:
        return Bound((), literal=False, option="")
    if options.variable in environment:
        number = _number(environment[options.variable] or "", environment)
        return Bound(() if number is None else (number,), literal=False, option="")
    return Bound((options.default,) if options.default else (), literal=False, option="")


def _stated(start: Launch, options: _Options, *, positional: bool) -> tuple[str, list[str]] | None:
    """The option and the texts of the ports it gives; sockets and addresses without a port give none."""
    if positional:
        found = [match.group(1) for word in start.args if (match := _POSITIONAL.fullmatch(word))]
        return ("its argument", found[-1:]) if found else None
    port = start.option(*options.port) if options.port else None
    if port is not None:
        return options.port[-1], [port]
    binds = start.options(*options.bind) if options.bind else ()
    if not binds:
        return None
    tails = [bind.rpartition(":")[2] for bind in binds if ":" in bind and not bind.startswith(("unix:", "fd:"))]
    return options.bind[-1], tails or ["$"]


def _number(text: str, environment: Mapping[str, str | None]) -> int | None:
    names = _USED.findall(text)
    if any(environment.get(name) is None for name in names):
        return None
    value = expand(text, environment) if names else text
    return int(value) if value is not None and _NUMBER.fullmatch(value) else None


class PortParameter(NamedTuple):
    """Where a call has its port: a parameter, its position, what it is without.

    ``pair`` is the position of an ``(address, port)``; ``address`` tells a text that ends with the port.
    """

    name: str
    position: int | None = None
    pair: int | None = None
    address: bool = False
    default: int | None = None


CALLS: dict[str, PortParameter] = {
    "uvicorn.run": PortParameter("port", default=8000),
    "uvicorn.Config": PortParameter("port", default=8000),
    "flask.Flask().run": PortParameter("port", 1, default=5000),
    "connexion.App().run": PortParameter("port", 0),
    "connexion.FlaskApp().run": PortParameter("port", 0),
    "apiflask.APIFlask().run": PortParameter("port", 1, default=5000),
    "dash.Dash().run": PortParameter("port", 1),  # which falls back to PORT
    "dash.Dash().run_server": PortParameter("port", 1),
    "quart.Quart().run": PortParameter("port", 1, default=5000),
    "flask_socketio.SocketIO().run": PortParameter("port", 2, default=5000),
    "werkzeug.serving.run_simple": PortParameter("port", 1),
    "wsgiref.simple_server.make_server": PortParameter("port", 1),
    "bottle.run": PortParameter("port", default=8080),
    "bottle.Bottle().run": PortParameter("port", default=8080),
    "aiohttp.web.run_app": PortParameter("port", default=8080),
    "aiohttp.web.TCPSite": PortParameter("port", 2),
    "waitress.serve": PortParameter("port"),
    "sanic.Sanic().run": PortParameter("port", 1, default=8000),
    "tornado.web.Application().listen": PortParameter("port", 0),
    "gevent.pywsgi.WSGIServer": PortParameter("listener", pair=0),
    "eventlet.listen": PortParameter("addr", pair=0),
    "socketserver.TCPServer": PortParameter("server_address", pair=0),
    "socketserver.ThreadingTCPServer": PortParameter("server_address", pair=0),
    "xmlrpc.server.SimpleXMLRPCServer": PortParameter("addr", pair=0),
    "websockets.serve": PortParameter("port", 2),
    "websockets.server.serve": PortParameter("port", 2),
    "http.server.HTTPServer": PortParameter("server_address", pair=0),
    "http.server.ThreadingHTTPServer": PortParameter("server_address", pair=0),
    "grpc.server().add_insecure_port": PortParameter("address", 0, address=True),
    "grpc.server().add_secure_port": PortParameter("address", 0, address=True),
    "grpc.aio.server().add_insecure_port": PortParameter("address", 0, address=True),
    "grpc.aio.server().add_secure_port": PortParameter("address", 0, address=True),
}
"""Resolved callee -> its port."""


class CallPort(NamedTuple):
    """The port that a call listens on: None where it is not certain; ``literal`` if the call states it."""

    number: int | None
    literal: bool


def port_of(call: Call, python: PythonFacts) -> CallPort:
    """The port that a call of ``CALLS`` listens on, as far as its file tells."""
    number = _stated_port(call, python)
    if number is not None:
        return CallPort(number, literal=True)
    parameter = CALLS[call.name]
    given = call.arg(parameter.name, parameter.position) is not None or call.is_open
    others = {name for name, _ in call.kwargs} & {"uds", "fd", "sock", "path", "listen", "unix_socket"}
    return CallPort(None if given or others else parameter.default, literal=False)


def _stated_port(call: Call, python: PythonFacts) -> int | None:
    parameter = CALLS[call.name]
    value = call.arg(parameter.name, parameter.pair if parameter.pair is not None else parameter.position)
    if value is None:
        return None
    if parameter.pair is not None:
        value = value.data[1] if value.kind == "list" and len(value.data) == 2 else None
    if value is not None and parameter.address:
        tail = (value.text or "").rpartition(":")[2]
        return int(tail) if _NUMBER.fullmatch(tail) else None
    return None if value is None else _literal(value, python)


def _literal(value: Value, python: PythonFacts) -> int | None:
    if value.kind == "name":  # a constant of the same file, given once
        given = [one.value for one in python.bindings if one.kind == "name" and one.target == value.data]
        if len(given) != 1 or given[0].kind == "name":
            return None
        value = given[0]
    if value.kind == "call" and value.data[0] == "int" and len(value.data[1]) == 1:
        value = value.data[1][0]
    if value.kind == "int":
        return int(value.data)
    return int(value.data) if value.kind == "str" and _NUMBER.fullmatch(value.data) else None
