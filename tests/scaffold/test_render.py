"""Rendering: the same bytes whatever the machine, for any valid answers, and as plain Copier does it."""

import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from sample_template import finish, write_component, write_template
from scaffold_names import DESCRIPTIONS, NAMES

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import Catalogue, load_catalogue
from twelvefac.scaffold.component import CatalogueError
from twelvefac.scaffold.copier_yml import copier_yml
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE, make_plan
from twelvefac.scaffold.postcheck import check_tree
from twelvefac.scaffold.records import write_records
from twelvefac.scaffold.render import render


def digests(tree: Path) -> dict[str, tuple[str, int]]:
    return {
        path.relative_to(tree).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode & 0o777,
        )
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }


def rendered(root: Path, into: Path, **data: str) -> dict[str, tuple[str, int]]:
    into.mkdir()
    render(root, {"name": "orders", "description": "The orders service", **data}, into)
    return digests(into)


def test_content_and_mode(sample: Path, tmp_path: Path) -> None:
    files = rendered(sample, tmp_path / "a")
    assert list(files) == [
        ".github/workflows/ci.yml",
        "README.md",
        "pyproject.toml",
        "run.sh",
        "src/orders/__init__.py",
        "src/orders/app.py",
        "src/orders/domain.py",
        "src/orders/web.py",
        "template.txt",
    ]
    assert (tmp_path / "a/template.txt").read_text() == "1.0.0\n"
    assert (tmp_path / "a/src/orders/app.py").read_text() == (
        "from orders import domain\n\nANSWER = domain.ANSWER\nROUTES = ['/']\n\n# your own below this line\n"
    )
    assert {name: mode for name, (_, mode) in files.items() if mode != 0o644} == {"run.sh": 0o755}


def test_nothing_of_the_machine_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Path) -> None:
    before = rendered(sample, tmp_path / "a")
    (tmp_path / "settings.yml").write_text("defaults: {ci: none}\n")
    (tmp_path / "gitconfig").write_text("[core]\nautocrlf = true\nfileMode = false\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")

    def refuse(*args: object) -> None:
        raise AssertionError(f"the network was asked for {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    # a checkout with uncommitted changes and an older tag: what is on disk counts
    root = write_template(tmp_path / "checkout", "0.9.0")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], ["tag", "0.9.0"]):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command],
            cwd=root,
            check=True,
            env={key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        )
    write_template(root)
    for path in root.rglob("*"):
        if path.is_file():
            path.chmod(0o700 if path.name == "run.sh" else 0o600)
    assert rendered(root, tmp_path / "b") == before


def test_the_umask_is_the_users(sample: Path, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        files = rendered(sample, tmp_path / "a")
    finally:
        os.umask(old)
    assert {mode for _, mode in files.values()} == {0o600, 0o700}


def test_plain_copier_gives_the_same_files(tmp_path: Path, sample: Path) -> None:
    ours = rendered(sample, tmp_path / "ours", name="my-orders", description='It\'s "quoted" \\ ü', ci="none")
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet"]
    data = ["--data=name=my-orders", '--data=description=It\'s "quoted" \\ ü', "--data=ci=none"]
    subprocess.run([*command, *data, str(sample), str(tmp_path / "plain")], check=True)
    assert digests(tmp_path / "plain") == ours


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "Orders"),
        ("name", "kafka"),
        ("name", "my-odd-dep"),
        ("name", "a" * 41),
        ("description", "{{ name }}"),
        ("description", "two\nlines"),
        ("description", "x" * 101),
        ("framework", "none"),
    ],
)
def test_plain_copier_refuses_what_we_refuse(sample: Path, tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(CatalogueError, match="does not render"):
        rendered(sample, tmp_path / "a", **{key: value})
    assert list((tmp_path / "a").iterdir()) == []


@settings(max_examples=40)
@given(name=NAMES, description=DESCRIPTIONS, ci=st.sampled_from(["none", "github"]))
def test_any_valid_answers_render_as_planned_and_parse(
    catalogue: Catalogue, name: str, description: str, ci: str
) -> None:
    given = {"name": name, "description": description, "ci": ci}
    plan = make_plan(catalogue, *make_answers(catalogue, given))
    with tempfile.TemporaryDirectory() as folder:
        render(catalogue.root, plan.answers.as_data(), Path(folder))
        assert {*digests(Path(folder)), ANSWERS_FILE, MANIFEST_FILE} == {file.path for file in plan.files}
        write_records(Path(folder), plan, "0.1.0")
        check_tree(Path(folder), plan)


# Copier leaves a directory handle to the collector when it fails
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <posix.ScandirIterator:pytest.PytestUnraisableExceptionWarning"
)
def test_a_template_that_does_not_render_is_our_defect(tmp_path: Path) -> None:
    root = write_template(tmp_path / "t")
    write_component(root, "github", {"a.txt.jinja": "{{ broken"})
    with pytest.raises(CatalogueError, match="the template does not render"):
        rendered(finish(root), tmp_path / "a")


def test_copier_yml_is_the_same_every_time(sample: Path) -> None:
    text = (sample / "copier.yml").read_text("utf-8")
    assert copier_yml(load_catalogue(sample)) == text
    assert "_tasks" not in text
    assert "_jinja_extensions" not in text


def test_one_module_imports_copier(repository: Path) -> None:
    pattern = re.compile(r"^\s*(?:import|from) (?:copier|plumbum)\b", re.MULTILINE)
    sources = sorted((repository / "src/twelvefac").rglob("*.py"))
    assert [path.name for path in sources if pattern.search(path.read_text("utf-8"))] == ["render.py"]


def test_a_text_is_compiled_once_and_what_an_extension_keeps_is_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copier's yield keeps in Jinja's environment what it gave: the same text before and after it gives the same."""
    compiled: list[str] = []
    compile_text = Environment.compile

    def counted(environment: Environment, source: str, *more: object) -> object:
        compiled.append(source)
        return compile_text(environment, source, *more)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", counted)
    root = tmp_path / "root"
    for folder in ("a", "b", "c"):
        for name in ("{% yield x from ['1', '2'] %}{{ x }}{% endyield %}.txt.jinja", "{{ name }}.txt.jinja"):
            (root / folder / "{{ name }}").mkdir(parents=True, exist_ok=True)
            (root / folder / "{{ name }}" / name).write_text("{{ name }} {{ x }}\n")
    (tmp_path / "into").mkdir()
    render(root, {"name": "orders"}, tmp_path / "into")
    texts = {path.relative_to(tmp_path / "into").as_posix(): path.read_text() for path in tmp_path.glob("into/*/*/*")}
    assert texts == {
        f"{folder}/orders/{name}.txt": f"orders {'' if name == 'orders' else name}\n"
        for folder in ("a", "b", "c")
        for name in ("1", "2", "orders")
    }
    assert compiled.count("{{ name }}") == 1
    assert Environment.compile is counted
