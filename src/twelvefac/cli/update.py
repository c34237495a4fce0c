"""``twelvefac update``."""

from typing import Annotated

import typer

from twelvefac.cli._change import Commit, Diff, DryRun, change
from twelvefac.cli._check import FORMATS
from twelvefac.cli._check import check as check_
from twelvefac.cli._output import color_wanted, print_result, say_notices

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("update")
def _command(  # more than 8 parameters: one for each flag is typer's way
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="The service's folder.")] = ".",
    *,
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The template version (default: the newest).")
    ] = None,
    dry_run: DryRun = False,
    diff: Diff = False,
    commit: Commit = False,
    versions: Annotated[bool, typer.Option("--versions", help="List the template's versions.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="For a pipeline: exit 1 when behind, drifted or in conflict.")
    ] = False,
    allow_drift: Annotated[bool, typer.Option("--allow-drift", help="Let --check pass edited files.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="This file is yours now: --check passes it, updates still merge into it."),
    ] = None,
    overlay_answer: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An answer to a question of the overlay's own.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="Of --check.", metavar="text|json|sarif|github")] = "text",
    continue_: Annotated[bool, typer.Option("--continue", help="All conflicts are resolved: end the update.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Put everything back as it was before.")] = False,
) -> int:
    """Bring a service to the newest template and keep what its owners wrote.

    A service that is to be updated no more goes on without us: delete .copier-answers.yml and .twelvefac/.

    Exit codes: 0 updated or up to date, 1 conflicts are left for you, 2 refused and nothing changed.
    --dry-run and --diff end with the code that the real run would.
    """
    from twelvefac.errors import UsageError

    flags = {
        "--versions": versions,
        "--check": check,
        "--continue": continue_,
        "--abort": abort,
        "--accept": bool(accept),
    }
    chosen = [flag for flag, on in flags.items() if on]
    if to == "":  # an unset variable of a script's
        raise UsageError("--to: must be a version such as 1.2.3, and is empty")
    others = {"--to": to, "--diff": diff, "--dry-run": dry_run, "--overlay-answer": overlay_answer}
    together = [*chosen, *(flag for flag, on in others.items() if on)]
    if chosen and len(together) > 1:
        raise UsageError(f"{chosen[0]} and {together[1]} do not go together")
    if commit and chosen and not continue_:
        raise UsageError(f"{chosen[0]} commits nothing: --commit goes with an update and with --continue")
    if format_ not in FORMATS:
        raise UsageError(f"--format {format_}: must be text, json, sarif or github")
    if not check and (format_ != "text" or allow_drift):
        raise UsageError(f"{'--allow-drift' if allow_drift else '--format'} goes with --check alone")
    if versions:
        return _list(path)
    if check:
        return check_(path, format_, allow_drift)
    if accept:
        return _accept(path, accept)
    if continue_ or abort:
        return _end(path, continue_, commit)
    from twelvefac.app.update import UpdateRequest, update

    return change(update, UpdateRequest(path, to or "", dry_run, diff, commit, overlay_answer or ()))


def _list(path: str) -> int:
    from twelvefac.app.versions import list_versions
    from twelvefac.report.versions import render_versions

    print_result(render_versions(list_versions(path)))
    return 0


def _accept(path: str, files: list[str]) -> int:
    from twelvefac.app.accept import accept_files
    from twelvefac.report.update import render_end

    result = accept_files(path, files)
    print_result(render_end(result, color=color_wanted()))
    return result.exit_code


def _end(path: str, finish: bool, commit: bool) -> int:
    from twelvefac.app.undo import abort_update, continue_update
    from twelvefac.report.update import render_end

    result = continue_update(path, commits=commit) if finish else abort_update(path)
    say_notices(result.notices)
    print_result(render_end(result, color=color_wanted()))
    return result.exit_code
