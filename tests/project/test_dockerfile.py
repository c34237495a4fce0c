"""Facts of Dockerfiles: instructions as Docker reads them, each with its exact place."""

import textwrap

import pytest

from twelvefac.project.dockerfile import assignments, expand, read_dockerfile, split_words
from twelvefac.project.facts import DockerfileFacts, Instruction
from twelvefac.project.unreadable import UnreadableError

NO_INSTRUCTION = "no instruction that Docker knows"


def read(text: str) -> DockerfileFacts:
    return read_dockerfile(textwrap.dedent(text).lstrip("\n"))


def instructions(text: str) -> list[Instruction]:
    """What follows ``FROM x`` on line 1."""
    [stage] = read_dockerfile("FROM x\n" + text).stages
    return list(stage.instructions)


def only(text: str) -> Instruction:
    [one] = instructions(text)
    return one


# Lines


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("RUN a b", "a b"),
        ("run a b", "a b"),
        ("Run   a  b  ", "a  b"),
        ("  RUN a", "a"),
        ("\tRUN\ta", "a"),
        ("RUN a \\\n  b \\\n  c", "a b c"),
        ("RUN a\\\n b", "a b"),
        ("RUN a\\\nb", "ab"),  # the word goes on
        ("RUN a \\  \nb", "a b"),  # blanks after the continuation
        ("RUN a \\\n# a comment\n  # another\n\n b", "a b"),
        ("RUN a \\\r\n b\r\n", "a b"),
        ("RUN a # no comment", "a # no comment"),
        ("RUN a \\", "a"),  # the file ends
        ("RUN a \\\n# a comment", "a"),
        ("RUN \\\n a", "a"),
        ("RUN echo \\\\\nRUN b", None),
        ("# RUN b\nRUN a", "a"),
        ("RUN a`\n", "a`"),
    ],
)
def test_lines_are_joined(text: str, joined: str | None) -> None:
    found = instructions(text)

    assert [one.text for one in found] == (["echo \\\\", "b"] if joined is None else [joined])


@pytest.mark.parametrize("text", ["\\", "\\\n", "\\\n\\\n", "FROM x\n\\\n\n", "\n  \n#\n", "", "\t\n"])
def test_lines_without_an_instruction(text: str) -> None:
    assert [stage.instructions for stage in read_dockerfile(text).stages] in ([], [()])


def test_the_escape_directive() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM x\nRUN a `\n  b\nCOPY c\\ d\\\n"

    assert [(one.keyword, one.text) for one in read_dockerfile(text).stages[0].instructions] == [
        ("RUN", "a b"),
        ("COPY", "c\\ d\\"),
    ]


@pytest.mark.parametrize(
    "head", ["# a comment\n# escape=`\n", "\n# escape=`\n", "# escape=x\n", "FROM a\n# escape=`\n"]
)
def test_a_directive_counts_at_the_top_alone(head: str) -> None:
    text = f"{head}FROM x\nRUN a \\\n b\n"

    assert read_dockerfile(text).stages[-1].instructions[0].text == "a b"


@pytest.mark.parametrize(
    ("text", "bodies", "after"),
    [
        ("RUN <<EOF\na\nb\nEOF\nUSER x", ("a\nb",), ["USER"]),
        ("RUN cat <<'EOF' > /x\n$a\nEOF\nUSER x", ("$a",), ["USER"]),
        ('RUN <<"EOF"\na\nEOF', ("a",), []),
        ("RUN <<-EOF\n\ta\n\tEOF\nUSER x", ("a",), ["USER"]),
        ("COPY <<a <<b /x/\n1\na\n2\nb\nUSER x", ("1", "2"), ["USER"]),
        ("RUN python3 - <<end-of-file\nFROM y\nRUN z\nend-of-file\nUSER x", ("FROM y\nRUN z",), ["USER"]),
        ("RUN a <<< b\nUSER x", (), ["USER"]),
        ("RUN <<EOF\nno end", ("no end",), []),
        ("RUN <<EOF\nEOF", ("",), []),
        ("RUN <<EOF\r\na\r\nEOF\r\nUSER x\r\n", ("a",), ["USER"]),
        ("RUN <<EOF\n# no comment\na \\\nEOF", ("# no comment\na \\",), []),
        ("CMD a <<EOF\nUSER x", (), ["USER"]),  # only RUN, COPY and ADD have them
        ("RUN echo $((1<<2))\nUSER x", (), ["USER"]),
    ],
)
def test_heredocs(text: str, bodies: tuple[str, ...], after: list[str]) -> None:
    first, *rest = instructions(text)

    assert (first.heredocs, [one.keyword for one in rest]) == (bodies, after)


