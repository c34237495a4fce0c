"""Requests share state through a variable of the process.

## Why

What one request leaves in a module's dictionary, the next one finds only if the same process serves it. With a second
worker or replica users see other users' data or none, and every deploy empties it.

## What it does not flag

- Containers that are filled at import or at start-up and only read afterwards (registries, constants, models).
- What is fetched for a key that is not there yet (`if key not in pages: pages[key] = load(key)`).
- Caches, metrics, locks and connection pools: losing them costs time, not data.
- A connection that is opened once (`global client`).

## How to fix

Keep it in a backing service: Redis, the database, a broker.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.callgraph import called
from twelvefac.project.credentials import words_of
from twelvefac.project.facts import Function, PythonFacts
from twelvefac.project.python_state import may_share
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.span import Pos, Span

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
    "cache cached caches memo memoized registry handlers metrics histogram gauge lock locks pool "
    "pools executor loaded initialized connections connection clients websockets sockets listeners subscribers "
    "warned warnings printed "
    "callbacks hooks plugins client producer producers consumers cluster clusters thread threads workers".split()
)


def _counts(name: str) -> bool:
    return _HARMLESS.isdisjoint(words_of(name))


rule = Rule(
    __name__,
    factor=Factor.PROCESSES,
    summary="requests share state through a variable of the process",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    # state may lie in a file that has no word of a framework
    anchors=anchors("", confirm=lambda file: may_share(file, _counts)),
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
            "in another module: a container, an instance, the application's state",
            source="""
                -- store.py --
                sessions = {}  # <- in-memory-state

                class Orders:
                    def __init__(self):
                        self.items = []  # <- in-memory-state

                    def add(self, order):
                        self.items.append(order)

                orders = Orders()
                -- app.py --
                import store
                from fastapi import FastAPI
                from store import orders, sessions

                app = FastAPI()

                @app.post("/login")
                def login(user: str):
                    sessions[user] = "t"
                    store.sessions[user] = "t"
                    orders.add(user)
                    app.state.users[user] = 1  # <- in-memory-state
                    return "ok"
            """,
        ),
        Example(
            "an object of one request",
            source="""
                -- app.py --
                from flask import Flask

                app = Flask(__name__)

                class Basket:
                    def __init__(self):
                        self.items = []

                    def add(self, item):
                        self.items.append(item)

                @app.post("/basket")
                def basket():
                    mine = Basket()
                    mine.add(1)
                    return {"items": mine.items}
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
                warned = set()
                client = None
                PLUGINS = []

                def register(plugin):
                    PLUGINS.append(plugin)
                    return plugin

                @app.on_event("startup")
                def load():
                    models["a"] = 1

                configs: dict[str, dict] = {}
                templates = {}

                def config(issuer):
                    global configs
                    if issuer not in configs:
                        answer = requests.get(issuer)
                        configs[issuer] = answer.json()
                    return configs[issuer]

                @app.get("/config")
                def show():
                    return config("a")

                @app.get("/pages/{name}")
                async def page(name: str):
                    if name not in templates:
                        templates[name] = await load_template(name)
                    return templates[name]

                @app.get("/rates/{name}")
                def rates(name: str):
                    global client
                    if client is None:
                        client = object()
                    rate_cache[name] = 1
                    if name not in warned:
                        warned.add(name)
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
    python = dict(facts.python())
    reached = called(_handlers(python), python, service.modules)
    said: set[tuple[tuple[str, Pos], str]] = set()
    for path, one in python.items():
        for shared in one.shared:
            written = [where for where in shared.writes if (path, where[0]) in reached]
            if not written or not _counts(shared.name):
                continue
            place = (path, shared.at)
            if shared.holds in ("container", "number"):
                starts = {where[1][:2] for where in shared.writes}
                read = [where for where in shared.reads if (path, where[0]) in reached and where[1][:2] not in starts]
                if not read:
                    continue
                related = [(Span.of(path, read[0][1]), f"{read[0][0]} reads it")]
            elif shared.holds == "imported":
                found = _container(shared.name, path, python, service)
                if found is None:
                    continue
                place, related = found, []
            elif shared.holds == "attribute":
                if not _is_shared_instance(shared.name, python):
                    continue
                related = []
            else:
                related = []
            related.insert(0, (Span.of(path, written[0][1]), f"{written[0][0]} changes it"))
            name = shared.name.rpartition(".")[2] if shared.holds == "imported" else shared.name
            message = (
                f"{name} is shared by requests through this process's memory: a second worker does not see it, "
                "a deploy empties it"
            )
            if (place, name) not in said:  # the same one, changed from another file
                said.add((place, name))
                yield rule.at(*place, message, subject=f"name:{name}", related=tuple(related))


def _container(name: str, path: str, python: dict[str, PythonFacts], service: Service) -> tuple[str, Pos] | None:
    """Where a name that is imported into ``path`` is bound to a container, if one of the service's files does so."""
    located = service.modules.locate(name, path)
    if located is None or located[0] not in python:
        return None
    at = dict(python[located[0]].containers).get(located[1])
    own = {shared.name for shared in python[located[0]].shared}
    return (located[0], at) if at is not None and located[1] not in own else None


def _is_shared_instance(name: str, python: dict[str, PythonFacts]) -> bool:
    """Whether a class whose attribute this is has an instance at module level, which all requests share."""
    owner = name.rpartition(".")[0]
    return any(owner == held for one in python.values() for _, held in one.instances)


def _handlers(python: dict[str, PythonFacts]) -> Iterator[tuple[str, str]]:
    """The functions that a request or a task runs."""
    for path, one in python.items():
        views = {item.name for item in one.classes if any(base.rpartition(".")[2] in _VIEWS for base in item.bases)}
        for function in one.functions:
            if _is_handler(path, function, views):
                yield path, function.name
                yield from ((path, inner.name) for inner in one.functions if inner.name.startswith(f"{function.name}."))


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
