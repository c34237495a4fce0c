"""What ``new service`` refuses: one clear line and a way out, exit 2, and nothing written."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_terminal import program

from twelvefac.scaffold.git import run_git

HIDES = "the package kafka would hide the library of that name"
PATTERN = "it takes lower-case letters, digits and single dashes, a letter first and no dash last"
Run = Callable[..., tuple[int, str, str]]


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["full"], "{work}/full is not empty", "choose another folder, or move away what is in it"),
        (["file"], "{work}/file is a file", "choose another folder, or move it away"),
        (["file/orders"], "{work}/file is not a folder", "choose another folder"),
        (
            ["kafka"],
            "'kafka' cannot name a service: the package kafka would hide the library of that name; try kafka-service",
            "",
        ),
        (
            ["My_Orders"],
            f"'My_Orders' cannot name a service: {PATTERN}; try my-orders",
            "",
        ),
        (["orders", "--name", ""], "'' cannot name a service: it is empty; try orders", ""),
        (["orders", "--framework=flask"], "unknown framework 'flask': choose from fastapi", ""),
        (["orders", "--database=mysql"], "unknown database 'mysql': choose from none", ""),
        (["orders", "--ci=gitlab"], "unknown ci 'gitlab': choose from none, github", ""),
        (
            ["orders", "--description=" + "x" * 101],
            "the description has 101 characters, 100 are allowed: shorten it",
            "",
        ),
        (
            ["orders", "--description=a\nb"],
            "the description must be one line of printable characters",
            "",
        ),
        (
            ["orders", "--description={{ x }}"],
            "the description holds a template tag such as '{{{{': leave it out",
            "",
        ),
        (["--answers=absent"], "cannot read the answers file absent: No such file or directory", ""),
        (
            ["--answers=bad.yml"],
            "bad.yml:2: unknown answer 'frame': choose from name, description, framework, database, ci, deploy",
            "",
        ),
        (["--answers=bad.json"], "bad.json:2: not JSON: Expecting value", ""),
        (["--answers=choice.yml"], "choice.yml:2: unknown ci 'gitlab': choose from none, github", ""),
        (["--answers=name.yml"], f"name.yml:2: 'My_Orders' cannot name a service: {PATTERN}; try my-orders", ""),
        (
            ["orders", "--answers=text.json"],
            "text.json:3: the description must be one line of printable characters",
            "",
        ),
        ([""], "DEST is empty", "name a folder, or leave DEST out and give --name"),
        (["orders", "--answers="], "--answers is empty", "name a file, or leave it out"),
        (["dangling"], "{work}/dangling is a link that leads nowhere", "choose another folder, or remove the link"),
        (["loop/orders"], "{work}/loop is a link that leads nowhere", "choose another folder, or remove the link"),
        (["link"], "{work}/link is a file", "choose another folder, or move it away"),
        (
            [f"{'x' * 300}/orders"],
            "cannot write {work}/" + "x" * 300 + "/orders: file name too long; nothing was made",
            "choose a shorter path",
        ),
        (
            ["/proc/orders/orders"],
            "cannot write /proc/orders/orders: /proc is a read-only system; nothing was made",
            "choose a folder that you may write to",
        ),
        (["orders", "--description=a\u200db"], "the description must be one line of printable characters", ""),
        (["orders", "--description=a \u202e b"], "the description must be one line of printable characters", ""),
    ],
)
def test_one_line_a_way_out_and_nothing_written(
    new: Run, tmp_path: Path, arguments: list[str], message: str, hint: str
) -> None:
    work = tmp_path / "work"
    (work / "full").mkdir()
    (work / "full/mine").touch()
    (work / "file").touch()
    (work / "bad.yml").write_text("name: orders\nframe: fastapi\n")
    (work / "bad.json").write_text('{"name": "orders",\n"ci": none}')
    (work / "name.yml").write_text("ci: none\nname: My_Orders\n")
    (work / "text.json").write_text('{"name": "My_Orders",\n"ci": "none",\n"description": "a\\u202eb"}\n')
    (work / "dangling").symlink_to("nowhere")
    (work / "loop").symlink_to("loop")
    (work / "link").symlink_to("file")
    (work / "choice.yml").write_text("name: orders\nci: gitlab\n")
    before = everything(work)
    said = f"error: {message.format(work=work)}\n" + (f"  {hint}\n" if hint else "")
    assert new(*arguments) == (2, "", said)
    assert everything(work) == before


def test_an_unknown_flag(new: Run) -> None:
    code, out, error = new("orders", "--flask")
    assert (code, out) == (2, "")
    assert "No such option: --flask" in error


def call(
    sample: Path, folder: Path, *, by: tuple[str, ...] = (), prepare: Callable[[], None] | None = None
) -> tuple[int, str, str]:
    """Run in ``folder`` as a process of its own, ``by`` means of another program."""
    done = subprocess.run(
        [*by, *program(sample, "new", "service", "orders")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=prepare,
    )
    return done.returncode, done.stdout, done.stderr


def test_an_unwritable_folder(sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    folder.mkdir()
    folder.chmod(0o555)
    by: tuple[str, ...] = ()
    if os.geteuid() == 0:  # whom permissions do not stop, unless the capabilities are given up
        by = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    code, out, error = call(sample, folder, by=by)
    assert (code, out) == (2, "")
    assert error == (
        f"error: cannot write {folder}/orders: permission denied; nothing was made\n"
        "  choose a folder that you may write to\n"
    )
    assert everything(folder) == []


@pytest.fixture(params=[48, 160, 640])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of so many kB that is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={request.param}k,uid={os.geteuid()}"
    mount = [*sudo, "mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if shutil.which(mount[0]) is None or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting a small file system takes root")
    try:
        # fill it up to the last 16 kB and leave the rest to the run
        with (folder / "filler").open("wb") as file:
            file.write(b"\0" * (request.param - 16) * 1024)
        yield folder
    finally:
        subprocess.run([*sudo, "umount", "-l", str(folder)], check=True)


def test_a_full_disk(sample: Path, small_disk: Path) -> None:
    code, out, error = call(sample, small_disk)
    assert (code, out) == (2, "")
    assert error == (
        f"error: cannot write {small_disk}/orders: no space left on device; nothing was made\n"
        "  free some space, or choose a folder on another disk\n"
    )
    assert everything(small_disk) == ["filler"]


def test_full_while_git_writes(sample: Path, small_disk: Path) -> None:
    """The files fit, their repository does not."""
    (small_disk / "filler").unlink()
    size = int(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize)
    (small_disk / "filler").write_bytes(b"\0" * max(size - 100 * 1024, 0))
    code, out, error = call(sample, small_disk)
    assert (code, out) == (2, "")
    assert error == (
        f"error: cannot write {small_disk}/orders: no space left on device; nothing was made\n"
        "  free some space, or choose a folder on another disk\n"
    )
    assert everything(small_disk) == ["filler"]


def test_a_limit_on_file_sizes(sample: Path, tmp_path: Path) -> None:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))

    code, out, error = call(sample, tmp_path, prepare=prepare)
    assert (code, out) == (2, "")
    assert error == (
        f"error: cannot write {tmp_path}/orders: file too large; nothing was made\n"
        "  raise the limit on file sizes (ulimit -f)\n"
    )
    assert everything(tmp_path) == []


def test_git_that_fails(new: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\necho fatal: out of luck >&2\nexit 1\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert new("orders") == (2, "", "error: git init failed: fatal: out of luck\n")
    assert everything(tmp_path / "work") == []
    monkeypatch.undo()
    assert run_git(["--version"], tmp_path).startswith("git version")
