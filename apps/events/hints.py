"""The listening end of `wakeup`: one channel for the whole process, and a canary that tells whether it works."""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable

from channels.layers import get_channel_layer

from apps.events.topic_names import TOPIC_NAME
from apps.events.wakeup import HINT, HINT_TIMEOUT_S, hint, layer_health

logger = logging.getLogger(__name__)

CANARY_EVERY_S = 5.0
CANARY_EVERY_UNWELL_S = 1.0
CANARY_TIMEOUT_S = 1.0
# Between attempts to receive from a layer that is away: doubled each time, up to the second.
RETRY_S, MAX_RETRY_S = 0.1, 5.0
# So many unreadable messages in a row are none: the layer fails in a way of its own.
MAX_GARBAGE_IN_A_ROW = 100


class HintListener:
    """Receive hints for the topics of this process and pass each on.

    Args:
        on_hint: called with the name of a topic that moved, and its head where the hint told it; must not block.
    """

    def __init__(self, on_hint: Callable[[str, int | None], None]) -> None:
        self._on_hint = on_hint
        # Not a topic's name (those have no capitals), so that nobody can subscribe to it.
        self._canary = f"Canary.{secrets.token_hex(8)}"
        self._wanted: set[str] = {self._canary}
        self._joined: set[str] = set()
        self._channel: str | None = None
        self._canary_came_back = asyncio.Event()
        self.garbage = 0  # messages that were no hint

    async def join(self, topics: set[str]) -> None:
        """Listen to `topics` from now on.

        A layer that hangs costs HINT_TIMEOUT_S: what could not be joined then is tried again with the canary.
        """
        self._wanted |= topics
        await self._catch_up()

    async def leave(self, topic: str) -> None:
        """Stop listening to `topic`."""
        self._wanted.discard(topic)
        if topic in self._joined:
            self._joined.discard(topic)
            await self._attempt("group_discard", topic)

    async def receive(self) -> None:
        """Pass hints on, for ever.

        The layer's `receive` is awaited here and nowhere else, and never with a timeout: to the layer a cancelled
        receive is a consumer that left, and it unsubscribes the channel.
        """
        layer = get_channel_layer()
        while self._channel is None:
            try:
                self._channel = await layer.new_channel("feed.")
            except Exception as error:  # whatever the layer raises while it is away
                layer_health.failed(f"no channel could be had: {type(error).__name__} {error}")
                await asyncio.sleep(random.uniform(0.5, 1.5))
        await self._catch_up()
        garbage_in_a_row, retry_s = 0, RETRY_S
        while True:
            try:
                message = await layer.receive(self._channel)
            except Exception as error:
                if not _is_outage(error) and garbage_in_a_row < MAX_GARBAGE_IN_A_ROW:
                    # A payload that the layer's serialiser refuses. No pause: what follows may be a hint.
                    self.garbage += 1
                    garbage_in_a_row += 1
                    await asyncio.sleep(0)
                    continue
                layer_health.failed(f"nothing can be received: {type(error).__name__} {error}")
                await asyncio.sleep(retry_s * random.uniform(0.5, 1.5))
                retry_s = min(2 * retry_s, MAX_RETRY_S)
                continue
            garbage_in_a_row, retry_s = 0, RETRY_S
            self._take(message)

    async def watch(self) -> None:
        """Send this process a hint every few seconds, for ever, and judge the layer by whether it comes back."""
        while True:
            await asyncio.sleep(CANARY_EVERY_S if layer_health.is_well else CANARY_EVERY_UNWELL_S)
            await self._catch_up()
            self._canary_came_back.clear()
            if await hint({self._canary: None}):
                try:
                    async with asyncio.timeout(CANARY_TIMEOUT_S):
                        await self._canary_came_back.wait()
                except TimeoutError:
                    layer_health.failed(f"a hint to itself did not come back within {CANARY_TIMEOUT_S:g} s")
                    # The layer may have forgotten who listens (a Redis that lost its memory, a group that expired),
                    # so every group is joined again.
                    self._joined.clear()
                else:
                    layer_health.recovered()

    def _take(self, message: object) -> None:
        topic = head = None
        if isinstance(message, dict) and message.get("type") == HINT:
            topic, head = message.get("topic"), message.get("head")
        if topic == self._canary:
            self._canary_came_back.set()
        elif isinstance(topic, str) and TOPIC_NAME.fullmatch(topic) and isinstance(head, int | None):
            self._on_hint(topic, head)
        else:
            self.garbage += 1

    async def _catch_up(self) -> None:
        if self._channel is None:
            return
        for group in sorted(self._wanted - self._joined):
            if not await self._attempt("group_add", group):
                return
            self._joined.add(group)

    async def _attempt(self, call: str, group: str) -> bool:
        try:
            async with asyncio.timeout(HINT_TIMEOUT_S):
                await getattr(get_channel_layer(), call)(group, self._channel)
        except Exception as error:  # whatever the layer raises, or the timeout
            layer_health.failed(f"{call} {group} failed: {type(error).__name__} {error}")
            return False
        return True


def _is_outage(error: Exception) -> bool:
    # By the name of its package: a site that has another layer need not have Redis' installed.
    return isinstance(error, OSError) or any(kind.__module__.split(".")[0] == "redis" for kind in type(error).__mro__)
