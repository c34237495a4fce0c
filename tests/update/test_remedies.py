"""The audit names the component or the update that cures a finding."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_template import finish, write_component, write_notes, write_template
from update.conftest import Run
from update_trees import run

from twelvefac.app.new import NewRequest, new_service
from twelvefac.scaffold.history import release

Commit = Callable[[Path], None]


@pytest.fixture
def curing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template whose pipeline, which the service has not chosen, cures a rule."""
    root = write_template(tmp_path / "template")
    write_component(
        root,
        "github",
        {"_component.yml": "name: github\nkind: ci\nsummary: GitHub.\nremedies: [hardcoded-secret]\n"},
    )
    write_notes(root, "1.0.0", "summary: one\n")
    release(finish(root))
    new_service(NewRequest(str(tmp_path / "orders"), {"ci": "none"}), root=root)
    (tmp_path / "orders/src/orders/leak.py").write_text('PASSWORD = "kT9x2LmQ8vRw5ZpN3bYc"\n')
    (tmp_path / "orders/src/orders/app.py").write_text("from orders import leak\n\nprint(leak.PASSWORD)\n")
    run(tmp_path / "orders", "add", "--all")
    monkeypatch.chdir(tmp_path / "orders")
    monkeypatch.setattr("twelvefac.scaffold.catalogue.data_root", lambda: root)
    return root


def remedies(call: Run) -> dict[str, str | None]:
    findings = json.loads(call("audit", "--format=json", "--rule=hardcoded-secret", "--no-cache")[1])["findings"]
    return {one["rule"]: one["remedy"] for one in findings}


def test_add_and_then_update(curing: Path, call: Run) -> None:
    assert remedies(call) == {"hardcoded-secret": "twelvefac add github"}
    assert "    cured by: twelvefac add github\n" in call("audit", "--rule=hardcoded-secret", "--no-cache")[1]
    (curing / "templates/VERSION").write_text("1.1.0\n")
    assert remedies(call) == {"hardcoded-secret": "twelvefac update"}


def test_none_without_records(curing: Path, call: Run) -> None:
    Path(".copier-answers.yml").write_text("damaged: [\n")
    assert remedies(call) == {"hardcoded-secret": None}
    Path(".copier-answers.yml").unlink()
    assert remedies(call) == {"hardcoded-secret": None}
