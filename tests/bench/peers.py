"""`make peers`: the same updates through other tools and ours; the tables of docs/updates.md.

Each case is a change of the template, a change of the user, and a line of each: afterwards the program looks
whether they are there, and what was said. Cruft and fastapi-fullstack are installed into folders of their own
(`--cruft` names a command that is there already). Nothing needs a network once they are.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peer_fullstack import NEW as FULLSTACK
from peer_fullstack import make_fullstack
from sample_template import finish, write_component, write_notes, write_template

from twelvefac.scaffold.history import release

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/updates.md"
BODY = "".join(f"STEP_{number} = {number}\n" for number in range(12))
USER, THEIRS = "MINE = 'user'\n", "NEW = 'template'\n"
Files = dict[str, str]


@dataclass(frozen=True)
class Case:
    """``before`` and ``after`` are the template's files (None: not there), ``edit`` is what the user does."""

    title: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    edit: Callable[[Path], None]
    user: str = USER
    theirs: str = THEIRS
    file: str = "a.py"
    stays: Mapping[str, str] = field(default_factory=dict)


def put(path: str, text: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)

    return edit


def crlf(folder: Path) -> None:
    data = (folder / "a.py").read_text().replace("STEP_9 = 9\n", USER)
    (folder / "a.py").write_bytes(data.replace("\n", "\r\n").encode())


def move(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "a.py").rename(folder / "mine/moved.py")


LATE, EARLY = BODY.replace("STEP_9 = 9\n", USER), BODY.replace("STEP_1 = 1\n", THEIRS)
CASES = (
    Case("both change a file, in different places", {"a.py": BODY}, {"a.py": EARLY}, put("a.py", LATE)),
    Case(
        "both change the same line",
        {"a.py": BODY},
        {"a.py": EARLY},
        put("a.py", BODY.replace("STEP_1 = 1\n", USER)),
    ),
    Case("the template renames a file that you changed", {"a.py": BODY}, {"b.py": EARLY}, put("a.py", LATE)),
    Case("the template deletes a file that you changed", {"a.py": BODY}, {}, put("a.py", LATE), theirs=""),
    Case(
        "you delete a file that the template changes",
        {"a.py": BODY},
        {"a.py": EARLY},
        lambda folder: (folder / "a.py").unlink(),
        user="",
    ),
    Case("you move a file that the template changes", {"a.py": BODY}, {"a.py": EARLY}, move, user="STEP_9 = 9\n"),
    Case("both add the same file", {}, {"a.py": THEIRS + BODY}, put("a.py", USER + BODY)),
    Case(
        "the template splits a file; you changed the part that moves",
        {"a.py": BODY},
        {"a.py": "".join(BODY.splitlines(keepends=True)[:6]) + THEIRS, "b.py": BODY[BODY.index("STEP_6") :]},
        put("a.py", LATE),
    ),
    Case("your file has CRLF line ends", {"a.py": BODY}, {"a.py": EARLY}, crlf),
    Case("an untracked file where the template adds one", {}, {"a.py": THEIRS}, put("a.py", USER)),
)


def git(folder: Path, *arguments: str) -> str:
    words = ("git", "-c", "user.name=User", "-c", "user.email=user@localhost", "-c", "init.defaultBranch=main")
    return subprocess.run([*words, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, *, tag: str = "") -> None:
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=version")
    if tag:
        git(folder, "tag", tag)


def environment(home: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "TWELVEFAC_", "COPIER_"))}
    config = home / "gitconfig"
    config.write_text("[user]\n\tname = User\n\temail = user@localhost\n[init]\n\tdefaultBranch = main\n")
    return clean | {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}


# a folder to work in, the template's files before and after, the environment; the project and how it is updated
Make = Callable[[Path, Mapping[str, str], Mapping[str, str], dict[str, str]], tuple[Path, list[str]]]
Made = tuple[Path, list[str]]


@dataclass(frozen=True)
class Peer:
    """A way to make a project from a template's versions and to update it."""

    name: str
    make: Make


