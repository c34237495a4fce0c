"""check the configuration; exit 78 if it is invalid"""

import logging

from ..settings import load

log = logging.getLogger(__name__)


def run() -> int:
    load()
    log.info("the configuration is valid")
    return 0
