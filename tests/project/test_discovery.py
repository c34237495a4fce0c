"""Which files are looked at; what is passed over is said."""

import os
from pathlib import Path

import pytest

from twelvefac.project.discovery import MAX_BYTES, discover, is_out_of_scope, kind_of, read_bytes


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a = 1\n")


def found(root: Path) -> list[str]:
    return [file.path for file in discover(str(root)).files]


def notices(root: Path) -> list[tuple[str, str, int]]:
    return sorted((one.kind, one.path, one.line) for one in discover(str(root)).notices)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.py", "python"),
        ("a/b.py", "python"),
        ("Dockerfile", "dockerfile"),
        ("dockerfile", "dockerfile"),
        ("Containerfile", "dockerfile"),
        ("Dockerfile.prod", "dockerfile"),
        ("Dockerfile-worker", "dockerfile"),
        ("prod.Dockerfile", "dockerfile"),
        ("web.dockerfile", "dockerfile"),
        ("Containerfile.web", "dockerfile"),
        ("Dockerfile.md", None),
        ("Dockerfile.jinja", None),
        ("mydockerfile", None),
        ("requirements/requirements.pip", "requirements"),
        ("lint.pip", None),
        ("Dockerfile.py", "python"),
        (".github/workflows/test.yml", "pipeline"),
        ("services/a/.github/workflows/test.yaml", "pipeline"),
        (".gitlab-ci.yml", "pipeline"),
        (".gitlab/ci/test.yml", "pipeline"),
        (".circleci/config.yml", "pipeline"),
        ("azure-pipelines.yml", "pipeline"),
        (".azure-pipelines/build.yaml", "pipeline"),
        ("bitbucket-pipelines.yml", "pipeline"),
        (".travis.yml", "pipeline"),
        (".drone.yml", "pipeline"),
        (".woodpecker.yaml", "pipeline"),
        (".woodpecker/test.yml", "pipeline"),
        (".buildkite/pipeline.yml", "pipeline"),
        (".github/dependabot.yml", "yaml"),
        ("workflows/test.yml", "yaml"),
        ("Procfile", "procfile"),
        ("Pipfile", "pipfile"),
        ("pyproject.toml", "pyproject"),
        ("requirements/prod.txt", "requirements"),
        ("constraints.txt", "requirements"),
        (".dockerignore", "text"),
        ("deploy/Dockerfile.dockerignore", "text"),
        ("supervisord.conf", "ini"),
        ("supervisor/conf.d/web.conf", "ini"),
        ("uwsgi.ini", "ini"),
        ("deploy/uwsgi/prod.ini", "ini"),
        ("setup.ini", None),
        ("certs/tls.key", "key"),
        ("id_ed25519", "key"),
        ("chain.pem", None),
        (".env.production", "envfile"),
        ("deploy/run.sh", "shell"),
        ("docker-entrypoint", "shell"),
        ("docker-compose.override.yml", "compose"),
        ("compose.prod.yaml", "compose"),
        ("a.pyc", None),
        ("a.pyi", None),
        ("PY", None),
        (".py", "python"),
    ],
)
def test_the_reader_for_a_name(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_a_dockerfiles_ignore_file_is_no_dockerfile() -> None:
    assert kind_of("Dockerfile.dockerignore") != "dockerfile"


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py", "a/test/b.py", "test_a.py", "a_test.py", "a_tests.py", "tests.py", "conftest.py", "noxfile.py",
        "docs/conf.py", "examples/a.py", "vendor/x/a.py", "shop/migrations/0001_initial.py", "alembic/versions/a.py",
        "locustfile.py", "locustfile_big.py", "shop/db_migrations/0001_initial.py", "shop/settings/test.py",
        "config/unittests.py", "shop/auto_mock.py", "mocks.py", "tests_functional.py",
        ".claude/hooks/start.py", "shop/.github/check.py",
    ],
)  # fmt: skip
def test_what_does_not_ship_is_left_out_and_counted(tmp_path: Path, path: str) -> None:
    write(tmp_path, path, "app.py")

    assert is_out_of_scope(path, "python")
    assert found(tmp_path) == ["app.py"]
    assert discover(str(tmp_path)).left_out == 1


@pytest.mark.parametrize(
    "path",
    [
        "attest.py",
        "contest/a.py",
        "latest_a.py",
        "migrations.py",
        "versions.py",
        "docs.py",
        "shop/test.py",
        "settings.py",
    ],
)
def test_what_only_sounds_like_it_ships(path: str) -> None:
    assert not is_out_of_scope(path, "python")


