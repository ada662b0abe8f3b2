"""Sending the same bytes over many connections: the ASGI scope extension `fanout`.

ASGI's `send` costs a coroutine, a task switch and the framing of the message for each connection. An application that
tells many clients the same thing frames it once, and gives the bytes to each connection:

    outlet = scope.get("extensions", {}).get("fanout")  # absent under another server, and inside TLS
    ...
    frame = outlet.frame  # after the first `await send(...)` of a body, or the accepted handshake
    framed = frame(message)  # once for all outlets with the same `frame`
    ...
    taken = outlet.send(framed)  # False: nothing was sent; `await send(...)` it, which waits for the client
    refused = outlet.send_each(framed, outlets)  # the same for many; those at these indexes took nothing

An outlet never overtakes what `send` or the server itself has on its way, and never tears a frame: while any byte of
the connection waits it takes nothing. Calls belong to the event loop, and between two `send`s, not during one.
"""

import struct
from collections.abc import Callable, Sequence
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

    def send_now(self, framed: bytes, outlet: "FanoutExtension") -> bool: ...

    def send_rest(self, rest: bytes) -> None: ...


class FanoutExtension:
    """What one connection finds in `scope["extensions"]["fanout"]`.

    Attributes:
        is_clear: nothing of the connection waits and it is not ending, so that bytes may go straight to the kernel.
            The connection's transport takes it back before anything else is written or the connection ends.
        give: hands bytes to the kernel, and returns how many it took; set while `is_clear`.
    """

    # One small object is all that a push touches of a connection: with thousands of them, what it costs is memory
    # that the processor has to fetch.
    __slots__ = ("_sender", "give", "is_clear")

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.is_clear = False
        self.give: Callable[[bytes], int] = _takes_nothing

    @property
    def frame(self) -> Frame | None:
        """How this connection frames a message; None while nothing may be sent: before the body, after the close."""
        return self._sender.frame

    def send(self, framed: bytes) -> bool:
        """Give bytes framed with `frame` to the connection at once; return False where that can't be: nothing was sent.

        What the kernel does not take of them waits in the connection as after any other `send`.
        """
        return not self.send_each(framed, (self,))

    @staticmethod
    def send_each(framed: bytes, outlets: Sequence["FanoutExtension"]) -> list[int]:
        """Give the same bytes to many connections at once, as `send` does; return the indexes of those that took none.

        Args:
            outlets: connections with the same `frame`.
        """
        size_bytes = len(framed)
        refused = []
        for index, outlet in enumerate(outlets):
            if outlet.is_clear:
                try:
                    taken = outlet.give(framed)
                except OSError:
                    # No room, or no peer any more: the ordinary way meets the same, and knows what to do.
                    outlet.is_clear = False
                    refused.append(index)
                else:
                    if taken != size_bytes:
                        outlet._sender.send_rest(framed[taken:])
            elif not outlet._sender.send_now(framed, outlet):
                refused.append(index)
        return refused


def _takes_nothing(data: bytes) -> int:
    raise BlockingIOError