def replace_all(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    for path in before:
        (folder / path).unlink()
    for path, text in after.items():
        put(path, text)(folder)


def make_copier(place: Path, before: Mapping[str, str], after: Mapping[str, str], env: dict[str, str]) -> Made:
    template, project = place / "template", place / "project"
    (template / "files").mkdir(parents=True)
    (template / "copier.yml").write_text("_subdirectory: files\nname: {type: str, default: orders}\n")
    put("files/{{_copier_conf.answers_file}}.jinja", "{{ _copier_answers|to_nice_yaml }}")(template)
    put("files/other.txt", "other\n")(template)
    for path, text in before.items():
        put(f"files/{path}", text)(template)
    commit(template, tag="1.0.0")
    copier = [sys.executable, "-W", "ignore", "-m", "copier"]
    run = [*copier, "copy", "--quiet", "--defaults", str(template), str(project)]
    subprocess.run(run, check=True, env=env, capture_output=True)
    replace_all(template / "files", before, after)
    commit(template, tag="2.0.0")
    return project, [*copier, "update", "--defaults", "."]


def make_cruft(command: str) -> Make:
    def make(place: Path, before: Mapping[str, str], after: Mapping[str, str], env: dict[str, str]) -> Made:
        template = place / "template"
        inner = template / "{{cookiecutter.name}}"
        inner.mkdir(parents=True)
        (template / "cookiecutter.json").write_text('{"name": "project"}\n')
        (inner / "other.txt").write_text("other\n")
        for path, text in before.items():
            put(path, text)(inner)
        commit(template)
        run = [command, "create", str(template), "--no-input", "--output-dir", str(place)]
        subprocess.run(run, check=True, env=env, capture_output=True)
        replace_all(inner, before, after)
        commit(template)
        return place / "project", [command, "update", "--skip-apply-ask"]

    return make


def make_ours(place: Path, before: Mapping[str, str], after: Mapping[str, str], env: dict[str, str]) -> Made:
    root = write_template(place / "root")
    base = root / "templates/service/{{base}}"
    write_component(root, "base", {})
    for path, text in before.items():
        put(path, text)(base)
    write_notes(root, "1.0.0", "summary: one\n")
    release(finish(root))
    code = (
        "import sys; from pathlib import Path; from importlib import import_module; from twelvefac.cli import run;"
        "root = Path(sys.argv.pop(1));"
        "[setattr(import_module('twelvefac.app.' + name), 'data_root', lambda: root) for name in ('new', 'update')];"
        "sys.exit(run(sys.argv[1:]))"
    )
    ours = [sys.executable, "-c", code, str(root)]
    project = place / "orders"
    new = [*ours, "new", "service", str(project), "--defaults", "--no-git", "--template-version=1.0.0"]
    subprocess.run(new, check=True, env=env, capture_output=True)
    replace_all(base, before, after)
    (root / "templates/VERSION").write_text("2.0.0\n")
    write_notes(root, "2.0.0", "summary: two\n")
    release(finish(root))
    return project, [*ours, "update"]


def outcome(case: Case, peer: Peer, place: Path) -> str:
    env = environment(place)
    before = {**case.before, **({} if case.before else {"unused.py": "UNUSED = 1\n"})}
    after = {**case.after, **({} if case.before else {"unused.py": "UNUSED = 1\n"})}
    project, update = peer.make(place, before, after, env)
    commit(project)
    case.edit(project)
    if "untracked" not in case.title:
        commit(project)
    done = subprocess.run(update, cwd=project, env=env, capture_output=True, text=True, check=False)
    return judged(case, project, done)


def judged(case: Case, project: Path, done: subprocess.CompletedProcess[str]) -> str:
    """One of the words lost, silently dropped, flagged and kept, with what makes the difference."""
    status = git(project, "status", "--porcelain")
    texts = {
        path.relative_to(project).as_posix(): path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    plain = {path: text for path, text in texts.items() if not path.endswith(".rej")}
    marked = any("<<<<<<<" in text for text in plain.values())
    rejected = sorted(path for path in texts if path.endswith(".rej"))
    unmerged = bool(re.search(r"^(?:U.|.U|AA|DD) ", status, re.MULTILINE))
    said = f"{done.stdout}\n{done.stderr}"
    named = case.file in said and done.returncode in {0, 1, 2} and ("declined" in said or done.returncode != 0)
    exit_code = f", exit {done.returncode}"
    here = any(case.user in text for text in plain.values())
    there = not case.theirs or any(case.theirs in text for text in plain.values())
    refused = done.returncode != 0 and not (marked or unmerged or rejected)
    if not here and not (marked or unmerged):
        if case.user and not any(case.user in text for text in texts.values()):
            return f"**lost**{exit_code}"
        return f"flagged (.rej){exit_code}"
    if marked or unmerged or rejected:
        return ("flagged (.rej)" if rejected else "flagged (conflict)") + exit_code
    if refused:
        return f"flagged (refused, nothing changed){exit_code}" if here else f"**lost**{exit_code}"
    if case.user == "" and "a.py" in plain:
        return f"**your deletion is undone**{exit_code}"
    if not there:
        return f"flagged (said){exit_code}" if named else f"**silently dropped**{exit_code}"
    return f"kept{exit_code}"


def timed(command: list[str], folder: Path, env: dict[str, str]) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(place: Path, rounds: int) -> str:
    """Update a project of 100 files by both, in turn, each time from the same start."""
    before = {f"pkg{number % 10}/file{number}.py": f"NUMBER = {number}\n{BODY}" for number in range(100)}
    after = {path: THEIRS + text if path.endswith("5.py") else text for path, text in before.items()}
    peers = (Peer("twelvefac", make_ours), Peer("copier", make_copier))
    made: dict[str, tuple[Path, list[str], dict[str, str]]] = {}
    for peer in peers:
        (place / peer.name).mkdir()
        env = environment(place / peer.name)
        project, update = peer.make(place / peer.name, before, after, env)
        commit(project)
        put("pkg5/file5.py", before["pkg5/file5.py"].replace("STEP_9 = 9\n", USER))(project)
        commit(project)
        made[peer.name] = (project, update, env)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, (project, update, env) in made.items():
            copy = place / "copy"
            shutil.copytree(project, copy, symlinks=True)
            times[name].append(timed(update, copy, env))
            shutil.rmtree(copy)
    (wall, cpu), (other_wall, other_cpu) = (
        (median(one[0] for one in times[name]), median(one[1] for one in times[name])) for name in made
    )
    ratios = [mine[0] / its[0] for mine, its in zip(times["twelvefac"], times["copier"], strict=True)]
    shares = [mine[1] / its[1] for mine, its in zip(times["twelvefac"], times["copier"], strict=True)]
    return (
        "| 100 files, 10 changed | wall, median | CPU, median |\n| --- | --- | --- |\n"
        f"| `twelvefac update` | {wall:.2f} s | {cpu:.2f} s |\n"
        f"| `copier update` | {other_wall:.2f} s | {other_cpu:.2f} s |\n\n"
        f"In pairs, {rounds} rounds: {median(ratios):.2f} of Copier's wall time, {median(shares):.2f} of its CPU time, "
        f"on {os.cpu_count()} cores under a load of {os.getloadavg()[1]:.0f}.\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--cruft", default="", help="the cruft command; by default it is installed for the run")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twelvefac-peers-") as name:
        place = Path(name)
        cruft = arguments.cruft or str(installed(place / "environment", "cruft", "click<8.3") / "bin/cruft")
        fullstack = installed(place / "fullstack", f"fastapi-fullstack=={FULLSTACK}")
        peers = [
            Peer("twelvefac update", make_ours),
            Peer("copier update", make_copier),
            Peer("cruft update", make_cruft(cruft)),
            Peer("fastapi-fullstack upgrade", make_fullstack(fullstack, commit)),
        ]
        rows = ["| | " + " | ".join(f"`{peer.name}`" for peer in peers) + " |", "| --- |" + " --- |" * len(peers)]
        for number, case in enumerate(CASES):
            cells = []
            for peer in peers:
                folder = place / f"{number}-{peer.name.replace(' ', '-')}"
                folder.mkdir()
                cells.append(outcome(case, peer, folder))
            rows.append(f"| {case.title} | {' | '.join(cells)} |")
            sys.stdout.write(rows[-1] + "\n")
        made_with = (
            f"copier {version_of(sys.executable, 'copier')}, cruft {version_of(python_of(cruft), 'cruft')} "
            f"and fastapi-fullstack {FULLSTACK}"
        )
        (place / "times").mkdir()
        table = "\n".join(rows) + f"\n\nMade with {made_with}.\n"
        write("cases", table)
        write("times", measured(place / "times", arguments.rounds))
    return 0


def python_of(command: str) -> str:
    return str(Path(shutil.which(command) or command).parent / "python")


def version_of(python: str, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def installed(folder: Path, *requirements: str) -> Path:
    """Return a virtual environment with what is required in it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *requirements], check=True)
    return folder


def write(mark: str, text: str) -> None:
    """Put ``text`` between the page's marks."""
    page = PAGE.read_text("utf-8")
    begin, end = f"<!-- {mark}: written by `make peers` -->\n", f"<!-- end of {mark} -->"
    head, rest = page.split(begin)
    _, tail = rest.split(end)
    PAGE.write_text(f"{head}{begin}\n{text}\n{end}{tail}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
