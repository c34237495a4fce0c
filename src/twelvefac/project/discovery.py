"""Which files of a directory are looked at: a walk that follows no link, cut to what git does not ignore."""

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from twelvefac.project.compose import is_compose
from twelvefac.project.dependencies import is_lock, is_requirements
from twelvefac.project.facts import Notice
from twelvefac.project.git import UnlistedError, find_git, listed_files
from twelvefac.project.helm import is_helm
from twelvefac.project.ini import is_ini
from twelvefac.project.nginx import is_nginx
from twelvefac.project.stamps import IGNORES, Stamper, Stamps, leads_out
from twelvefac.source.pattern import regex

MAX_BYTES = 1_000_000
"""Larger files are passed over with a notice: parsing one dense file of 1 MB takes up to 310 MiB of memory."""

_SKIPPED_FOLDERS = frozenset(
    ".git .hg .svn .tox .nox .venv venv .mypy_cache .ruff_cache .pytest_cache __pycache__ node_modules site-packages "
    ".eggs .idea .vscode .terraform bower_components __pypackages__".split()
)
_TEST_FOLDERS = frozenset(
    "tests test testing __tests__ testsuite e2e integration_tests unit_tests unittests testutils test_utils "
    "e2etests integrationtests functionaltests systemtests apitests uitests".split()
)
_OTHER_FOLDERS = frozenset(
    "docs doc examples example samples CodeSamples code-samples code_samples vendor vendored third_party benchmarks "
    "contrib playground notebooks".split()
)
_LIBRARY_FOLDERS = frozenset("lib libs lib3 ext external externals libraries thirdparty third-party packages".split())
_PACKAGES = frozenset(
    "requests urllib3 certifi idna chardet charset_normalizer six.py bs4 yaml jinja2 markupsafe werkzeug cherrypy "
    "dateutil pytz html5lib oauthlib simplejson pkg_resources setuptools click mako apscheduler tornado bottle.py "
    "flask attr rich pygments typing_extensions.py".split()
)
"""Where applications for home servers keep copies of others' packages, and packages by which such a folder is known."""
_MIGRATION_FOLDERS = frozenset(("migrations", "versions"))
_SETTINGS_FOLDERS = frozenset(("settings", "config", "configs", "conf"))
_TEST_SETTINGS = frozenset(("test.py", "testing.py", "unittests.py", "ci.py"))
_TEST_FILE = regex(
    r"(?:tests?[_-].*|pytest_.*|.*_tests?|.*_testing|tests|(?:.*_)?mocks?|mock_.*|conftest|noxfile|fabfile|locustfile.*)\.py"
)
_ENVFILE = regex(r"\.flaskenv|\.env(?:\.[\w.-]{1,60})?|[\w-]{1,60}\.env|\.?envrc")
_BY_NAME = {
    "Procfile": "procfile",
    "pyproject.toml": "pyproject",
    "Pipfile": "pipfile",
    ".dockerignore": "text",
    ".python-version": "text",
    "runtime.txt": "text",
    "Makefile": "text",
    "uv.lock": "lock",
    "poetry.lock": "lock",
    "pdm.lock": "lock",
    "Pipfile.lock": "lock",
}
_PRIVATE_KEY = regex(
    r"(?:[\w.-]{0,60}[._-])?(?:priv(?:ate)?(?:[_-]?key)?|privkey|key)\.pem|id_(?:rsa|dsa|ecdsa|ed25519)|"
    r"(?:server|tls|ssl|private|privkey)\.key"
)
_SCRIPTS = regex(
    r"(?:[\w-]{1,40}[_-])?(?:entrypoint|start|startup|run|boot|launch|serve)(?:[_-][\w-]{1,40})?|wait-for-it|prestart"
)
"""Names of start scripts without an extension; what is none by its first line is not read."""
_OF_NO_READER = tuple(
    ".js .mjs .ts .tsx .jsx .vue .css .scss .less .html .htm .svg .png .jpg .jpeg .gif .ico .webp .woff .woff2 .ttf "
    ".eot .po .mo .pot .md .rst .map .xml .json .pdf .csv .graphql .sql .go .java .rb .rs .c .h".split()
)
"""Ends of the names that most files of a repository have, which cost no further question."""
_PIPELINES = frozenset(
    ".gitlab-ci .travis azure-pipelines .azure-pipelines bitbucket-pipelines .drone cloudbuild buildspec appveyor "
    ".appveyor .woodpecker .cirrus".split()
)
_PIPELINE_FOLDERS = regex(
    r"(?:.{1,300}/)?(?:\.github/workflows|\.circleci|\.woodpecker|\.buildkite|\.semaphore|\.azure-?pipelines|\.gitlab/ci|"
    r"\.tekton)"
)
_DOCKERFILE = regex(r"(?:dockerfile|containerfile)(?:[.-][\w.-]+)?|[\w.-]+[.-]dockerfile", re.IGNORECASE)


