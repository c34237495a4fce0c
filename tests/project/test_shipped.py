"""Which files an image holds."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.registry import load_rules
from twelvefac.project.shipped import Copied, Shipped
from twelvefac.testing import _DAY

TREE = {
    "app.py": "",
    "shop/db.py": "",
    "shop/static/a.css": "",
    "README.md": "",
    ".env": "A=1\n",
    ".dockerignore": ".env\n*.md\n",
}


def shipped(folder: Path, dockerfile: str, **files: str) -> tuple[Shipped, list[str]]:
    for name, text in {"Dockerfile": dockerfile, **TREE, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    report = audit(str(folder), load_rules(rules)[:1], AuditOptions(today=_DAY, version="test", describe=True))
    assert not report.errored_files
    service = next(one for one in report.services if one.description is not None and one.description.shipped)
    assert service.description is not None
    return service.description.shipped[0], [one for one in service.undecided if "no CMD" not in one]


def files_of(folder: Path, *lines: str) -> list[str]:
    return list(shipped(folder, "\n".join(("FROM python:3.12", *lines)))[0].files)


def test_a_whole_context_without_what_the_ignore_file_takes_away(tmp_path: Path) -> None:
    found, notes = shipped(tmp_path, "FROM python:3.12\nWORKDIR /srv\nCOPY . .\n")

    assert found == Shipped(
        "Dockerfile", "", (Copied("COPY . .", "Dockerfile", 3, 5),), ".dockerignore", 2,
        (".dockerignore", "Dockerfile", "app.py", "shop/db.py", "shop/static/a.css"),
    )  # fmt: skip
    assert notes == []


@pytest.mark.parametrize(
    ("copy", "files"),
    [
        ("COPY app.py /srv/", ["app.py"]),
        ("COPY ./app.py main.py", ["app.py"]),
        ("COPY shop shop", ["shop/db.py", "shop/static/a.css"]),
        ("COPY shop/ /srv/shop", ["shop/db.py", "shop/static/a.css"]),
        ("COPY *.py ./", ["app.py"]),
        ("COPY shop/*.py app.py ./", ["app.py", "shop/db.py"]),
        ('COPY ["app.py", "shop", "/srv/"]', ["app.py", "shop/db.py", "shop/static/a.css"]),
        ("COPY --exclude=*.css --chown=a:b shop /srv", ["shop/db.py", "shop/static/a.css"]),
        ("COPY --exclude=shop/static shop /srv", ["shop/db.py"]),
        ("COPY README.md app.py ./", ["app.py"]),
        ("COPY gone.py ./", []),
        ("COPY --from=ghcr.io/astral-sh/uv /uv /bin/", []),
        ("ADD https://example.com/x.tar.gz /srv/", []),
        ("COPY <<EOF /srv/a\nx\nEOF", []),
        ("ENV D=shop\nCOPY $D /srv", ["shop/db.py", "shop/static/a.css"]),
    ],
)
def test_what_a_copy_takes(tmp_path: Path, copy: str, files: list[str]) -> None:
    assert files_of(tmp_path, copy) == files


def test_stages_hand_on_what_they_took(tmp_path: Path) -> None:
    found, notes = shipped(
        tmp_path,
        "FROM python:3.12 AS build\nWORKDIR /src\nCOPY . .\nRUN make\n"
        "FROM python:3.12-slim AS base\nCOPY app.py /srv/app.py\n"
        "FROM base\nCOPY --from=build /src/shop /srv/shop\nCOPY --from=build /usr/lib/x /usr/lib/x\n",
    )

    assert found.files == ("app.py", "shop/db.py", "shop/static/a.css")
    assert [(one.line, one.files) for one in found.copies] == [(6, 1), (8, 2), (9, 0)]
    assert notes == []


def test_what_cannot_be_followed_is_said(tmp_path: Path) -> None:
    _, notes = shipped(
        tmp_path,
        "FROM python:3.12 AS build\nWORKDIR /src\nCOPY . .\nRUN pip install --prefix /venv .\n"
        "FROM python:3.12-slim\nARG WHAT\nCOPY --from=build /venv /venv\nCOPY $WHAT /srv\n",
    )

    assert notes == [
        "Dockerfile:7: what the stage build installed is not followed",
        "Dockerfile:8: COPY $WHAT: a build argument says what",
    ]


def test_the_context_is_the_one_that_compose_builds_or_that_has_the_files(tmp_path: Path) -> None:
    stated = {"compose.yaml": "services: {o: {build: {context: ., dockerfile: o/Dockerfile}}}"}
    for folder, files in (("b", {}), ("c", stated)):
        root = tmp_path / folder
        for name, text in {**TREE, **files, "o/Dockerfile": "FROM python\nCOPY shop /srv\n", "o/o.py": ""}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        report = audit(str(root), load_rules(rules)[:1], AuditOptions(today=_DAY, version="test", describe=True))
        [service] = [one for one in report.services if one.root == "o"]
        assert service.description is not None
        assert service.description.shipped[0].files == ("shop/db.py", "shop/static/a.css")


LINES = st.lists(
    st.sampled_from(
        "FROM a|FROM a AS b|FROM b|FROM scratch AS c|COPY . .|COPY --from=b / /|COPY --from=0 /x /y|COPY --from=9 a b|"
        "COPY|COPY a|COPY --from=c . .|WORKDIR ..|WORKDIR $X|COPY ** /|COPY [a, b|ADD ../../x /|COPY --exclude=* . /|"
        "COPY --from=B shop/ ./|ENV X=/|COPY $X/shop ${Y:-.} /".split("|")
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(LINES)
def test_any_dockerfile_has_files_of_the_context_only(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    text = "FROM python:3.12\n" + "\n".join(lines) + "\n"

    found, _ = shipped(folder, text)

    assert set(found.files) <= {"Dockerfile", *TREE}


@pytest.mark.parametrize(
    "lines",
    [
        "".join(f"FROM s{one} AS s{one + 1}\nCOPY --from=s{one} / /d{one}\n" for one in range(60)),
        "COPY *.a *.b *.c /d/\n" * 300_000,
    ],
)
def test_what_takes_too_many_steps_is_given_up(tmp_path: Path, lines: str) -> None:
    from twelvefac.project.dockerfile import read_dockerfile
    from twelvefac.project.images import Image
    from twelvefac.project.shipped import _Layouts

    image = Image("Dockerfile", read_dockerfile(f"FROM x AS s0\nCOPY . .\n{lines}"))
    layouts = _Layouts(image, "", [f"{one}.py" for one in range(20)], "")

    layouts.follow()

    assert layouts.notes == ["Dockerfile: which files ship is not worked out, it takes too many steps"]
