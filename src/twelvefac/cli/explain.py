"""``twelvefac explain``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("explain")
def explain(rule: Annotated[str, typer.Argument(metavar="RULE", help="A name from `twelvefac rules`.")]) -> None:
    """Say why a rule exists, what it leaves alone and how to fix what it finds."""
    from twelvefac.app.audit import rule_named
    from twelvefac.report.catalogue import render_explanation

    print_result(render_explanation(rule_named(rule), color=color_wanted()))
