"""``twelvefac audit``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result

command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("audit")
def audit(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="The directory of a service or of several.")] = ".",
    format_: Annotated[str, typer.Option("--format", help="text or json.", metavar="text|json")] = "text",
    fail_on: Annotated[
        str | None,
        typer.Option(
            help="Exit 1 for findings of this severity and above (default low).", metavar="high|medium|low|never"
        ),
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Run this rule only; may be repeated.", metavar="NAME")] = None,
    strict_suppressions: Annotated[
        bool | None, typer.Option("--strict-suppressions", help="Exit 1 for unused or expired suppressions.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read every file anew and keep nothing.")] = False,
) -> int:
    """Judge a service against the twelve factors.

    Nothing in the audited directory is run, imported or changed. Exit codes: 0 fine, 1 findings, 2 refused,
    3 no service found, 4 internal error.
    """
    from twelvefac.app.audit import AuditRequest
    from twelvefac.app.audit import audit as run
    from twelvefac.errors import UsageError

    if format_ not in ("text", "json"):
        raise UsageError(f"--format {format_}: must be text or json")
    result = run(
        AuditRequest(
            path=path,
            only=tuple(rule or ()),
            fail_on=fail_on,
            strict_suppressions=strict_suppressions,
            cache=False if no_cache else None,
        )
    )
    if format_ == "json":
        from twelvefac.report.json import render_json

        print_result(render_json(result.report))
    else:
        from twelvefac.report.text import render_text

        print_result(render_text(result.report, color=color_wanted()))
    return result.exit_code
