"""Servers on command lines: what they bind, and whether they are made for development."""

import shlex

import pytest

from twelvefac.project.command import launch
from twelvefac.project.servers import CALLS, listening

OPEN, LOOP = "0.0.0.0", "127.0.0.1"


@pytest.mark.parametrize(
    ("line", "environment", "host", "stated"),
    [
        ("uvicorn app:app", {}, LOOP, False),
        ("uvicorn app:app --host 0.0.0.0", {}, OPEN, True),
        ("uvicorn app:app --host=::", {}, "::", True),
        ("uvicorn app:app --host $HOST", {}, None, True),
        ("uvicorn app:app --host ${HOST:-0.0.0.0}", {}, None, True),
        ("uvicorn app:app", {"UVICORN_HOST": OPEN}, OPEN, True),
        ("uvicorn app:app", {"UVICORN_HOST": None}, None, True),
        ("uvicorn app:app --uds /run/a.sock", {}, None, False),
        ("uvicorn app:app --uds=/run/a.sock", {}, None, False),
        ("uvicorn app:app --fd=3", {}, None, False),
        ("python -m uvicorn app:app", {}, LOOP, False),
        ("gunicorn app:app", {}, LOOP, False),
        ("gunicorn -b :8000 app:app", {}, OPEN, True),
        ("gunicorn -b 0.0.0.0:8000 app:app", {}, OPEN, True),
        ("gunicorn --bind=127.0.0.1:8000 app:app", {}, LOOP, True),
        ("gunicorn -b [::]:8000 app:app", {}, "[::]", True),
        ("gunicorn -b 0.0.0.0:$PORT app:app", {}, OPEN, True),
        ("gunicorn -b $BIND app:app", {}, None, True),
        ("gunicorn -b unix:/run/a.sock app:app", {}, None, True),
        ("gunicorn -b fd://3 app:app", {}, None, True),
        ("gunicorn -b 0.0.0.0:80 -b 127.0.0.1:81 app:app", {}, OPEN, True),
        ("gunicorn -b 127.0.0.1:80 -b 127.0.0.1:81 app:app", {}, LOOP, True),
        ("gunicorn app:app", {"PORT": "80"}, OPEN, True),
        ("gunicorn app:app", {"GUNICORN_CMD_ARGS": "-b :80"}, None, False),
        ("gunicorn -c conf.py app:app", {}, None, False),
        ("gunicorn --config conf.py app:app", {}, None, False),
        ("gunicorn --config=conf.py app:app", {}, None, False),
        ("gunicorn -cconf.py app:app", {}, None, False),
        ("hypercorn app:app", {}, LOOP, False),
        ("hypercorn app:app", {"": "x"}, LOOP, False),
        ("hypercorn -b 0.0.0.0:80 app:app", {}, OPEN, True),
        ("hypercorn --config=conf.toml app:app", {}, None, False),
        ("granian app:app", {}, LOOP, False),
        ("granian app:app", {"GRANIAN_HOST": OPEN}, OPEN, True),
        ("daphne app:app", {}, LOOP, False),
        ("daphne -b 0.0.0.0 app:app", {}, OPEN, True),
        ("daphne -u /run/a.sock app:app", {}, None, False),
        ("waitress-serve app:app", {}, OPEN, False),
        ("waitress-serve --listen=127.0.0.1:80 app:app", {}, LOOP, True),
        ("python -m http.server 80", {}, OPEN, False),
        ("flask run", {}, LOOP, False),
        ("flask --app a run -h 0.0.0.0", {}, OPEN, True),
        ("flask run", {"FLASK_RUN_HOST": OPEN}, OPEN, True),
        ("fastapi run app.py", {}, OPEN, False),
        ("fastapi dev app.py", {}, LOOP, False),
        ("litestar run", {}, LOOP, False),
        ("python manage.py runserver", {}, LOOP, False),
        ("python manage.py runserver 80", {}, LOOP, False),
        ("python manage.py runserver 0.0.0.0:80", {}, OPEN, True),
        ("python manage.py runserver 0:80", {}, "0", True),
        ("./manage.py runserver --noreload [::]:80", {}, "[::]", True),
        ("python manage.py runserver --settings app.settings 0.0.0.0:80", {}, OPEN, True),
        ("python manage.py runserver 0.0.0.0:$PORT", {}, OPEN, True),
        ("python manage.py runserver $HOST:80", {}, None, True),
        ("django-admin runserver 0.0.0.0:80", {}, OPEN, True),
    ],
)
def test_the_host_that_a_server_binds(
    line: str, environment: dict[str, str | None], host: str | None, stated: bool
) -> None:
    found = listening(launch(tuple(shlex.split(line))), environment)

    assert found is not None
    assert (found.host, found.stated) == (host, stated)


@pytest.mark.parametrize(
    "line",
    [
        "python app.py",
        "flask db upgrade",
        "python manage.py migrate",
        "python manage.py",
        "celery worker",
        "fastapi",
        "",
    ],
)
def test_what_is_no_server(line: str) -> None:
    assert listening(launch(tuple(shlex.split(line))), {}) is None


@pytest.mark.parametrize(
    ("line", "dev", "reloads"),
    [
        ("uvicorn app:app", False, False),
        ("uvicorn app:app --reload", False, True),
        ("gunicorn --reload app:app", False, True),
        ("flask run", True, False),
        ("flask --debug run", True, True),
        ("fastapi dev", True, False),
        ("fastapi run --reload", False, True),
        ("python -m http.server", True, False),
        ("python manage.py runserver", True, False),
        ("uvicorn app:app --reload-dir x", False, False),
    ],
)
def test_development_servers_and_reloading(line: str, dev: bool, reloads: bool) -> None:
    found = listening(launch(tuple(shlex.split(line))), {})

    assert found is not None
    assert (found.server.dev, found.reloads) == (dev, reloads)


def test_every_call_in_the_table_names_its_parameter() -> None:
    assert [name for name, call in CALLS.items() if not call.host[0] or not call.name] == []
