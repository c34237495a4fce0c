"""The pages say what is so: commands that they show exist, generated pages are current, versions agree."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from twelvefac import __version__
from twelvefac.cli import COMMANDS

PAGES = ["README.md", "CONTRIBUTING.md"]


def shown_commands(page: Path) -> list[str]:
    """The lines of a page's shell blocks, and what it shows in backticks that starts like a command."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console|shell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return lines + inline


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_on_a_page_exist(page: str, repository: Path) -> None:
    # a page also shows what to type in a generated service
    makefiles = [repository / "Makefile", repository / "templates/service/{{base}}/Makefile.jinja"]
    targets = {name for file in makefiles for name in re.findall(r"^([a-z-]+):", file.read_text(), re.MULTILINE)}
    shown = {
        word
        for line in shown_commands(repository / page)
        for match in re.findall(r"(?:^|[;&] )make((?: [a-z][a-z-]*)+)", line)
        for word in match.split()
    }

    assert shown
    assert shown <= targets


@pytest.mark.parametrize("page", PAGES)
def test_commands_on_a_page_exist_with_their_options(page: str, repository: Path) -> None:
    reference = (repository / "docs/cli.md").read_text(encoding="utf-8")
    for line in shown_commands(repository / page):
        match = re.match(r"(?:\S*/)?twelvefac ([a-z]+)(.*)", line.split(" #")[0])
        if not match:
            continue
        command, rest = match.groups()
        assert command in COMMANDS, line
        section = reference.partition(f"\n## twelvefac {command}")[2]
        if command == "new":  # a group: what follows is its own section
            section = section.partition("\n## twelvefac new service")[2]
        unknown = [
            option for option in re.findall(r"--[a-z][a-z-]*", rest) if option not in section.partition("\n## ")[0]
        ]
        assert unknown == [], line


def test_the_version_stands_in_one_place(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]

    assert project["version"] == __version__ == version("twelvefac")
    assert f"## {__version__}" in (repository / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_python_versions_of_the_readme_are_those_of_the_package_and_the_pipeline(
    repository: Path,
) -> None:
    classifiers = re.findall(r"Python :: (3\.\d+)", (repository / "pyproject.toml").read_text())
    workflow = (repository / ".github/workflows/ci.yml").read_text()
    tested = re.findall(r'"(3\.\d+)"', re.findall(r"python: \[(.*)\]", workflow)[0])
    readme = (repository / "README.md").read_text(encoding="utf-8")

    assert classifiers == tested
    assert ", ".join(classifiers[:-1]) + " and " + classifiers[-1] in readme


def test_the_pipeline_and_the_machine_of_a_developer_try_the_wheel(repository: Path) -> None:
    workflow = (repository / ".github/workflows/ci.yml").read_text()

    assert "- run: .ci/wheel\n" in workflow
    assert "\n.ci/wheel\n" in (repository / ".ci/run").read_text()
    assert os.access(repository / ".ci/wheel", os.X_OK)


@pytest.mark.parametrize("script", ["generate.py", "pictures.py"])
def test_what_is_generated_is_current(script: str, repository: Path) -> None:
    command = [sys.executable, f"docs/{script}", "--check"]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_suppression_that_the_readme_shows_works(repository: Path, tmp_path: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    line = re.findall(r"^carts = \{\}  # twelvefac: .*$", readme, re.MULTILINE)[0]
    service = (
        "from flask import Flask, request\n\napp = Flask(__name__)\n{line}\n\n\n"
        "@app.post('/<name>')\ndef put(name):\n    carts[name] = request.json\n\n\n"
        "@app.get('/<name>')\ndef get(name):\n    return carts[name]\n"
    )

    def codes(text: str) -> int:
        (tmp_path / "app.py").write_text(service.format(line=text))
        (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\nversion = '1'\n")
        command = [sys.executable, "-m", "twelvefac", "audit", str(tmp_path), "--rule", "in-memory-state"]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert codes("carts = {}") == 1
    assert codes(line) == 0


def test_links_between_pages_lead_somewhere(repository: Path) -> None:
    pages = [*repository.glob("*.md"), *repository.glob("docs/**/*.md")]
    broken = [
        f"{page.relative_to(repository)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []
