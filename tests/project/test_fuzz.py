"""Readers on anything at all: facts, or UnreadableError; nothing else, and facts survive the cache's JSON."""

import contextlib
import json
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twelvefac import rules
from twelvefac.audit.example import read_tree
from twelvefac.audit.registry import load_rules
from twelvefac.project.command import launch, shell_line, split_shell, strip_init
from twelvefac.project.discovery import kind_of
from twelvefac.project.dockerfile import assignments, expand, read_dockerfile, split_words
from twelvefac.project.facts import FileFacts
from twelvefac.project.facts_json import encode, revive
from twelvefac.project.ignores import read_ignores
from twelvefac.project.python import read_python
from twelvefac.project.scan import Scanner
from twelvefac.project.servers import listening
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document

RULES = load_rules(rules)
WANTED = frozenset(name for rule in RULES for name in rule.names)
FILES = sorted(
    {(path, text) for rule in RULES for one in rule.examples for path, text in read_tree(one.source).files.items()}
)
KINDS = sorted({kind for path, _ in FILES if (kind := kind_of(path)) is not None})
ODD = st.sampled_from(
    [
        "\0",
        "\r",
        "\t",
        "\\",
        "\n",
        "'",
        '"',
        "\ufeff",
        "é",
        "$",
        "{",
        "[",
        "(",
        "<<",
        "#",
        "%",
        "&",
        "*",
        "- ",
        ": ",
        "`",
    ]
)


DOCKER = [
    "FROM a", "RUN ", "ENV ", "ARG ", "<<E", "\\", "\n", "a", "=", "$b", "${", "}", '["', '"]', " ", "#", "--x=", "\t",
    "\r\n", "`",
]  # fmt: skip
SHELL = [
    "a", "-m", "-c", "sh", "python", "exec", "uv", "run", "&&", "|", ";", "'", '"', "\\", "$(", ")", "`", "\n", " ",
    "A=1", "--", "tini", "-b", "0:80", "gunicorn", "é",
]  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> None:
    """The audit ignores what Python warns of in other people's code, and so must these tests."""
    warnings.simplefilter("ignore")


def scan(path: str, kind: str, data: bytes) -> FileFacts:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Scanner((), WANTED, prefilter=False).scan(path, kind, data)


def check(path: str, kind: str, data: bytes) -> None:
    facts = scan(path, kind, data)
    stored = json.loads(encode(facts))

    assert revive(stored) == facts


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """A real file of some rule's example with parts cut, doubled and put in."""
    path, text = draw(st.sampled_from([one for one in FILES if kind_of(one[0]) is not None]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        what = draw(st.sampled_from(["cut", "double", "put"]))
        if what == "cut":
            text = text[:start] + text[end:]
        elif what == "double":
            text = text[:end] + text[start:end] * draw(st.integers(1, 30)) + text[end:]
        else:
            text = text[:start] + draw(ODD) + text[start:]
    kind = kind_of(path)
    assert kind is not None
    return path, kind, text.encode("utf-8", "surrogatepass")


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_any_mutation_of_a_real_file(case: tuple[str, str, bytes]) -> None:
    check(*case)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_as_any_kind(kind: str, data: bytes) -> None:
    check(f"x.{kind}", kind, data)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=120) | st.lists(ODD, max_size=40).map("".join))
def test_any_text_as_any_kind(kind: str, text: str) -> None:
    check(f"x.{kind}", kind, text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("path", [path for path, _ in FILES if kind_of(path) is not None][::7])
def test_a_file_cut_anywhere(path: str) -> None:
    kind = kind_of(path)
    assert kind is not None
    data = next(text for one, text in FILES if one == path).encode()
    for end in range(0, len(data), max(1, len(data) // 60)):
        check(path, kind, data[:end])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(DOCKER), max_size=40))
def test_any_dockerfile(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        facts = read_dockerfile(text)
    except UnreadableError:
        return
    document = Document(text)
    for stage in facts.stages:
        for one in stage.instructions:
            start, end = document.offset(*one.at[:2]), document.offset(*one.at[2:])
            assert text[start:end].upper().startswith(one.keyword)
            assert document.offset(*one.text_at[:2]) <= document.offset(*one.text_at[2:])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SHELL), max_size=30))
