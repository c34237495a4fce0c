"""Looks at a Python file's text before it is parsed: they may only be wrong by saying yes, and rarely are."""

import pytest

from twelvefac.project.clients import may_be_local, may_name
from twelvefac.project.credentials import may_give_away
from twelvefac.project.glance import Glance
from twelvefac.project.python import read_python
from twelvefac.project.python_flow import may_be_endless
from twelvefac.project.python_logs import may_log_secret, may_print
from twelvefac.project.python_state import may_share
from twelvefac.project.scan import anchors, calling, has_any
from twelvefac.rules.config import secret_default

STORE = """
class Store:
    def __init__(self):
        self.all = []

    def add(self):
        self.all.append(1)

"""


def test_the_places_of_names_that_hold_a_secret_come_in_order() -> None:
    file = Glance(b"x_pass = apiKey\nPASSWORD\npass\ntokens\n")

    assert [file.data[at : at + 5] for at in file.secrets] == [b"pass ", b"Key\nP", b"PASSW", b"okens"]
    assert file.words == {b"x", b"pass", b"apikey", b"password", b"tokens"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print(user.password)", True),
        ("logger.info('%s', api_key)", True),
        ("logger.info('%s %s' % (name, token))", True),
        ("log.debug(f'{user.token!r} is new')", True),
        ("print(json.dumps(token))", True),
        ("print(os.environ)", True),
        ("print(os.getenv('DB_PASSWORD'))", True),
        ("print('the password is', x)", False),
        ("print(len(token))", False),
        ("print(mask(password))", False),
        ("print(tokens[0], user.token.name)", False),
        ("print(f'{mask(token)}', token=1)", False),
        ("print(get().token)", False),
        ("print('a')  # token\ntoken = 1", False),
    ],
)
def test_a_log_call_with_a_secret(text: str, expected: bool) -> None:
    assert may_log_secret(Glance(text.encode())) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("API_KEY = 'a8Fk29xQ0zLm'", True),
        ("SECRET_KEY = 'dev'", True),
        ("API_KEY = 'a8Fk29' 'xQ0zLm'", True),
        ("API_KEY = '''a8Fk29xQ0zLm'''", True),
        ("connect({'password': 'a8Fk29xQ0zLm'})", True),
        ("API_KEY = 'your-key'", False),
        ("def tokenize(text) -> Token:\n    '''Split a text into its tokens.'''", False),
        ("class PageToken:\n    '''Where a page\n    begins'''", False),
        ("text = (\n    'Checkout token: '\n    f'{token}'\n)", False),
        ("keyword = 'a8Fk29xQ0zLm'", False),
    ],
)
def test_a_secret_given_to_a_name(text: str, expected: bool) -> None:
    assert may_give_away(Glance(text.encode())) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    print('a')\n", True),
        ("print(\n    'a', end='')\n", True),
        ("print('a', file=sys.stderr)\n", False),
        ("# print('a')\n", False),
        ("'''\n>>> print(1)\n'''\n", False),
        ("x = 1\nif __name__ == '__main__':\n    print(x)\n", False),
    ],
)
def test_a_print_of_a_file_that_is_imported(text: str, expected: bool) -> None:
    assert may_print(Glance(text.encode())) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("carts = {}\n", False),
        ("carts = dict(a=1)\n\ndef add():\n    carts['x'] = 1\n", True),
        ("visits = 0\n\ndef add():\n    global visits\n    visits += 1\n", True),
        (STORE + "store = Store()\n", True),
        (STORE + "other = Other()\n", False),
        ("names = set(ALL)\n\ndef has(x):\n    return x in names\n", False),
        ("carts = {'a': 1}\n\ndef get():\n    return carts['a']\n", False),
    ],
)  # fmt: skip
def test_state_that_functions_share(text: str, expected: bool) -> None:
    assert may_share(Glance(text.encode()), lambda name: True) is expected


@pytest.mark.parametrize(
    ("arguments", "names", "local"),
    [
        ("host='db'", True, True),
        ("host=HOST", True, True),  # a constant, which may be a literal
        ("host=host", False, False),
        ("host=settings.HOST", True, True),
        ("", False, True),
        ("port=PORT, db=0", False, True),
        ("connection_pool=pool", False, False),
        ("**options", False, False),
        ("  # as the deploy says :)\n HOST", True, True),
    ],
)
def test_what_a_client_is_given(arguments: str, names: bool, local: bool) -> None:
    assert may_name(arguments.encode()) is names
    assert may_be_local(arguments.encode()) is local


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import redis\nredis.Redis(host)\n", False),
        ("import redis\nredis.Redis(host)\nredis.Redis(\n  'db',\n)\n", True),
        ("from redis import Redis as Store\nStore('db')\n", True),
        ("import other\nother.Store('db')\n", False),
    ],
)
def test_a_call_with_such_arguments(text: str, expected: bool) -> None:
    assert has_any(Glance(text.encode()), calling("redis.Redis", given=may_name)) is expected


def test_a_look_is_asked_only_where_the_expression_matches() -> None:
    both = anchors("redis ~Redis\\(", confirm=lambda file: b"host" in file.data)

    assert has_any(Glance(b"redis.Redis(host)"), both)
    assert not has_any(Glance(b"redis.Redis()"), both)
    assert not has_any(Glance(b"redis.Other(host)"), both)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("work()", True),
        ("if work():\n            return 1", False),
        ("if work():\n            break", False),
        ("for one in work():\n            break", True),
        ("for one in work():\n            return one", False),
        ("try:\n            work()\n        except ValueError:\n            return", True),
        ("try:\n            work()\n        except ValueError:\n            pass\n        raise Done", False),
        ("def inner():\n            return 1\n        work(inner)", True),
        ('text = """\n            return\n        """', True),
        ("text(  # here\n            1,\n)\n        return", False),
        ("# return\n        work()", True),
        ("work()\n    return 1", True),
    ],
)
def test_a_loop_that_nothing_leaves(body: str, expected: bool) -> None:
    text = f"def run():\n    while True:  # for ever\n        {body}\n"
    (loop,) = read_python(text.encode(), frozenset()).loops

    assert may_be_endless(Glance(text.encode())) is expected
    assert expected or loop.leaves  # wrong only by saying yes


@pytest.mark.parametrize("text", ["while True: work()\n", "x = 1; \\\nwhile (1):\n  work()\n", "while 1:\n\twork()\n"])
def test_a_loop_of_another_form_may_be_endless(text: str) -> None:
    assert may_be_endless(Glance(text.encode()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('os.getenv("SECRET_KEY")', False),
        ('os.environ["SECRET_KEY"]', False),
        ('os.getenv("SECRET_KEY", "x")', True),
        ('os.getenv(key="SECRET_KEY",\n    default="x")', True),
        ('(os.environ.get("DB_PASSWORD") or "x")', True),
        ('os.environ["TOKEN"] if "TOKEN" in os.environ else "x"', True),
        ('environ, config("SECRET_KEY", "x")', False),
        ('config = os.environ\nconfig.get("SECRET_KEY", "x")', True),
        ('from decouple import config\nconfig("SECRET_KEY", default="x")', True),
    ],
)
def test_a_read_of_a_secret_that_has_a_default(text: str, expected: bool) -> None:
    assert has_any(Glance(text.encode()), secret_default.rule.anchors) is expected
