"""``twelvefac add``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, say_notices

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("add")
def _command(
    components: Annotated[list[str], typer.Argument(metavar="COMPONENT…", help="What to add: a database, a pipeline…")],
    *,
    folder: Annotated[str, typer.Option("--in", metavar="PATH", help="The service's folder.")] = ".",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen to each file.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show the change as a patch.")] = False,
    commit: Annotated[bool, typer.Option("--commit", help="Commit the result when there is no conflict.")] = False,
) -> int:
    """Add components to a service: their files, dependencies, settings and tests.

    Exit codes: 0 done, 1 conflicts are left for you, 2 refused and nothing changed.
    """
    from twelvefac.app.components import add_components
    from twelvefac.app.update import UpdateRequest
    from twelvefac.report.update import render_update

    result = add_components(UpdateRequest(folder, dry_run=dry_run, diff=diff, commit=commit), components)
    say_notices(result.notices)
    print_result(result.diff if diff else render_update(result, color=color_wanted()))
    return result.exit_code
