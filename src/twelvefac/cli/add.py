"""``twelvefac add``."""

from typing import Annotated

import typer

from twelvefac.cli._change import Commit, Diff, DryRun, Folder, change

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("add")
def _command(
    components: Annotated[list[str], typer.Argument(metavar="COMPONENT…", help="What to add: a database, a pipeline…")],
    *,
    folder: Folder = ".",
    dry_run: DryRun = False,
    diff: Diff = False,
    commit: Commit = False,
) -> int:
    """Add components to a service: their files, dependencies, settings and tests.

    Exit codes: 0 done, 1 conflicts are left for you, 2 refused and nothing changed.
    --dry-run and --diff end with the code that the real run would.
    """
    from twelvefac.app.components import add_components
    from twelvefac.app.update import UpdateRequest

    request = UpdateRequest(folder, dry_run=dry_run, diff=diff, commit=commit)
    return change(lambda wanted: add_components(wanted, components), request)
