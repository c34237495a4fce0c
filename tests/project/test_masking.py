"""What is hidden of an audited text."""

import pytest

from twelvefac.project.masking import hidden, telling_lines


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("serve --port 8000", "serve --port 8000"),
        ("serve --password hunter2 --port 1", "serve --password *** --port 1"),
        ("serve --api-key=abc DB_PASSWORD=x", "serve --api-key=*** DB_PASSWORD=***"),
        ("serve --password $DB_PASSWORD --api-key=$KEY", "serve --password $DB_PASSWORD --api-key=$KEY"),
        ("celery -b redis://app:hunter2@redis/0", "celery -b ***"),
        ("serve xoxb-2048169-AbCdEfGh12", "serve ***"),
        ("curl -u bob:hunter2 -H 'Authorization: Bearer hunter2' x", "curl -u bob:*** -H 'Authorization: Bearer *** x"),
        ("curl --user bob:$PASSWORD -H Private-Token: hunter2", "curl --user bob:$PASSWORD -H Private-Token: ***"),
        ("/usr/bin/mysql -u root -phunter2 shop", "/usr/bin/mysql -u root -p*** shop"),
        ("sshpass -p hunter2 ssh -p 22 x", "sshpass -p *** ssh -p *** x"),
        ("redis-cli -a hunter2 ping", "redis-cli -a *** ping"),
        ("gunicorn -u www -p /run/pid app:app", "gunicorn -u www -p /run/pid app:app"),
    ],
)
def test_credentials_in_a_command_are_hidden(words: str, shown: str) -> None:
    assert " ".join(hidden(words.split())) == shown


KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ENV DB_PASSWORD=hunter2", {1}),
        ("ENV DB_PASSWORD hunter2", {1}),
        ("a\n  password: hunter2\nb", {2}),
        ("  password: 'hunter2'", {1}),
        ('DB_PASSWORD = "hunter2"', {1}),
        ('DB_PASSWORD: str = "hunter2"', {1}),
        ('{"api_key": "hunter2", "b": 1}', {1}),
        ('connect(user="a", password="hunter2")', {1}),
        ("run --password hunter2", {1}),
        ("URL = 'postgres://a:hunter2@db.x.com/a'", {1}),
        ("x = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'", {1}),
        ("password: |\n  hunter2\nb: 1", {2}),
        ("DB_PASSWORD = (\n    'hunter2'\n)", {2}),
        (f"a\n{KEY}\nb", {2, 3, 4}),
        ("password = os.environ['DB_PASSWORD']\ntoken = config('TOKEN')", set()),
        ("DB_PASSWORD=$DB_PASSWORD\npassword: ${PASSWORD}\ntoken: {{ token }}", set()),
        ("password = None\nuse_token: true\nmax_tokens: 4000", set()),
        ('FROM python:3.12-slim\nUSER 1000\nCMD ["gunicorn", "app:app"]', set()),
    ],
)
def test_lines_that_may_hold_a_credential(text: str, lines: set[int]) -> None:
    assert telling_lines(text) == lines
