"""Which processes serve this site, and how each is doing: one asks, all answer.

Figures may be lost, so they go through a Channels group, and only while somebody looks: nothing is sent, and nothing
is stored, when nobody asks. A process answers from its start (see `lifespan`); under a server that tells of no start,
from the first time that it was probed, scraped or looked at.
"""

import asyncio
import contextlib
import contextvars
import logging
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from apps.events.wakeup import layer_health
from apps.operations.figures import PROCESS_NAME, figures

logger = logging.getLogger(__name__)

# Topics have no capitals, so a group of this name can't be one of the log's hints.
GROUP = "Operations.processes"
LAYER_TIMEOUT_S = 1.0
RETRY_S = 2.0
ANSWER_AT_MOST_EVERY_S = 1.0  # however many ask
FORGET_AFTER_S = 30.0
MAX_OTHERS = 500


@dataclass
class _Answer:
    heard_at: float  # loop time
    figures: dict[str, Any]


class RollCall:
    """The processes that answer, as this one hears them. Get it with `current()`; it belongs to its event loop."""

    def __init__(self) -> None:
        self._listener: asyncio.Task[None] | None = None
        self._others: dict[str, _Answer] = {}
        self._answered_at = float("-inf")  # loop time

    def start(self) -> None:
        """Answer from now on, if not yet."""
        if self._listener is None:
            # In a context of its own: it outlives the request that happened to come first.
            self._listener = asyncio.get_running_loop().create_task(self._listen(), context=contextvars.Context())

    async def ask(self) -> None:
        """Ask the other processes for their figures; without a working channel layer nobody is asked."""
        await self._send({"type": "operations.ask"})

    def answers(self) -> list[dict[str, Any]]:
        """Return the figures of this process, now, and of all others as last heard, sorted by name.

        `silent_s` says how long ago that was, in seconds.
        """
        now = asyncio.get_running_loop().time()
        for process, answer in list(self._others.items()):
            if now - answer.heard_at > FORGET_AFTER_S:
                del self._others[process]
        others = [answer.figures | {"silent_s": round(now - answer.heard_at, 1)} for answer in self._others.values()]
        return sorted([figures() | {"silent_s": 0}, *others], key=lambda answer: answer["process"])

    async def aclose(self) -> None:
        """Stop answering; for tests, whose event loops end."""
        _roll_calls.pop(asyncio.get_running_loop(), None)
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    async def _send(self, message: dict[str, Any]) -> None:
        if not layer_health.is_well:
            return
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                await get_channel_layer().group_send(GROUP, message)
        except Exception as error:  # whatever the layer raises, or the timeout
            logger.info("%s was not sent: %s %s", message["type"], type(error).__name__, error)

    async def _listen(self) -> None:
        while True:
            if layer_health.is_well:
                try:
                    await self._be_in_group()
                except Exception as error:  # whatever the layer raises, or the timeout
                    logger.info("other processes can't be heard for now: %s %s", type(error).__name__, error)
            await asyncio.sleep(RETRY_S)

    async def _be_in_group(self) -> None:
        layer = get_channel_layer()
        async with asyncio.timeout(LAYER_TIMEOUT_S):
            channel = await layer.new_channel("operations.")
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                await layer.group_add(GROUP, channel)
            while True:
                # Never with a timeout: to the layer a cancelled receive is a consumer that left.
                await self._take(await layer.receive(channel))
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(LAYER_TIMEOUT_S):
                    await layer.group_discard(GROUP, channel)

    async def _take(self, message: Any) -> None:
        """Take what a process said; what has another shape than expected is ignored."""
        now = asyncio.get_running_loop().time()
        match message:
            case {"type": "operations.ask"} if now - self._answered_at >= ANSWER_AT_MOST_EVERY_S:
                self._answered_at = now
                await self._send({"type": "operations.answer", "figures": figures()})
            case {"type": "operations.answer", "figures": {"process": str(process)} as said}:
                if process != PROCESS_NAME and (process in self._others or len(self._others) < MAX_OTHERS):
                    self._others[process] = _Answer(now, said)


_roll_calls: WeakKeyDictionary[asyncio.AbstractEventLoop, RollCall] = WeakKeyDictionary()


def current() -> RollCall:
    """Return the roll call of the running event loop, made on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _roll_calls:
        _roll_calls[loop] = RollCall()
    return _roll_calls[loop]
