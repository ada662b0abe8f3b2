"""Sending the same bytes over many connections: the ASGI scope extension `fanout`.

ASGI's `send` costs a coroutine, a task switch and the framing of the message for each connection. An application that
tells many clients the same thing frames it once, and gives the bytes to each connection:

    outlet = scope.get("extensions", {}).get("fanout")  # absent under another server, and inside TLS
    ...
    frame = outlet.frame  # after the first `await send(...)` of a body, or the accepted handshake
    framed = frame(message)  # once for all outlets with the same `frame`
    ...
    taken = outlet.send(framed)  # False: nothing was sent; `await send(...)` it, which waits for the client

An outlet never overtakes what `send` or the server itself has on its way, and never tears a frame: while any byte of
the connection waits it takes nothing. Calls belong to the event loop, and between two `send`s, not during one.
"""

import struct
from collections.abc import Callable
from typing import Protocol

Frame = Callable[[bytes], bytes]


def websocket_text(message: bytes) -> bytes:
    """Return `message`, UTF-8, as an unmasked WebSocket text frame (RFC 6455 section 5.2)."""
    size = len(message)
    if size <= 125:
        return b"\x81%c%b" % (size, message)
    if size <= 0xFFFF:
        return b"\x81\x7e%b%b" % (struct.pack("!H", size), message)
    return b"\x81\x7f%b%b" % (struct.pack("!Q", size), message)


def http_chunk(piece: bytes) -> bytes:
    """Return `piece`, not empty, as a chunk of a chunked body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def unframed(piece: bytes) -> bytes:
    """Return `piece` as it is: an HTTP/1.0 body ends with its connection."""
    return piece


class Sender(Protocol):
    """A connection, as `adapter` knows it."""

    @property
    def frame(self) -> Frame | None: ...

    def send_now(self, framed: bytes) -> bool: ...


class FanoutExtension:
    """What one connection finds in `scope["extensions"]["fanout"]`.

    Attributes:
        send: gives bytes framed with `frame` to the connection at once; returns False where that can't be, and nothing
            was sent. What the kernel does not take of them waits in the connection as after any other `send`. The
            connection's own method: one more call around it was a tenth of a delivery.
    """

    __slots__ = ("_sender", "send")

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.send: Callable[[bytes], bool] = sender.send_now

    @property
    def frame(self) -> Frame | None:
        """How this connection frames a message; None while nothing may be sent: before the body, after the close."""
        return self._sender.frame
