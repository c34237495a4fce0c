"""``twelvefac rules``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("rules")
def rules(
    format_: Annotated[str, typer.Option("--format", help="text or json.", metavar="text|json")] = "text",
) -> None:
    """List the audit's rules by factor."""
    from twelvefac.app.audit import rule_catalogue
    from twelvefac.errors import UsageError
    from twelvefac.report.catalogue import render_rules, render_rules_json

    if format_ not in ("text", "json"):
        raise UsageError(f"--format {format_}: must be text or json")
    catalogue = rule_catalogue()
    print_result(render_rules_json(catalogue) if format_ == "json" else render_rules(catalogue, color=color_wanted()))
