"""Plain Copier refuses what ``new`` refuses: copier.yml is asked as Copier asks it."""

import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from scaffold_names import NAMES

from twelvefac.errors import UsageError
from twelvefac.scaffold.answers import requirements
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.names import ENVIRONMENT, LAYOUT, LIBRARIES, STANDARD_LIBRARY, objection

REAL = load_catalogue(data_root())
COPIER: dict[str, Any] = yaml.safe_load((REAL.root / "copier.yml").read_text("utf-8"))
JINJA = Environment(extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"], autoescape=False)
VALIDATORS = {
    key: JINJA.from_string(question["validator"])
    for key, question in COPIER.items()
    if isinstance(question, dict) and "validator" in question
}
KNOWN = requirements(REAL)


def complaint(question: str, **answers: str) -> str:
    return VALIDATORS[question].render(answers) if question in VALIDATORS else ""


def near(name: str) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(["", "x", "-"]), st.just(name), st.sampled_from(["", "3", "313", "-3", "\n"])).map(
        "".join
    )


TAKEN = st.sampled_from(sorted(STANDARD_LIBRARY | LIBRARIES | LAYOUT | ENVIRONMENT | {"pip", "pypy", "pythonw"}))


@settings(max_examples=300)
@given(name=NAMES | TAKEN.flatmap(near) | st.text(max_size=42))
@example(name="python313")
@example(name="pip3")
@example(name="pypy")
@example(name="python-313")
@example(name="x\n")
@example(name="a" * 41)
def test_the_same_names(name: str) -> None:
    assert bool(complaint("name", name=name)) is bool(objection(name, KNOWN))


def test_the_same_combinations() -> None:
    refused = []
    several = {kind.name: [*REAL.choices(kind)] for kind in QUESTIONS}
    several["deploy"] += [",".join(pair) for pair in itertools.permutations(several["deploy"][1:])]
    for choices in itertools.product(*several.values()):
        answers = dict(zip(several, choices, strict=True))
        told = [complaint(question, **answers) for question in answers]
        if any(told):
            with pytest.raises(UsageError, match=f"^{''.join(told)}$"):
                REAL.select(answers)
            refused.append((answers["database"], answers["deploy"]))
        else:
            REAL.select(answers)
    assert set(refused) == {
        ("sqlite", "kubernetes"),
        ("sqlite", "kubernetes,procfile"),
        ("sqlite", "procfile,kubernetes"),
    }


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"database": "sqlite", "deploy": "kubernetes"}, "sqlite and kubernetes exclude each other"),
        ({"name": "python313"}, "the name is taken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_copier_itself(tmp_path: Path, answers: dict[str, str], reason: str) -> None:
    source = tmp_path / "template"
    shutil.copytree(REAL.root / "templates", source / "templates")
    shutil.copy(REAL.root / "copier.yml", source)
    data = [f"--data={key}={value}" for key, value in answers.items()]
    command = [
        sys.executable,
        "-m",
        "copier",
        "copy",
        "--defaults",
        "--quiet",
        *data,
        str(source),
        str(tmp_path / "new"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert reason in done.stderr
    assert not (tmp_path / "new").exists()
