"""A process puts itself into the background.

## Why

The platform starts, watches and restarts the process that it started. One that forks into the background is out of its
sight: the container ends at once or goes on without its service, output is lost, and nothing restarts what dies.

## What it does not flag

- Workers that a server forks for itself and manages (gunicorn, celery).
- A process in the background of a start script beside another one: that is `many-processes-in-one`.
- A PID file alone.

## How to fix

Run it in the foreground: leave `--daemon`, `--detach`, `nohup` out, `celery worker` in place of `celery multi`.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.processes import Step
from twelvefac.project.running import started_call
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service

_FLAGS = {
    "gunicorn": ("-D", "--daemon"),
    "celery": ("-D", "--detach"),
    "hypercorn": ("--daemon",),
    "uwsgi": ("-d", "--daemonize", "--daemonize2"),
    "crossbar": ("--daemonize",),
}
_STARTERS = frozenset(("nohup", "start-stop-daemon", "systemctl", "daemonize", "setsid"))
_CALLS = ("daemon.DaemonContext", "daemon.daemon.DaemonContext", "daemonize.Daemonize", "os.setsid", "os.fork")

rule = Rule(
    __name__,
    factor=Factor.CONCURRENCY,
    summary="a process puts itself into the background",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    anchors=anchors("daemoncontext", "daemonize", "setsid fork"),
    names=frozenset(name.rpartition(".")[2] for name in _CALLS),
    examples=(
        Example(
            "options and starters",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD gunicorn --daemon -b :8000 app:app && tail -f /dev/null  # <- daemonize
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["./start.sh"]
                -- b/start.sh --
                #!/bin/sh
                celery multi start w1 -A app  # <- daemonize
                nohup python listen.py &  # <- daemonize
                exec gunicorn -b :8000 app:app
                -- b/app.py --
                -- b/listen.py --
            """,
        ),
        Example(
            "in Python",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                import os

                import daemon

                def detach():
                    if os.fork():
                        os._exit(0)
                    os.setsid()  # <- daemonize

                with daemon.DaemonContext():  # <- daemonize
                    detach()
            """,
        ),
        Example(
            "uWSGI's configuration",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD uwsgi uwsgi.ini && tail -f /var/log/uwsgi.log
                -- a/uwsgi.ini --
                [uwsgi]
                daemonize = /var/log/uwsgi.log  # <- daemonize
                -- a/app.py --
            """,
        ),
        Example(
            "nginx as nginx does by default",
            source="""
                -- Dockerfile --
                FROM debian:12-slim
                COPY nginx.conf /etc/nginx/nginx.conf
                CMD ["nginx", "-c", "/etc/nginx/nginx.conf"]  # <- daemonize
                -- nginx.conf --
                worker_processes 1;
                http { server { listen 80; } }
            """,
        ),
        Example(
            "nginx in the foreground",
            source="""
                -- a/Dockerfile --
                FROM debian:12-slim
                CMD ["nginx"]
                -- a/nginx.conf --
                daemon off;
                -- b/Dockerfile --
                FROM debian:12-slim
                CMD ["nginx", "-g", "daemon off;"]
                -- b/nginx.conf --
                worker_processes 1;
                -- c/Dockerfile --
                FROM nginx:1.27
                CMD ["nginx"]
            """,
        ),
        Example(
            "only where somebody asks for it",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                import daemon

                args = {}
                if args["daemon"]:
                    with daemon.DaemonContext():
                        print("away")
            """,
        ),
        Example(
            "in the foreground",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-w", "4", "-b", ":8000", "--pid", "/run/app.pid", "app:app"]
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                RUN nohup Xvfb :1 & sleep 1
                CMD ["celery", "-A", "app", "worker"]
                -- b/app.py --
            """,
        ),
        Example(
            "a fork that is no daemon, and a script that the image does not start",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                import os

                if os.fork() == 0:
                    os.execvp("nginx", ["nginx"])
                -- tool.py --
                import daemon

                with daemon.DaemonContext():
                    pass
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for process in service.released:
        for step in process.steps or ():
            yield from _configured(step, facts)
            how = _how(step) or ("nginx without `daemon off`" if _nginx_forks(step, facts) else "")
            if how:
                message = f"{how} puts the process into the background, where nothing watches or restarts it"
                yield rule.on(step.span, message, subject=f"command:{how}")
    forks = {path for path, call in facts.calls("os.fork")}
    for path, call in facts.calls(*_CALLS):
        started = started_call(service, facts.file(path).python, path, call)
        if started is None or call.name == "os.fork":
            continue
        if call.name == "os.setsid" and path not in forks:
            continue
        shown = call.name.rpartition(".")[2]
        message = f"{shown} puts the process into the background, where nothing watches or restarts it"
        related = ((started.span, "this starts it"),)
        yield rule.at(path, call.at, message, subject=f"call:{shown}", symbol=call.scope, related=related)


def _configured(step: Step, facts: Facts) -> Iterator[Finding]:
    """uWSGI that its configuration sends into the background."""
    for path, entries in facts.configurations(step.launch):
        for one in entries:
            if one.section == "uwsgi" and one.key in ("daemonize", "daemonize2"):
                message = f"uwsgi {one.key} puts the process into the background, where nothing watches or restarts it"
                related = ((step.span, "this reads it"),)
                yield rule.at(path, one.at, message, subject=f"uwsgi:{one.key}", related=related)


def _nginx_forks(step: Step, facts: Facts) -> bool:
    """Whether nginx is what the container lives as long as, and its configuration leaves its default: to fork."""
    launch = step.launch
    if launch.program != "nginx" or not step.last or launch.has("-t", "-T", "-s", "-v", "-V"):
        return False
    if any("daemon off" in word for word in launch.args):
        return False
    files = list(facts.nginx())
    is_known = any(path.rpartition("/")[2] == "nginx.conf" for path, _ in files)
    return is_known and not any(one.name == "daemon" for _, directives in files for one in directives)


def _how(step: Step) -> str:
    """What puts a step into the background; "" for nothing."""
    launch = step.launch
    flags = _FLAGS.get(launch.program, ())
    flag = next((word for word in launch.args if word.partition("=")[0] in flags), "")
    if flag:
        return f"{launch.program} {flag.partition('=')[0]}"
    if launch.program == "celery" and "multi" in launch.args and not {"stop", "stopwait", "kill"} & set(launch.args):
        return "celery multi"
    if launch.program == "systemctl" and launch.args[:1] not in (("start",), ("restart",)):
        return ""
    if launch.program == "start-stop-daemon" and not launch.has("--background", "-b"):
        return ""
    if launch.program == "setsid" and not step.background:
        return ""
    return launch.program if launch.program in _STARTERS else ""
