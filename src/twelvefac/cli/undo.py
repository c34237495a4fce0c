"""``twelvefac undo``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, say_notices

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("undo")
def undo(path: Annotated[str, typer.Argument(metavar="[PATH]", help="The service's folder.")] = ".") -> None:
    """Take back the last update, add, remove or adopt; files that you changed since stop it.

    Exit codes: 0 everything is as it was before, 2 refused and nothing changed.
    """
    from twelvefac.app.undo import undo_last
    from twelvefac.report.update import render_end

    result = undo_last(path)
    say_notices(result.notices)
    print_result(render_end(result, color=color_wanted()))
