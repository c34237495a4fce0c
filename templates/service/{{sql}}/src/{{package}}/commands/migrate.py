"""bring the schema of the database up to date; exit 69 if the database is absent"""

import logging

from ..settings import load

log = logging.getLogger(__name__)


def run() -> int:
    settings = load()
    from ..backing import UnavailableError
    from ..backing.database import migrations

    try:
        before, after = migrations.upgrade(settings)
    except (UnavailableError, migrations.SchemaError) as error:
        log.critical("%s", error)
        return error.exit_code
    log.info("the schema is at %s, it was at %s", after, before)
    return 0
