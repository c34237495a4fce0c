"""``audit --fix`` and ``audit --diff``: the safe fixes, applied or shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCKERFILE = f"FROM python:3.12-slim@sha256:{'0' * 64}\nENV PYTHONUNBUFFERED=1\nUSER 1000\nCMD python app.py"
FIXED = DOCKERFILE.replace("CMD python app.py", 'CMD ["python", "app.py"]')


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "twelvefac", "audit", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def service(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def test_safe_fixes_are_applied_and_what_is_left_is_judged(service: Path) -> None:
    assert run(service, "--rule", "signal-lost")[0] == 1
    for expected in (["fixed Dockerfile: write the command as a JSON array"], ["nothing to fix"]):
        code, out, error = run(service, "--rule", "signal-lost", "--fix")
        assert (code, error.splitlines()) == (0, expected)
        assert out.endswith("No findings in 2 files.\n")
        assert (service / "Dockerfile").read_text() == FIXED
    assert sorted(path.name for path in service.iterdir()) == ["Dockerfile", "app.py"]


def test_what_has_no_fix_stays_and_counts(service: Path) -> None:
    (service / "app.py").write_text("import requests\nrequests.get('x')\n")
    code, out, _ = run(service, "--fix", "--format", "json", "--rule", "signal-lost", "--rule", "no-timeout")
    assert code == 1
    assert [one["rule"] for one in json.loads(out)["findings"]] == ["no-timeout"]


def test_the_diff_changes_nothing_and_git_takes_it(service: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=service, check=True)
    for _ in range(2):  # the second time from the cache
        code, out, error = run(service, "--rule", "signal-lost", "--diff")
        assert (code, error) == (1, "")
        assert (service / "Dockerfile").read_text() == DOCKERFILE
    assert out.startswith("--- a/Dockerfile\n+++ b/Dockerfile\n@@ ")
    subprocess.run(["git", "apply"], cwd=service, input=out.encode(), check=True)
    assert (service / "Dockerfile").read_text() == FIXED
    assert run(service, "--rule", "signal-lost", "--diff") == (0, "", "")


@pytest.mark.parametrize(("before", "after"), [("\ufeff", "\ufeff"), ("# é\r\n", "# é\r\n")])
def test_a_files_own_bytes_stay(service: Path, before: str, after: str) -> None:
    newline = "\r\n" if "\r" in before else "\n"
    for encoding in ("utf-8", "latin-1"):
        if encoding == "latin-1" and before == "\ufeff":
            continue
        (service / "Dockerfile").write_bytes((before + DOCKERFILE.replace("\n", newline)).encode(encoding))
        run(service, "--rule", "signal-lost", "--fix")
        wanted = (after + FIXED.replace("\n", newline)).encode(encoding)
        assert (service / "Dockerfile").read_bytes() == wanted


def test_a_patch_has_the_files_line_ends(service: Path) -> None:
    (service / "app.py").write_text("print('x')\n")
    (service / "Dockerfile").write_bytes(b'FROM python:3.12-slim\r\nCMD ["python", "app.py"]\r\n')
    command = [sys.executable, "-m", "twelvefac", "audit", "--diff", "--rule", "buffered-stdout"]

    patch = subprocess.run(command, cwd=service, capture_output=True, check=False).stdout

    subprocess.run(["git", "apply"], cwd=service, input=patch, check=True)
    fixed = b'FROM python:3.12-slim\r\nENV PYTHONUNBUFFERED=1\r\nCMD ["python", "app.py"]\r\n'
    assert (service / "Dockerfile").read_bytes() == fixed


SECRET = "hunter2Tr0ub4dor"
BASE = f"FROM python:3.12-slim@sha256:{'0' * 64}\n"


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (f"ENV DB_PASSWORD={SECRET}\n", "\n"),
        (f"ENV DB_PASSWORD {SECRET}\nUSER 1000\n", f"\nUSER 1000\nARG API_TOKEN={SECRET}\n"),
        (f"RUN pip install -i https://me:{SECRET}@pypi.example.com/simple x\n", ""),
        ("USER 1000\n", f"\n# one\n# two\nLABEL password={SECRET}"),
    ],
)
def test_a_patch_shows_no_credential_and_git_takes_it(service: Path, above: str, below: str) -> None:
    before = f"{BASE}{above}CMD python app.py{below}"
    (service / "Dockerfile").write_text(before)
    subprocess.run(["git", "init", "-q"], cwd=service, check=True)

    code, out, error = run(service, "--rule", "signal-lost", "--diff")

    assert (code, error) == (1, "")
    assert SECRET not in out
    subprocess.run(["git", "apply"], cwd=service, input=out.encode(), check=True)
    assert (service / "Dockerfile").read_text() == before.replace("CMD python app.py", 'CMD ["python", "app.py"]')


def test_a_file_whose_patch_would_show_a_credential_has_none(service: Path) -> None:
    (service / "Dockerfile").write_text(f"{BASE}CMD python app.py\nENV DB_PASSWORD={SECRET}\n")
    code, out, error = run(service, "--rule", "signal-lost", "--diff")
    told = "Dockerfile is not in the patch, which would show a credential beside the change; --fix makes it\n"
    assert (code, out, error) == (1, "", told)

    assert run(service, "--rule", "signal-lost", "--fix")[0] == 0
    assert (service / "Dockerfile").read_text() == f'{BASE}CMD ["python", "app.py"]\nENV DB_PASSWORD={SECRET}\n'


def test_a_suppressed_finding_is_not_fixed(service: Path) -> None:
    text = DOCKERFILE.replace("CMD", "# twelvefac: ignore[signal-lost] for the test\nCMD")
    (service / "Dockerfile").write_text(text)
    assert run(service, "--rule", "signal-lost", "--fix")[0] == 0
    assert (service / "Dockerfile").read_text() == text


@pytest.mark.parametrize("others", [("--fix",), ("--format", "json")])
def test_the_diff_goes_alone(service: Path, others: tuple[str, ...]) -> None:
    code, out, error = run(service, "--diff", *others)
    assert (code, out) == (2, "")
    assert error == f"error: --diff does not go with {' '.join(others)}\n"
