"""A port for a program that a test starts."""

import socket


def free_port() -> int:
    """One of this machine that nobody listens on now; another program may take it before it is used."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
