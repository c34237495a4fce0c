"""``new``: from a request to a complete repository, or to nothing at all."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from twelvefac import __version__
from twelvefac.errors import MachineError, RefusedError, UsageError
from twelvefac.scaffold.answers import check_description, make_answers, requirements
from twelvefac.scaffold.answers_file import read_answers
from twelvefac.scaffold.catalogue import Catalogue, data_root, load_catalogue
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.git import commit_all, has_git, work_tree_around
from twelvefac.scaffold.names import check_name
from twelvefac.scaffold.overlay import (
    check_trust,
    newest_version,
    opened_overlay,
    render_overlay,
    split_answers,
    split_spec,
    with_overlay,
)
from twelvefac.scaffold.plan import Layer, Plan, make_plan
from twelvefac.scaffold.postcheck import Audit, check_tree
from twelvefac.scaffold.records import write_records
from twelvefac.scaffold.render import render
from twelvefac.scaffold.staging import Target, find_target, publish, remove_abandoned, shown, staged

KINDS = tuple(kind.name for kind in QUESTIONS)
SEVERAL = tuple(kind.name for kind in QUESTIONS if kind.several)
KEYS = ("name", "description", *KINDS)

# What is told of each step as it is done; tests stop a run at every one of them.
Step = Callable[[str], None]


@dataclass(frozen=True)
class NewRequest:
    """What the command line asks for. ``given`` holds answers by question, those of flags only.

    ``git`` is None when nothing was said: then a repository is made, save inside of another one. ``version`` is
    the template's, empty for the one that is installed. ``overlay`` is a directory or git URL, ``@VERSION`` after it.
    """

    dest: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    answers_file: str | None = None
    dry_run: bool = False
    git: bool | None = None
    version: str = ""
    overlay: str = ""
    trust_overlay: bool = False
    overlay_answers: Sequence[str] = ()


@dataclass(frozen=True)
class Question:
    """One thing to ask a person: ``choices`` is empty for a free text."""

    key: str
    text: str
    default: str
    choices: tuple[str, ...] = ()
    several: bool = False


@dataclass(frozen=True)
class NewResult:
    """What was made (or would be, after a dry run). ``notices`` are for the person, not for a program."""

    plan: Plan
    target: Path
    made: bool
    committed: bool
    notices: tuple[str, ...]
    next_steps: tuple[str, ...]


@dataclass(frozen=True)
class _Job:
    """What to make: our own plan, the one with the overlay's files, a folder with those, and the template."""

    plan: Plan
    whole: Plan
    extra: Path
    root: Path
    audit: Audit | None


class Asking:
    """The questions that a request leaves open, and the checks for what a person types."""

    def __init__(self, request: NewRequest) -> None:
        """Read the catalogue and the answers file, and look at what is given before anything is asked.

        Raises UsageError when an answer is none, RefusedError when something is at the target already.
        """
        self._catalogue = load_catalogue(data_root())
        self._dest = request.dest
        self.given = _given(request, self._catalogue)
        for key, answer in self.given.items():
            self.check(key, answer)

    def questions(self) -> tuple[Question, ...]:
        """Return what is open; a question with one possible answer is none."""
        # five at most: a description is a line to edit later, as is every other text of the repository
        texts = (Question("name", "What is the service's name?", ""),)
        choices = (
            Question(
                kind.name, kind.question, self._catalogue.default(kind), self._catalogue.choices(kind), kind.several
            )
            for kind in QUESTIONS
            if len(self._catalogue.choices(kind)) > 1
        )
        return tuple(question for question in (*texts, *choices) if question.key not in self.given)

    def check(self, key: str, answer: str) -> None:
        """Raise UsageError when ``answer`` is none to the question ``key``, RefusedError for a name in use."""
        _check(self._catalogue, key, answer)
        if key == "name":
            find_target(_absolute(self._dest or answer))


def choices(kind_name: str) -> tuple[str, ...]:
    """Return the choices that there are for ``framework``, ``database``, ``ci`` or ``deploy``, the default first."""
    catalogue = load_catalogue(data_root())
    kind = next(kind for kind in QUESTIONS if kind.name == kind_name)
    default = catalogue.default(kind)
    return (default, *(choice for choice in catalogue.choices(kind) if choice != default))


def new_service(
    request: NewRequest, *, root: Path | None = None, audit: Audit | None = None, step: Step = lambda _: None
) -> NewResult:
    """Make a new service; the target is absent or complete at every moment.

    Raises UsageError, RefusedError or MachineError with nothing made. ``root`` is the template to use, the
    installed one by default; ``audit`` judges the finished files (see ``scaffold.postcheck``).
    """
    root = root or data_root()
    check_trust(request.overlay, trusted=request.trust_overlay)
    if request.overlay_answers and not request.overlay:
        raise UsageError("--overlay-answer goes with --overlay")
    if not request.version:
        return _make(request, root, audit, step)
    from twelvefac.update.history import check_version, opened

    check_version(root, request.version)
    with opened(root, request.version) as template:
        # a rule that is newer than the template may well find something in it: then an update cures that
        return _make(request, template or root, None, step)


def own_audit(folder: Path) -> list[tuple[str, str]]:
    """Return rule and path of all that our own audit finds in ``folder``, suppressed or not; a rule that failed too."""
    from twelvefac.app.audit import audit_folder

    report = audit_folder(str(folder))
    found = [(outcome.finding.rule, outcome.finding.primary.path) for outcome in report.outcomes]
    return [*found, *((f"{run.rule.name} failed: {run.reason}", run.service) for run in report.errored)]


