"""Logs are written to a file instead of the output stream.

## Why

A service that opens its own log file decides for the platform where logs go. In a container the file grows on a disk
that vanishes with it, no collector reads it, and with a read-only root the service does not even start.

## What it does not flag

- A file name that is the output stream: `/dev/stdout`, `/proc/1/fd/1`, `-`.
- Tests, scripts of developers, branches for debugging, and handlers that write to a stream.
- A file that only exists where the environment asks for it (`os.environ.get("LOG_FILE")`) or a
  setting (`if settings.file_logs:`).
- A configured handler that no logger has, or only where the environment says so.
- All but the first handler of a file: one configuration is one finding.

## How to fix

Log to stdout, one event a line (`logging.StreamHandler(sys.stdout)`), and let the platform route it.
"""

import posixpath
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.environment import READERS
from twelvefac.project.facts import Call, PythonFacts, Value
from twelvefac.project.images import Image
from twelvefac.project.log_configuration import ConfiguredHandler, handler_at
from twelvefac.project.nginx import Directive
from twelvefac.project.processes import Step
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

_HANDLERS = {
    "logging.FileHandler": ("filename", 0),
    "logging.handlers.RotatingFileHandler": ("filename", 0),
    "logging.handlers.TimedRotatingFileHandler": ("filename", 0),
    "logging.handlers.WatchedFileHandler": ("filename", 0),
    "concurrent_log_handler.ConcurrentRotatingFileHandler": ("filename", 0),
    "logging.basicConfig": ("filename", None),
    "loguru.logger.add": ("sink", 0),
    "logzero.logfile": ("filename", 0),
}
_CLASSES = frozenset(name for name in _HANDLERS if name.endswith("Handler"))
_GENERATED = regex(r"(?:^|\.)Configuration\.logger_file$")
"""The setter in clients that the OpenAPI generator writes: a file only if the caller asks for one."""
_STREAMS = ("/dev/stdout", "/dev/stderr", "/proc/1/fd/", "/proc/self/fd/", "/dev/fd/", "/dev/null")
_SERVER_OPTIONS = {
    "gunicorn": ("--access-logfile", "--error-logfile", "--log-file"),
    "hypercorn": ("--access-logfile", "--error-logfile", "--access-log", "--error-log"),
    "celery": ("-f", "--logfile"),
    "daphne": ("--access-log",),
    "uwsgi": ("--logto", "--logto2", "--daemonize"),
}

