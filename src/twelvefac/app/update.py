"""``update``, ``add`` and ``remove``: the template as it should be, merged into a repository as it is."""

import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from twelvefac import __version__
from twelvefac.app.committing import check_alone, check_records_staged, commit
from twelvefac.errors import MachineError, RefusedError, TwelvefacError, UsageError
from twelvefac.scaffold.catalogue import Catalogue, data_root, load_catalogue
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.notes import Notes, read_notes
from twelvefac.scaffold.overlay import ORIGIN, split_answers
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE, Layer, Plan
from twelvefac.scaffold.records import answers_text, answers_values, manifest_text
from twelvefac.scaffold.version import newest, version_key
from twelvefac.update.adopt import owners
from twelvefac.update.answers import carry_answers, line_of
from twelvefac.update.carry import apply, end_committed, last_operation, refusal, title_of, undo, unresolved
from twelvefac.update.clean import check_unlocked, forgotten_flags
from twelvefac.update.files import LOCK, REGULAR, File, Files, read_files
from twelvefac.update.history import asked, check_version, opened, plan_version, render_both, versions
from twelvefac.update.install import half_way, id_of, recover, refusing, was_stopped
from twelvefac.update.journal import folder_of, is_of, locked
from twelvefac.update.merge import Labels
from twelvefac.update.migrate import declared_moves, migrate_answers
from twelvefac.update.objects import Entries, read_blobs, write_files, write_trees
from twelvefac.update.overlay import Laid, lay, newest_layer
from twelvefac.update.policy import THE_OVERLAY, Voice, voice_of
from twelvefac.update.proposal import RECORDS, Proposal, Wanted, indexed, propose
from twelvefac.update.provenance import Provenance, check_no_link, noted_at_gone, read_provenance
from twelvefac.update.repository import Repository, at, check_folder, check_idle, dry, find_repository, git, listed
from twelvefac.update.result import Kind, UpdateResult

Step = Callable[[str], None]


@dataclass(frozen=True)
class UpdateRequest:
    """What the command line asks for.

    ``to`` is a version, empty for the newest; ``overlay_answers`` are ``KEY=VALUE`` words for the overlay's own
    questions.
    """

    folder: str = "."
    to: str = ""
    dry_run: bool = False
    diff: bool = False
    commit: bool = False
    overlay_answers: Sequence[str] = ()


@dataclass(frozen=True)
class _Goal:
    """Where an update leads: version, answers and what is crossed on the way."""

    kind: str
    version: str
    answers: Mapping[str, str]
    what: str = ""
    crossed: tuple[Notes, ...] = ()
    overlay: Layer | None = None
    notices: tuple[str, ...] = ()

    @property
    def full_version(self) -> str:
        """Return the version for a person, with the overlay's."""
        return _full_version(self.version, self.overlay)


def update(request: UpdateRequest, *, root: Path | None = None, step: Step = lambda _: None) -> UpdateResult:
    """Bring a service to a newer template version.

    Raises UsageError, RefusedError or MachineError with nothing changed. ``root`` is the template to use, the
    installed one by default; ``step`` is told of everything as it is done.
    """
    root = root or data_root()

    def goal(provenance: Provenance) -> _Goal:
        version = request.to or newest(root)
        check_version(root, version)
        if version_key(version) < version_key(provenance.version):
            raise RefusedError(
                f"{provenance.name} has template {provenance.version}, which is newer than {version}",
                hint=f"`twelvefac undo{at(request.folder)}` takes back the last update; "
                "a newer twelvefac has newer templates",
            )
        crossed = crossed_notes(root, provenance.version, version)
        answers = migrate_answers(provenance.answers, crossed)
        overlay, notices = newest_layer(provenance, split_answers(request.overlay_answers))
        return _Goal("update", version, answers, crossed=crossed, overlay=overlay, notices=notices)

    return _run(request, root, goal, step)


