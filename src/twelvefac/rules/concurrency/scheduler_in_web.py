"""The web server runs the schedule.

## Why

Each worker and each replica of the web server imports the application, and each starts the scheduler: two of them send
every reminder twice, four send it four times. The schedule stops while the server is restarted, and jobs take time from
requests.

## What it does not flag

- A scheduler in a process of its own (`python scheduler.py`, `celery beat`), and code that no released server loads.
- One that is started under a condition that the environment decides.
- Jobs that only use the standard library: they tidy up this container, which each has to do for itself.
- Work after a request (`BackgroundTasks`), and loops that keep the process itself up to date (caches, metrics,
  heartbeats); a repeated job where all words of its name say so (`refresh_cache`), or all that it does is to empty
  such caches (`cache_clear`).

## How to fix

Start it as a process type of its own with exactly one replica: `python -m app.scheduler`, `celery -A app beat`, a
Kubernetes CronJob.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.credentials import words_of
from twelvefac.project.facts import Call, Function, PythonFacts, Value
from twelvefac.project.processes import Step
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_START = regex(
    r"(?:apscheduler\.schedulers\.(?:background|asyncio|gevent|tornado|twisted|qt)\.\w{1,40}Scheduler\(\)"
    r"|flask_apscheduler\.APScheduler\(\)|apscheduler\.(?:Async)?Scheduler\(\)|rocketry\.Rocketry\(\)"
    r"|aiojobs\.Scheduler\(\))\.(?:start|start_in_background|run|serve)"
)
_IMPORTED_START = regex(r"(?:[\w.]{1,200}\.)?(?:\w{0,30}_)?scheduler\.start")
_SERVERS = frozenset(
    ("uvicorn.run", "flask.Flask().run", "quart.Quart().run", "waitress.serve", "bottle.run", "sanic.Sanic().run")
)
_THREADS = ("threading.Thread", "threading.Timer")
_TASKS = ("asyncio.create_task", "asyncio.ensure_future", "asyncio.get_event_loop().create_task")
_PERIODIC = frozenset(
    "schedule scheduler scheduled scheduling cron job jobs cleanup purge prune reminder reminders digest periodic "
    "periodically consume consumer worker".split()
)
_OWN = frozenset(
    "cache caches metrics metric heartbeat health refresh reload watch watcher broadcast websocket ws listener".split()
)
_KEPT = frozenset(
    "cache caches config configuration settings metric metrics heartbeat health websocket websockets".split()
)
_KEEPING = frozenset(
    "refresh reload update clear reset load start run send ping broadcast collect periodic periodically loop task job "
    "local own memory in all the".split()
)
"""What a process has a copy of, and what else is in the name of a job that does no more than to look after that."""
_EMPTIES = regex(rb"(?:await )?[\w.]{1,200}\.cache_clear\(\)")
_SAYS = regex(rb"#.*|\"\"\"[^\"]*\"\"\"|log(?:ger|ging)?\.\w{1,12}\(\"[^\"]*\"\)")
"""Lines of a function that do nothing."""
_CALLS = regex(rb"(?:await )?(?:[\w.]{1,200}\.)?(\w{1,200})\(\)")
_SWITCHES = frozenset("scheduler schedule sched cron worker role job jobs background task tasks beat primary".split())
_FACTORY = regex(
    r"(?:create|make|build|init)_(?:\w{0,20}_)?app(?:lication)?|app_factory|get_application|\w{0,20}lifespan\w{0,20}"
)
_HOOKS = frozenset(
    ("on_event", "before_first_request", "before_serving", "on_startup", "listener", "before_server_start")
)
_COMMANDS = frozenset(("command", "group", "cli", "task", "shared_task", "actor"))

rule = Rule(
    __name__,
    factor=Factor.CONCURRENCY,
    summary="the web server runs the schedule",
    severity=HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=anchors(
        "apscheduler",
        r"app ~def[ \t]{1,4}(?:create|make|build|init|get)_(?:\w{0,20}_)?app(?:lication)?\b",
        r"scheduler start ~\.start[ \t]{0,4}\(",
        "repeat every ~repeat_every",
        "schedule run pending ~run_pending",
        r"threading thread while ~while[ \t(]{1,4}True",
        r"asyncio task while ~while[ \t(]{1,4}True",
        "rocketry",
        "aiojobs",
    ),
    names=frozenset(
        (
            "start",
            "add_job",
            "start_in_background",
            "run_pending",
            *(name.rpartition(".")[2] for name in (*_SERVERS, *_THREADS, *_TASKS)),
        )
    ),
    examples=(
        Example(
            "on import, and in a factory",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                from apscheduler.schedulers.background import BackgroundScheduler
                from flask import Flask

                app = Flask(__name__)
                scheduler = BackgroundScheduler()
                scheduler.start()  # <- scheduler-in-web
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop:create_app()"]
                -- b/shop/__init__.py --
                from flask import Flask
                from shop.jobs import scheduler

                def create_app():
                    app = Flask(__name__)
                    scheduler.start()  # <- scheduler-in-web
                    return app
                -- b/shop/jobs.py --
                from apscheduler.schedulers.background import BackgroundScheduler

                scheduler = BackgroundScheduler()
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "web:create_app()"]
                -- c/web.py --
                from flask import Flask

                from jobs import start_scheduler

                def create_app():
                    start_scheduler()
                    return Flask(__name__)
                -- c/jobs.py --
                from apscheduler.schedulers.background import BackgroundScheduler

                def start_scheduler():
                    scheduler = BackgroundScheduler()
                    scheduler.start()  # <- scheduler-in-web
            """,
        ),
        Example(
            "when the application starts",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]
                -- app/__init__.py --
                -- app/main.py --
                import asyncio
                from contextlib import asynccontextmanager

                from apscheduler.schedulers.asyncio import AsyncIOScheduler
                from fastapi import FastAPI
                from fastapi_utils.tasks import repeat_every

                scheduler = AsyncIOScheduler()

                async def cleanup_loop():
                    while True:
                        await asyncio.sleep(60)

                @asynccontextmanager
                async def lifespan(app):
                    scheduler.start()  # <- scheduler-in-web
                    asyncio.create_task(cleanup_loop())  # <- scheduler-in-web
                    yield

                app = FastAPI(lifespan=lifespan)

                @app.on_event("startup")
                @repeat_every(seconds=60)
                def remind():  # <- scheduler-in-web
                    pass
            """,
        ),
        Example(
            "what each process repeats for itself",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
                -- main.py --
                from contextlib import asynccontextmanager

                from fastapi import FastAPI
                from fastapi_utils.tasks import repeat_every

                from quality import forget_totals

                @asynccontextmanager
                async def lifespan(app):
                    await start_quality_refresh()
                    yield

                app = FastAPI(lifespan=lifespan)

                @repeat_every(seconds=3600)
                async def start_quality_refresh():
                    # they change once a day
                    await forget_totals()

                @repeat_every(seconds=60)
                async def update_metrics():
                    pass
                -- quality.py --
                async def forget_totals():
                    totals.cache_clear()
            """,
        ),
        Example(
            "a job whose name only begins like that",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
                -- main.py --
                from fastapi import FastAPI
                from fastapi_utils.tasks import repeat_every

                from shop import customers, prices

                app = FastAPI()

                @app.on_event("startup")
                @repeat_every(seconds=3600)
                async def refresh_subscriptions_and_charge_customers():  # <- scheduler-in-web
                    prices.cache_clear()
                    await customers.charge()
            """,
        ),
        Example(
            "a process of its own",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- compose.prod.yaml --
                services:
                  scheduler:
                    build: .
                    command: python scheduler.py
                -- app.py --
                from flask import Flask

                app = Flask(__name__)
                -- scheduler.py --
                from apscheduler.schedulers.background import BackgroundScheduler

                BackgroundScheduler().start()
            """,
        ),
        Example(
            "jobs that tidy up the container itself",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:create_app()"]
                -- app.py --
                import os

                from apscheduler.schedulers.background import BackgroundScheduler

                def remove_uploads(folder):
                    os.remove(folder)

                def create_app():
                    scheduler = BackgroundScheduler()
                    scheduler.add_job(remove_uploads, "interval", minutes=30)
                    scheduler.start()
            """,
        ),
        Example(
            "a switch, a command, a loop of the process's own",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:create_app()"]
                -- app.py --
                import os
                import threading
                import time

                from apscheduler.schedulers.background import BackgroundScheduler
                from flask import Flask

                scheduler = BackgroundScheduler()

                def refresh_cache():
                    while True:
                        time.sleep(60)

                def create_app():
                    app = Flask(__name__)
                    if os.getenv("RUN_SCHEDULER"):
                        scheduler.start()
                    threading.Thread(target=refresh_cache, daemon=True).start()

                    @app.cli.command("schedule")
                    def schedule():
                        scheduler.start()

                    return app
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    loaded = _of_web(service, facts)
    schedules = any(
        one.module.startswith("apscheduler")
        for path in loaded
        if (python := facts.file(path).python) is not None
        for one in python.imports
    )
    starting = _starting(service, facts, loaded)
    for path, python in facts.python():
        if path not in loaded:
            continue
        step, _, is_script = loaded[path]
        related = ((step.span, "this serves it"),)
        if _cleans_up(python):
            continue
        for call in python.calls:
            started = (path, call.scope) in starting and not _is_switched(call, python)
            severity = _judge(service, call, python, schedules=schedules) if started else None
            if severity is not None and (is_script or not call.guarded):
                subject = f"call:{call.name}"
                yield rule.at(
                    path, call.at, _MESSAGE, subject=subject, symbol=call.scope, related=related, severity=severity
                )
        repeated = [
            one
            for one in python.functions
            if any(_is_repeat(decorator) for decorator in one.decorators) and not _keeps_itself(service, path, one)
        ]
        for function in repeated[:1]:
            places = (*related, *((Span.of(path, one.at), "as well") for one in repeated[1:4]))
            yield rule.at(path, function.at, _MESSAGE, subject="repeat_every", symbol=function.name, related=places)


_MESSAGE = "every worker and replica of the web server starts this schedule: with two of them, each job runs twice"


def _of_web(service: Service, facts: Facts) -> Mapping[str, tuple[Step, str, bool]]:
    """The files that a web server loads: its step, the entry file, and whether that is run as a script."""
    servers = {step.span for _, step, _ in service.servers}
    found = {path: (step, entry, False) for path, (step, entry) in service.served.items() if step.span in servers}
    for _, step, entry in service.entries:
        reached = service.modules.reachable(entry)
        if _PERIODIC & set(words_of(entry.rpartition("/")[2].removesuffix(".py"))):
            continue
        calls = [
            call for path, call in facts.calls(*_SERVERS) if path in reached and (not call.guarded or path == entry)
        ]
        if calls:
            for path in reached:
                found.setdefault(path, (step, entry, True))
    return found


def _starting(
    service: Service, facts: Facts, loaded: Mapping[str, tuple[Step, str, bool]]
) -> frozenset[tuple[str, str]]:
    """The functions that run when the application is loaded or started, by file; "" is the module itself."""
    functions: dict[tuple[str, str], Function] = {}
    queue: list[tuple[str, str]] = []
    for path, (_, entry, is_script) in loaded.items():
        python = facts.file(path).python
        if python is None:
            continue
        queue.append((path, ""))
        for one in python.functions:
            if _is_command(one):
                continue
            functions[path, one.name] = one
            if _is_start(one) or (is_script and entry == path and not one.decorators):
                queue.append((path, one.name))
    seen: set[tuple[str, str]] = set()
    while queue:
        where = queue.pop()
        if where in seen:
            continue
        seen.add(where)
        function = functions.get(where)
        if function is not None:
            queue += [(where[0], name) for name in function.calls if (where[0], name) in functions]
            for name in function.outside:
                module, _, last = name.rpartition(".")
                target = service.modules.find(module) if module else None
                if target is not None and (target, last) in functions:
                    queue.append((target, last))
    return frozenset(seen)


def _is_start(function: Function) -> bool:
    last = function.name.rpartition(".")[2]
    if _FACTORY.fullmatch(last):
        return True
    if last == "ready" and function.parameters == ("self",) and function.name.rpartition(".")[0].endswith("Config"):
        return True
    for decorator in function.decorators:
        name = decorator.data[0] if decorator.kind == "call" else decorator.data
        if not isinstance(name, str) or name.rpartition(".")[2] not in _HOOKS:
            continue
        words = [value.text for value in decorator.data[1]] if decorator.kind == "call" else []
        if not any(word in ("shutdown", "after_server_stop", "before_server_stop") for word in words):
            return True
    return False


def _is_command(function: Function) -> bool:
    names = [one.data[0] if one.kind == "call" else one.data for one in function.decorators]
    return any(isinstance(name, str) and name.rpartition(".")[2] in _COMMANDS for name in names)


def _judge(service: Service, call: Call, python: PythonFacts, *, schedules: bool) -> Severity | None:
    """How bad a call is: HIGH for a scheduler's start that surely runs twice, else MEDIUM; None for other calls."""
    imported = schedules and _IMPORTED_START.fullmatch(call.name)
    if _START.fullmatch(call.name) or call.name == "schedule.run_pending" or imported:
        return HIGH if _runs_twice(service) else MEDIUM
    target: Value | None = None
    if call.name in _THREADS:
        target = call.arg("target", None) or call.arg("function", 1)
    elif call.name in _TASKS or call.name.endswith("loop.create_task"):
        target = call.args[0] if call.args else None
    if target is None or target.kind not in ("name", "call"):
        return None
    name = str(target.data[0] if target.kind == "call" else target.data)
    words = set(words_of(name.rpartition(".")[2]))
    loops = any(one.scope == name and one.pauses and not one.leaves for one in python.loops)
    return MEDIUM if loops and words & _PERIODIC and not words & _OWN else None


def _runs_twice(service: Service) -> bool:
    """Whether the text proves that there are several workers or replicas."""
    for process in service.released:
        for step in process.steps or ():
            number = step.launch.option("-w", "--workers", "--processes") or process.environment.get("WEB_CONCURRENCY")
            if number is not None and number.isdigit() and int(number) > 1:
                return True
    return any((workload.replicas or "").isdigit() and workload.replicas != "1" for workload, _ in service.deployed)


def _cleans_up(python: PythonFacts) -> bool:
    """Whether all jobs of a file only use the standard library: they tidy up this container, which each must do."""
    known = {one.name: one for one in python.functions}
    jobs = [call.arg("func", 0) for call in python.calls if call.name.rpartition(".")[2] == "add_job"]
    found = [known.get(str(job.data)) if job is not None and job.kind == "name" else None for job in jobs]
    return bool(found) and all(one is not None and not one.outside and not one.calls for one in found)


def _is_switched(call: Call, python: PythonFacts) -> bool:
    """Whether the environment is asked, where it is started, for what looks like a switch of it."""
    return any(_SWITCHES & set(words_of(read.key or "")) and read.scope in (call.scope, "") for read in python.env)


def _keeps_itself(service: Service, path: str, function: Function) -> bool:
    """Whether a job only keeps its own process up to date, by its whole name or all that it does: each has to do so."""
    words = set(words_of(function.name.rpartition(".")[2]))
    if words & _KEPT and words <= _KEPT | _KEEPING:
        return True
    places = [(path, name) for name in function.calls]
    places += [place for name in function.outside if (place := service.modules.locate(name, path)) is not None]
    emptying = {name.encode() for other, name in places if _empties(service, other, name, frozenset())}
    return _empties(service, path, function.name, emptying)


def _empties(service: Service, path: str, name: str, others: Collection[bytes]) -> bool:
    """Whether all that a function does is to empty caches in memory, itself or by calling ``others``.

    Told by its lines: what it calls may be in a file that no rule has parsed.
    """
    head = rb"^(?:async[ \t]+)?def[ \t]+%s\([^()\n]{0,200}\)[^:\n]{0,200}:[ \t]*\r?\n((?:(?:[ \t][^\n]*)?\n)+)"
    found = re.findall(head % re.escape(name.encode()), service.modules.read(path) + b"\n", re.MULTILINE)
    lines = [
        line for body in found for part in body.splitlines() if (line := part.strip()) and not _SAYS.fullmatch(line)
    ]
    return (
        len(found) == 1
        and bool(lines)
        and all(
            _EMPTIES.fullmatch(line) or ((call := _CALLS.fullmatch(line)) is not None and call.group(1) in others)
            for line in lines
        )
    )


def _is_repeat(decorator: Value) -> bool:
    name = decorator.data[0] if decorator.kind == "call" else decorator.data
    return isinstance(name, str) and name.rpartition(".")[2] == "repeat_every"
