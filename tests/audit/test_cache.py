"""The cache changes how long an audit takes and nothing else."""

import json
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from audit_rules import call_rule

from twelvefac.audit import cache as cache_module
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.result import AuditReport
from twelvefac.project.scan import Scanner

RULES = (call_rule("bad-call", "bad"), call_rule("worse-call", "worse"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "app.py").write_text("bad()\n")
    (folder / "other.py").write_text("x = 1\nworse()  # twelvefac: ignore[worse-call] for the test\n")
    (folder / "broken.py").write_text("bad(\n")
    for path in folder.iterdir():
        os.utime(path, ns=(10**18, 10**18))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were scanned, not taken from the cache."""
    paths: list[str] = []
    scan = Scanner.scan

    def spy(self: Any, path: str, kind: str, data: bytes, **options: Any) -> Any:
        paths.append(path)
        return scan(self, path, kind, data, **options)

    monkeypatch.setattr(Scanner, "scan", spy)
    return paths


def run(root: Path, cache: Path | None, **changes: Any) -> AuditReport:
    options = AuditOptions(today=date(2026, 1, 1), version="1", cache_folder=None if cache is None else str(cache))
    return audit(str(root), changes.pop("rules", RULES), options._replace(**changes) if changes else options)


def cache_file(cache: Path) -> Path:
    """The cache of facts. The last verdict, which would make reading them needless, is taken away."""
    for verdict in cache.glob("*-verdict.json"):
        verdict.unlink()
    [path] = cache.iterdir()
    return path


def test_warm_and_cold_say_the_same(root: Path, cache: Path, scanned: list[str]) -> None:
    cold = run(root, cache)
    assert sorted(scanned) == ["app.py", "broken.py", "other.py"]
    scanned.clear()

    warm = run(root, cache)

    assert scanned == []
    assert warm == cold == run(root, None)
    assert [one.finding.primary.path for one in cold.new] == ["app.py"]
    assert [one.kind for one in cold.notices] == ["unreadable"]


def test_a_changed_file_alone_is_read_again(root: Path, cache: Path, scanned: list[str]) -> None:
    run(root, cache)
    scanned.clear()
    (root / "app.py").write_text("x = 1\nbad()\n")
    os.utime(root / "app.py", ns=(10**18 + 1, 10**18 + 1))

    assert [one.finding.primary.line for one in run(root, cache).new] == [2]
    assert scanned == ["app.py"]


def test_a_file_that_was_only_touched_is_told_by_its_content(root: Path, cache: Path, scanned: list[str]) -> None:
    first = run(root, cache)
    scanned.clear()
    os.utime(root / "app.py", ns=(10**18 + 5, 10**18 + 5))

    assert run(root, cache) == first
    assert scanned == []


def test_an_edit_of_equal_size_within_one_tick_is_seen(root: Path, cache: Path) -> None:
    """Size and time are equal; the file is as young as the cache, so that its content decides."""
    run(root, cache)
    written = cache_file(cache).stat().st_mtime_ns
    os.utime(root / "app.py", ns=(written, written))
    run(root, cache)
    os.utime(cache_file(cache), ns=(written, written))
    (root / "app.py").write_text("bae()\n")
    os.utime(root / "app.py", ns=(written, written))

    assert run(root, cache).new == ()


def test_a_file_from_the_future_is_read_each_time(root: Path, cache: Path) -> None:
    os.utime(root / "app.py", ns=(2**62, 2**62))
    run(root, cache)
    (root / "app.py").write_text("bae()\n")
    os.utime(root / "app.py", ns=(2**62, 2**62))

    assert run(root, cache).new == ()


def test_files_that_are_gone_leave_the_cache(root: Path, cache: Path) -> None:
    run(root, cache)
    (root / "other.py").unlink()
    run(root, cache)

    assert sorted(json.loads(cache_file(cache).read_text())["files"]) == ["app.py", "broken.py"]


@pytest.mark.parametrize("change", [{"version": "2"}, {"rules": RULES[:1]}, {"prefilter": False}])
def test_another_version_set_of_rules_or_way_of_reading_starts_anew(
    root: Path, cache: Path, scanned: list[str], change: dict[str, Any]
) -> None:
    run(root, cache)
    scanned.clear()
    run(root, cache, **change)

    assert sorted(scanned) == ["app.py", "broken.py", "other.py"]


def test_a_selection_of_rules_shares_the_cache(root: Path, cache: Path, scanned: list[str]) -> None:
    run(root, cache)
    scanned.clear()
    report = run(root, cache, selected=frozenset(("worse-call",)))

    assert scanned == []
    assert report.new == ()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b"[" * 100_000, b'{"header": 1}',
    ],
)  # fmt: skip
def test_a_file_that_is_no_cache_is_none(root: Path, cache: Path, content: bytes) -> None:
    first = run(root, cache)
    cache_file(cache).write_bytes(content)

    assert run(root, cache) == first
    assert json.loads(cache_file(cache).read_bytes())["files"].keys() == {"app.py", "broken.py", "other.py"}


@pytest.mark.parametrize(
    "entry",
    [1, None, [], {}, "abcd", [6, 10**18, "x"], [6, 10**18, "x", 1], [6, 10**18, "x", {}], [6, 10**18, "x", {"No": []}],
     [6, 10**18, "x", {"FileFacts": [1, 2, 3] * 20}], [6, 10**18, "x", {"Notice": ["a", "b", 1, "c"]}],
     [6, 10**18, "x", ["FileFacts"]]],
)  # fmt: skip
def test_an_entry_that_nobody_wrote_is_none(root: Path, cache: Path, entry: object) -> None:
    first = run(root, cache)
    path = cache_file(cache)
    data = json.loads(path.read_text())
    data["files"]["app.py"] = entry
    path.write_text(json.dumps(data))

    assert run(root, cache) == first


def test_a_cache_of_another_shape_is_none(root: Path, cache: Path) -> None:
    first = run(root, cache)
    path = cache_file(cache)
    shapes: list[object] = [[], 1, None, "x"]
    for files in shapes:
        data = json.loads(path.read_text()) | {"files": files}
        path.write_text(json.dumps(data))
        assert run(root, cache) == first


@pytest.mark.parametrize("what", ["a file in its place", "a folder in the file's place"])
def test_a_folder_that_cannot_be_written_is_no_error(root: Path, cache: Path, what: str) -> None:
    if what == "a file in its place":
        cache.write_text("")
    else:
        run(root, cache)
        name = cache_file(cache).name
        (cache / name).unlink()
        (cache / name / "x").mkdir(parents=True)

    assert len(run(root, cache).new) == 1


@pytest.mark.parametrize("where", ["", "sub", ".cache/twelvefac"])
def test_a_cache_inside_the_audited_directory_is_not_used(root: Path, where: str) -> None:
    before = sorted(path for path in root.rglob("*"))
    run(root, root / where)

    assert sorted(path for path in root.rglob("*")) == before


def test_a_link_to_the_audited_directory_is_inside_it_too(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    run(root, tmp_path / "link/cache")

    assert not (root / "cache").exists()


def test_a_directory_beside_with_the_same_beginning_is_outside(root: Path) -> None:
    folder = root.with_name("service-cache")
    run(root, folder)

    assert len(list(folder.iterdir())) == 2  # facts and the verdict


def test_the_cache_is_for_its_owner_alone(root: Path, cache: Path) -> None:
    run(root, cache)

    assert cache_file(cache).stat().st_mode & 0o777 == 0o600


def test_what_other_code_kept_is_not_taken(
    root: Path, cache: Path, tmp_path: Path, scanned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout the code changes and the version does not."""
    package = tmp_path / "package"
    (package / "audit").mkdir(parents=True)
    (package / "rules/config").mkdir(parents=True)
    source = package / "rules/config/one.py"
    source.write_text("x = 1\n")
    monkeypatch.setattr("twelvefac.audit.engine.__file__", str(package / "audit/engine.py"))
    run(root, cache)
    scanned.clear()
    run(root, cache)
    assert scanned == []

    source.write_text("x = 2\n")
    os.utime(source, ns=(10**18, 10**18))
    run(root, cache)

    assert sorted(scanned) == ["app.py", "broken.py", "other.py"]


def test_a_file_is_read_again_when_a_command_comes_to_its_service(
    tmp_path: Path, cache: Path, scanned: list[str]
) -> None:
    """Without a command the rules that need one are not asked whether they want a file."""
    rule = call_rule("bad-call", "bad")
    rule.needs_command = True
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "app.py").write_text("bad()\n")
    os.utime(folder / "app.py", ns=(10**18, 10**18))
    assert run(folder, cache, rules=(rule,)).new == ()

    (folder / "Procfile").write_text("web: python app.py\n")
    scanned.clear()
    found = run(folder, cache, rules=(rule,))

    assert [one.finding.primary.path for one in found.new] == ["app.py"]
    assert "app.py" in scanned
    assert run(folder, None, rules=(rule,)) == found


@pytest.mark.parametrize("most", [1, 300])
def test_what_is_too_much_for_the_memory_is_kept_too_and_its_file_closed(
    root: Path, cache: Path, scanned: list[str], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    opened: list[Any] = []
    make = tempfile.TemporaryFile

    def spy(**options: Any) -> Any:
        opened.append(make(**options))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", spy)
    monkeypatch.setattr(cache_module, "_MOST_IN_MEMORY", most)
    monkeypatch.setattr(cache_module, "_AT_ONCE", 1)
    cold = run(root, cache)
    assert sorted(json.loads(cache_file(cache).read_text())["files"]) == ["app.py", "broken.py", "other.py"]
    scanned.clear()

    assert run(root, cache) == cold  # changes nothing, and so writes nothing
    assert scanned == []
    assert [file.closed for file in opened] == [True, True]
