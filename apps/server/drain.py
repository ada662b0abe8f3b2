"""Stopping without dropping anybody: the ASGI scope extension `drain`.

An application that answers for long watches it and says goodbye in its own words:

    drain = scope.get("extensions", {}).get("drain")  # absent under another server
    ...
    drain.on_turn(stop)  # calls `stop(goodbye)` when it is this connection's turn; or `goodbye = await drain.wait()`
    ...
    await send(...)  # its last frame, with goodbye.retry_ms for the client

Turns come one after the other over the drain, oldest connection first, so that clients don't all arrive at the next
server at once. Whoever still runs at the deadline is told that its client left, then cancelled. A WebSocket whose
application never watched is closed with 1012 at its turn; an HTTP answer has until the deadline.
"""

import asyncio
import random
import time
from collections.abc import Callable
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

    __slots__ = ("_calls", "_deadline", "watched")

    def __init__(self) -> None:
        self.watched = False  # the application takes care of the end itself
        self._deadline: float | None = None  # set when the turn has come; seconds of time.monotonic()
        self._calls: tuple[Callable[[Drain], None], ...] = ()

    @property
    def started(self) -> bool:
        """Whether the server was told to stop, be it this connection's turn or not; readable from any thread."""
        return status.draining

    def on_turn(self, call: Callable[[Drain], None]) -> None:
        """Have `call` called when it is this connection's turn to end, at once if it was; it must not block.

        For whoever has many connections: a task that waits for each of them weighs more. From the event loop only.
        """
        self.watched = True
        if self._deadline is None:
            self._calls += (call,)
        else:
            call(_drain(self._deadline))

    async def wait(self) -> Drain:
        """Return when it is this connection's turn to end, at once if it was; call it from the application's loop.

        Several tasks may wait. Cancelling the wait is harmless.
        """
        turn: asyncio.Future[Drain] = asyncio.get_running_loop().create_future()
        self.on_turn(lambda drain: None if turn.done() else turn.set_result(drain))
        return await turn

    def come(self, deadline: float) -> None:
        """Say that the turn has come (for the server, not for applications)."""
        self._deadline = deadline
        calls, self._calls = self._calls, ()
        for call in calls:
            call(_drain(deadline))


def _drain(deadline: float) -> Drain:
    return Drain(max(0.0, deadline - time.monotonic()), random.randint(*_RETRY_MS))
