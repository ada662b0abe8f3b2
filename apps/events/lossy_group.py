"""A Channels group for what may be lost: who is here, who is typing, how a process is doing.

What must not be lost is an event of the log. This is the other kind: said once, to whoever listens just then.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer

from apps.events.wakeup import layer_health

logger = logging.getLogger(__name__)

LAYER_TIMEOUT_S = 1.0
RETRY_S = 2.0


class LossyGroup:
    """One process's place in a group; a channel layer that fails or hangs costs what is said, and nothing else.

    Args:
        name: of the group. With a capital letter: topics have none, so it can't be one of the log's hints.
        hear: called with each message of the group, this process's own included, one after the other.
    """

    def __init__(self, name: str, hear: Callable[[Any], Awaitable[None]]) -> None:
        self._name = name
        self._hear = hear

    async def say(self, message: dict[str, Any]) -> None:
        """Send `message` to all who listen, within LAYER_TIMEOUT_S; to nobody where the layer is unwell."""
        if not layer_health.is_well:
            return
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                await get_channel_layer().group_send(self._name, message)
        except Exception as error:  # whatever the layer raises, or the timeout
            logger.info("%s was not sent: %s %s", message["type"], type(error).__name__, error)

    async def listen(self, joined: Callable[[], None] = lambda: None) -> None:
        """Be in the group, again whenever the layer is well again, until cancelled; `joined` is called each time."""
        while True:
            if layer_health.is_well:
                try:
                    await self._be_in_it(joined)
                except Exception as error:  # whatever the layer raises, or the timeout
                    logger.info("%s is not heard for now: %s %s", self._name, type(error).__name__, error)
            await asyncio.sleep(RETRY_S)

    async def _be_in_it(self, joined: Callable[[], None]) -> None:
        layer = get_channel_layer()
        async with asyncio.timeout(LAYER_TIMEOUT_S):
            channel = await layer.new_channel(f"{self._name}.")
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                await layer.group_add(self._name, channel)
            joined()
            while True:
                # Never with a timeout: to the layer a cancelled receive is a consumer that left.
                await self._hear(await layer.receive(channel))
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(LAYER_TIMEOUT_S):
                    await layer.group_discard(self._name, channel)
