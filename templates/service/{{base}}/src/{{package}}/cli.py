"""One command line for every process type and admin task: same code, same configuration."""

import argparse
import logging
from importlib import import_module
from pkgutil import iter_modules
from typing import NoReturn

from . import SERVICE, VERSION, commands

log = logging.getLogger(__name__)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        log.critical("%s: %s", self.prog, message)  # a typo in a deployment is read in the logs
        raise SystemExit(2)


def run() -> int:
    parser = Parser(prog=SERVICE)
    parser.add_argument("--version", action="version", version=VERSION)
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    for found in iter_modules(commands.__path__):
        command = import_module(f"{commands.__name__}.{found.name}")
        name = found.name.replace("_", "-")
        choices.add_parser(name, help=command.__doc__).set_defaults(run=command.run)
    return int(parser.parse_args().run())
