"""Credentials in what is neither Python nor an environment: lines that install, start and deploy."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.audit.rule import HIGH, MEDIUM, Severity
from twelvefac.testing import audit_tree, places

SECRET = "kT9vQmZx42LpWb77"
URL = f"https://bot:{SECRET}@pypi.acme.io/simple"
FROM = "FROM python:3.12-slim\n"
TREE = {
    "app.py": "app = 1\n",
    "Dockerfile": 'FROM python:3.12-slim\nCOPY . .\nCMD ["./start.sh"]\n',
    "start.sh": "#!/bin/sh\nexec gunicorn app:app\n",
    "requirements.txt": "gunicorn==23.0\n",
}
POD = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  template:\n    spec:\n"
    "      containers:\n        - name: web\n          image: acme/web:1\n          args: {}\n"
)


@pytest.mark.parametrize(
    ("path", "text", "rule", "line"),
    [
        ("requirements.txt", f"--index-url {URL}\ngunicorn==23.0\n", "hardcoded-secret", 1),
        ("requirements.txt", f"a==1\n--extra-index-url={URL}\n", "hardcoded-secret", 2),
        ("requirements.txt", f"shop @ git+https://bot:{SECRET}@git.acme.io/shop@1234567\n", "hardcoded-secret", 1),
        ("Pipfile", f'[[source]]\nname = "a"\nurl = "{URL}"\n', "hardcoded-secret", 3),
        ("pyproject.toml", f'[[tool.poetry.source]]\nname = "a"\nurl = "{URL}"\n', "hardcoded-secret", 3),
        ("Procfile", f"web: gunicorn --api-key {SECRET} app:app\n", "hardcoded-secret", 1),
        ("Procfile", f"web: DB_PASSWORD={SECRET} gunicorn app:app\n", "hardcoded-secret", 1),
        ("start.sh", f"#!/bin/sh\nexport DB_PASSWORD={SECRET}\nexec gunicorn app:app\n", "hardcoded-secret", 2),
        ("start.sh", f"#!/bin/sh\nDB_PASSWORD='{SECRET}'\nexec gunicorn app:app\n", "hardcoded-secret", 2),
        ("start.sh", f"#!/bin/sh\nexec gunicorn --password {SECRET} app:app\n", "hardcoded-secret", 2),
        ("start.sh", f"#!/bin/sh\ncurl -H 'Token: {SECRET}' x\nexec gunicorn app:app\n", "hardcoded-secret", 2),
        ("k8s/web.yaml", POD.format(f"[--password, {SECRET}]"), "secret-in-manifest", 10),
        ("k8s/web.yaml", POD.format(f"['--password={SECRET}']"), "secret-in-manifest", 10),
        ("k8s/web.yaml", POD.format(f"[sh, -c, 'run postgres://a:{SECRET}@db.acme.io/a']"), "secret-in-manifest", 10),
        (
            "compose.prod.yaml",
            f"services:\n  web:\n    build: .\n    command: gunicorn --password {SECRET} app:app\n",
            "secret-in-manifest",
            4,
        ),
        ("Dockerfile", f"{FROM}RUN pip install -i {URL} a==1\nCOPY . .\n", "secret-in-image", 2),
        ("Dockerfile", f"{FROM}CMD [\"gunicorn\", \"--password={SECRET}\"]\n", "secret-in-image", 2),
    ],
)  # fmt: skip
def test_a_credential_is_found_where_it_stands(tmp_path: Path, path: str, text: str, rule: str, line: int) -> None:
    report = audit_tree(TREE | {path: text}, load_rules(rules), tmp_path)

    assert [one for one in places(report) if "secret" in one[0]] == [(rule, path, line)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "--index-url https://${USER}:${TOKEN}@pypi.acme.io/simple\n"),
        ("requirements.txt", f"# --index-url {URL}\ngunicorn==23.0\n"),
        ("requirements.txt", "--index-url https://user:password@pypi.example.com/simple\n"),
        ("Procfile", "web: gunicorn --api-key $API_KEY --password ${PASSWORD} app:app\n"),
        ("start.sh", "#!/bin/sh\nexport DB_PASSWORD=$(cat /run/db)\nTOKEN_FILE=/run/token\nexec gunicorn app:app\n"),
        ("start.sh", '#!/bin/sh\n: "${DB_PASSWORD:?needed}"\nPASSWORD="$1" exec gunicorn app:app\n'),
        ("tools/deploy.sh", f"#!/bin/sh\nexport DB_PASSWORD={SECRET}\n"),
        ("k8s/web.yaml", POD.format('[--password, $(DB_PASSWORD), "--token-file=/run/token"]')),
        ("compose.yaml", f"services:\n  web:\n    build: .\n    command: gunicorn --password {SECRET} app:app\n"),
        ("Dockerfile", f"{FROM}RUN pip install -i https://u:${{TOKEN}}@pypi.acme.io/simple a==1\n"),
    ],
)  # fmt: skip
def test_what_is_read_from_elsewhere_or_made_up_is_none(tmp_path: Path, path: str, text: str) -> None:
    report = audit_tree(TREE | {path: text}, load_rules(rules), tmp_path)

    assert [one for one in places(report) if "secret" in one[0]] == []


@pytest.mark.parametrize(("mode", "severity"), [("live", HIGH), ("test", MEDIUM)])
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('stripe.api_key = "{}"', "hardcoded-secret"),
        ('stripe.api_key = os.getenv("STRIPE_SECRET_KEY", "{}")', "secret-default"),
    ],
)
def test_a_key_of_a_test_mode_is_medium(tmp_path: Path, mode: str, severity: Severity, line: str, rule: str) -> None:
    key = f"sk_{mode}_x6zP4wd7Z5jcvDOJbbHZlHHt"  # put together, so that no scanner takes this file for a leak
    tree = TREE | {"app.py": f"import os\nimport stripe\n\n{line.format(key)}\n"}
    report = audit_tree(tree, load_rules(rules), tmp_path)

    found = [(one.finding.rule, one.finding.severity) for one in report.outcomes if "secret" in one.finding.rule]
    assert found == [(rule, severity)]
