"""What arrived on a connection and waits for its application."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]

# A message that carries nothing still costs a dictionary: without it a flood of empty messages would be free.
_MESSAGE_OVERHEAD_BYTES = 256


class Inbox:
    """A queue that asks for a pause when it holds more than `max_bytes`, and for more at half of that.

    Daphne fills it (`put_nowait`) and the application empties it (`get` is its `receive`). Nothing is refused: what was
    read before the pause took effect still goes in.

    Args:
        max_bytes: when to ask for a pause; counts the payload and an overhead per message.
        hold: stop reading from the peer.
        release: read again; may put messages at once.
    """

    __slots__ = ("_bytes", "_getters", "_held", "_hold", "_max_bytes", "_messages", "_release")

    def __init__(self, max_bytes: int, hold: Callable[[], None], release: Callable[[], None]) -> None:
        # Not an asyncio.Queue: nearly always empty, one weighs 3 KB for each connection.
        self._messages: deque[Message] | None = None
        self._getters: tuple[asyncio.Future[None], ...] = ()
        self._max_bytes = max_bytes
        self._hold = hold
        self._release = release
        self._bytes = 0
        self._held = False

    def put_nowait(self, message: Message) -> None:
        """Add a message from the peer."""
        if self._messages is None:
            self._messages = deque()
        self._messages.append(message)
        getters, self._getters = self._getters, ()
        for getter in getters:
            if not getter.done():  # a cancelled call
                getter.set_result(None)
        self._bytes += _weight(message)
        if not self._held and self._bytes > self._max_bytes:
            self._held = True
            self._hold()

    async def get(self) -> Message:
        """Return the next message, waiting for it. A cancelled call takes none."""
        while not self._messages:
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters += (getter,)
            await getter
        message = self._messages.popleft()
        if not self._messages:
            self._messages = None
        self._bytes -= _weight(message)
        if self._held and self._bytes <= self._max_bytes // 2:
            self._held = False
            self._release()
        return message


def _weight(message: Message) -> int:
    payload = message.get("text") or message.get("bytes") or message.get("body") or b""
    return len(payload) + _MESSAGE_OVERHEAD_BYTES