def test_any_command_line(parts: list[str]) -> None:
    for line in ("".join(parts), " ".join(parts)):
        commands = split_shell(line)
        for command in commands or ():
            listening(launch(command.words), {"PORT": None})
    argv = tuple(parts)
    strip_init(argv)
    shell_line(argv)
    launch(argv)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("aB1$ {}:-+?='\"\\\n\té%"), max_size=40))
def test_any_text_of_words_and_variables(text: str) -> None:
    split_words(text)
    assignments(text)
    assignments(text, spaced=False)
    result = expand(text, {"a": "1", "B": None, "aB": ""})
    assert result is None or "${" not in result


# Sizes. What is asserted is that a limit holds or the work is linear: four times the input, well below sixteen times
# the steps. Steps are counted, not timed, so that a busy machine fails nothing.


def steps(call: Callable[[], object]) -> int:
    """Python lines run by ``call``: the same on every machine."""
    import sys

    with contextlib.suppress(UnreadableError):
        call()  # imports and compiles what the count must not hold
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except UnreadableError:
        pass
    finally:
        sys.settrace(before)
    return count


REPEATED = [
    "a=",
    "://",
    ":",
    "#",
    "token",
    "a ",
    "$a",
    "${a",
    "<<E\n",
    "--a ",
    "RUN a \\\n",
    "A=1 ",
    "\\\n",
    "[",
    '"',
    "x\n",
]


@pytest.mark.parametrize("part", REPEATED)
def test_dockerfiles_of_one_part_take_linear_work(part: str) -> None:
    def read(count: int) -> Callable[[], object]:
        return lambda: read_dockerfile(f"FROM a\nENV {part * count}\n")

    assert steps(read(1200)) < 8 * steps(read(300)) + 2000


@pytest.mark.parametrize(
    "part", ["f(a=1)\n", "a.b()\n", "a = b\n", "class A: pass\n", "import a\n", "a['b'] = 'c'\n", "'é'; f()\n"]
)
def test_python_of_one_part_takes_linear_work(part: str) -> None:
    def read(count: int) -> Callable[[], object]:
        return lambda: read_python((part * count).encode(), frozenset(("f",)))

    assert steps(read(400)) < 8 * steps(read(100)) + 2000


def test_columns_of_one_long_line_take_linear_work() -> None:
    def read(count: int) -> Callable[[], object]:
        return lambda: read_python(("é; " + "f('é'); " * count).encode(), frozenset(("f",)))

    assert steps(read(800)) < 8 * steps(read(200)) + 2000


@pytest.mark.parametrize("python", [True, False])
@pytest.mark.parametrize("part", ["#", "# twelvefac:", "# twelvefac: ignore[", "a,", "\n"])
def test_suppressions_take_linear_work(part: str, python: bool) -> None:
    def read(count: int) -> Callable[[], object]:
        return lambda: read_ignores(part * count, python=python)

    assert steps(read(1200)) < 8 * steps(read(300)) + 20_000


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("pyproject", "'p',\n"),
        ("pipfile", "p = 1\n"),
        ("requirements", "a==1 --hash=b\n"),
        ("requirements", "["),
        ("lock", "[[package]]\nname = 'a'\n"),
        ("lock", "[[package]]\n"),
        ("envfile", "a='"),
        ("procfile", "web: a\n"),
        ("compose", "  a: {image: b}\n"),
        ("compose", "- "),
        ("pipeline", "- run: a\n"),
        ("yaml", "apiVersion: v1\nkind: a\n---\n"),
        ("text", "**/"),
        ("ini", "a = b ; c\n"),
        ("ini", "[a"),
        ("values", "a: {b: c}\n"),
        ("values", "- {name: a, value: b}\n"),
        ("nginx", "listen 80;\n"),
        ("nginx", "a { b; }"),
        ("nginx", "'"),
        ("nginx", "${a"),
    ],
)
def test_files_of_one_part_take_linear_work(kind: str, part: str) -> None:
    def read(count: int) -> Callable[[], object]:
        head = "[project]\ndependencies = [\n" if kind == "pyproject" else ""
        name = "uv.lock" if kind == "lock" else f"x.{kind}"
        return lambda: scan(name, kind, (head + part * count).encode())

    assert steps(read(800)) < 8 * steps(read(200)) + 2000
