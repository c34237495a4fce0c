"""One container runs several kinds of process.

## Why

The platform sees one process: the one that it started. A worker or scheduler beside the web server in the same
container dies unseen, is not restarted, gets no signal, and cannot be scaled without the other: two replicas of the web
server are two schedulers, and every job runs twice.

## What it does not flag

- Steps that end before the server starts (migrations), and those that the script waits for.
- A server that forks workers of its own kind.
- A process manager that starts one named process (`honcho start web`), an init (tini).

## How to fix

One process type a container, all from the same image: `gunicorn app:app` in one, `celery -A app worker` in another,
`celery -A app beat` in a third with exactly one replica. Compose and Kubernetes manifests name them as services.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.command import base_name
from twelvefac.project.processes import Process, Step
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_LASTING = frozenset(
    "gunicorn uvicorn hypercorn granian daphne waitress-serve uwsgi celery rq rqworker dramatiq arq huey_consumer "
    "huey_consumer.py faust flask fastapi sanic litestar streamlit supervisord nginx caddy haproxy apache2 "
    "apache2ctl httpd redis-server memcached mongod postgres mysqld cron crond supercronic rsyslogd node "
    "jupyter airflow prefect dagster celerybeat flower tor".split()
)
"""Programs that run until they are stopped."""
_DJANGO = frozenset(
    "runserver qcluster run_huey rqworker rqscheduler process_tasks runworker celery beat run_gunicorn".split()
)
_SUPERVISED = regex(r"^[ \t]{0,8}\[program:([\w.-]{1,60})\]", re.MULTILINE)
_LONGRUN = regex(r"(?:.{0,300}/)?(?:s6-rc\.d|services\.d|s6/[\w-]{1,30})/([\w.-]{1,60})/run")
_MANAGERS = frozenset(("honcho", "foreman", "forego", "goreman", "overmind", "hivemind"))

rule = Rule(
    __name__,
    factor=Factor.CONCURRENCY,
    summary="one container runs several kinds of process",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    examples=(
        Example(
            "in the background of a script or a line",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./start.sh"]
                -- a/start.sh --
                #!/bin/sh
                python manage.py migrate
                celery -A shop worker > /dev/stdout 2>&1 &  # <- many-processes-in-one
                exec gunicorn -b :8000 shop.wsgi
                -- a/manage.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD python poll.py & gunicorn -b :8000 app:app  # <- many-processes-in-one
                -- b/app.py --
                -- b/poll.py --
            """,
        ),
        Example(
            "a process manager",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["supervisord", "-n", "-c", "/etc/supervisord.conf"]  # <- many-processes-in-one
                -- a/supervisord.conf --
                [supervisord]
                nodaemon=true
                [program:web]
                command=gunicorn app:app
                [program:worker]
                command=celery -A app worker
                -- a/app.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["honcho", "start"]  # <- many-processes-in-one
                -- b/Procfile --
                web: gunicorn -b :$PORT app:app
                clock: python clock.py
                -- b/app.py --
                -- b/clock.py --
            """,
        ),
        Example(
            "the scheduler inside the worker",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["celery", "-A", "app", "worker", "-B", "-l", "info"]  # <- many-processes-in-one
                -- app.py --
            """,
        ),
        Example(
            "cron beside the server",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD service cron start && exec gunicorn -b :8000 app:app  # <- many-processes-in-one
                -- app.py --
            """,
        ),
        Example(
            "one after the other, and one kind each",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                ENTRYPOINT ["./start.sh"]
                CMD ["web"]
                -- a/start.sh --
                #!/bin/sh
                python warm.py &
                wait
                case "$1" in
                  web) exec gunicorn -b :8000 app:app ;;
                  worker) exec celery -A app worker ;;
                esac
                -- a/app.py --
                -- a/warm.py --
                if [ "$2" = "--dev" ]; then
                    node watch.js & python manage.py runserver
                fi
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["honcho", "start", "web"]
                -- b/Procfile --
                web: gunicorn -b :$PORT app:app
                worker: celery -A app worker
                -- b/app.py --
            """,
        ),
        Example(
            "a cron image, and a supervisor of one program",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["cron", "-f"]
                -- a/job.py --
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["supervisord", "-n"]
                -- b/supervisord.conf --
                [program:web]
                command=gunicorn app:app
                -- b/app.py --
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    seen: set[Span] = set()
    for process in service.released:
        found = _managed(service, facts, process) or _side_by_side(service, process) or _beat(process)
        if found is not None:
            step, message = found
            if step.span not in seen:
                seen.add(step.span)
                related = () if step.span == process.span else ((process.span, "this starts it"),)
                yield rule.on(step.span, message, subject=f"process:{process.source}:{process.name}", related=related)


def _side_by_side(service: Service, process: Process) -> tuple[Step, str] | None:
    """A step that goes on in the background while another one runs."""
    steps = process.steps or ()
    if not steps:
        return None
    for index, step in enumerate(steps):
        rest = steps[index + 1 :]
        behind = _goes_on(service, process, step)
        if not behind or step.block:  # a branch may be one for development
            continue
        waited = next((place for place, one in enumerate(rest) if one.launch.program == "wait"), None)
        beside = rest if waited is None else rest[:waited]
        other = next((one for one in reversed(beside) if _lasts(service, one)), None)
        if other is not None:
            return step, (
                f"{behind} runs beside {_shown(other)} in one container: the platform neither sees it die nor restarts "
                "it, and both can only be scaled together"
            )
    return None


def _goes_on(service: Service, process: Process, step: Step) -> str:
    """The program that a step leaves running when the next step starts; "" if it leaves none."""
    launch = step.launch
    if launch.program == "service" and launch.args[1:2] in (("start",), ("restart",)):
        return launch.args[0]
    if launch.program in ("cron", "crond") and not step.last and not launch.has("-f", "-foreground", "-n"):
        return launch.program
    if launch.program in ("nginx", "redis-server", "supervisord", "apache2ctl") and not step.last:
        return launch.program if launch.program != "nginx" or not launch.has("-t", "-s", "-v", "-T") else ""
    if not step.background:
        return ""
    script = process.scripts(launch.program) if launch.program.endswith(".sh") else None
    started = {base_name(word) for one in script[1].commands for word in one.words[:2]} if script is not None else set()
    return _shown(step) if _lasts(service, step) or not _LASTING.isdisjoint(started) else ""


def _lasts(service: Service, step: Step) -> bool:
    launch = step.launch
    if launch.program in ("manage.py", "django-admin") or _manages(launch.args):
        words = launch.args[1:] if launch.program == "python" else launch.args
        return bool(words) and words[0] in _DJANGO
    if launch.program in ("flask", "fastapi"):
        return launch.has("run", "dev")
    if launch.program == "celery":
        return launch.has("worker", "beat", "flower", "events")
    if launch.program == "python":
        return bool(launch.args) and launch.args[0].endswith(".py")
    return (
        launch.program in _LASTING or launch.program.endswith(".py") or service.modules.find(launch.program) is not None
    )


def _manages(args: tuple[str, ...]) -> bool:
    return bool(args) and args[0].rpartition("/")[2] == "manage.py"


def _shown(step: Step) -> str:
    launch = step.launch
    words = [launch.program, *(word for word in launch.args[:6] if word in ("worker", "beat", "flower"))]
    return " ".join(words) if launch.program != "python" else f"python {launch.args[0]}"


def _managed(service: Service, facts: Facts, process: Process) -> tuple[Step, str] | None:
    """A process manager as what is started, and the programs that it starts."""
    for step in process.steps or ():
        names: list[str] = []
        program, args = step.launch.program, step.launch.args
        if program == "supervisord":
            names = _supervised(service, facts, step)
        elif program in _MANAGERS and "start" in args[:1] and not _names_one(args[1:]):
            names = [
                entry.name for path in service.files for entry in facts.file(path).procfile if entry.name != "release"
            ]
        elif program == "init" or (program in ("s6-svscan", "s6-overlay-suexec") and step.last):
            names = _longruns(service, facts)
        if len(names) > 1:
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            return step, (
                f"{program} runs {len(names)} kinds of process in one container ({shown}): the platform sees only "
                f"{program} and can scale none of them alone"
            )
    return None


def _names_one(args: tuple[str, ...]) -> bool:
    return any(not word.startswith("-") and "." not in word and "/" not in word for word in args)


def _supervised(service: Service, facts: Facts, step: Step) -> list[str]:
    """The programs of the configuration that supervisord is given; of the only one there is where none has its name."""
    given = (step.launch.option("-c", "--configuration") or "").rpartition("/")[2]
    texts = {path: text for path in service.files if (text := facts.file(path).text) and "[program:" in text}
    named = [path for path in texts if path.rpartition("/")[2] == given]
    chosen = named if len(named) == 1 else list(texts) if len(texts) == 1 or _included(texts) else []
    return [name for path in chosen for name in _SUPERVISED.findall(texts[path])]


def _included(texts: dict[str, str]) -> bool:
    """Whether the files are the parts of one configuration: all in one directory, one program each."""
    return len({path.rpartition("/")[0] for path in texts}) == 1 and all(
        len(_SUPERVISED.findall(text)) == 1 for text in texts.values()
    )


def _longruns(service: Service, facts: Facts) -> list[str]:
    """The services of s6 that go on: directories with a ``run`` and no ``up``, which a one-shot has."""
    inside = f"{service.root}/" if service.root else ""
    names = facts.repository.names
    return sorted(
        {
            match.group(1)
            for path in names
            if path.startswith(inside)
            and (match := _LONGRUN.fullmatch(path))
            and path.removesuffix("run") + "up" not in names
        }
    )


def _beat(process: Process) -> tuple[Step, str] | None:
    for step in process.steps or ():
        launch = step.launch
        if launch.program == "celery" and "worker" in launch.args and launch.has("-B", "--beat"):
            return (
                step,
                "celery worker -B runs the scheduler in the worker: a second worker runs every periodic task twice",
            )
    return None