def change_answers(
    request: UpdateRequest,
    kind: str,
    what: Sequence[str],
    change: Callable[[Catalogue, Mapping[str, str]], Mapping[str, str]],
    *,
    root: Path | None = None,
    step: Step = lambda _: None,
) -> UpdateResult:
    """Merge the same template version with other answers (``add``, ``remove``) into a service.

    ``change`` turns the recorded answers into the wanted ones, given the catalogue of the version in question.
    Raises what ``update`` raises, and what ``change`` does.
    """
    root = root or data_root()

    def goal(provenance: Provenance) -> _Goal:
        with opened(root, provenance.version) as template:
            if template is None:
                raise RefusedError(
                    f"{provenance.name} has template {provenance.version}, which this twelvefac does not have",
                    hint=f"upgrade twelvefac, or run `twelvefac update{at(request.folder)}` first",
                )
            try:
                answers = change(load_catalogue(template), provenance.answers)
            except UsageError:
                _planned(provenance, template, _known(template, provenance.answers))  # what is recorded may be to blame
                raise
        return _Goal(kind, provenance.version, answers, ", ".join(what), overlay=provenance.overlay)

    return _run(request, root, goal, step)


def crossed_notes(root: Path, before: str, after: str) -> tuple[Notes, ...]:
    """Return the notes of the versions after ``before`` and up to ``after``, the oldest first."""
    low, high = version_key(before), version_key(after)
    crossed = [version for version in versions(root) if low < version_key(version) <= high]
    return tuple(notes for version in crossed if (notes := read_notes(root, version)) is not None)


@contextmanager
def opened_repository(folder: str, *, dry_run: bool) -> Iterator[tuple[Repository, str]]:
    """Give the repository around ``folder``, locked, and what was found of an interrupted run, in words.

    A dry run neither locks nor writes anything in it.
    """
    check_folder(Path(folder))  # before it is made absolute: what is relative to a folder that is gone is nowhere
    repository = find_repository(Path(folder).absolute())
    if dry_run:
        if was_stopped(Path(folder)):
            raise half_way(Path(folder))
        with refusing(), tempfile.TemporaryDirectory(prefix="twelvefac-objects-") as scratch:
            yield dry(repository, Path(scratch)), ""
        return
    with locked(repository), refusing():
        recovered = recover(repository)
        try:
            yield repository, recovered
        except TwelvefacError as error:
            if (
                recovered and recovered not in error.hint
            ):  # what was found is said even where the command goes no further
                error.hint = f"{recovered}; {error.hint}" if error.hint else recovered
            raise


def _run(request: UpdateRequest, root: Path, find_goal: Callable[[Provenance], _Goal], step: Step) -> UpdateResult:
    folder = Path(request.folder)
    preview = request.dry_run or request.diff
    provenance = _provenance(folder, preview=preview)
    with opened_repository(request.folder, dry_run=preview) as (repository, recovered):
        if recovered or provenance is None:
            provenance = read_provenance(folder)
        check_idle(repository)
        _check_finished(repository, request.folder)
        check_no_link(folder, *RECORDS)
        goal = find_goal(provenance)
        notices = (*((recovered,) if recovered else ()), *goal.notices)
        step("looked")
        before = _full_version(provenance.version, provenance.overlay)
        same = goal.answers == provenance.answers and goal.overlay == provenance.overlay
        if same and goal.version == provenance.version:
            if request.commit:
                notices = (*notices, *_committed_late(repository, goal.kind))
            return UpdateResult(provenance.name, goal.kind, before, before, goal.what, notices=notices)
        if request.commit:
            check_alone(repository, (), "commit them first")
            check_records_staged(repository)
        yours = indexed(repository)
        with tempfile.TemporaryDirectory(prefix="twelvefac-render-") as scratch:
            here = replace(provenance, text=as_in_git(repository, yours, provenance.text))
            wanted, laid = _render(root, here, goal, Path(scratch), request.folder)
        step("rendered")
        proposal = propose(repository, laid.provenance, wanted, yours)
        if provenance.adopted:
            proposal = _still_adopted(repository, proposal, wanted, laid)
        step("merged")
        result = UpdateResult(
            provenance.name,
            goal.kind,
            before,
            goal.full_version,
            what=goal.what,
            changes=proposal.changes,
            notes=goal.crossed,
            manual=_manual(goal, laid, proposal),
            notices=(*notices, *laid.notices, *proposal.notices),
            preview=preview,
            folder=request.folder,
        )
        if preview:
            why = refusal(repository, proposal)
            refused = (why.message, why.hint) if why is not None else ()
            return replace(result, refused=refused, diff=_diff(repository, proposal) if request.diff else "")
        title = title_of(goal.kind, {"name": provenance.name, "to": goal.full_version, "what": goal.what})
        check_unlocked(repository)
        end_committed(repository)
        operation = apply(repository, proposal, goal.kind, title, step)
        if operation is not None:
            result = replace(result, notices=(*result.notices, *forgotten_flags(repository, operation, request.folder)))
        if request.commit and operation is not None and not proposal.conflicts:
            try:
                said = commit(repository, title)
            except MachineError as error:
                undo(repository, operation)
                raise MachineError(f"{error.message}; everything is as it was", hint=error.hint) from error
            return replace(result, committed=True, notices=(*result.notices, *said))
        return result


