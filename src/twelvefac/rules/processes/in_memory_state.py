"""Requests share state through a variable of the process.

## Why

What one request leaves in a module's dictionary, the next one finds only if the same process serves it. With a second
worker or replica users see other users' data or none, and every deploy empties it.

## What it does not flag

- Containers that are filled at import or at start-up and only read afterwards (registries, constants, models).
- Caches, metrics, locks and connection pools: losing them costs time, not data.
- A connection that is opened once (`global client`).

## How to fix

Keep it in a backing service: Redis, the database, a broker.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.credentials import words_of
from twelvefac.project.facts import Function, PythonFacts
from twelvefac.project.python_state import may_share
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.span import Span

_ROUTES = frozenset(("route", "get", "post", "put", "patch", "delete", "websocket", "api_route", "websocket_route"))
_HOOKS = frozenset(
    ("before_request", "after_request", "teardown_request", "middleware", "exception_handler", "errorhandler")
)
_TASKS = frozenset(("celery.shared_task", "celery.Celery().task", "dramatiq.actor", "huey.task"))
_VIEWS = frozenset(
    "MethodView Resource APIView View ViewSet ModelViewSet GenericViewSet GenericAPIView RequestHandler HTTPEndpoint "
    "WebSocketEndpoint TemplateView WebsocketConsumer AsyncWebsocketConsumer JsonWebsocketConsumer".split()
)
_HARMLESS = frozenset(
    "cache cached caches memo memoized registry handlers metrics counter counters histogram gauge lock locks pool "
    "pools executor loaded initialized".split()
)

rule = Rule(
    __name__,
    factor=Factor.PROCESSES,
    summary="requests share state through a variable of the process",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    anchors=anchors(
        "flask",
        "fastapi",
        "starlette",
        "quart",
        "sanic",
        "bottle",
        "django",
        "aiohttp web",
        "tornado",
        "celery",
        "dramatiq",
        "litestar",
        "router",
        "route",
    ),
    confirm=may_share,
    examples=(
        Example(
            "a dictionary and a counter",
            source="""
                -- app.py --
                from flask import Flask, request

                app = Flask(__name__)
                carts = {}  # <- in-memory-state
                visits = 0  # <- in-memory-state

                @app.post("/cart")
                def add():
                    global visits
                    visits += 1
                    carts[request.json["user"]] = request.json["item"]
                    return {"visits": visits}

                @app.get("/cart/<user>")
                def show(user):
                    return {"item": carts.get(user)}
            """,
        ),
        Example(
            "through a helper, and in a class-based view",
            source="""
                -- api.py --
                from collections import defaultdict

                from fastapi import APIRouter
                from flask.views import MethodView

                router = APIRouter()
                sessions: dict[str, str] = {}  # <- in-memory-state
                orders = defaultdict(list)  # <- in-memory-state

                def remember(user, token):
                    sessions[user] = token

                @router.post("/login")
                async def login(user: str):
                    remember(user, "t")
                    return user in sessions

                class Orders(MethodView):
                    def get(self, user):
                        return orders[user]

                    def post(self, user):
                        orders[user].append(1)
            """,
        ),
        Example(
            "filled at start-up, cached, or local",
            source="""
                -- app.py --
                from fastapi import FastAPI

                app = FastAPI()
                models = {}
                rate_cache = {}
                client = None
                PLUGINS = []

                def register(plugin):
                    PLUGINS.append(plugin)
                    return plugin

                @app.on_event("startup")
                def load():
                    models["a"] = 1

                @app.get("/rates/{name}")
                def rates(name: str):
                    global client
                    if client is None:
                        client = object()
                    rate_cache[name] = 1
                    seen = {}
                    seen[name] = models["a"]
                    return rate_cache[name], PLUGINS
            """,
        ),
        Example(
            "written and never read",
            source="""
                -- app.py --
                from flask import Flask

                app = Flask(__name__)
                audit = []

                def helper(audit):
                    audit.append(1)

                @app.get("/")
                def index():
                    helper([])
                    return "ok"
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, python in facts.python():
        if not python.shared:
            continue
        reached = _reached(path, python)
        for shared in python.shared:
            written = [where for where in shared.writes if where[0] in reached]
            if not written or shared.holds not in ("container", "number") or _is_harmless(shared.name):
                continue
            starts = {where[1][:2] for where in shared.writes}
            read = [where for where in shared.reads if where[0] in reached and where[1][:2] not in starts]
            if not read:
                continue
            message = (
                f"{shared.name} is shared by requests through this process's memory: a second worker does not see it, "
                "a deploy empties it"
            )
            related = (
                (Span.of(path, written[0][1]), f"{written[0][0]} changes it"),
                (Span.of(path, read[0][1]), f"{read[0][0]} reads it"),
            )
            yield rule.at(path, shared.at, message, subject=f"name:{shared.name}", related=related)


def _is_harmless(name: str) -> bool:
    return not _HARMLESS.isdisjoint(words_of(name))


def _reached(path: str, python: PythonFacts) -> frozenset[str]:
    """The functions of a file that a request or task runs: handlers and what they call in it."""
    views = {one.name for one in python.classes if any(base.rpartition(".")[2] in _VIEWS for base in one.bases)}
    calls = {function.name: function.calls for function in python.functions}
    queue = [function.name for function in python.functions if _is_handler(path, function, views)]
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += calls.get(name, ())
            queue += [inner for inner in calls if inner.startswith(f"{name}.")]
    return frozenset(seen)


def _is_handler(path: str, function: Function, views: set[str]) -> bool:
    owner, _, method = function.name.rpartition(".")
    if owner in views:
        return not method.startswith("__")
    if path.rpartition("/")[2] == "views.py" and function.parameters[:1] == ("request",):
        return True
    for decorator in function.decorators:
        name = decorator.data[0] if decorator.kind == "call" else decorator.data
        if not isinstance(name, str):
            continue
        if name in _TASKS:
            return True
        last = name.rpartition(".")[2]
        if "." in name and last in _HOOKS:
            return True
        if decorator.kind == "call" and "." in name and last in _ROUTES:
            first = decorator.data[1][0] if decorator.data[1] else None
            if first is None or (first.text is not None and first.text.startswith(("/", "<"))) or first.text == "":
                return True
    return False