def _make(request: NewRequest, root: Path, audit: Audit | None, step: Step) -> NewResult:
    # an older template has questions and choices of its own, which are looked at with its plan
    catalogue = None if request.version else load_catalogue(root)
    given = _given(request, catalogue)
    if "name" not in given:
        raise UsageError("which service? name a folder (`new service orders`) or say --name")
    plan = _plan(root, catalogue, given)
    target = find_target(_absolute(request.dest or plan.answers.name))
    with _laid(request, plan, target.path) as (whole, extra):
        return _made(request, _Job(plan, whole, extra, root, audit), target, step)


@contextmanager
def _laid(request: NewRequest, plan: Plan, service: Path) -> Iterator[tuple[Plan, Path]]:
    """Give the plan with the overlay's files in it, and a folder with those files."""
    with tempfile.TemporaryDirectory(prefix="twelvefac-overlay-") as folder:
        extra = Path(folder)
        if not request.overlay:
            yield plan, extra
            return
        source, version = split_spec(request.overlay, service)
        answers = split_answers(request.overlay_answers)
        layer = Layer(source, version or newest_version(source, service), answers)
        with opened_overlay(layer, service) as template:
            if template is None:
                raise RefusedError(f"the overlay {source} has no version {layer.version}")
            paths = render_overlay(template, plan, extra, answers)
            if not paths:
                raise RefusedError(f"the overlay {source} gives no file", hint="is it the right directory?")
            yield with_overlay(plan, layer, paths), extra


def _made(request: NewRequest, job: _Job, target: Target, step: Step) -> NewResult:
    plan = job.whole
    answers = plan.answers
    steps = (_change_folder(request.dest or answers.name, target.path), "make test", "make run")
    commit, notices = _git_wanted(request, target.anchor)
    step("checked")
    if request.dry_run:
        return NewResult(plan, target.path, False, commit, tuple(notices), ())
    abandoned = remove_abandoned(target.anchor)
    notices.extend(f"removed {name}, which an interrupted run left in {shown(target.anchor)}" for name in abandoned)
    step("cleaned")
    with staged(target, answers.name) as tree:
        step("staged")
        _fill(tree, job, step)
        if commit:
            commit_all(tree, f"New service {answers.name} (twelvefac {__version__}, template {plan.version})")
            step("committed")
        publish(tree, target)
        step("published")
    step("finished")
    return NewResult(plan, target.path, True, commit, tuple(notices), steps)


def _plan(root: Path, catalogue: Catalogue | None, given: Mapping[str, str]) -> Plan:
    if catalogue is None:
        from twelvefac.update.history import plan_version

        return plan_version(root, given)
    answers, components = make_answers(catalogue, given)
    return make_plan(catalogue, answers, components)


def _fill(tree: Path, job: _Job, step: Step) -> None:
    plan = job.plan
    render(job.root, plan.answers.as_data(), tree)
    step("rendered")
    write_records(tree, plan, __version__)
    step("recorded")
    check_tree(tree, plan, job.audit)
    if job.whole.overlay is not None:  # after the checks: they are for our own files
        shutil.copytree(job.extra, tree, dirs_exist_ok=True)
        write_records(tree, job.whole, __version__)
    step("checked through")


def _given(request: NewRequest, catalogue: Catalogue | None) -> dict[str, str]:
    """Return the answers of the answers file, the destination and the flags, the later ones first in rank."""
    if request.dest == "":
        raise UsageError("DEST is empty", hint="name a folder, or leave DEST out and give --name")
    if request.answers_file == "":
        raise UsageError("--answers is empty", hint="name a file, or leave it out")
    above = dict(request.given)
    if request.dest is not None:
        above = {"name": _absolute(request.dest).name} | above
    if request.answers_file is None:
        return above

    def check(key: str, answer: str) -> None:
        if key not in above:
            _check(catalogue, key, answer)

    return read_answers(request.answers_file, KEYS, SEVERAL, check) | above


def _check(catalogue: Catalogue | None, key: str, answer: str) -> None:
    if key == "name":
        check_name(answer, requirements(catalogue) if catalogue else ())
    elif key == "description":
        check_description(answer)
    elif catalogue:
        catalogue.check_choice(key, answer)


def _absolute(dest: str) -> Path:
    try:
        # the name is the last part as it was typed, not what a link leads to
        return Path(os.path.abspath(dest))  # noqa: PTH100 - resolve() follows links
    except OSError as error:
        raise MachineError("the current folder no longer exists", hint="change to another folder") from error


def _change_folder(dest: str, path: Path) -> str:
    """Return the command that leads into the service: as typed, save for the current folder itself.

    The rename puts a new folder in its place, so that even there the shell has to change into it.
    """
    way = str(path) if path == Path.cwd() else os.path.normpath(dest)
    return f"cd {_quoted(f'./{way}' if way.startswith('-') else way)}"


def _quoted(way: str) -> str:
    """Return ``way`` as one word of a shell; what a terminal would obey is escaped, in the shell's own way."""
    if way.isprintable():
        return shlex.quote(way)
    escaped = way.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + "".join(char if char.isprintable() else _escaped(char) for char in escaped) + "'"


def _escaped(char: str) -> str:
    byte = ord(char) - 0xDC00  # of a name that is not UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else ascii(char)[1:-1]


def _git_wanted(request: NewRequest, anchor: Path) -> tuple[bool, list[str]]:
    """Return whether to make a repository, and what to say when it is not what one would expect."""
    if request.git is False:
        return False, []
    around = work_tree_around(anchor)
    if request.git is None and around is not None:
        inside = f"inside the git repository {shown(around)}: no repository of its own was made (--git makes one)"
        return False, [inside]
    if not has_git():
        if request.git:
            raise MachineError("git is not installed", hint="install git, or leave out --git")
        return False, ["git is not installed: no repository was made"]
    return True, []