def _committed_late(repository: Repository, kind: str) -> tuple[str, ...]:
    """Commit what a run that died before its commit has left staged, and say so; nothing where there is none."""
    operation = last_operation(repository)
    if operation is None or operation.kind != kind or operation.waits or not is_of(repository, operation):
        return ()
    if id_of(repository, "HEAD") != operation.head:
        return ()
    if not git(repository, "diff", "--cached", "--name-only", "-z"):
        return ()
    check_alone(repository, operation.steps, "`git commit` is yours")
    return (f"committed the {operation.title}, which was staged", *commit(repository, operation.title))


def _provenance(folder: Path, *, preview: bool) -> Provenance | None:
    """Return what the service records, None where a run was stopped that may hold its records."""
    try:
        return read_provenance(folder)
    except RefusedError as error:
        if not was_stopped(folder):
            raise
        if preview:
            raise half_way(folder) from error
        return None


def _manual(goal: _Goal, laid: Laid, proposal: Proposal) -> tuple[str, ...]:
    """Return what a person must do: as the notes say, and what an adopted service lacks to carry a component."""
    answers = laid.plan.answers.as_data()
    steps = [step.text for notes in goal.crossed for step in notes.manual if step.applies(answers)]
    lacking = [change.path for change in proposal.changes if change.kind is Kind.DECLINED]
    lacking = [path for path in lacking if not fnmatchcase(path.rpartition("/")[2], LOCK)]
    if laid.provenance.adopted and goal.kind == "add" and lacking:
        steps.append(
            f"{goal.what} also needs what the template has in {', '.join(lacking)}, which are not here: "
            "put it where yours is (`twelvefac new service` with the same answers shows it)"
        )
    return tuple(steps)


def _full_version(version: str, overlay: Layer | None) -> str:
    return version if overlay is None else f"{version} with overlay {overlay.version}"


def _render(root: Path, provenance: Provenance, goal: _Goal, scratch: Path, folder: str) -> tuple[Wanted, Laid]:
    base, theirs = scratch / "base", scratch / "theirs"
    base.mkdir()
    theirs.mkdir()
    questions = {key for notes in goal.crossed for key in notes.questions}
    with opened(root, provenance.version) as old:
        same = goal.version == provenance.version
        with nullcontext(old) if same else opened(root, goal.version) as new:
            assert new is not None
            plan = _planned(provenance, new, goal.answers)
            first = (old, _known(old, provenance.answers), base) if old is not None else None
            render_both(first, (new, plan.answers.as_data(), theirs))
        told = _edited_owners(old, provenance, plan, folder) if old is not None else ()
        questions |= set(asked(old)) if old is not None else set()
    laid = lay(provenance, goal.overlay, plan, scratch, reached=not goal.notices)
    plan = laid.plan
    values = answers_values(plan)
    records = {ANSWERS_FILE: carry_answers(provenance.text, values, questions - set(values)).encode()}
    (theirs / ANSWERS_FILE).write_text(answers_text(plan), "utf-8")  # the manifest tells of our part alone
    if laid.theirs is not None:
        shutil.copytree(laid.theirs, theirs, dirs_exist_ok=True)
    if laid.base is not None:
        shutil.copytree(laid.base, base, dirs_exist_ok=True)
    records[MANIFEST_FILE] = manifest_text(theirs, plan, __version__, held=laid.held, own=provenance.own).encode()
    rendered: Files | None = read_files(base) if first is not None else None
    before = f"template {_full_version(provenance.version, provenance.overlay)}"
    after = f"template {goal.full_version}" + (f" {goal.kind} {goal.what}" if goal.what else "")
    told = (*told, *noted_at_gone(provenance, plan))
    moves = declared_moves(plan.answers.package, goal.crossed)
    voice = voice_of(goal.kind, goal.what, adopted=provenance.adopted)
    laid = replace(laid, notices=(*told, *laid.notices))
    laid_by = _of_overlay(goal, laid)
    return Wanted(rendered, read_files(theirs), records, Labels(before, after), moves, voice, laid_by), laid


