"""Facts of Python files: names, values, scopes and exact places."""

import contextlib
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.project.facts import Call, PythonFacts, Value
from twelvefac.project.python import read_python
from twelvefac.project.python_values import LONGEST_NAME
from twelvefac.project.unreadable import UnreadableError

WANTED = frozenset(("get", "run", "Session", "add", "hit"))


def read(source: str) -> PythonFacts:
    return read_python(textwrap.dedent(source).encode(), WANTED)


def calls(source: str) -> list[tuple[str, str]]:
    """Each kept call's resolved name and scope."""
    return [(call.name, call.scope) for call in read(source).calls]


def plain(value: Value | None) -> object:
    """A value without its places."""
    if value is None:
        return None
    if value.kind == "env":
        return ("env", value.data[0], plain(value.data[1]))
    if value.kind == "list":
        return [plain(item) for item in value.data]
    if value.kind == "dict":
        return {str(plain(key)): plain(item) for key, item in value.data}
    if value.kind == "call":
        return ("call", value.data[0], *map(plain, value.data[1]), {key: plain(one) for key, one in value.data[2]})
    return value.data if value.is_literal else (value.kind, value.data)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import requests\nrequests.get()", ["requests.get"]),
        ("import requests as r\nr.get()", ["requests.get"]),
        ("from requests import get\nget()", ["requests.get"]),
        ("from requests import get as fetch\nfetch()", ["requests.get"]),
        ("import a.b.c\na.b.c.get()", ["a.b.c.get"]),
        ("import a.b.c as d\nd.get()", ["a.b.c.get"]),
        ("from . import client\nclient.get()", [".client.get"]),
        ("from ..net import client as c\nc.get()", ["..net.client.get"]),
        ("from .net import get\nget()", [".net.get"]),
        ("from x import *\nget()", ["get"]),
        ("get()\nfrom requests import get", ["requests.get"]),  # the import below its use
        ("import requests\ns = requests.Session()\ns.get()", ["requests.Session", "requests.Session().get"]),
        ("from requests import Session\nSession().get()", ["requests.Session().get", "requests.Session"]),
        ("import requests\ns: object = requests.Session()\ns.get()", ["requests.Session", "requests.Session().get"]),
        ("import requests\na, b = requests, 1\na.get()", ["requests.get"]),
        ("import requests\nf = requests.get\nf()", ["requests.get"]),
        ("import requests\nr = requests\ns = r\ns.get()", ["requests.get"]),
        ("a = b\nb = a\na.get()", ["a.get"]),  # a cycle ends
        ("a = a.next()\na.get()", ["a.get"]),
        ("x[0].get()", []),
        ("(a or b).get()", []),
        ("'x'.get()", []),
    ],
)
def test_names_are_resolved(source: str, names: list[str]) -> None:
    assert [name for name, _ in calls(source)] == names


def test_instances_belong_to_their_scope() -> None:
    source = """
        import httpx, requests

        client = requests.Session()

        def one():
            client = httpx.Client()
            client.get()

        def two():
            client.get()

        class Api:
            def __init__(self):
                self.http = httpx.Client()

            def call(self):
                def inner():
                    self.http.get()
                self.http.get()

        class Other:
            def call(self):
                self.http.get()
    """
    assert [one for one in calls(source) if one[0].endswith("get")] == [
        ("httpx.Client().get", "one"),
        ("requests.Session().get", "two"),
        ("httpx.Client().get", "Api.call.inner"),
        ("httpx.Client().get", "Api.call"),
        ("self.http.get", "Other.call"),
    ]


def test_with_and_await_bind_instances() -> None:
    source = """
        import aiohttp

        async def fetch():
            async with aiohttp.ClientSession() as s, aiohttp.Other() as t:
                await s.get()
                t.get()
            u = await aiohttp.connect()
            u.get()
            with open("x") as (a, b):
                a.get()
    """
    assert [name for name, _ in calls(source)] == [
        "aiohttp.ClientSession().get",
        "aiohttp.Other().get",
        "aiohttp.connect().get",
        "a.get",
    ]


