"""What a repository keeps about its own making, byte for byte."""

import hashlib
import json
from pathlib import Path

import yaml

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import Catalogue
from twelvefac.scaffold.plan import make_plan
from twelvefac.scaffold.records import answers_text, write_records
from twelvefac.scaffold.render import render


def test_answers_file(catalogue: Catalogue) -> None:
    plan = make_plan(catalogue, *make_answers(catalogue, {"name": "orders", "description": "Ü: 'a' \"b\" # c"}))
    assert answers_text(plan) == (
        "# Written by twelvefac, which updates this repository by it; comments and keys of your own stay.\n"
        "_commit: 1.0.0\n"
        "_src_path: https://github.com/twelvefac/twelvefac\n"
        "name: orders\n"
        "description: 'Ü: ''a'' \"b\" # c'\n"
        "framework: fastapi\n"
        "database: none\n"
        "ci: github\n"
        "deploy: none\n"
    )
    assert yaml.safe_load(answers_text(plan))["description"] == "Ü: 'a' \"b\" # c"


def test_manifest(catalogue: Catalogue, tmp_path: Path) -> None:
    plan = make_plan(catalogue, *make_answers(catalogue, {"name": "orders"}))
    render(catalogue.root, plan.answers.as_data(), tmp_path)
    write_records(tmp_path, plan, "0.1.0")
    manifest = json.loads((tmp_path / ".twelvefac/manifest.json").read_text("utf-8"))
    assert {key: value for key, value in manifest.items() if key != "files"} == {
        "version": 1,
        "template": {"source": "https://github.com/twelvefac/twelvefac", "version": "1.0.0"},
        "tool": "0.1.0",
    }
    assert manifest["files"] == {
        file.path: {
            "ownership": file.ownership.value,
            "sha256": hashlib.sha256((tmp_path / file.path).read_bytes()).hexdigest(),
        }
        for file in plan.files
        if file.path != ".twelvefac/manifest.json"
    }
    assert len(manifest["files"]) == 10
