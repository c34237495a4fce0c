"""``twelvefac remove``."""

from typing import Annotated

import typer

from twelvefac.cli._change import Commit, Diff, DryRun, Folder, change

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("remove")
def _command(
    components: Annotated[list[str], typer.Argument(metavar="COMPONENT…", help="What to take out.")],
    *,
    folder: Folder = ".",
    dry_run: DryRun = False,
    diff: Diff = False,
    commit: Commit = False,
) -> int:
    """Take components out of a service again; what you edited is flagged, never deleted.

    Exit codes: 0 done, 1 conflicts are left for you, 2 refused and nothing changed.
    --dry-run and --diff end with the code that the real run would.
    """
    from twelvefac.app.components import remove_components
    from twelvefac.app.update import UpdateRequest

    request = UpdateRequest(folder, dry_run=dry_run, diff=diff, commit=commit)
    return change(lambda wanted: remove_components(wanted, components), request)
