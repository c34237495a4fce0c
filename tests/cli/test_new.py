"""``twelvefac new service``: what is made, what is said, and the next commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cli_terminal import program, talk
from sample_template import write_component, write_template

from twelvefac import __version__
from twelvefac.scaffold.git import run_git

Run = Callable[..., tuple[int, str, str]]

FILES = [
    ".copier-answers.yml",
    ".github/workflows/ci.yml",
    ".twelvefac/manifest.json",
    "README.md",
    "pyproject.toml",
    "run.sh",
    "src/orders/__init__.py",
    "src/orders/app.py",
    "src/orders/domain.py",
    "src/orders/web.py",
    "template.txt",
]
MADE = """\
Made orders: 11 files of template 1.0.0 (base, fastapi, github), one git commit.

Next:
  cd orders
  make test
  make run
"""


def content(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    )


def answers(folder: Path) -> dict[str, str]:
    values: dict[str, str] = yaml.safe_load((folder / ".copier-answers.yml").read_text("utf-8"))
    return {key: value for key, value in values.items() if not key.startswith("_")}


def test_a_complete_repository_and_three_commands(new: Run, tmp_path: Path) -> None:
    assert new("orders", "--defaults") == (0, MADE, "")
    folder = tmp_path / "work/orders"
    assert content(folder) == FILES
    assert run_git(["ls-files"], folder).splitlines() == FILES
    assert run_git(["status", "--porcelain"], folder) == ""
    assert run_git(["log", "--format=%s"], folder) == (f"New service orders (twelvefac {__version__}, template 1.0.0)")
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["orders"]


def test_without_a_terminal_nothing_is_asked(new: Run) -> None:
    assert new("orders") == (0, MADE, "")
    code, out, error = new()
    assert (code, out) == (2, "")
    assert error == "error: which service? name a folder (`new service orders`) or say --name\n"


def test_every_flag(new: Run, tmp_path: Path) -> None:
    flags = ["--name=my-orders", "--description=Takes orders", "--framework=fastapi", "--database=none"]
    code, out, error = new("a/b/where", *flags, "--ci=none", "--no-git")
    assert (code, error) == (0, "")
    assert out.splitlines() == [
        "Made my-orders: 10 files of template 1.0.0 (base, fastapi).",
        "",
        "Next:",
        "  cd a/b/where",
        "  make test",
        "  make run",
    ]
    folder = tmp_path / "work/a/b/where"
    assert not (folder / ".git").exists()
    assert answers(folder) == {
        "name": "my-orders",
        "description": "Takes orders",
        "framework": "fastapi",
        "database": "none",
        "ci": "none",
        "deploy": "none",
    }


@pytest.mark.parametrize(
    ("dest", "way"),
    [
        ("x/../orders", "orders"),
        ("./a//b/orders/", "a/b/orders"),
        ("a b/orders", "'a b/orders'"),
        ("\x1b[31m'\\/orders", "$'\\x1b[31m\\'\\\\/orders'"),
        ("caf\udce9/orders", "$'caf\\xe9/orders'"),
    ],
)
def test_the_next_step_leads_into_the_service(new: Run, tmp_path: Path, dest: str, way: str) -> None:
    code, out, _ = new(dest, "--no-git")
    assert code == 0
    assert f"\nNext:\n  cd {way}\n" in out
    done = subprocess.run(["bash", "-c", f"cd {way} && ls"], cwd=tmp_path / "work", capture_output=True, check=True)
    assert b"pyproject.toml" in done.stdout


def test_an_emoji_of_several_in_the_description(new: Run, tmp_path: Path) -> None:
    assert new("orders", "--description=For a 👩\u200d💻 and a ❤️\u200d🔥")[0] == 0
    assert answers(tmp_path / "work/orders")["description"] == "For a 👩\u200d💻 and a ❤️\u200d🔥"


def test_the_name_alone_is_the_folder(new: Run, tmp_path: Path) -> None:
    assert new("--name", "orders")[0] == 0
    assert content(tmp_path / "work/orders") == FILES


@pytest.mark.parametrize("file", ["answers.yml", "answers.json"])
def test_answers_from_a_file_and_flags_win(new: Run, tmp_path: Path, file: str) -> None:
    given = {"name": "shop", "description": "from the file", "ci": "none"}
    (tmp_path / file).write_text(json.dumps(given, indent="\t") if "json" in file else yaml.safe_dump(given))
    assert new("--answers", f"../{file}", "--description=from the flag")[0] == 0
    assert answers(tmp_path / "work/shop")["description"] == "from the flag"
    assert answers(tmp_path / "work/shop")["ci"] == "none"


def test_a_repositorys_own_answers_make_it_again(new: Run, tmp_path: Path) -> None:
    assert new("orders", "--ci=none", "--description=First")[0] == 0
    assert new("again", "--answers=orders/.copier-answers.yml", "--name=orders")[0] == 0
    work = tmp_path / "work"
    assert answers(work / "again") == answers(work / "orders")


def test_dry_run_shows_the_tree_and_writes_nothing(new: Run, tmp_path: Path) -> None:
    code, out, error = new("orders", "--dry-run")
    assert (code, error) == (0, "")
    assert (
        out
        == """\
