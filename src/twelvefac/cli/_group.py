"""What typer makes of the command line: a group that imports a command when it is asked for."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from twelvefac.cli import COMMANDS


class _LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"twelvefac.cli.{cmd_name}")
        return typer.main.get_command(module.command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    name="twelvefac",
    cls=_LazyGroup,
    help="Generates, audits and updates twelve-factor Python services.",
    epilog="Start with: twelvefac new service orders   or   twelvefac audit .",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit."),
) -> None:
    if version:
        from twelvefac import __version__

        typer.echo(f"twelvefac {__version__}")
        raise typer.Exit
