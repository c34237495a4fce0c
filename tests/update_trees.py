"""Trees instead of templates: versions and user histories drawn at random, merged without Copier in the loop."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies as st

from twelvefac.update.carry import apply
from twelvefac.update.files import EXECUTABLE, LINK, REGULAR, SUBMODULE, File, Files
from twelvefac.update.install import Told, refusing
from twelvefac.update.journal import Operation, locked
from twelvefac.update.merge import Labels
from twelvefac.update.proposal import Proposal, Wanted, indexed, propose
from twelvefac.update.provenance import Provenance
from twelvefac.update.repository import Repository, find_repository

NAMES = ("a.py", "b.py", "c.txt", "d.toml", "e.md")
FOLDERS = ("", "src/", "src/deep/", "deploy/")
MODULE = "1234567890123456789012345678901234567890"


def text(*lines: str, end: str = "\n") -> bytes:
    """Lines as a file."""
    return "".join(line + end for line in lines).encode()


def lines_of(data: bytes) -> set[str]:
    """The lines of a file, whatever ends and indents them."""
    return {line.strip() for line in data.decode("utf-8", "replace").splitlines()}


@dataclass
class Counter:
    """Gives every line a number of its own."""

    number: int = 0

    def line(self, who: str) -> str:
        self.number += 1
        return f"{who}{self.number} = {self.number * 7919 % 9973}"


@dataclass(frozen=True)
class User:
    """A work tree as its owner left it: what git tracks, and what lies there besides."""

    tracked: Files
    unstaged: Mapping[str, bytes] = field(default_factory=dict)  # tracked files, changed since `git add`
    untracked: Mapping[str, bytes] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    edited: bool = True
    turned: tuple[str, ...] = ()  # tracked files, made executable or no longer so since `git add`


def _put(draw: st.DrawFn, lines: list[str], counter: Counter, who: str) -> list[str]:
    """Insert, change or delete lines at one to three places."""
    lines = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines)))
        match draw(st.sampled_from(["insert", "change", "delete"])):
            case "insert":
                lines.insert(at, counter.line(who))
            case "change" if lines:
                lines[at % len(lines)] = counter.line(who)
            case "delete" if len(lines) > 1:
                del lines[at % len(lines)]
    return lines


def _decode(file: File) -> tuple[list[str], str]:
    end = "\r\n" if b"\r\n" in file.data else "\n"
    return file.data.decode().split(end)[:-1], end


@st.composite
def first_versions(draw: st.DrawFn, counter: Counter) -> Files:
    paths = draw(
        st.lists(
            st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)).map("".join),
            min_size=1,
            max_size=6,
            unique=True,
        )
    )
    files: Files = {}
    for path in paths:
        length = draw(st.integers(1, 14))
        mode = draw(st.sampled_from([REGULAR, REGULAR, EXECUTABLE]))
        files[path] = File(mode, text(*(counter.line("t") for _ in range(length))))
    return files


def _free(files: Mapping[str, object], draw: st.DrawFn) -> str:
    """A path that neither is, holds nor lies in another one."""
    taken = {*files}
    choices = [
        folder + name
        for folder in (*FOLDERS, "new/")
        for name in (*NAMES, "x.py", "y.py")
        if folder + name not in taken
        and not any(other.startswith(f"{folder}{name}/") for other in taken)
        and not any(f"{folder}{name}".startswith(f"{other}/") for other in taken)
    ]
    return draw(st.sampled_from(choices))


_TEMPLATE_OPS = ["edit", "edit", "edit", "add", "delete", "rename", "rename", "mode", "ends", "split", "folder"]


@st.composite
def next_versions(draw: st.DrawFn, before: Files, counter: Counter, who: str = "n") -> Files:
    """A later version: some files changed, added, deleted, renamed, split, with other modes or line ends."""
    files = dict(before)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(sorted(files)))
        lines, end = _decode(files[path])
        match draw(st.sampled_from(_TEMPLATE_OPS)):
            case "edit":
                files[path] = File(files[path].mode, text(*_put(draw, lines, counter, who), end=end))
            case "add":
                content = text(*(counter.line(who) for _ in range(draw(st.integers(1, 8)))))
                files[_free(files, draw)] = File(REGULAR, content)
            case "delete" if len(files) > 1:
                del files[path]
            case "rename":
                moved = files.pop(path)
                if draw(st.booleans()):
                    moved = File(moved.mode, text(*_put(draw, lines, counter, who), end=end))
                files[_free(files, draw)] = moved
            case "mode":
                other = EXECUTABLE if files[path].mode == REGULAR else REGULAR
                files[path] = File(other, files[path].data)
            case "ends":
                files[path] = File(files[path].mode, text(*lines, end="\n" if end == "\r\n" else "\r\n"))
            case "split" if len(lines) > 2:
                files[path] = File(files[path].mode, text(*lines[: len(lines) // 2], end=end))
                files[_free(files, draw)] = File(REGULAR, text(*lines[len(lines) // 2 :], end=end))
            case "folder" if "/" not in path:
                moved = files.pop(path)
                if not any(other.startswith(f"{path}/") for other in files):
                    files[f"{path}/inner.py"] = moved  # a folder where a file was
                else:
                    files[path] = moved
    return files


_USER_OPS = [
    *("edit", "edit", "edit", "edit", "add", "delete", "rename", "rename", "reformat", "crlf", "binary", "link"),
    *("module", "untracked", "dirty", "mode", "turned", "folder"),
]


@st.composite
def users(draw: st.DrawFn, base: Files, counter: Counter, ops: list[str] | None = None) -> User:
    """What an owner made of the first version."""
    tracked = dict(base)
    unstaged: dict[str, bytes] = {}
    untracked: dict[str, bytes] = {}
    modules: list[str] = []
    turned: set[str] = set()
    for _ in range(draw(st.integers(0, 5))):
        everything = {**tracked, **untracked, **dict.fromkeys(modules)}
        path = draw(st.sampled_from(sorted(tracked)))
        is_text = tracked[path].mode != LINK and b"\0" not in tracked[path].data
        lines, end = _decode(tracked[path]) if is_text else ([], "\n")
        match draw(st.sampled_from(ops or _USER_OPS)):
            case "edit" if is_text:
                tracked[path] = File(tracked[path].mode, text(*_put(draw, lines, counter, "u"), end=end))
            case "add":
                tracked[_free(everything, draw)] = File(REGULAR, text(*(counter.line("u") for _ in range(3))))
            case "delete" if len(tracked) > 1:
                del tracked[path]
                unstaged.pop(path, None)
            case "rename":
                unstaged.pop(path, None)
                moved = tracked.pop(path)
                if is_text and draw(st.booleans()):
                    moved = File(moved.mode, text(*_put(draw, lines, counter, "u"), end=end))
                tracked[_free({**everything, path: None}, draw)] = moved
            case "reformat" if is_text:
                tracked[path] = File(tracked[path].mode, text(*(f"    {line}" for line in lines), end=end))
            case "crlf":
                for each, file in list(tracked.items()):
                    if file.mode != LINK and b"\0" not in file.data:
                        tracked[each] = File(file.mode, text(*_decode(file)[0], end="\r\n"))
            case "binary":
                tracked[path] = File(REGULAR, b"\0\1\2" + counter.line("u").encode())
                unstaged.pop(path, None)
            case "link":
                tracked[path] = File(LINK, b"somewhere/" + counter.line("u").encode())
                unstaged.pop(path, None)
            case "module":
                modules.append(_free(everything, draw))
            case "untracked":
                untracked[_free(everything, draw)] = text(counter.line("u"))
            case "dirty" if is_text:
                unstaged[path] = tracked[path].data + text(counter.line("u"))
            case "mode" if tracked[path].mode in {REGULAR, EXECUTABLE}:
                other = EXECUTABLE if tracked[path].mode == REGULAR else REGULAR
                tracked[path] = File(other, tracked[path].data)
            case "turned":
                turned.add(path)
            case "folder" if is_text and "/" not in path:
                moved = tracked.pop(path)
                unstaged.pop(path, None)
                tracked[f"{path}/mine.py"] = moved
    unstaged = {path: data for path, data in unstaged.items() if path in tracked and tracked[path].mode != LINK}
    there = tuple(sorted(path for path in turned if path in tracked and tracked[path].mode != LINK))
    edited = tracked != base or bool(unstaged or untracked or modules or there)
    return User(tracked, unstaged, untracked, tuple(modules), edited, there)


_EMPTY: list[Path] = []
_FOUND: list[Repository] = []


def _empty_git() -> Path:
    """A .git directory to copy: starting git for it each time would cost more than the merge."""
    if not _EMPTY:
        folder = Path(tempfile.mkdtemp(prefix="twelvefac-empty-"))
        run(folder, "init", "--quiet", "--template=", "--initial-branch=main")
        _EMPTY.append(folder / ".git")
    return _EMPTY[0]


def run(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Run git as a user would, with an identity and no configuration."""
    identity = ("-c", "user.name=User", "-c", "user.email=user@localhost")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, input=given
    ).stdout