# Places


@pytest.mark.parametrize(
    ("text", "at", "text_at"),
    [
        ("RUN a", (2, 1, 2, 6), (2, 5, 2, 6)),
        ("  RUN   a  ", (2, 3, 2, 10), (2, 9, 2, 10)),
        ("RUN\ta", (2, 1, 2, 6), (2, 5, 2, 6)),
        ("RUN é 漢", (2, 1, 2, 8), (2, 5, 2, 8)),
        ("RUN a \\\n  b", (2, 1, 3, 4), (2, 5, 3, 4)),
        ("RUN --mount=type=cache a", (2, 1, 2, 25), (2, 24, 2, 25)),
        ("COPY --from=a a b", (2, 1, 2, 18), (2, 15, 2, 18)),  # not the a of the flag
        ("COPY --from=a --link a /b", (2, 1, 2, 26), (2, 22, 2, 26)),
        ("CMD CMD", (2, 1, 2, 8), (2, 5, 2, 8)),
        ("RUN \\\n  a", (2, 1, 3, 4), (2, 1, 3, 4)),  # the text starts below: the whole instruction
        ("RUN a\r\n", (2, 1, 2, 6), (2, 5, 2, 6)),
        ("RUN <<EOF\na\nEOF", (2, 1, 2, 10), (2, 5, 2, 10)),
    ],
)
def test_places(text: str, at: tuple[int, ...], text_at: tuple[int, ...]) -> None:
    one = instructions(text)[0]

    assert (one.at, one.text_at) == (at, text_at)


# Forms


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('CMD ["a", "b c"]', ("a", "b c")),
        ('CMD  [ "a" ]  ', ("a",)),
        ('ENTRYPOINT ["a", \\\n  "b"]', ("a", "b")),
        ('CMD ["a\\u00e9\\"\\\\"]', ('aé"\\',)),
        ("CMD []", ()),
        ('SHELL ["/bin/bash", "-c"]', ("/bin/bash", "-c")),
        ('RUN ["a"]', ("a",)),
        ('COPY ["a b", "/c"]', ("a b", "/c")),
    ],
)
def test_the_exec_form(text: str, args: tuple[str, ...]) -> None:
    one = only(text)

    assert (one.form, one.args) == ("exec", args)


