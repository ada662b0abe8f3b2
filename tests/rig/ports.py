"""Ports for servers under test."""

import random
import socket

# Below the range from which the kernel takes the ports of outgoing connections (32768 and up): a port that was free
# when it was chosen can't be taken by a client before the server binds it.
_RANGE = range(20_000, 32_000)


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(_RANGE)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