@contextmanager
def work_tree(user: User, prefix: str = "") -> Iterator[Path]:
    """Give a repository as its user left it; ``prefix`` puts the service into a folder of it."""
    with tempfile.TemporaryDirectory(prefix="twelvefac-user-") as name:
        top = Path(name)
        shutil.copytree(_empty_git(), top / ".git")
        folder = top / prefix
        write(folder, user.tracked)
        if prefix:
            (top / "other.txt").write_text("of another service\n")
        run(top, "add", "--all", "--force")
        for path in user.modules:
            run(top, "update-index", "--add", "--cacheinfo", f"{SUBMODULE},{MODULE},{prefix}{path}")
            (folder / path).mkdir(parents=True)
        write(folder, {path: File(REGULAR, data) for path, data in user.untracked.items()})
        for path, data in user.unstaged.items():
            (folder / path).write_bytes(data)
        for path in user.turned:
            (folder / path).chmod(0o644 if user.tracked[path].mode == EXECUTABLE else 0o755)
        yield folder


def write(folder: Path, files: Files) -> None:
    """Write files as they are."""
    for path, file in files.items():
        full = folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        if file.mode == LINK:
            full.symlink_to(os.fsdecode(file.data))
        else:
            full.write_bytes(file.data)
            full.chmod(0o755 if file.mode == EXECUTABLE else 0o644)