def test_arguments_and_what_may_be_hidden() -> None:
    [one, two, three] = read("get(1, 'a', k=None)\nget(*x)\nget(**x)\n").calls

    assert [plain(value) for value in one.args] == [1, "a"]
    assert (plain(one.arg("k")), plain(one.arg("other", 1)), one.arg("other", 2), one.arg("other")) == (
        None,
        "a",
        None,
        None,
    )
    assert one.arg("k") is not None
    assert (one.is_open, two.is_open, three.is_open) == (False, True, True)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a' 'b'", "ab"),
        ("'a' + 'b' + 'c'", "abc"),
        ("b'a\\xff'", "aÿ"),
        ("1", 1),
        ("-1.5", -1.5),
        ("True", True),
        ("None", None),
        ("1j", ("other", None)),
        ("...", ("other", None)),
        ("0x" + "f" * 16, 2**64 - 1),
        ("0x" + "f" * 17, ("other", None)),  # Python may refuse to print it
        ("x + 'a'", ("other", None)),
        ("a.b", ("name", "a.b")),
        ("(1, [2], {3})", [1, [2], [3]]),
        ("{'a': 1, **b}", {"a": 1}),
        ("f(1, k='v')", ("call", "f", 1, {"k": "v"})),
        ("[[[[[[[[1]]]]]]]]", [[[[[[("other", None)]]]]]]),
    ],
)
def test_values(expression: str, value: object) -> None:
    [call] = read(f"hit({expression})").calls

    assert plain(call.args[0]) == value


@pytest.mark.parametrize("expression", ["'a' + x", "f'a{x}'"])
def test_a_text_put_together_keeps_its_parts(expression: str) -> None:
    [call] = read(f"hit({expression})").calls

    assert [plain(part) for part in call.args[0].data] == ["a", ("name", "x")]


ENV = [
    ("import os\nos.environ['X']", "X", None),
    ("import os\nos.environ.get('X')", "X", None),
    ("import os\nos.environ.get('X', 'd')", "X", "d"),
    ("import os\nos.environ.get('X', default='d')", "X", "d"),
    ("import os\nos.getenv(key='X', default='d')", "X", "d"),
    ("import os\nos.environ.setdefault('X', 'd')", "X", "d"),
    ("import os\nos.environ.pop('X', 'd')", "X", "d"),
    ("from os import environ, getenv\nenviron['X']", "X", None),
    ("from os import getenv as g\ng('X', 'd')", "X", "d"),
    ("import os as o\ne = o.environ\ne.get('X')", "X", None),
    ("import os\nos.getenv(name, 'd')", None, "d"),
    ("import os\nos.environ[f'{x}']", None, None),
    ("from decouple import config\nconfig('X', default='d')", "X", "d"),
    ("from decouple import AutoConfig\nconfig = AutoConfig('.')\nconfig('X', 'd')", "X", "d"),
    ("from decouple import Config, RepositoryEnv\nc = Config(RepositoryEnv('.env'))\nc('X')", "X", None),
    ("from starlette.config import Config\nc = Config('.env')\nc('X', default='d')", "X", "d"),
    ("from starlette.config import Config\nc = Config('.env')\nc('X', str, 'd')", "X", "d"),
    ("import environ\nenv = environ.Env()\nenv('X', default='d')", "X", "d"),
    ("import environ\nenv = environ.Env(DEBUG=(bool, False))\nenv('X', str, 'd')", "X", "d"),
    ("import environ\nenv = environ.Env()\nenv.str('X', 'd')", "X", "d"),
    ("import environ\nenv = environ.Env()\nenv.db_url('X', default='d')", "X", "d"),
    ("from environs import Env\nenv = Env()\nenv.str('X', 'd')", "X", "d"),
    ("from environs import Env\nenv = Env()\nenv('X', 'd')", "X", "d"),
    ("from environs import env\nenv.url('X', default='d')", "X", "d"),
]


