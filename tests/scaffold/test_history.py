"""Released template versions: the same ids everywhere, never changed, and what VERSION promises."""

import re
from pathlib import Path

import pytest
from sample_template import finish, write_component, write_notes, write_template

from twelvefac.errors import RefusedError
from twelvefac.scaffold.history import BUNDLE, extract, release, released, tree_ids
from twelvefac.scaffold.release import main


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).as_posix() != BUNDLE
    }


def next_version(root: Path, version: str) -> None:
    (root / "templates/VERSION").write_text(f"{version}\n")
    write_component(root, "github", {"new.txt": f"of {version}\n"})
    finish(root)


def test_versions_are_kept_and_read_back(tmp_path: Path) -> None:
    root = write_template(tmp_path / "t", "1.9.0")
    assert released(root) == []
    before = files(root)
    release(root)
    next_version(root, "1.10.0")
    release(root)
    assert released(root) == ["1.9.0", "1.10.0"]
    for version, content in (("1.9.0", before), ("1.10.0", files(root))):
        into = tmp_path / version
        into.mkdir()
        extract(root, version, into)
        assert files(into) == content
        assert (into / "templates/service/{{base}}/run.sh").stat().st_mode & 0o100
    with pytest.raises(RefusedError, match=r"template 2\.0\.0 was never released: there is 1\.9\.0, 1\.10\.0"):
        extract(root, "2.0.0", tmp_path)


def test_ids_are_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for place, zone in (("a", "UTC"), ("b", "Asia/Tokyo")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("GIT_AUTHOR_NAME", place)
        root = write_template(tmp_path / place)
        first = release(root)
        next_version(root, "1.1.0")
        ids.append((first, release(root)))
        assert release(root) == ids[-1][1]  # once more changes nothing
    assert ids[0] == ids[1]
    assert (tmp_path / "a" / BUNDLE).read_bytes() == (tmp_path / "b" / BUNDLE).read_bytes()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.0.0", "template 1.0.0 is released and never changes"),
        ("0.9.9", "template 1.0.0 is released already: 0.9.9 is older"),
        ("1.1", "templates/VERSION: '1.1' is no version such as 1.2.3"),
        ("1.1.0rc1", "templates/VERSION: '1.1.0rc1' is no version such as 1.2.3"),
    ],
)
def test_what_is_released_stays(tmp_path: Path, version: str, message: str) -> None:
    root = write_template(tmp_path)
    release(root)
    bundle = (root / BUNDLE).read_bytes()
    next_version(root, version)
    with pytest.raises(RefusedError, match=re.escape(message)):
        release(root)
    assert (root / BUNDLE).read_bytes() == bundle


def test_a_difference_from_the_release_is_seen(tmp_path: Path) -> None:
    root = write_template(tmp_path)
    assert tree_ids(root)[1] == ""
    release(root)
    here, there = tree_ids(root)
    assert here == there
    (root / "templates/service/{{base}}/run.sh").chmod(0o644)
    here, there = tree_ids(root)
    assert here != there


def test_the_developers_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_template(tmp_path)
    assert main(["release"], root) == 2
    assert capsys.readouterr().err == (
        "error: template 1.0.0 has no notes: an update could not say what it brings\n"
        "  write templates/notes/1.0.0.yml (CONTRIBUTING.md says how)\n"
    )
    write_notes(root, "1.0.0", "summary: The first.\n")
    assert main(["release"], root) == 0
    first = capsys.readouterr()
    assert re.fullmatch(r"template 1\.0\.0 is [0-9a-f]{40} in templates/history\.bundle\n", first.out)
    write_component(root, "github", {"_component.yml": "name: github\nkind: ci\nsummary: other\n"})
    for command in (["copier-yml", "--check"], ["release"]):
        assert main(command, root) == (1 if "--check" in command else 2)
        assert capsys.readouterr().err == (
            "copier.yml is out of date: run `python -m twelvefac.scaffold.release copier-yml`\n"
        )
    assert main(["copier-yml"], root) == 0
    assert main(["copier-yml", "--check"], root) == 0
    assert main(["release"], root) == 2
    assert capsys.readouterr().err == (
        "error: template 1.0.0 is released and never changes\n  put a newer version into templates/VERSION\n"
    )
    assert main(["nonsense"], root) == 2
    assert capsys.readouterr().err.startswith("usage: ")
    assert main(["copier-yml"], tmp_path / "absent") == 2
    assert "no template at" in capsys.readouterr().err
