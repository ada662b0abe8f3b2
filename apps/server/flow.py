"""Back-pressure from one connection to whoever sends over it."""

import asyncio


class Flow:
    """A gate that shuts while the transport holds more bytes than it wants, because the peer does not read.

    Twisted calls `pause` and `resume` on the way of a push producer (see `adapter.Channel`).
    """

    __slots__ = ("_resumed",)

    def __init__(self) -> None:
        # An event only while it is paused: most connections never are, and an event weighs 0.7 KB.
        self._resumed: asyncio.Event | None = None

    @property
    def paused(self) -> bool:
        return self._resumed is not None

    def pause(self) -> None:
        """Shut the gate; again is harmless (Twisted repeats itself with every write)."""
        if self._resumed is None:
            self._resumed = asyncio.Event()

    def resume(self) -> None:
        """Open the gate: the bytes went out, or the connection is gone."""
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    async def writable(self) -> None:
        """Return when the gate is open. Cancelling the wait is harmless."""
        while (resumed := self._resumed) is not None:
            await resumed.wait()
