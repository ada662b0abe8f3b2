"""Stopping without dropping anybody: the ASGI scope extension `drain`.

An application that answers for long watches it and says goodbye in its own words:

    drain = scope.get("extensions", {}).get("drain")  # absent under another server
    ...
    goodbye = await drain.wait()  # beside its other work, as a task; returns when it is this connection's turn
    await send(...)  # its last frame, with goodbye.retry_ms for the client

Turns come one after the other over the drain, oldest connection first, so that clients don't all arrive at the next
server at once. Whoever still runs at the deadline is told that its client left, then cancelled. A WebSocket whose
application never waited is closed with 1012 at its turn; an HTTP answer has until the deadline.
"""

import asyncio
import random
import time
from dataclasses import dataclass

from apps.server.status import status

# How long a client should wait before it comes back. The turns have spread the clients already; this only parts those
# of one turn, and leaves the proxy a moment to notice.
_RETRY_MS = (100, 1_000)


@dataclass(frozen=True, slots=True)
class Drain:
    """What a connection is told when its turn has come.

    Args:
        deadline_s: seconds until whatever is left is cancelled; 0 or more.
        retry_ms: milliseconds that the client should wait before it connects again; 100 to 1000, drawn at random.
    """

    deadline_s: float
    retry_ms: int


class DrainExtension:
    """What one connection finds in `scope["extensions"]["drain"]`."""

    __slots__ = ("_deadline", "_waiting", "watched")

    def __init__(self) -> None:
        self.watched = False  # the application takes care of the end itself
        self._deadline: float | None = None  # set when the turn has come; seconds of time.monotonic()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def started(self) -> bool:
        """Whether the server was told to stop, be it this connection's turn or not; readable from any thread."""
        return status.draining

    async def wait(self) -> Drain:
        """Return when it is this connection's turn to end, at once if it was; call it from the application's loop.

        Several tasks may wait. Cancelling the wait is harmless.
        """
        self.watched = True
        if self._deadline is None:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                self._waiting.remove(turn)
        assert self._deadline is not None
        return Drain(max(0.0, self._deadline - time.monotonic()), random.randint(*_RETRY_MS))

    def come(self, deadline: float) -> None:
        """Say that the turn has come (for the server, not for applications)."""
        self._deadline = deadline
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