rule = Rule(
    __name__,
    factor=Factor.LOGS,
    summary="logs go to a file",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=anchors(
        "filehandler",
        "rotatingfilehandler",
        "timedrotatingfilehandler",
        "watchedfilehandler",
        "concurrentrotatingfilehandler",
        "basicconfig filename",
        "loguru add",
        "logzero",
    ),
    names=frozenset(name.rpartition(".")[2] for name in _HANDLERS),
    examples=(
        Example(
            "handlers, basicConfig, loguru and a dictionary",
            source="""
                -- app.py --
                import logging
                from logging.handlers import RotatingFileHandler

                logging.basicConfig(filename="app.log", level=logging.INFO)  # <- log-to-file
                logging.getLogger().addHandler(RotatingFileHandler("logs/app.log"))
                -- shop/handlers.py --
                import logging
                from logging.handlers import RotatingFileHandler

                logging.getLogger().addHandler(RotatingFileHandler("logs/app.log"))  # <- log-to-file
                -- shop/loguru_log.py --
                from loguru import logger

                logger.add("file_{time}.log")  # <- log-to-file
                -- shop/settings.py --
                import logging.config

                LOGGING = {
                    "version": 1,
                    "handlers": {
                        "file": {
                            "class": "logging.FileHandler",  # <- log-to-file
                            "filename": "/var/log/app.log",
                        },
                        "errors": {"class": "logging.FileHandler", "filename": "/var/log/errors.log"},
                    },
                }
                logging.config.dictConfig(LOGGING)
            """,
        ),
        Example(
            "a server's options",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b:80", "--access-logfile", "/var/log/access.log", "app:app"]  # <- log-to-file
                -- app.py --
            """,
        ),
        Example(
            "supervisor's and uWSGI's configuration",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                COPY supervisord.conf /etc/supervisor/supervisord.conf
                CMD ["supervisord", "-n", "-c", "/etc/supervisor/supervisord.conf"]
                -- a/supervisord.conf --
                [supervisord]
                logfile=/dev/null
                [program:web]
                command=gunicorn app:app
                stdout_logfile=/var/log/web.log ; read by nobody  # <- log-to-file
                stderr_logfile=/var/log/web.err
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["uwsgi", "--ini", "uwsgi.ini"]
                -- b/uwsgi.ini --
                [uwsgi]
                module = app:app
                logto = /var/log/uwsgi.log  # <- log-to-file
                -- b/app.py --
            """,
        ),
        Example(
            "supervisor with the streams, and a file that is not what runs",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["supervisord", "-n"]
                -- a/supervisord.conf --
                [supervisord]
                logfile=/dev/null
                [program:web]
                command=gunicorn app:app
                stdout_logfile=/dev/fd/1
                ;stderr_logfile=/var/log/web.err
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b:80", "app:app"]
                -- b/uwsgi.ini --
                [uwsgi]
                logto = /var/log/uwsgi.log
                -- b/app.py --
            """,
        ),
        Example(
            "nginx in the image",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                RUN apt-get install -y nginx
                COPY nginx.conf /etc/nginx/nginx.conf
                COPY deploy/nginx/sites /etc/nginx/conf.d
                CMD ["./start.sh"]
                -- nginx.conf --
                error_log /var/log/nginx/error.log warn;  # <- log-to-file
                http {
                    access_log /var/log/shop.log main;
                }
                -- deploy/nginx/sites/shop.conf --
                server { access_log /srv/access.log; }  # <- log-to-file
                -- app.py --
            """,
        ),
        Example(
            "nginx that logs to the streams, and one of somebody's machine",
            source="""
                -- a/Dockerfile --
                FROM nginx:1.27
                COPY nginx.conf /etc/nginx/nginx.conf
                -- a/nginx.conf --
                error_log /var/log/nginx/error.log;
                http {
                    access_log /var/log/nginx/access.log;
                    server { access_log off; }
                    server { access_log /dev/stdout; error_log stderr; }
                    server { access_log syslog:server=127.0.0.1; }
                }
                -- b/Dockerfile --
                FROM python:3.12-slim
                COPY . /app
                CMD ["python", "app.py"]
                -- b/app.py --
                -- b/deploy/nginx.conf --
                access_log /var/log/shop.log;
            """,
        ),
        Example(
            "streams",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b:80", "--access-logfile", "-", "--error-logfile=/dev/stderr", "app:app"]
                -- app.py --
                import logging
                import os
                import sys

                from loguru import logger

                log_file = os.environ.get("LOG_FILE")
                if log_file:
                    logging.getLogger().addHandler(logging.FileHandler(log_file))
                if settings.file_logs:
                    logging.getLogger().addHandler(logging.FileHandler("app.log"))
                if settings.log_path != "":
                    logging.getLogger().addHandler(logging.FileHandler(settings.log_path))
                if args.debug:
                    logging.getLogger().addHandler(logging.FileHandler("debug.log"))
                logging.basicConfig(stream=sys.stdout)
                logging.getLogger().addHandler(logging.FileHandler("/dev/stdout"))
                logger.add(sys.stderr, serialize=True)
                LOGGING = {"handlers": {"console": {"class": "logging.StreamHandler"}}}
                -- notifier.py --
                import logging.handlers
                import os

                log_file = os.environ.get("NOTIFIER_LOG_FILE")
                if log_file:
                    handler = logging.handlers.RotatingFileHandler(log_file, backupCount=10)
                else:
                    handler = logging.StreamHandler()
            """,
        ),
        Example(
            "handlers that no logger has unless the environment says so, or whose file is none without it",
            source="""
                -- a/settings.py --
                import environ

                env = environ.Env()
                HANDLERS = env.list("LOG_HANDLERS", default=["console"])
                LOGGING = {
                    "version": 1,
                    "handlers": {
                        "console": {"class": "logging.StreamHandler"},
                        "file": {"class": "logging.FileHandler", "filename": "/var/log/app.log"},
                    },
                    "loggers": {"django": {"handlers": HANDLERS}},
                }
                -- b/settings.py --
                import os

                file_handler = {"class": "logging.FileHandler", "filename": "app.log"}
                LOGGING = {
                    "version": 1,
                    "handlers": {
                        "console": {"class": "logging.StreamHandler"},
                        "null": {
                            "class": "logging.FileHandler",
                            "filename": os.environ.get("LOG_FILE", "/dev/null"),
                        },
                    },
                    "root": {"handlers": ["console", "null"]},
                }
                if os.environ.get("LOG_TO_FILE"):
                    LOGGING["handlers"]["file"] = file_handler
                    LOGGING["root"]["handlers"].append("file")
                -- c/settings.py --
                file_handler = {"class": "logging.FileHandler", "filename": "app.log"}  # <- log-to-file
                LOGGING = {
                    "version": 1,
                    "handlers": {"file": file_handler},
                    "loggers": {"django": {"handlers": ["file"]}},
                }
                -- d/settings.py --
                LOGGING = {
                    "version": 1,
                    "handlers": {
                        "console": {"class": "logging.StreamHandler"},
                        "file": {"class": "logging.FileHandler", "filename": "app.log"},  # <- log-to-file
                    },
                    "root": {"handlers": ["console"]},
                    "loggers": {"shop": {"handlers": ["file"]}},
                }
            """,
        ),
        Example(
            "a test's own log, a script's, and that of a generated client",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["/init"]
                -- shop/log-merge.py --
                import logging

                logging.basicConfig(filename="merge.log")
                -- scripts/load.py --
                import logging

                logging.basicConfig(filename="load.log")
                -- orders_client/configuration.py --
                import logging

                class Configuration:
                    @property
                    def logger_file(self):
                        return self.__logger_file

                    @logger_file.setter
                    def logger_file(self, value):
                        self.__logger_file = value
                        if self.__logger_file:
                            self.logger_file_handler = logging.FileHandler(self.__logger_file)
                -- tests/conftest.py --
                import logging

                logging.basicConfig(filename="test.log")
                -- app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, python in facts.python():
        guarded = service.comes_by(path, guarded=True)
        found = [*_calls(python, guarded=guarded), *_classes(python)]
        if found and service.ships(path):
            shown, at, scope, message = found[0]
            related = tuple((Span.of(path, one[1]), one[0]) for one in found[1:])
            yield rule.at(path, at, message, subject=f"handler:{shown}", symbol=scope, related=related)
    yield from _nginx(service, facts)
    for process in service.released:
        for step in process.steps or ():
            yield from _configured(step, facts)
            written = [
                option
                for option in _SERVER_OPTIONS.get(step.launch.program, ())
                if (target := step.launch.option(option)) and target != "-" and not target.startswith((*_STREAMS, "$"))
            ]
            if written:
                message = f"{step.launch.program} {' and '.join(written)}: the log goes to a file inside the container"
                yield rule.on(step.span, message, subject=f"option:{written[0]}")


def _configured(step: Step, facts: Facts) -> Iterator[Finding]:
    """Files that the configuration of supervisord or uWSGI names for logs."""
    for path, entries in facts.configurations(step.launch):
        written = [
            one
            for one in entries
            if one.key in _FILE_KEYS and one.value.startswith("/") and not one.value.startswith(_STREAMS)
        ]
        if written:
            first, *others = written
            message = f"{step.launch.program} writes to a file inside the container ({first.key})"
            related = ((step.span, "this reads it"), *((Span.of(path, one.at), one.key) for one in others))
            yield rule.at(path, first.at, message, subject=f"{step.launch.program}:{first.key}", related=related)


_FILE_KEYS = frozenset("logfile stdout_logfile stderr_logfile logto logto2".split())


def _nginx(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, directives in facts.nginx():
        statement = _copies(service, path)
        if statement is None:
            continue
        image, place = statement
        written = [one for one in directives if _writes_file(one, image)]
        if written:
            first, *others = written
            message = f"nginx writes its {first.name} to a file inside the container"
            also = tuple((Span.of(path, one.at), one.name) for one in others)
            related = ((place, "this puts it into the image"), *also)
            yield rule.at(path, first.at, message, subject="nginx", related=related)


def _writes_file(one: Directive, image: Image) -> bool:
    target = one.args[0] if one.args else ""
    if one.name not in ("access_log", "error_log") or "$" in target or target.startswith(_STREAMS):
        return False
    return target.startswith("/") and not (target in _NGINX_DEFAULTS and _is_linked(image))


_NGINX_DEFAULTS = ("/var/log/nginx/access.log", "/var/log/nginx/error.log")


def _is_linked(image: Image) -> bool:
    """Whether nginx's own log files are the streams: in its official images, and where a build links them."""
    return "nginx" in image.base or any(
        one.keyword == "RUN" and "/dev/stdout" in one.text + "".join(one.heredocs) for one in image.instructions
    )


def _copies(service: Service, path: str) -> tuple[Image, Span] | None:
    """The released image that a file is copied into, and the instruction; a copy of everything says nothing."""
    for image in service.released_images:
        folders = {service.root, posixpath.dirname(image.path), ""}
        for one in image.instructions:
            if one.keyword not in ("COPY", "ADD") or any(name == "from" for name, _ in one.flags):
                continue
            words = one.args if one.form == "exec" else tuple(one.text.split())
            for word in words[:-1]:
                source = posixpath.normpath(word.lstrip("/") or ".")
                taken = {posixpath.join(folder, source) for folder in folders}
                if source != "." and not taken.isdisjoint((path, posixpath.dirname(path))):
                    return image, Span.of(image.path, one.at)
    return None


_Handler = tuple[str, Pos, str, str]
"""What is shown of a handler, its place, its scope, and what is said about it."""


def _calls(python: PythonFacts, *, guarded: bool) -> Iterator[_Handler]:
    """``guarded`` whether what stands under a main guard counts."""
    for call in python.calls:
        if call.guarded and not guarded:
            continue
        if call.name in _HANDLERS and _opens_file(call, python) and not _GENERATED.search(call.scope):
            shown = "logger.add" if call.name.startswith("loguru") else call.name.rpartition(".")[2]
            message = (
                f"{shown} writes the log to a file, which no platform collects and which vanishes with the container"
            )
            yield shown, call.at, call.scope, message


def _classes(python: PythonFacts) -> Iterator[_Handler]:
    for binding in python.bindings:
        if binding.kind == "key" and binding.target in ("class", "()") and binding.value.text in _CLASSES:
            if python.is_debugged(binding.value.at):
                continue
            handler = handler_at(binding.value.at, python)
            if handler is not None and (not handler.used or _names_stream(handler)):
                continue
            shown = str(binding.value.text).rpartition(".")[2]
            message = f"the logging configuration sends events to a file ({shown}), which no platform collects"
            yield shown, binding.value.at, binding.scope, message


def _names_stream(handler: ConfiguredHandler) -> bool:
    """Whether a configured handler has no file but where the environment names one."""
    name = handler.settings.get("filename")
    return name is not None and name.kind == "env" and (name.data[1] is None or _is_stream(name.data[1]))


def _opens_file(call: Call, python: PythonFacts) -> bool:
    keyword, position = _HANDLERS[call.name]
    value = call.arg(keyword, position)
    if value is None or python.is_debugged(call.at):
        return False
    if value.kind == "name" and _is_asked_for(str(value.data), python):
        return False
    if call.name == "loguru.logger.add":  # anything else is a stream, a function or a handler
        return value.kind in ("str", "joined") and not _is_stream(value)
    return value.kind != "none" and not _is_stream(value)


def _is_asked_for(name: str, python: PythonFacts) -> bool:
    """Whether a variable holds what the environment gives, and nothing unless somebody asks for a file."""
    given = [one.value for one in python.bindings if one.kind == "name"]
    if not name.endswith("()"):  # a variable that is read from the environment goes by the call's name
        given = [one.value for one in python.bindings if one.kind == "name" and one.target == name]
    elif name.removesuffix("()") not in READERS:
        return False
    return any(one.kind == "env" and (one.data[1] is None or _is_stream(one.data[1])) for one in given)


def _is_stream(value: Value) -> bool:
    text = value.text
    if value.kind == "env":  # where the environment decides, the default does
        default = value.data[1]
        return default is None or _is_stream(default)
    return value.kind == "none" or (text is not None and (text == "" or text.startswith(_STREAMS)))
