"""Which files a .dockerignore leaves out."""

import time

import pytest

from twelvefac.project.ignorefile import is_left_out, selects

PATHS = ["a.py", "a.pyc", ".env", "src/a.py", "src/b/c.py", "src/b/.env", "docs/x.md", "docs/y/z.md", "b"]


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("", []),
        ("# *\n\n", []),
        ("*", PATHS),
        ("**", PATHS),
        ("*.py", ["a.py"]),
        ("**/*.py", ["a.py", "src/a.py", "src/b/c.py"]),
        ("*.py[co]", ["a.pyc"]),
        ("a.p?", ["a.py"]),
        ("src", ["src/a.py", "src/b/c.py", "src/b/.env"]),
        ("/src/", ["src/a.py", "src/b/c.py", "src/b/.env"]),
        ("./src/b", ["src/b/c.py", "src/b/.env"]),
        ("src/**", ["src/a.py", "src/b/c.py", "src/b/.env"]),
        ("src/**/c.py", ["src/b/c.py"]),
        ("src/**/a.py", ["src/a.py"]),
        ("**/b", ["src/b/c.py", "src/b/.env", "b"]),
        ("**/b/**", ["src/b/c.py", "src/b/.env"]),
        ("**/.env", [".env", "src/b/.env"]),
        ("docs\n!docs/x.md", ["docs/y/z.md"]),
        ("docs/*\n!docs/y\n", ["docs/x.md"]),
        ("*\n!src/**/*.py\n", [one for one in PATHS if one not in ("src/a.py", "src/b/c.py")]),
        ("SRC\r\nb\r\n", ["b"]),
        ("[", []),
        ("[z-a]", []),
    ],
)
def test_what_is_left_out(text: str, left_out: list[str]) -> None:
    assert [path for path in PATHS if is_left_out(text, path)] == left_out


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("*a" * 30 + "x", "a" * 200),
        ("**/*a*/" * 60 + "x", "a/" * 120 + "y"),
        ("**/" * 100 + "x", "a/" * 500 + "y"),
        ("[" * 400, "a" * 200),
        ("?*" * 200 + "x", "a" * 200),
        ("\n".join(f"*{one}*" for one in range(50_000)), "a" * 200),
    ],
)
def test_a_pattern_that_is_made_to_hurt_ends_soon(text: str, path: str) -> None:
    begun = time.process_time()

    assert not is_left_out(text, path)
    selects(text[:400], path)

    assert time.process_time() - begun < 5
