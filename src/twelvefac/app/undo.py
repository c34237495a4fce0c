"""``undo``, ``update --continue`` and ``update --abort``: the end of what was begun, one way or the other."""

from twelvefac.app.committing import check_alone, commit
from twelvefac.app.update import Step, opened_repository
from twelvefac.errors import RefusedError
from twelvefac.update.carry import (
    abort,
    finish,
    forget,
    is_committed,
    is_elsewhere,
    last_operation,
    undo,
    unresolved,
    was_put_back,
    was_unstaged,
)
from twelvefac.update.journal import KEPT_REF, Operation, folder_of, is_of
from twelvefac.update.repository import Repository, at, check_idle, git
from twelvefac.update.result import EndResult


def undo_last(folder: str, *, step: Step = lambda _: None) -> EndResult:
    """Take back the last update, add, remove or adopt.

    Raises RefusedError when there is none, files were changed since or a merge is under way, with nothing changed.
    """
    with opened_repository(folder, dry_run=False) as (repository, recovered):
        operation = _last(repository, recovered, folder)
        if was_put_back(repository, operation):
            if is_elsewhere(repository, operation):
                raise RefusedError(
                    f"the {operation.title} is committed on another branch", hint="git switch to it, then undo again"
                )
            return _back_already(repository, f"Undone: the {operation.title}", recovered)
        check_idle(repository)  # what is undone would go into the merge that the user is at
        kept = undo(repository, operation, step)
    return _ended(repository, f"Undone: the {operation.title}", operation, (*_told(recovered), *_kept(kept)))


def abort_update(folder: str, *, step: Step = lambda _: None) -> EndResult:
    """Put back everything as it was before an update whose conflicts are not resolved.

    Raises RefusedError when no update waits.
    """
    with opened_repository(folder, dry_run=False) as (repository, recovered):
        operation = _waiting(repository, recovered, "--abort", folder)
        if was_put_back(repository, operation):
            return _back_already(repository, f"Aborted: the {operation.title}", recovered)
        kept = abort(repository, operation, step)
    return _ended(repository, f"Aborted: the {operation.title}", operation, (*_told(recovered), *_kept(kept)))


def continue_update(folder: str, *, commits: bool = False) -> EndResult:
    """End an update whose conflicts the user has resolved; the result says what is still unresolved.

    Raises RefusedError when no update waits, or more is staged than it.
    """
    with opened_repository(folder, dry_run=False) as (repository, recovered):
        operation = _waiting(repository, recovered, "--continue", folder)
        if was_put_back(repository, operation):
            raise RefusedError(
                f"git has put back what the {operation.title} did (git reset, git stash)",
                hint=f"`twelvefac update{at(folder)}` does it again",
            )
        if was_unstaged(repository, operation):
            raise RefusedError(
                f"git's index has nothing of the {operation.title} any more (git reset)",
                hint=f"`twelvefac update --abort{at(folder)}` puts the files back too; `git add --all` keeps them",
            )
        left = unresolved(repository, operation)
        if left:
            files = tuple((_here(repository, path), what) for path, what in left.items())
            return EndResult(f"The {operation.title} is not finished", files, _told(recovered), left=True)
        staged = git(repository, "diff", "--cached", "--name-only", "-z")
        if commits and staged and not is_committed(repository, operation):
            check_alone(
                repository,
                operation.steps,
                f"`twelvefac update --continue{at(folder)}` alone ends the update, and `git commit` is yours",
            )
            said: list[str] = []
            finish(repository, operation, lambda: said.extend(commit(repository, operation.title)))
            return EndResult(f"Finished: the {operation.title}", (), (*_told(recovered), *said))
        finish(repository, operation)
    return EndResult(f"Finished: the {operation.title}", (), _told(recovered))


def _last(repository: Repository, recovered: str, folder: str) -> Operation:
    operation = last_operation(repository)
    if operation is None:
        hint = recovered or "undo takes back the last update, add, remove or adopt alone; git has the rest"
        raise RefusedError("nothing to undo here", hint=hint)
    _check_ours(repository, operation, "undo", folder)
    return finish(repository, operation) if is_committed(repository, operation) else operation


def _check_ours(repository: Repository, operation: Operation, command: str, folder: str) -> None:
    """Raise RefusedError when the last operation of the work tree was on another service in it."""
    if not is_of(repository, operation):
        raise RefusedError(
            f"what was done last in this repository is the {operation.title}, which changed {operation.steps[0].path}",
            hint=f"name that service's folder: twelvefac {command}{at(folder_of(repository, operation, folder))}",
        )


def _waiting(repository: Repository, recovered: str, flag: str, folder: str) -> Operation:
    operation = last_operation(repository)
    over = operation is None or not operation.waits
    if operation is None or over or (flag == "--abort" and is_committed(repository, operation)):
        hint = recovered or f"twelvefac undo{at(folder)} takes back an update that is finished"
        raise RefusedError(f"no update waits for {flag}", hint=hint)
    _check_ours(repository, operation, f"update {flag}", folder)
    return operation


def _back_already(repository: Repository, text: str, recovered: str) -> EndResult:
    forget(repository)
    notice = "git had put it back already (git reset, git stash): nothing was touched"
    return EndResult(text, (), (*_told(recovered), notice))


def _ended(repository: Repository, text: str, operation: Operation, notices: tuple[str, ...]) -> EndResult:
    files = tuple((_here(repository, step.path), "as it was") for step in operation.steps)
    return EndResult(text, files, notices)


def _kept(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"what you wrote into it meanwhile is kept: git show {KEPT_REF}:{path}" for path in paths)


def _here(repository: Repository, path: str) -> str:
    """Return a path of the work tree as seen from the service, as every report names it."""
    return path.removeprefix(repository.prefix)


def _told(recovered: str) -> tuple[str, ...]:
    return (recovered,) if recovered else ()
