"""Supervisor's and uWSGI's INI files: entries with their places, and which of the files a command reads."""

import pytest

from twelvefac.project.command import launch
from twelvefac.project.ini import IniEntry, configurations, read_ini


def test_entries_with_their_sections_and_places() -> None:
    text = """\
; comment = no
[supervisord]
nodaemon=true
[program:web]
command = gunicorn -b :8000 app:app ; said here
  --workers 2
stdout_logfile=/dev/stdout
# key = no
[uwsgi]
\tprocesses = 4
env = A=1
env = B=2
"""
    assert read_ini(text) == (
        IniEntry("supervisord", "nodaemon", "true", (3, 1, 3, 14)),
        IniEntry("program:web", "command", "gunicorn -b :8000 app:app", (5, 1, 5, 36)),
        IniEntry("program:web", "stdout_logfile", "/dev/stdout", (7, 1, 7, 27)),
        IniEntry("uwsgi", "processes", "4", (10, 2, 10, 15)),
        IniEntry("uwsgi", "env", "A=1", (11, 1, 11, 10)),
        IniEntry("uwsgi", "env", "B=2", (12, 1, 12, 10)),
    )


@pytest.mark.parametrize(
    ("command", "read"),
    [
        (("supervisord", "-c", "/etc/supervisor/web.conf"), ["web.conf"]),
        (("supervisord", "-n"), []),
        (("uwsgi", "--ini", "uwsgi.ini"), ["uwsgi.ini"]),
        (("uwsgi", "--ini=/app/uwsgi.ini"), ["uwsgi.ini"]),
        (("uwsgi", "--http", ":80"), ["uwsgi.ini"]),
        (("gunicorn", "-c", "web.conf"), []),
    ],
)
def test_what_a_command_reads(command: tuple[str, ...], read: list[str]) -> None:
    files = {
        "web.conf": read_ini("[program:web]\ncommand=a\n"),
        "worker.conf": read_ini("[program:worker]\ncommand=b\n"),
        "uwsgi.ini": read_ini("[uwsgi]\nhttp = :80\n"),
    }
    assert [path for path, _ in configurations(launch(command), files)] == read