@pytest.mark.parametrize(("source", "key", "default"), ENV)
def test_reads_of_the_environment(source: str, key: str | None, default: str | None) -> None:
    [read_] = read(source).env

    assert (read_.key, plain(read_.default)) == (key, default)
    assert read_.at[0] == source.count("\n") + 1


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['X'] = 'y'",
        "import os\ndel os.environ['X']",
        "import os\n'X' in os.environ",
        "environ.get('X')",  # nobody imported it
        "import flask\nflask.request.environ.get('X')",
        "import environ\nenv = environ.Env(DEBUG=(bool, False))",
    ],
)
def test_what_reads_no_variable(source: str) -> None:
    assert read(source).env == ()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("os.getenv('X') or 'd'", ("env", "X", "d")),
        ("os.getenv('X') or os.getenv('Y') or 'd'", ("env", "X", "d")),
        ("os.getenv('X', 'a') or 'd'", ("env", "X", "d")),
        ("os.environ['X'] if 'X' in os.environ else 'd'", ("env", "X", "d")),
        ("os.getenv('X', os.getenv('Y', 'd'))", ("env", "X", ("env", "Y", "d"))),
        ("os.environ['X']", ("env", "X", None)),
    ],
)
def test_defaults_are_found_however_they_are_written(expression: str, value: object) -> None:
    [binding] = read(f"import os\nNAME = {expression}").bindings

    assert (binding.target, binding.kind, plain(binding.value)) == ("NAME", "name", value)


def test_bindings_of_every_kind() -> None:
    source = """
        import flask
        app = flask.Flask(__name__)
        A = "name"
        app.b = "attribute"
        app.config["C"] = "item"
        D = {"d": "key", 1: "other", **A}
        connect(e="keyword")
        class F:
            f = "field"
            g: str = "typed"
            def h(self, i="parameter", *, j="only", k):
                l = "local"
                self.m = "mine"
        n, o = "one", "two"
        p = q = "both"
        r = ""
        s = None
    """
    found = [(one.target, one.kind, one.owner, one.scope, plain(one.value)) for one in read(source).bindings]

    assert sorted(found) == [
        ("A", "name", "", "", "name"),
        ("C", "item", "flask.Flask().config", "", "item"),
        ("app.b", "attribute", "", "", "attribute"),
        ("d", "key", "", "", "key"),
        ("e", "keyword", "connect", "", "keyword"),
        ("f", "field", "F", "F", "field"),
        ("g", "field", "F", "F", "typed"),
        ("i", "parameter", "F.h", "F.h", "parameter"),
        ("j", "parameter", "F.h", "F.h", "only"),
        ("l", "name", "", "F.h", "local"),
        ("n", "name", "", "", "one"),
        ("o", "name", "", "", "two"),
        ("p", "name", "", "", "both"),
        ("q", "name", "", "", "both"),
        ("self.m", "attribute", "", "F.h", "mine"),
    ]


def test_scopes_functions_and_classes() -> None:
    source = """
        import views

        @views.route("/")
        async def one(a, b, /, c, *d, e, **f):
            helper()
            helper()
            def inner():
                one()
            inner()

        class Api(views.View, Generic[T]):
            def get(self):
                self.post()

            def post(self):
                helper()

        def helper(): pass
    """
    facts = read(source)

    assert [(one.name, one.parameters, one.calls, one.at[:2]) for one in facts.functions] == [
        ("one", ("a", "b", "c"), ("helper", "one.inner"), (5, 1)),
        ("one.inner", (), ("one",), (8, 5)),
        ("Api.get", ("self",), ("Api.post",), (13, 5)),
        ("Api.post", ("self",), ("helper",), (16, 5)),
        ("helper", (), (), (19, 1)),
    ]
    assert [(one.name, one.bases) for one in facts.classes] == [("Api", ("views.View",))]
    assert [plain(one) for one in facts.functions[0].decorators] == [("call", "views.route", "/", {})]


@pytest.mark.parametrize(
    ("test", "guarded"),
    [
        ('__name__ == "__main__"', [True, False]),
        ('"__main__" == __name__', [True, False]),
        ('__name__ == "other"', [False, False]),
        ('__name__ != "__main__"', [False, False]),
        ("name == '__main__'", [False, False]),
    ],
)
def test_the_main_guard_covers_its_own_branch(test: str, guarded: list[bool]) -> None:
    facts = read(f"if {test}:\n    run()\nelse:\n    run()\n")

    assert [call.guarded for call in facts.calls] == guarded


