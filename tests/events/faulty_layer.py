"""A channel layer in memory with the faults of a real one."""

import asyncio
from typing import Any

from channels.layers import InMemoryChannelLayer


class FaultyLayer(InMemoryChannelLayer):
    """Works until a test sets one of the switches.

    Attributes:
        drops: messages to groups are acknowledged and lost, as by a Redis that is going down.
        fails: every call raises, as while Redis is away.
        hangs: every call waits for ever, as while Redis is frozen.
        unreadable: so many of the next messages raise when they are received.
        lost: what `receive` raises for as long as it is set, before any message, as a layer that polls a lost Redis.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.drops = self.fails = self.hangs = False
        self.unreadable = 0
        self.lost: Exception | None = None
        self.receives = 0
        self.sent: list[str] = []  # the groups of the messages that were handed in
        self.cancelled = 0  # calls that their caller gave up

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.sent.append(group)
        await self._suffer()
        if not self.drops:
            await super().group_send(group, message)

    async def receive(self, channel: str) -> dict[str, Any]:
        self.receives += 1
        if self.lost:
            raise self.lost
        message = await super().receive(channel)
        if self.unreadable:
            self.unreadable -= 1
            raise ValueError("not what was sent")
        return message

    async def group_add(self, group: str, channel: str) -> None:
        await self._suffer()
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._suffer()
        await super().group_discard(group, channel)

    @property
    def hints_sent(self) -> list[str]:
        """The topics hinted at; a feed's own canary is none."""
        return [group for group in self.sent if not group.startswith("Canary.")]

    async def _suffer(self) -> None:
        if self.fails:
            raise ConnectionError("the layer is away")
        if self.hangs:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
