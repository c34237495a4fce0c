"""``twelvefac update``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, say_notices

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("update")
def _command(  # more than 8 parameters: one for each flag is typer's way
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="The service's folder.")] = ".",
    *,
    to: Annotated[
        str, typer.Option(metavar="VERSION", help="The template version (default: the newest).", show_default=False)
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen to each file.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show the change as a patch.")] = False,
    commit: Annotated[bool, typer.Option("--commit", help="Commit the result when there is no conflict.")] = False,
    continue_: Annotated[bool, typer.Option("--continue", help="All conflicts are resolved: end the update.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Put everything back as it was before.")] = False,
) -> int:
    """Bring a service to the newest template and keep what its owners wrote.

    Exit codes: 0 updated or up to date, 1 conflicts are left for you, 2 refused and nothing changed.
    """
    from twelvefac.errors import UsageError

    chosen = [flag for flag, on in (("--continue", continue_), ("--abort", abort), ("--dry-run", dry_run)) if on]
    if len(chosen) > 1 or (chosen and chosen[0] != "--dry-run" and (to or diff)):
        raise UsageError(f"{chosen[0]} goes with no other flag")
    if continue_ or abort:
        return _end(path, continue_, commit)
    return _update(path, to, dry_run, diff, commit)


def _update(path: str, to: str, dry_run: bool, diff: bool, commit: bool) -> int:
    from twelvefac.app.update import UpdateRequest, update
    from twelvefac.report.update import render_update

    result = update(UpdateRequest(path, to, dry_run=dry_run, diff=diff, commit=commit))
    say_notices(result.notices)
    print_result(result.diff if diff else render_update(result, color=color_wanted()))
    return result.exit_code


def _end(path: str, finish: bool, commit: bool) -> int:
    from twelvefac.app.undo import abort_update, continue_update
    from twelvefac.report.update import render_end

    result = continue_update(path, commits=commit) if finish else abort_update(path)
    say_notices(result.notices)
    print_result(render_end(result, color=color_wanted()))
    return result.exit_code
