"""Writes the next migration: what `store` has and an up-to-date database lacks. Give its title."""

import logging
import sys

from alembic import command

from .... import logs
from ....settings import load
from ... import UnavailableError
from . import SchemaError, configure, connected

logs.configure()
try:
    with connected(load()) as connection:
        command.revision(configure(connection), " ".join(sys.argv[1:]), autogenerate=True)
except (UnavailableError, SchemaError) as error:
    logging.getLogger(__package__).critical("%s", error)
    sys.exit(error.exit_code)