def test_a_folder_of_others_packages_is_left_out_and_counted(tmp_path: Path) -> None:
    write(
        tmp_path, "main.py", "lib/requests/api.py", "lib/six.py", "lib/other/a.py", "libs/orders.py", "src/lib/six.py"
    )

    assert found(tmp_path) == ["libs/orders.py", "main.py", "src/lib/six.py"]
    assert discover(str(tmp_path)).left_out == 3


def test_order_is_by_path_whatever_the_file_system_returns(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a/z.py", "a.py", "a/a.py", "Z.py")

    assert found(tmp_path) == ["Z.py", "a.py", "a/a.py", "a/z.py", "b.py"]


@pytest.mark.parametrize(
    "folder", [".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".tox", ".mypy_cache"]
)
def test_folders_that_are_never_entered(tmp_path: Path, folder: str) -> None:
    write(tmp_path, f"{folder}/a.py", f"x/{folder}/a.py", "app.py")

    assert found(tmp_path) == ["app.py"]


def test_links_are_not_followed_and_those_that_leave_are_noticed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "a.py", "pkg/b.py")
    write(tmp_path, "outside.py", "other/c.py", "rooted.py")
    (root / "inside.py").symlink_to("a.py")
    (root / "inside").symlink_to("pkg")
    (root / "leaves.py").symlink_to("../outside.py")
    (root / "away").symlink_to(tmp_path / "other")
    (root / "sibling.py").symlink_to("../rooted.py")
    (root / "dangling.py").symlink_to("nowhere.py")
    (root / "loop.py").symlink_to("loop.py")
    (root / "up").symlink_to("..")

    assert found(root) == ["a.py", "pkg/b.py"]
    assert notices(root) == [("outside-link", name, 0) for name in ("away", "leaves.py", "sibling.py", "up")]


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()

    assert found(tmp_path) == ["a.py"]


def test_a_large_file_is_passed_over_with_a_notice(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "just.py").write_bytes(b"#" * MAX_BYTES)

    assert found(tmp_path) == ["just.py"]
    assert notices(tmp_path) == [("too-large", "large.py", 1)]


@pytest.mark.parametrize("name", ["a\nb.py", "\x1b]0;x\x07.py", "a b.py", "é漢.py", "\udcff.py", "-x.py", "$(x).py"])
def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)

    assert found(tmp_path) == [name]


def test_a_folder_that_cannot_be_listed_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", "closed/b.py")
    scandir = os.scandir

    def closed(path: str) -> "os._ScandirIterator[str]":
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)

    assert found(tmp_path) == ["a.py"]
    assert notices(tmp_path) == [("unreadable", "closed", 0)]


def test_a_file_that_cannot_be_looked_at_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may be listed and not searched, or a file that vanishes between the two."""
    write(tmp_path, "a.py")

    class Entry:
        name, path = "gone.py", "gone.py"

        def is_symlink(self) -> bool:
            return False

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            return False

        def is_file(self, *, follow_symlinks: bool) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise PermissionError(13, "Permission denied")

    scandir = os.scandir

    class Scan:
        def __init__(self, path: str) -> None:
            with scandir(path) as scan:
                self.entries = [*scan, Entry()]

        def __enter__(self) -> list[object]:
            return self.entries

        def __exit__(self, *error: object) -> None:
            return None

    monkeypatch.setattr(os, "scandir", Scan)

    assert found(tmp_path) == ["a.py"]
    assert notices(tmp_path) == [("unreadable", "gone.py", 0)]


def test_reading_never_goes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")

    assert read_bytes(str(tmp_path), "a") == b"x"
    with pytest.raises(OSError, match=r"symbolic|links"):
        read_bytes(str(tmp_path), "b")


def test_reading_ends_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (MAX_BYTES + 5000))

    assert len(read_bytes(str(tmp_path), "a")) == MAX_BYTES + 1


@pytest.mark.parametrize("target", ["../uv.lock", "../../outside/uv.lock", "uv.lock"])
def test_a_lock_file_that_is_passed_over_is_there_all_the_same(tmp_path: Path, target: str) -> None:
    """A workspace's members link its lock; absent it would be a finding, passed over it is not."""
    root = tmp_path / "root"
    write(root, "uv.lock", "member/app.py")
    write(tmp_path, "outside/uv.lock")
    (root / "member/pyproject.toml").write_text('[project]\nname = "a"\nversion = "1"\ndependencies = ["flask"]\n')
    (root / "member/uv.lock").symlink_to(target)

    assert "member/uv.lock" in discover(str(root)).names
    assert "member/uv.lock" not in found(root)


def test_a_lock_file_of_any_size_is_there(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_bytes(b"#" * (MAX_BYTES + 1))
    write(tmp_path, "app.py")

    assert "uv.lock" in discover(str(tmp_path)).names
    assert notices(tmp_path) == []
