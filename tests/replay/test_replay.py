"""A released template version with the same answers gives the same bytes, whatever Copier and Jinja are."""

import json
from pathlib import Path

import pytest
import replays
from sample_template import finish, write_component, write_template

from twelvefac.scaffold.catalogue import data_root
from twelvefac.scaffold.history import release, released
from twelvefac.scaffold.render import render


def test_every_released_version_gives_what_it_gave() -> None:
    root = data_root()
    recorded = {path.stem: json.loads(path.read_text("utf-8")) for path in replays.RECORDS.glob("*.json")}
    assert sorted(recorded) == sorted(released(root)), "run `make release-template`"
    for version, record in recorded.items():
        answers = {name: case["answers"] for name, case in record.items()}
        assert replays.replay(root, version, answers) == record, f"template {version} renders differently"


def test_a_record_is_written_once(tmp_path: Path) -> None:
    root = write_template(tmp_path / "template")
    records = tmp_path / "records"
    records.mkdir()
    release(root)
    assert replays.write_missing(root, records) == ["1.0.0"]
    first = (records / "1.0.0.json").read_bytes()
    (root / "templates/VERSION").write_text("1.1.0\n")
    write_component(root, "github", {"new.txt": "new\n"})
    release(finish(root))
    assert replays.write_missing(root, records) == ["1.1.0"]
    assert (records / "1.0.0.json").read_bytes() == first
    assert replays.write_missing(root, records) == []
    old, new = (json.loads((records / f"{version}.json").read_text()) for version in ("1.0.0", "1.1.0"))
    assert list(old) == ["fastapi-none-none-none", "fastapi-none-github-none", "longest"]
    assert set(new["longest"]["files"]) - set(old["longest"]["files"]) == {"new.txt"}
    assert old["fastapi-none-none-none"]["answers"]["name"] == "my-orders"


@pytest.mark.parametrize("case", ["fastapi-none-none-none", "longest"])
def test_a_change_in_the_rendering_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    root = write_template(tmp_path / "template")
    release(root)
    before = replays.replay(root, "1.0.0", replays.cases_of(root, "1.0.0"))
    assert replays.replay(root, "1.0.0", replays.cases_of(root, "1.0.0")) == before

    def other(template: Path, data: dict[str, str], into: Path) -> None:
        render(template, data, into)
        (into / "README.md").write_text("as a newer Jinja would\n")

    monkeypatch.setattr("replays.render", other)
    after = replays.replay(root, "1.0.0", replays.cases_of(root, "1.0.0"))
    changed = {path for path, digest in after[case]["files"].items() if before[case]["files"][path] != digest}
    assert changed == {"README.md"}