def test_the_main_guard_covers_what_is_nested() -> None:
    facts = read('if __name__ == "__main__":\n    if a:\n        run()\n    else:\n        run()\nrun()\n')

    assert [call.guarded for call in facts.calls] == [True, True, False]


def test_imports_with_their_scope() -> None:
    source = "import a.b, c as d\nfrom .e import f, g as h\nfrom . import *\ndef i():\n    import j\n"

    assert [(one.module, one.name, one.scope, one.at[0]) for one in read(source).imports] == [
        ("a.b", "", "", 1),
        ("c", "", "", 1),
        (".e", "f", "", 2),
        (".e", "g", "", 2),
        (".", "*", "", 3),
        ("j", "", "i", 5),
    ]


def test_shared_state() -> None:
    source = """
        from collections import deque

        carts, jobs, seen, limit, name = {}, 1, 2, 3, 4
        carts = {}
        jobs = deque()
        count = 0
        model = None
        fixed = [1]

        def add(item):
            global count, model
            count += 1
            carts[item] = item
            jobs.append(item)
            model = object()

        def show():
            return carts, jobs, count, model, fixed

        def own(jobs):
            carts = {}
            carts["a"] = 1
            jobs.append(1)
    """
    found = {
        one.name: (one.holds, [name for name, _ in one.writes], [name for name, _ in one.reads])
        for one in read(source).shared
    }

    assert found == {
        "carts": ("container", ["add"], ["add", "show"]),
        "jobs": ("container", ["add"], ["add", "show"]),
        "count": ("number", ["add"], ["show"]),
    }


def test_strings_with_the_shape_of_a_credential_are_kept_docstrings_are_not() -> None:
    source = '''
        """See https://user:pa55word@example.com/."""
        def f():
            """And redis://:pa55word@cache/0 too."""
            g("redis://:pa55word@cache/0")
    '''
    assert [(one.value.at[0], one.scope) for one in read(source).literals] == [(5, "f")]


# Places


def only_call(source: bytes) -> Call:
    [call] = read_python(source, WANTED).calls
    return call


@pytest.mark.parametrize(
    ("source", "at"),
    [
        (b"get('x')", (1, 1, 1, 9)),
        ("é = get('漢')".encode(), (1, 5, 1, 13)),
        ("'𝄞'; get('𝄞'); 'é'".encode(), (1, 6, 1, 14)),
        ("# é\nget(\n 'é',\n)\n".encode(), (2, 1, 4, 2)),
        ("\ufeffé; get('é')".encode(), (1, 4, 1, 12)),  # a byte order mark takes no column
        (b"# coding: latin-1\n'\xe9'; get('\xe9')", (2, 6, 2, 14)),
        (b"#!/x\n# -*- coding: cp1252 -*-\n'\x80'; get()", (3, 6, 3, 11)),
        ("# vim: set fileencoding=koi8-r :\n'ж'; get()".encode("koi8-r"), (2, 6, 2, 11)),
        ("'é'\r\n'é'; get()\r\n".encode(), (2, 6, 2, 11)),
        ("\x0c'é'; get()".encode(), (1, 7, 1, 12)),
        ("\tget(\n'é')".encode().lstrip(), (1, 1, 2, 5)),
    ],
)
def test_places_are_characters(source: bytes, at: tuple[int, int, int, int]) -> None:
    assert only_call(source).at == at


@given(st.lists(st.sampled_from(["'é'", "get()", "'漢'", "b", "'𝄞'"]), min_size=1, max_size=12))
def test_a_call_stands_where_its_text_does(parts: list[str]) -> None:
    text = "; ".join(parts)
    found = [call.at for call in read_python(text.encode(), WANTED).calls]

    expected, at = [], -1
    while (at := text.find("get()", at + 1)) >= 0:
        expected.append((1, at + 1, 1, at + 6))
    assert found == expected


def test_a_lone_carriage_return_ends_a_line_for_python_only() -> None:
    facts = read_python("a = 'é'\rget()\r".encode(), WANTED)

    assert [call.at for call in facts.calls] == [(2, 1, 2, 6)]


