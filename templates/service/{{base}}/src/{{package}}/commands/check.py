"""check the configuration (exit 78) and that each backing service answers (exit 69)"""

import logging

from ..settings import load

log = logging.getLogger(__name__)

EX_UNAVAILABLE = 69  # sysexits.h


def run() -> int:
    settings = load()
    from .. import backing

    code = 0
    for service in backing.connect(settings).values():
        try:
            service.check()
        except backing.UnavailableError as error:
            log.critical("%s", error)
            code = EX_UNAVAILABLE
        service.close()
    if code == 0:
        log.info("the configuration is valid and every backing service answers")
    return code