@pytest.mark.parametrize(
    "text",
    [
        "CMD a b",
        "CMD ['a', 'b']",  # single quotes: Docker runs it with a shell
        'CMD ["a", 1]',
        'CMD ["a",]',
        'CMD ["a"] b',
        'CMD [["a"]]',
        'CMD ["a"',
        'CMD "a"',
        "CMD [ -f x ]",
        "CMD " + "[" * 100_000,
        "CMD [" + "9" * 10_000 + "]",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_array_of_strings_is_the_shell_form(text: str) -> None:
    one = only(text)

    assert (one.form, one.args, one.text) == ("shell", (), text[4:])


def test_flags() -> None:
    one = only("RUN --mount=type=secret,id=a --network=none --security=insecure a --not-mine=b")

    assert one.flags == (("mount", "type=secret,id=a"), ("network", "none"), ("security", "insecure"))
    assert one.text == "a --not-mine=b"
    assert only("COPY --link a b").flags == (("link", ""),)
    assert only("HEALTHCHECK --interval=5s CMD curl --fail x").text == "CMD curl --fail x"


@pytest.mark.parametrize("text", ["ONBUILD RUN --mount=type=cache a", "onbuild COPY --from=b c d"])
def test_an_onbuild_trigger_is_kept_as_it_is(text: str) -> None:
    one = only(text)

    assert (one.keyword, one.flags, one.text) == ("ONBUILD", (), text[8:])


# Stages


def test_stages_with_their_bases() -> None:
    text = """
        ARG PYTHON=3.12
        ARG TAG
        ARG FULL=${PYTHON}-slim
        from python:${PYTHON} as Base
        FROM --platform=$BUILDPLATFORM python:$FULL AS slim
        FROM python:${TAG:-3.11}
        FROM python:$TAG
        FROM "registry.example.com:5000/a@sha256:00"
        FROM Base
    """
    assert [(one.name, one.base, one.raw_base, one.base_at) for one in read(text).stages] == [
        ("Base", "python:3.12", "python:${PYTHON}", (4, 6, 4, 22)),
        ("slim", "python:3.12-slim", "python:$FULL", (5, 32, 5, 44)),
        ("", "python:3.11", "python:${TAG:-3.11}", (6, 6, 6, 25)),
        ("", None, "python:$TAG", (7, 6, 7, 17)),
        ("", '"registry.example.com:5000/a@sha256:00"', '"registry.example.com:5000/a@sha256:00"', (8, 6, 8, 45)),
        ("", "Base", "Base", (9, 6, 9, 10)),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("RUN a\nFROM x\n", 1, "RUN before the first FROM"),
        ("FROM x\n\nRUNN a\n", 3, NO_INSTRUCTION),
        ("FROM x\nRUN a \\\nb\n<html>\n", 4, NO_INSTRUCTION),
        ("{{ base }}\n", 1, NO_INSTRUCTION),
        ("FROM x\n\x1b[31mred\n", 2, NO_INSTRUCTION),
        ("x" * 100_000, 1, NO_INSTRUCTION),
    ],
)
def test_what_is_no_dockerfile(text: str, line: int, message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_dockerfile(text)

    assert (caught.value.line, str(caught.value)) == (line, message)


# Variables


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a", "a"),
        ("$X", "x"),
        ("a$X-b", "ax-b"),
        ("${X}y", "xy"),
        ("$Xy", None),
        ("$NONE", None),
        ("$OPEN", None),  # declared without a value
        ("${X:-d}", "x"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${X:+d}", "d"),
        ("${NONE:+d}", ""),
        ("${EMPTY:+d}", ""),
        ("${X:?no}", "x"),
        ("${NONE:?no}", None),
        ("${X:-${Y}}", None),  # the rarer forms are not guessed
        ("${X#a}", None),
        ("$", "$"),
        ("$1", None),
        ("a $ b", "a $ b"),
        ("", ""),
    ],
)
def test_expansion(text: str, result: str | None) -> None:
    assert expand(text, {"X": "x", "EMPTY": "", "OPEN": None}) == result


def test_values_that_double_forty_times_end_somewhere() -> None:
    text = "ARG a0=xxxxxxxxxx\n" + "".join(f"ARG a{n + 1}=$a{n}$a{n}\n" for n in range(40)) + "FROM $a40\n"
    facts = read_dockerfile(text)

    assert facts.stages[0].base is None
    assert max(len(value or "") for _, value in facts.arguments) <= 10_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", ["a", "b"]),
        ("  a\tb  ", ["a", "b"]),
        ('a="b c" d', ["a=b c", "d"]),
        ("a='b \"c'", ['a=b "c']),
        ("a\\ b", ["a b"]),
        ('"a\\"b"', ['a"b']),
        ("'a\\b'", ["a\\b"]),
        ('""', [""]),
        ("a\\", ["a"]),
        ('"a b', ["a b"]),  # never closed
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("text", "spaced", "pairs"),
    [
        ("A=1 B='2 3' C=", True, [("A", "1"), ("B", "2 3"), ("C", "")]),
        ("A some value", True, [("A", "some value")]),
        ("A\tsome  value ", True, [("A", "some  value")]),
        ("A", True, [("A", None)]),
        ("A B=2 C", False, [("A", None), ("B", "2"), ("C", None)]),
        ("A=b=c", True, [("A", "b=c")]),
        ("", True, []),
    ],
)
def test_assignments(text: str, spaced: bool, pairs: list[tuple[str, str | None]]) -> None:
    assert assignments(text, spaced=spaced) == pairs