# What is no Python of today, or was made to hurt


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b"print 'python 2'\n", 1),
        (b"x = 1\nexec 'code' in d\n", 2),
        (b"try:\n    pass\nexcept A, b:\n    pass\n", 3),
        (b"x = 1\0\n", 0),
        (b"a\0b", 0),
        (b"caf\xe9 = 1\n", 1),  # Latin-1 without saying so
        (b"# coding: no-such-codec\nx = 1\n", 0),
        (b"# coding: undefined\nx = 1\n", 0),
        (b"# coding: hex\nx = 1\n", 0),
        (b"# coding: punycode\nx = 1\n", 1),
        (b"# coding: IDNA\nx = 1\n", 1),
        (b"(" * 100_000, 1),
        (b"x = " + b"[" * 100_000 + b"]" * 100_000, 1),
        (b"x = 1" + b"+1" * 100_000, 0),
        (b"x = a" + b".b" * 100_000, 0),
        (b"x = " + b"-" * 100_000 + b"1", 0),
        (b"x = " + b"lambda: " * 100_000 + b"1", 0),
        (b"x = '" + b"a" * 1000, 1),
        (b"x = " + b"9" * 100_000, 1),
        (b"\xff\xfe" + "x = 1".encode("utf-16-le"), 0),
        (b"<<<<<<< HEAD\nx = 1\n", 1),
    ],
)
def test_what_cannot_be_parsed_is_unreadable_with_its_line(source: bytes, line: int) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_python(source, WANTED)

    assert str(caught.value)
    if line:  # Python does not tell for all, and not the same in each version
        assert caught.value.line in (line, 0)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"#",
        b"x = '" + b"a" * 900_000 + b"'\n",
        b"x = [" + b"1," * 100_000 + b"]\n",
        b"x = 0x" + b"f" * 100_000,
        b"if a: pass\n" + b"elif b: pass\n" * 500,
        b"x = 1\n" * 50_000,
        b"\t# coding: latin-1\nx = '\xe9'\n",
    ],
    ids=lambda source: repr(source[:16]),
)
def test_odd_but_valid(source: bytes) -> None:
    read_python(source, WANTED)


def test_5000_branches_are_facts_or_a_notice() -> None:
    """Which of them depends on the Python that runs; never a crash."""
    source = b"if a: get()\n" + b"elif b: get()\n" * 5000
    with contextlib.suppress(UnreadableError):
        assert len(read_python(source, WANTED).calls) == 5001


LONG = "a" * (LONGEST_NAME + 1)


@pytest.mark.parametrize(
    "source",
    [
        f"from {LONG} import b\n",
        f"import {LONG} as b\n",
        f"class {LONG}:\n    def f(self): pass\n",
        f"def {LONG}():\n    get()\n",
    ],
)
def test_a_name_that_would_be_copied_for_each_use_is_refused(source: str) -> None:
    """500 KB of a module's name, 100,000 names imported from it: 50 GB."""
    with pytest.raises(UnreadableError, match="a name of more than 500 characters"):
        read(source)


@pytest.mark.parametrize(
    "source",
    [f"{LONG}.get()", f"x = {LONG}()\nx.get()", "a" + ".b" * 300 + ".get()", "x = a" + ".b()" * 100 + ".get()"],
)
def test_a_name_that_long_is_not_followed(source: str) -> None:
    assert [name for name, _ in calls(source) if len(name) > LONGEST_NAME] == []


def test_a_chain_of_variables_does_not_grow_without_bound() -> None:
    parts = ["a0 = " + ".".join(["b" * 60] * 7) + "()"] + [f"a{n + 1} = a{n}.{'c' * 60}()" for n in range(9)]

    assert [name for name, _ in calls("\n".join([*parts, "a9.get()"]))] == []


def test_columns_are_not_kept_and_settings_are_that_are_made_alike() -> None:
    source = """
        class Order(Model):
            name = CharField("name")
            total = Column(default="0")
            weight = mapped_column("weight")

        class ProductionConfig(Config):
            SECRET_KEY = EnvField("SECRET_KEY")
            token: str = Field("secret")
    """
    assert [(one.owner, one.target) for one in read(source).bindings if one.kind == "field"] == [
        ("ProductionConfig", "SECRET_KEY"),
        ("ProductionConfig", "token"),
    ]