Would make orders: 11 files of template 1.0.0

orders/
  .copier-answers.yml  managed
  README.md            managed
  pyproject.toml       managed
  run.sh               managed
  template.txt         managed
  .github/
    workflows/
      ci.yml           managed
  .twelvefac/
    manifest.json      managed
  src/
    orders/
      __init__.py      managed
      app.py           shared
      domain.py        seeded
      web.py           managed

managed: the template changes it   shared: you both do   seeded: yours from day one
"""
    )
    assert list((tmp_path / "work").iterdir()) == []


def test_inside_a_repository_none_is_nested_unasked(new: Run, tmp_path: Path) -> None:
    work = tmp_path / "work"
    run_git(["init", "--quiet"], work)
    code, out, error = new("services/orders")
    assert (code, error) == (
        0,
        f"inside the git repository {work}: no repository of its own was made (--git makes one)\n",
    )
    assert "one git commit" not in out
    assert not (work / "services/orders/.git").exists()
    assert new("services/shop", "--git")[0] == 0
    assert (work / "services/shop/.git").is_dir()


def test_what_a_dead_run_left_is_removed_and_named(new: Run, tmp_path: Path) -> None:
    left = tmp_path / "work/.orders.twelvefac-0a1b2c3d/tree/orders"
    left.mkdir(parents=True)
    (left / "half").touch()
    code, out, error = new("orders")
    assert (code, out) == (0, MADE)
    assert error == f"removed .orders.twelvefac-0a1b2c3d, which an interrupted run left in {tmp_path}/work\n"
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["orders"]


def test_no_git_installed(new: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert new("orders", "--git") == (
        2,
        "",
        "error: git is not installed\n  install git, or leave out --git\n",
    )
    assert list((tmp_path / "work").iterdir()) == []
    code, _, error = new("orders")
    assert (code, error) == (0, "git is not installed: no repository was made\n")


def test_into_the_current_folder(sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    done = subprocess.run(
        program(sample, "new", "service", "."), cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"  cd {folder}\n" in done.stdout
    assert content(folder) == FILES


def test_a_folder_that_is_gone(sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    command = ["sh", "-c", 'rmdir "$0" && exec "$@"', str(folder), *program(sample, "new", "service", "orders")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the current folder no longer exists\n  change to another folder\n"


# On a terminal


def test_what_is_open_is_asked_on_stderr(sample: Path, tmp_path: Path) -> None:
    code, out, shown = talk(
        program(sample, "new", "service"),
        tmp_path,
        [
            ("What is the service's name?", "kafka"),
            ("What is the service's name?", "orders"),
            ("Which pipeline? (none, github) [github]", "gitlab"),
            ("Which pipeline? (none, github) [github]", "none"),
        ],
    )
    assert code == 0
    assert out.startswith("Made orders: 10 files of template 1.0.0 (base, fastapi), one git commit.\n")
    assert "'kafka' cannot name a service" in shown
    assert "unknown ci 'gitlab': choose from none, github" in shown
    assert answers(tmp_path / "orders") == {
        "name": "orders",
        "description": "The orders service",
        "framework": "fastapi",
        "database": "none",
        "ci": "none",
        "deploy": "none",
    }


def test_at_most_five_questions(tmp_path: Path) -> None:
    root = write_template(tmp_path / "template")
    write_component(root, "flask", {"_component.yml": "name: flask\nkind: framework\nsummary: x\n"})
    write_component(root, "postgres", {"_component.yml": "name: postgres\nkind: database\nsummary: x\n"})
    for name in ("kubernetes", "procfile"):
        write_component(root, name, {"_component.yml": f"name: {name}\nkind: deploy\nsummary: x\n"})
    questions = ["service's name", "web framework", "database", "pipeline", "kubernetes, procfile; several with commas"]
    typed = ["orders", "flask", "postgres", "none", "procfile, kubernetes"]
    code, out, shown = talk(
        program(root, "new", "service", "--dry-run"), tmp_path, list(zip(questions, typed, strict=True))
    )
    assert (code, shown.count("?")) == (0, 5)
    assert out.startswith("Would make orders")


def test_a_flag_for_every_question(sample: Path, tmp_path: Path) -> None:
    arguments = ["new", "service", "orders", "--description=x", "--ci=none", "--dry-run"]
    assert talk(program(sample, *arguments), tmp_path, [])[::2] == (0, "")
    assert talk(program(sample, "new", "service", "orders", "--defaults", "--dry-run"), tmp_path, [])[2] == ""


def test_nothing_is_asked_for_nothing(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/mine").touch()
    for arguments in (["taken"], ["kafka"], ["orders", "--ci=gitlab"]):
        code, out, shown = talk(program(sample, "new", "service", *arguments), tmp_path, [])
        assert (code, out, shown.count("?")) == (2, "", 0)
    typed = [("service's name", "taken"), ("service's name", "orders"), ("pipeline", "")]
    code, out, shown = talk(program(sample, "new", "service", "--dry-run"), tmp_path, typed)
    assert (code, "taken is not empty" in shown) == (0, True)


def test_a_pipeline_with_a_terminal_is_not_asked(sample: Path, tmp_path: Path) -> None:
    code, _, shown = talk(program(sample, "new", "service", "orders"), tmp_path, [], CI="true")
    assert (code, shown) == (0, "")


@pytest.mark.parametrize("answered", [0, 1])
def test_ctrl_c_at_a_question(sample: Path, tmp_path: Path, answered: int) -> None:
    lines = [("service's name", "orders"), ("pipeline", "none")][:answered]
    last = ["service's name", "pipeline"][answered]
    code, out, shown = talk(program(sample, "new", "service"), tmp_path, [*lines, (last, "\x03")])
    assert (code, out) == (130, "")
    assert shown.endswith("interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "bold"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_only_where_they_are_wanted(
    sample: Path, tmp_path: Path, variables: dict[str, str], bold: bool
) -> None:
    done = subprocess.run(
        program(sample, "new", "service", "orders"),
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("\x1b[1mMade orders" in done.stdout) is bold
    assert ("\x1b" in done.stdout) is bold


# Help


def test_help_names_the_catalogues_choices(new: Run) -> None:
    code, out, error = new("--help")
    assert (code, error) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "--framework <str> fastapi (default)" in lines
    assert "--database <str> none (default)" in lines
    assert "--ci <str> github (default), none" in lines


def test_what_help_imports() -> None:
    code = "import sys; from twelvefac.cli import run; run(['new', 'service', '--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded & {"copier", "jinja2", "pydantic", "rich", "ruamel", "prompt_toolkit"} == set()
