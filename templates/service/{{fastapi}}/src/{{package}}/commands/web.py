"""serve HTTP until SIGTERM"""

from ..settings import load


def run() -> int:
    settings = load()
    from .. import server  # slow to import: an invalid configuration is reported before

    return server.run(settings)