class File(NamedTuple):
    """A file to look at: its POSIX path below the root, its kind, size in bytes and modification time (ns)."""

    path: str
    kind: str
    size: int
    mtime: int


class Discovery(NamedTuple):
    """What a walk found.

    ``left_out`` counts Python files of tests, migrations, docs and vendored code. ``names`` are the paths of all files
    and links, whether a reader wants them or not; ``tracked`` those in git's index, None without git. ``stamps`` tell
    whether another walk would find the same; None where that takes the walk.
    """

    files: tuple[File, ...]
    manifests: tuple[str, ...]
    left_out: int
    notices: tuple[Notice, ...]
    names: frozenset[str] = frozenset()
    tracked: frozenset[str] | None = None
    stamps: Stamps | None = None


MANIFESTS = frozenset(
    "pyproject.toml setup.py setup.cfg requirements.txt Pipfile Procfile manage.py environment.yml".split()
)
"""Files that make a directory a project of its own."""


def discover(root: str, *, all_files: bool = False) -> Discovery:
    """Walk ``root`` (an absolute path). Order is by path, whatever the file system returns.

    Files that do not ship (tests, migrations, docs, others' code) are left out unless ``all_files``.
    """
    notices: list[Notice] = []
    stamper = Stamper(root, find_git(root))  # before git is asked, so that a change in between is noticed
    try:
        listed = listed_files(root)
    except UnlistedError as error:
        listed = None
        stamper.fail()
        notices.append(Notice("git", ".", 0, f"git could not list the files: {error}; ignored files are judged too"))
    folders = None if listed is None else _folders(listed)
    files: list[File] = []
    manifests: list[str] = []
    left_out = 0
    names: list[str] = []
    links: list[str] = []
    vendored: list[str] = []
    for entry, path in _walk(root, folders, links, notices, vendored, stamper):
        if listed is not None and path not in listed:
            continue
        name = entry.name
        if name in MANIFESTS:
            manifests.append(path)
        names.append(path)
        kind = kind_of(path)
        if kind is None:
            continue
        if not all_files and (is_out_of_scope(path, kind) or path.startswith(tuple(vendored))):
            left_out += kind == "python"
            continue
        try:
            stat = entry.stat(follow_symlinks=False)
        except OSError as error:  # gone since, or in a folder that may be listed only
            stamper.fail()
            notices.append(Notice("unreadable", path, 0, f"passed over: {error.strerror}"))
            continue
        stamper.file(path, stat)
        if stat.st_size > MAX_BYTES:
            if kind == "lock":  # that it is there is most of what it says
                continue
            notices.append(Notice("too-large", path, 1, f"passed over: {stat.st_size} bytes, the limit is {MAX_BYTES}"))
            continue
        files.append(File(path, kind, stat.st_size, stat.st_mtime_ns))
    names += links if listed is None else [path for path in links if path in listed]
    tracked = None if listed is None else frozenset(path for path, is_tracked in listed.items() if is_tracked)
    return Discovery(
        tuple(sorted(files)),
        tuple(sorted(manifests)),
        left_out,
        tuple(notices),
        frozenset(names),
        tracked,
        stamper.done(),
    )


