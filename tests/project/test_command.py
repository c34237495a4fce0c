"""Command lines taken apart."""

import pytest

from twelvefac.project.command import Launch, launch, shell_line, split_shell, strip_init


def shell(line: str) -> list[str] | None:
    """Each command with the operator that follows it."""
    parts = split_shell(line)
    return None if parts is None else [" ".join((*part.words, *filter(None, (part.after,)))) for part in parts]


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("a", ["a"]),
        ("a b 'c d' \"e\"", ["a b c d e"]),
        ("a && b || c; d", ["a &&", "b ||", "c ;", "d"]),
        ("a&&b;c", ["a &&", "b ;", "c"]),
        ("a | b |& c", ["a |", "b |&", "c"]),
        ("a & b", ["a &", "b"]),
        ("a &", ["a &"]),
        ("a 2>&1 | b", ["a |", "b"]),
        ("a >/dev/null 2>&1 & b", ["a >/dev/null &", "b"]),
        ("a &> /dev/null && b", ["a /dev/null &&", "b"]),
        ("a\nb", ["a ;", "b"]),
        ("a &&\n  b", ["a &&", "b"]),
        ("\n a \n\n b \n", ["a ;", "b ;"]),
        ("", []),
        ("   ", []),
        ("a 'b", None),
        ('a "b', None),
        ("a \\", None),
        ("if a; then b; fi", None),
        ("a; while true; do b; done", None),
        ("for x in a b; do c; done && d", None),
        ("case $X in a) b;; esac", None),
        ("{ a; b; }", None),
        ("(a && b) || c", None),
        ("a $(b; c)", None),
        ("a `b | c` d", None),
        ("a $(nproc) b", ["a $(nproc) b"]),
        ("f() { a; }; f", None),
        ("! a", None),
        ("echo if", ["echo if"]),
        ("a " * 20_000, None),  # more than anybody writes
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_shell_line_is_a_list_of_commands_or_not_followed(line: str, commands: list[str] | None) -> None:
    assert shell(line) == commands


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (("sh", "-c", "a b"), "a b"),
        (("/bin/bash", "-ec", "a"), "a"),
        (("bash", "-l", "-c", "a"), "a"),
        (("tini", "--", "sh", "-c", "a"), "a"),
        (("sh", "-c"), None),
        (("sh", "-c", ""), ""),
        (("sh", "a.sh"), None),
        (("sh", "a.sh", "-c", "b"), None),
        (("python", "-c", "a"), None),
        (("sh",), None),
        ((), None),
    ],
)
def test_the_line_that_a_shell_runs(argv: tuple[str, ...], line: str | None) -> None:
    assert shell_line(argv) == line


@pytest.mark.parametrize(
    ("argv", "rest"),
    [
        (("tini", "--", "a", "b"), ("a", "b")),
        (("/usr/bin/tini", "-g", "--", "a"), ("a",)),
        (("dumb-init", "a"), ("a",)),
        (("dumb-init", "--rewrite", "15:2", "a"), ("15:2", "a")),
        (("a", "--", "b"), ("a", "--", "b")),
        (("tini",), ()),
        ((), ()),
    ],
)
def test_an_init_is_taken_off(argv: tuple[str, ...], rest: tuple[str, ...]) -> None:
    assert strip_init(argv) == rest


@pytest.mark.parametrize(
    ("line", "program", "args"),
    [
        ("gunicorn app:app", "gunicorn", "app:app"),
        ("/opt/venv/bin/gunicorn -b :80 app:app", "gunicorn", "-b :80 app:app"),
        ("python -m gunicorn app:app", "gunicorn", "app:app"),
        ("python3.12 -u -m uvicorn app:app", "uvicorn", "app:app"),
        ("python -um uvicorn app:app", "uvicorn", "app:app"),
        ("python -muvicorn app:app", "uvicorn", "app:app"),
        ("python -W ignore -X dev app.py x", "python", "app.py x"),
        ("python -Wignore app.py", "python", "app.py"),
        ("python -OO app.py", "python", "app.py"),
        ("python -c 'import a'", "python", "-c import a"),
        ("python -uc 'import a'", "python", "-c import a"),
        ("python", "python", ""),
        ("python -m", "python", ""),
        ("pypy3 app.py", "python", "app.py"),
        ("coverage run app.py", "python", "app.py"),
        ("coverage run --branch -m uvicorn app:app", "uvicorn", "app:app"),
        ("exec gunicorn a", "gunicorn", "a"),
        ("A=1 B='2 3' gunicorn a", "gunicorn", "a"),
        ("env -i A=1 gunicorn a", "gunicorn", "a"),
        ("env A=1 exec B=2 gunicorn", "gunicorn", ""),
        ("tini -- gunicorn a", "gunicorn", "a"),
        ("poetry run gunicorn a", "gunicorn", "a"),
        ("uv run --no-sync --package x gunicorn a", "gunicorn", "a"),
        ("uv run python -m app", "app", ""),
        ("pipenv run python app.py", "python", "app.py"),
        ("npm run serve", "serve", ""),
        ("poetry install", "poetry", "install"),
        ("ddtrace-run gunicorn a", "gunicorn", "a"),
        ("opentelemetry-instrument python app.py", "python", "app.py"),
        ("newrelic-admin run-program gunicorn a", "gunicorn", "a"),
        ("sh start.sh a", "start.sh", "a"),
        ("./wait-for-it.sh db:5432 -t 60 -- python app.py", "python", "app.py"),
        ("wait-for -- gunicorn a", "gunicorn", "a"),
        ("dockerize -wait tcp://db:5432 -- tini -- gunicorn a", "tini", "-- gunicorn a"),
        ("wait-for-it.sh db:5432", "wait-for-it.sh", "db:5432"),
        ("./manage.py runserver", "manage.py", "runserver"),
        ("", "", ""),
        ("exec", "", ""),
        ("A=1", "", ""),
    ],
)
def test_wrappers_are_taken_off(line: str, program: str, args: str) -> None:
    import shlex

    found = launch(tuple(shlex.split(line)))

    assert (found.program, " ".join(found.args)) == (program, args)


def test_wrappers_and_replacement_are_told() -> None:
    found = launch(("exec", "uv", "run", "ddtrace-run", "python", "app.py"))

    assert found == Launch("python", ("app.py",), ("uv", "ddtrace-run"), replaced=True)
    assert not launch(("python", "app.py")).replaced


@pytest.mark.parametrize(
    ("args", "value"),
    [
        ("--bind 0:80", "0:80"),
        ("--bind=0:80", "0:80"),
        ("-b 0:80", "0:80"),
        ("-b0:80", "0:80"),
        ("-b=0:80", "0:80"),
        ("-b 1 --bind 2", "2"),
        ("-b", None),
        ("--binding x", None),
        ("", None),
    ],
)
def test_an_option_in_each_of_its_forms(args: str, value: str | None) -> None:
    assert launch(("gunicorn", *args.split())).option("-b", "--bind") == value


def test_a_command_of_a_million_words_is_cut() -> None:
    found = launch(("A=1",) * 300_000 + ("gunicorn",))

    assert found.program == ""
