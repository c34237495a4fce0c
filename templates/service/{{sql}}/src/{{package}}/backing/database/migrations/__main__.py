"""Writes the next migration: what `store` has and an up-to-date database lacks. Give its title."""

import sys

from alembic import command

from .... import logs
from ....settings import load
from .. import driver
from . import configure

logs.configure()
engine = driver.make_engine(load(), pool_size=1)
with engine.connect() as connection:
    command.revision(configure(connection), " ".join(sys.argv[1:]), autogenerate=True)
