"""bring the schema of the database up to date; exit 69 if the database is absent"""

import logging

from ..settings import load

log = logging.getLogger(__name__)

EX_UNAVAILABLE = 69  # sysexits.h


def run() -> int:
    settings = load()
    from ..backing import UnavailableError
    from ..backing.database import migrations

    try:
        before, after = migrations.upgrade(settings)
    except UnavailableError as error:
        log.critical("%s", error)
        return EX_UNAVAILABLE
    log.info("the schema is at %s, it was at %s", after, before)
    return 0