def kind_of(path: str) -> str | None:
    """The reader for a path; None where no reader wants it."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".py"):
        return "python"
    if name.endswith((".yml", ".yaml")):
        return _yaml_kind(folder, name)
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.endswith(_OF_NO_READER) and name[:1] not in "DdCc":  # Dockerfile.html
        return None
    if name.endswith((".sh", ".bash")) or ("." not in name and _SCRIPTS.fullmatch(name)):
        return "shell"
    if _ENVFILE.fullmatch(name):
        return "envfile"
    if is_requirements(path):
        return "requirements"
    if name.endswith((".lock", ".toml")) and is_lock(name):
        return "lock"
    if name.endswith(".dockerignore"):
        return "text"
    if name.startswith("id_") or name.endswith((".pem", ".key")):
        return "key" if _PRIVATE_KEY.fullmatch(name) else None
    if is_ini(path):
        return "ini"
    if is_nginx(path):
        return "nginx"
    if _DOCKERFILE.fullmatch(name) and not name.endswith((".md", ".txt", ".j2", ".jinja", ".tmpl", ".template")):
        return "dockerfile"
    return None


def _yaml_kind(folder: str, name: str) -> str:
    if is_compose(name):
        return "compose"
    if name.rpartition(".")[0] in _PIPELINES or _PIPELINE_FOLDERS.fullmatch(folder):
        return "pipeline"
    return "values" if is_helm(name) else "yaml"


def is_out_of_scope(path: str, kind: str) -> bool:
    """Whether a file is a test, a migration, documentation or somebody else's code: not what ships."""
    folder, _, name = path.rpartition("/")
    if kind == "python" and _TEST_FILE.fullmatch(name):
        return True
    if not folder:
        return False
    if _is_aside(folder, kind):
        return True
    return kind == "python" and name in _TEST_SETTINGS and folder.rpartition("/")[2] in _SETTINGS_FOLDERS


@lru_cache(10_000)  # a folder has many files
def _is_aside(folder: str, kind: str) -> bool:
    folders = folder.split("/")
    hidden = any(one.startswith(".") and (one != ".docker" or kind == "python") for one in folders)
    if hidden and kind in ("python", "dockerfile", "shell"):
        return True  # a pipeline's, an editor's, an agent's, a stand-in's for development
    for one in folders:
        if (
            one in _TEST_FOLDERS
            or one.startswith(("tests_", "tests-"))
            or one in _OTHER_FOLDERS
            or one.endswith(("_tests", "-tests", "_mock", "-mock", "_mocks", "-mocks"))
            or (kind == "dockerfile" and (one.endswith(("_examples", "-examples")) or one.startswith("mock")))
        ):
            return True
    return kind == "python" and (folders[-1] in _MIGRATION_FOLDERS or folders[-1].endswith("_migrations"))


def _walk(
    root: str,
    wanted: set[str] | None,
    links: list[str],
    notices: list[Notice],
    vendored: list[str],
    stamper: Stamper,
) -> Iterator[tuple["os.DirEntry[str]", str]]:
    """Regular files below ``root``; links are not followed, those that leave the tree are noticed.

    A link goes into ``links``: what it stands for is there, as a workspace's lock file is in each of its members.
    ``vendored`` grows by the folders in which others' packages are kept, each before its files.
    """
    stack = [""]
    while stack:
        folder = stack.pop()
        stamper.folder(folder)
        try:
            with os.scandir(os.path.join(root, folder) if folder else root) as scan:
                entries = list(scan)
        except OSError as error:
            stamper.fail()
            notices.append(Notice("unreadable", folder or ".", 0, f"passed over: {error.strerror}"))
            continue
        if os.path.basename(folder) in _LIBRARY_FOLDERS and len(_PACKAGES & {entry.name for entry in entries}) > 1:
            vendored.append(f"{folder}/")
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_file(follow_symlinks=False):  # most are
                if entry.name == IGNORES:
                    stamper.entry(path, entry)
                yield entry, path
            elif entry.is_symlink():
                links.append(path)
                out = leads_out(root, path)
                stamper.link(path, leads_out=out)
                if out:
                    what = "passed over: a link that leads out of the audited directory"
                    notices.append(Notice("outside-link", path, 0, what))
            elif entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED_FOLDERS:
                if wanted is None or path in wanted:
                    stack.append(path)
                else:
                    stamper.unwalked(path, _SKIPPED_FOLDERS)


def _folders(listed: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for path in listed:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def read_bytes(root: str, path: str) -> bytes:
    """The file's bytes, at most MAX_BYTES; never through a link in its last part. Raises OSError."""
    handle = os.open(os.path.join(root, path), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        size = os.fstat(handle).st_size  # a buffer of a megabyte for each small file costs more than reading it
        data = os.read(handle, min(size, MAX_BYTES) + 1)
        while len(data) != size and 0 < len(data) <= MAX_BYTES and (more := os.read(handle, MAX_BYTES + 1 - len(data))):
            data += more
    finally:
        os.close(handle)
    return data
