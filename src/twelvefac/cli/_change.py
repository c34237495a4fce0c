"""What ``add``, ``remove`` and ``update`` have in common: their flags, and how what they did is printed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, say_notices

if TYPE_CHECKING:
    from twelvefac.app.update import UpdateRequest
    from twelvefac.update.result import UpdateResult

Folder = Annotated[str, typer.Option("--in", metavar="PATH", help="The service's folder.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen to each file.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show the change as a patch.")]
Commit = Annotated[bool, typer.Option("--commit", help="Commit the result when there is no conflict.")]


def change(run: "Callable[[UpdateRequest], UpdateResult]", request: "UpdateRequest") -> int:
    """Run a change of a service, print what became of it and return its exit code."""
    from twelvefac.report.update import render_update

    result = run(request)
    say_notices(result.notices)
    if request.diff and result.refused:
        message, hint = result.refused
        say_notices([f"would be refused: {message}", *([f"  {hint}"] if hint else [])])
    print_result(result.diff if request.diff else render_update(result, color=color_wanted()))
    return result.exit_code
