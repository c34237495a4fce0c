"""``adopt``: a repository that was not made by us gets the records by which it can be updated."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from twelvefac import __version__
from twelvefac.app.update import Step, as_in_git, opened_repository
from twelvefac.errors import RefusedError
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.component import QUESTIONS
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE
from twelvefac.scaffold.records import TEMPLATE_URL, answers_text, answers_values, manifest_text
from twelvefac.scaffold.render import render
from twelvefac.scaffold.version import newest
from twelvefac.source.visible import visible
from twelvefac.update.adopt import guess_answers, owners
from twelvefac.update.answers import carry_answers
from twelvefac.update.carry import apply, refusal, title_of
from twelvefac.update.files import REGULAR, File, read_files
from twelvefac.update.history import opened, plan_version
from twelvefac.update.objects import write_files
from twelvefac.update.proposal import RECORDS, Proposal, indexed
from twelvefac.update.provenance import Provenance, check_no_link, read_provenance
from twelvefac.update.repository import Repository, at, check_idle, git
from twelvefac.update.result import AdoptResult


@dataclass(frozen=True)
class AdoptRequest:
    """What the command line asks for; ``given`` are answers that win over what is guessed."""

    folder: str = "."
    given: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


def adopt(request: AdoptRequest, *, root: Path | None = None, step: Step = lambda _: None) -> AdoptResult:
    """Write an answers file and a manifest for what is in the folder, and nothing else.

    Raises RefusedError when it is ours already, UsageError for an answer that cannot be.
    """
    root = root or data_root()
    folder = Path(request.folder)
    with opened_repository(request.folder, dry_run=request.dry_run) as (repository, recovered):
        check_idle(repository)
        check_no_link(folder, *RECORDS)
        foreign, ours = _found(folder)
        there = indexed(repository)
        if foreign and not _is_kept(repository):
            raise RefusedError(
                f"{foreign} is not in git as it is here, and adopt would replace it",
                hint=f"`git add` it first: git and `twelvefac undo{at(request.folder)}` have it then",
            )
        version = ours.version if ours else newest(root)
        with (
            opened(root, version) as template,
            tempfile.TemporaryDirectory(prefix="twelvefac-render-") as scratch,
        ):
            if template is None:
                raise RefusedError(
                    f"{ANSWERS_FILE} says template {version}, which this twelvefac does not have",
                    hint="upgrade twelvefac",
                )
            guessed = guess_answers(load_catalogue(template), repository.folder.resolve(), there)
            guessed |= ours.answers if ours else {}
            plan = plan_version(template, guessed | dict(request.given))
            plan = replace(plan, overlay=ours.overlay if ours else None)
            tree = Path(scratch)
            render(template, plan.answers.as_data(), tree)
            alike = owners(plan, read_files(tree), there, repository.empty)
            text = carry_answers(as_in_git(repository, there, ours.text), answers_values(plan)) if ours else ""
            records = {
                ANSWERS_FILE: (text or answers_text(plan)).encode(),
                MANIFEST_FILE: manifest_text(tree, plan, __version__, alike).encode(),
            }
        entries = write_files(repository, {path: File(REGULAR, data) for path, data in records.items()})[0]
        notices = [recovered] if recovered else []
        notices += [
            f"nothing here tells the {kind.name}: taken for {plan.answers.choices[kind.name]}, "
            f"--answer {kind.name}=… says otherwise"
            for kind in QUESTIONS
            if kind.name in plan.answers.choices and kind.name not in guessed and kind.name not in request.given
        ]
        if ours:
            notices.append(f"the answers in {ANSWERS_FILE} are taken as they are")
        else:
            notices += _ejected(repository, version, request.folder)
        if foreign:
            done = "would be" if request.dry_run else "was"
            notices.append(f"{foreign} {done} replaced; git and `twelvefac undo{at(request.folder)}` have the old one")
        proposal = Proposal(there, {**there, **entries}, {}, (), ())
        if not request.dry_run:
            apply(repository, proposal, "adopt", title_of("adopt", {"name": plan.answers.name}), step)
        elif (why := refusal(repository, proposal)) is not None:
            raise why
    own = sum(1 for path in alike if alike[path] != "seeded")
    missing = len(plan.files) - 2 - len(alike)
    result = plan.answers.as_data()
    return AdoptResult(result, version, own, len(alike) - own, missing, tuple(notices), request.dry_run, request.folder)


def _ejected(repository: Repository, version: str, folder: str) -> tuple[str, ...]:
    """Return what to say where git remembers the answers file of an older service of ours, which was deleted.

    Its version is not taken unasked: answers and files may have changed since, and the user can see whether they did.
    """
    path = f"{repository.prefix}{ANSWERS_FILE}"
    out = git(repository, "log", "-1", "--format=%h", "--diff-filter=D", "--", path, fine=(0, 128))  # 128: no commit
    gone = out.decode().strip()
    text = git(repository, "show", f"{gone}^:{path}", fine=(0, 128)).decode("utf-8", "replace") if gone else ""
    values = dict(line.partition(": ")[::2] for line in text.splitlines())
    before = values.get("_commit", "").strip()
    if values.get("_src_path", "").strip() != TEMPLATE_URL or before in {"", version}:
        return ()
    told = (
        f"this was a service of template {visible(before)}: what changed up to {version} is not merged, and older text "
        f"of the template's counts as yours. To have it merged: `twelvefac undo{at(folder)}`, "
        f"`git{at(folder, '-C')} restore --source={gone}^ {ANSWERS_FILE}`, then adopt again"
    )
    return (told,)


def _is_kept(repository: Repository) -> bool:
    """Whether git's index has the answers file as it is in the work tree."""
    out = git(repository, "ls-files", "-z", "--others", "--modified", "--", f"{repository.prefix}{ANSWERS_FILE}")
    return not out


def _found(folder: Path) -> tuple[str, Provenance | None]:
    """Return a foreign answers file in ``folder``, in words, or what one of ours without a manifest says.

    Raises RefusedError when the service is ours already, or what it says cannot be read.
    """
    try:
        text = (folder / ANSWERS_FILE).read_text("utf-8", "replace")
    except OSError:
        return "", None
    lines = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("_src_path:")]
    if not lines or lines[0] != TEMPLATE_URL:
        return f"{ANSWERS_FILE} of {lines[0]}" if lines else f"{ANSWERS_FILE}, which names no template,", None
    if (folder / MANIFEST_FILE).is_file():
        raise RefusedError(
            f"{folder.resolve().name} was made by twelvefac already", hint=f"twelvefac update{at(folder)}"
        )
    return "", read_provenance(folder)
