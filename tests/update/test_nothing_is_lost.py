"""Any two template versions, any history of edits: nothing that the user wrote is lost, nothing comes unsaid."""

import os
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from update_trees import (
    Counter,
    User,
    first_versions,
    lines_of,
    merge,
    next_versions,
    repository_of,
    run,
    snapshot,
    users,
    work_tree,
)

from twelvefac.errors import RefusedError
from twelvefac.update.carry import undo
from twelvefac.update.files import EXECUTABLE, LINK, File, Files, line_end, read_files
from twelvefac.update.journal import KEPT_REF, UNDO_REF, locked, read_operation
from twelvefac.update.proposal import Proposal
from twelvefac.update.repository import LAST
from twelvefac.update.result import Kind

SOAK = int(os.environ.get("SOAK", "1"))  # `make soak` draws this many times as much


def cases(number: int) -> settings:
    return settings(max_examples=number * SOAK, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@st.composite
def updates(draw: st.DrawFn, ops: list[str] | None = None) -> tuple[Files, Files, User, str]:
    counter = Counter()
    base = draw(first_versions(counter))
    theirs = draw(next_versions(base, counter))
    prefix = draw(st.sampled_from(["", "", "services/orders/"]))
    return base, theirs, draw(users(base, counter, ops)), prefix


def staged_blobs(folder: Path, number: int) -> dict[str, bytes]:
    """What the index has at one stage (1 base, 2 yours, 3 the template's) of each conflict."""
    found = {}
    for line in filter(None, run(folder, "ls-files", "-u", "-z").split(b"\0")):
        head, _, path = line.partition(b"\t")
        mode, oid, stage = head.decode().split()
        if int(stage) == number and mode != "160000":
            found[os.fsdecode(path)] = run(folder, "cat-file", "blob", oid)
    return found


def everything(folder: Path) -> set[str]:
    files = read_files_of(folder)
    return set().union(*(lines_of(file.data) for file in files.values())) if files else set()


def read_files_of(folder: Path) -> Files:
    return {path: file for path, file in read_files(folder).items() if not path.startswith(".git/")}


def check_user(folder: Path, user: User, proposal: Proposal) -> None:
    """Every line that the user wrote, every link and binary file is there, or in a conflict that names it."""
    named = {change.path for change in proposal.conflicts}
    in_conflict = {line for path, data in staged_blobs(folder, 2).items() if path in named for line in lines_of(data)}
    here = everything(folder)
    files = {path: file.data for path, file in user.tracked.items()} | dict(user.unstaged) | dict(user.untracked)
    written = {line for data in files.values() for line in lines_of(data) if line.startswith("u")}
    assert written - here - in_conflict == set()
    contents = {file.data for file in read_files_of(folder).values()} | set(staged_blobs(folder, 2).values())
    for path, file in user.tracked.items():
        if file.mode == LINK or b"\0" in file.data:
            assert file.data in contents, path


def check_template(folder: Path, base: Files, theirs: Files, proposal: Proposal) -> None:
    """Every change of the template is there, or in a conflict, or said to be declined."""
    told = {change.path: change for change in proposal.changes}
    sources = {change.source for change in proposal.changes}
    named = {change.path for change in proposal.conflicts}
    in_conflict = {line for path, data in staged_blobs(folder, 3).items() if path in named for line in lines_of(data)}
    here = everything(folder)
    old = {line for file in base.values() for line in lines_of(file.data)}
    for path, file in theirs.items():
        if base.get(path) == file:
            continue
        fresh = {line for line in lines_of(file.data) if line.startswith("n") and line not in old}
        missing = fresh - here - in_conflict
        if missing:
            assert any(
                change.kind is Kind.DECLINED and path in {change.path, change.path.partition("~")[0]}
                for change in told.values()
            ), (path, missing, proposal.changes)
    moved_away = {path for path in base if path not in theirs}
    for path in {path for path in {*base, *theirs} if base.get(path) != theirs.get(path)} - moved_away:
        assert path in told or path in sources or any(path in change.why for change in told.values()), path


# a folder in the place of a file that the template changes, and a submodule: the message has to name the file
_FOLDER_IN_PLACE = (
    {"a.py": File("100644", b"t1 = 7919\n")},
    {"a.py": File("100644", b"n2 = 5865\nt1 = 7919\n")},
    User({"a.py/mine.py": File("100644", b"    t1 = 7919\n")}, {}, {}, ("b.py",), True),
    "",
)
# what the template moves and changes is no text here, and where it goes the user has another file
_BINARY_MOVED = (
    {"e.md": File("100644", b"".join(b"t%d = 1\n" % number for number in range(8)))},
    {"src/a.py": File("100644", b"n9 = 1\n" + b"".join(b"t%d = 1\n" % number for number in range(8)))},
    User({"e.md": File("100644", b"\0\1\2u1 = 1"), "src/a.py": File("100644", b"u2 = 1\n")}, {}, {}, (), True),
    "",
)
# the same with lines of the user's own in what the template moves, and with bytes of their own under another mode
_EDITED_MOVED = (
    {"a.py": File("100644", b"t1 = 7919\n")},
    {"new/c.txt": File("100755", b"n3 = 3811\nt1 = 7919\n")},
    User({"a.py": File("100644", b"u4 = 1757\nt1 = 7919\n"), "new/c.txt": File("100644", b"\0\1\2u5 = 9676")}),
    "",
)
_MADE_BINARY_MOVED = (
    {"a.py": File("100644", b"t1 = 7919\n")},
    {"new/c.txt": File("100755", b"n3 = 3811\nt1 = 7919\n")},
    User({"a.py": File("100644", b"\0\1\2u4 = 1757"), "new/c.txt": File("100644", b"t2 = 5865\n")}),
    "",
)
# the same where a folder of the template's takes the old name, and where what is moved goes into that folder
_EDITED_MOVED_FOR_A_FOLDER = (
    {"a.py": File("100644", b"t1 = 7919\n")},
    {"new/c.txt": File("100644", b"n3 = 3811\nt1 = 7919\n"), "a.py/b.py": File("100644", b"n5 = 1\n")},
    User({"a.py": File("100644", b"u4 = 1757\nt1 = 7919\n"), "new/c.txt": File("100644", b"\0\1\2u5 = 9676")}),
    "",
)
_MADE_BINARY_MOVED_BELOW = (
    {"a.py": File("100644", b"t1 = 7919\n")},
    {"a.py/inner.py": File("100644", b"n2 = 5865\nt1 = 7919\n")},
    User({"a.py": File("100644", b"\0\1\2u3 = 3811")}),
    "",
)
# both move the same file, each to another place, and the user has an untracked file where it was: it is a conflict's
_UNTRACKED_IN_CONFLICT = (
    {"d.toml": File("100644", b"t1 = 7919\nt2 = 5865\n")},
    {"c.txt": File("100644", b"t1 = 7919\nt2 = 5865\n")},
    User({"e.md": File("100644", b"t1 = 7919\nt2 = 5865\n")}, {}, {"d.toml": b"u5 = 9676\n"}, (), True),
    "",
)


@cases(500)
@given(updates())
@example(_FOLDER_IN_PLACE)
@example(_BINARY_MOVED)
@example(_EDITED_MOVED)
@example(_MADE_BINARY_MOVED)
@example(_EDITED_MOVED_FOR_A_FOLDER)
@example(_MADE_BINARY_MOVED_BELOW)
@example(_UNTRACKED_IN_CONFLICT)
def test_nothing_is_lost_and_undo_is_the_identity(case: tuple[Files, Files, User, str]) -> None:
    base, theirs, user, prefix = case
    with work_tree(user, prefix) as folder:
        repository = repository_of(folder)
        before = snapshot(repository.top)
        try:
            proposal, operation = merge(repository, base, theirs, records=True)
        except RefusedError:
            assert user.unstaged or user.untracked or user.modules or user.turned
            assert snapshot(repository.top) == before
            assert not list(repository.state.glob("staging-*"))
            return
        check_user(folder, user, proposal)
        check_template(folder, base, theirs, proposal)
        for path, data in {**user.untracked, **user.unstaged}.items():
            assert (folder / path).read_bytes() == data
        for path in user.turned:
            assert (folder / path).stat().st_mode & 0o100 == (0 if user.tracked[path].mode == EXECUTABLE else 0o100)
        assert operation is not None
        with locked(repository):
            undo(repository, operation)
        assert snapshot(repository.top) == before
        assert read_operation(repository, LAST) is None
        assert run(folder, "for-each-ref", UNDO_REF, KEPT_REF) == b""


@cases(200)
@given(updates(ops=["untracked"]))
def test_without_an_edit_the_result_is_the_new_version(case: tuple[Files, Files, User, str]) -> None:
    base, theirs, _, prefix = case
    with work_tree(User(base), prefix) as folder:
        proposal, _ = merge(repository_of(folder), base, theirs)
        assert not proposal.conflicts
        assert read_files_of(folder) == theirs
        assert not run(folder, "diff", "--name-only")


@cases(150)
@given(updates())
def test_the_same_version_changes_nothing(case: tuple[Files, Files, User, str]) -> None:
    base, _, user, prefix = case
    with work_tree(user, prefix) as folder:
        repository = repository_of(folder)
        before = snapshot(repository.top)
        proposal, operation = merge(repository, base, base)
        assert operation is None
        assert proposal.changes == ()
        assert snapshot(repository.top) == before


def unclear(proposal: Proposal) -> bool:
    """Whether there was a conflict, those included that the rule on deleted files decides."""
    return any(change.kind in {Kind.CONFLICT, Kind.DECLINED} for change in proposal.changes)


def reverts(versions: tuple[Files, Files, Files]) -> bool:
    """Whether a later version takes back, or adds again, what an earlier one changed."""
    first, second, third = ({line for file in files.values() for line in lines_of(file.data)} for files in versions)
    paths = [set(files) for files in versions]
    again = (first - second) & third or (second - first) - third
    return bool(again or (paths[0] - paths[1]) & paths[2] or (paths[1] - paths[0]) - paths[2]) or any(
        ends_of(versions[0], path) == ends_of(versions[2], path) != ends_of(versions[1], path)
        for path in paths[0] & paths[1] & paths[2]
    )


def ends_of(files: Files, path: str) -> bytes:
    return line_end(files[path].data)


@cases(200)
@given(st.data())
def test_two_steps_lead_where_one_does(data: st.DataObject) -> None:
    counter = Counter()
    first = data.draw(first_versions(counter))
    second = data.draw(next_versions(first, counter))
    third = data.draw(next_versions(second, counter, "m"))
    user = data.draw(users(first, counter, ["edit", "edit", "add", "delete"]))
    if reverts((first, second, third)):
        return
    with work_tree(user) as at_once, work_tree(user) as in_steps:
        direct, _ = merge(repository_of(at_once), first, third)
        one, _ = merge(repository_of(in_steps), first, second)
        if unclear(direct) or unclear(one):
            return
        if not read_files_of(in_steps):
            return  # the first step took the user's last file: the next one is refused, for nothing is in git
        two, _ = merge(repository_of(in_steps), second, third)
        if unclear(two):
            return
        assert read_files_of(at_once) == read_files_of(in_steps)
