"""``twelvefac adopt``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, say_notices

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("adopt")
def _command(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="The service's folder.")] = ".",
    *,
    answer: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An answer that is not to be guessed: name, framework, database…"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it is taken for and write nothing.")] = False,
) -> None:
    """Take over a repository that was not made by twelvefac, so that it can be updated.

    Two files are written, .copier-answers.yml and .twelvefac/manifest.json; nothing else changes.

    Exit codes: 0 taken over, 2 refused and nothing changed.
    """
    from twelvefac.app.adopt import AdoptRequest, adopt
    from twelvefac.app.new import KEYS
    from twelvefac.errors import UsageError
    from twelvefac.report.update import render_adopt

    given = {}
    for pair in answer or []:
        key, equals, value = pair.partition("=")
        if not equals or key not in KEYS:
            raise UsageError(f"--answer {pair}: must be KEY=VALUE with one of {', '.join(KEYS)}")
        given[key] = value
    result = adopt(AdoptRequest(path, given, dry_run))
    say_notices(result.notices)
    print_result(render_adopt(result, color=color_wanted()))