def _planned(provenance: Provenance, template: Path, answers: Mapping[str, str]) -> Plan:
    """Return the plan of a service. Raises RefusedError with the line of a recorded answer that cannot be."""
    try:
        return plan_version(template, answers)
    except UsageError as error:
        keys = (*(kind.name for kind in QUESTIONS), "description", "name")
        key = next((key for key in keys if re.search(rf"\b{key}\b", error.message)), "")
        line = line_of(provenance.text, key)
        raise RefusedError(f"{ANSWERS_FILE}:{line}: {error.message}", hint=error.hint or "take it from git") from error


def _still_adopted(repository: Repository, proposal: Proposal, wanted: Wanted, laid: Laid) -> Proposal:
    """Write the manifest of an adopted service anew: it speaks of those files alone that the service has."""
    plan = laid.plan
    alike = owners(plan, wanted.theirs, proposal.after, repository.empty)
    with tempfile.TemporaryDirectory(prefix="twelvefac-render-") as scratch:
        for path in alike:
            target = Path(scratch, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted.theirs[path].data)
        text = manifest_text(Path(scratch), plan, __version__, alike, own=laid.provenance.own)
    entry = write_files(repository, {MANIFEST_FILE: File(REGULAR, text.encode())})[0]
    return replace(proposal, after={**proposal.after, **entry})


def _of_overlay(goal: _Goal, laid: Laid) -> dict[str, Voice]:
    """Return the overlay's files, old and new ones, with who brings them; an `add` speaks for itself."""
    if goal.kind != "update":
        return {}
    old = [path for path, entry in laid.provenance.files.items() if entry.origin == ORIGIN]
    new = [file.path for file in laid.plan.files if file.component == ORIGIN]
    return dict.fromkeys((*old, *new), THE_OVERLAY)


def as_in_git(repository: Repository, yours: Entries, text: str) -> str:
    """Return the answers file's ``text`` with the line ends that git has of it, where it turns them round."""
    entry = yours.get(ANSWERS_FILE)
    if entry is None or "\r\n" not in text or b"\r\n" in read_blobs(repository, [entry.oid])[entry.oid]:
        return text
    return text.replace("\r\n", "\n")


def _edited_owners(old: Path, provenance: Provenance, plan: Plan, folder: str) -> tuple[str, ...]:
    """Return what to say of files whose owner somebody changed in the manifest: it is written anew."""
    if provenance.adopted:
        return ()
    recorded = provenance.files
    differ = {
        file.path: file.ownership.value
        for file in plan.files
        if file.path in recorded and recorded[file.path].ownership != file.ownership.value
    }
    if not differ:
        return ()
    given = {file.path: file.ownership.value for file in plan_version(old, _known(old, provenance.answers)).files}
    return tuple(
        f"{MANIFEST_FILE}: {path} is {owner} again, and was {recorded[path].ownership}: "
        f"`twelvefac update --accept {shlex.quote(path)}{at(folder)}` makes it yours"
        for path, owner in differ.items()
        if given.get(path) != recorded[path].ownership
    )


def _known(template: Path, answers: Mapping[str, str]) -> dict[str, str]:
    """Return those of the recorded answers that a template asks for."""
    known = asked(template)
    return {key: value for key, value in answers.items() if key in known}


def _check_finished(repository: Repository, folder: str) -> None:
    operation = last_operation(repository)
    left = list(unresolved(repository, operation)) if operation is not None and operation.waits else []
    if operation is not None and left:
        place = at(folder_of(repository, operation, folder))
        raise RefusedError(
            f"the {operation.title} waits for you: {listed(repository, left)}",
            hint=f"resolve and `git add` them, then `twelvefac update --continue{place}`; "
            f"or `twelvefac update --abort{place}`",
        )


def _diff(repository: Repository, proposal: Proposal) -> str:
    before: Entries = dict(proposal.before)
    trees = write_trees(repository, [before, dict(proposal.after)])
    out = git(repository, "diff-tree", "-r", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color", *trees)
    return out.decode("utf-8", "replace")