def snapshot(folder: Path) -> tuple[dict[str, tuple[str, bytes]], bytes]:
    """Everything in a work tree (mode and bytes; empty folders too) and git's index."""
    found: dict[str, tuple[str, bytes]] = {}
    for place, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in [*names, *(each for each in folders if Path(place, each).is_symlink())]:
            path = Path(place, name)
            if path.is_symlink():
                found[path.relative_to(folder).as_posix()] = ("link", os.fsencode(path.readlink()))
            else:
                bits = oct(path.stat().st_mode)
                found[path.relative_to(folder).as_posix()] = (bits, path.read_bytes())
    return found, run(folder, "ls-files", "-s", "-z")


def merge(
    repository: Repository,
    base: Files,
    theirs: Files,
    told: Told = lambda _: None,
    *,
    records: bool = False,
    declared: Mapping[str, str] | None = None,
) -> tuple[Proposal, Operation | None]:
    """Update a work tree from ``base`` to ``theirs`` as the command does, renders given."""
    extra = {".copier-answers.yml": b"_commit: 2\n", ".twelvefac/manifest.json": b"{}\n"} if records else {}
    wanted = Wanted(base, theirs, extra, Labels("template 1.0.0", "template 2.0.0"), declared or {})
    with locked(repository), refusing():
        proposal = propose(repository, Provenance("1.0.0", {"name": "orders"}, {}), wanted, indexed(repository))
        return proposal, apply(repository, proposal, "update", "update of orders to template 2.0.0", told)


def repository_of(folder: Path) -> Repository:
    """The repository around a folder; looked up once, since all of them are copies of one."""
    top = next(place for place in (folder, *folder.parents) if (place / ".git").is_dir())
    if not _FOUND:
        _FOUND.append(find_repository(_empty_git().parent))
    git = top / ".git"
    prefix = "" if folder == top else folder.relative_to(top).as_posix() + "/"
    return replace(_FOUND[0], top=top, prefix=prefix, directory=git, state=git / "twelvefac", objects=git / "objects")
