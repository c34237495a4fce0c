"""What is stored: each module is a table and what is done with it. None imports a web framework."""

from importlib import import_module
from pkgutil import iter_modules

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Table(DeclarativeBase):
    # Constraints have names, so that a migration can change them.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def metadata() -> MetaData:
    """Every table there is."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")
    return Table.metadata
