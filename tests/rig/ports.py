"""Ports for servers under test."""

import random
import socket

# Below the range from which the kernel takes the ports of outgoing connections (32768 and up): a port that was free
# when it was chosen can't be taken by a client before the server binds it.
_RANGE = range(20_000, 32_000)
_HELD = 64  # a server has long bound its port when so many others were chosen

_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on, and that nobody else who asks will get meanwhile.

    A server takes seconds to bind its port, and other processes choose ports by this function too. So a socket stays
    bound to it, without listening: it lets servers in, which set SO_REUSEADDR, and keeps out who looks for a free port.
    """
    while True:
        port = random.choice(_RANGE)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        # Only now: set before, two who choose would share the port.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder)
        if len(_held) > _HELD:
            _held.pop(0).close()
        return port
