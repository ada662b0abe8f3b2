"""Which processes serve this site, and how each is doing: one asks, all answer.

Figures may be lost, so they go through a Channels group, and only while somebody looks: nothing is sent, and nothing
is stored, when nobody asks. A process answers from its start (see `lifespan`); under a server that tells of no start,
from the first time that it was probed, scraped or looked at.
"""

import asyncio
import contextvars
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from apps.events.lossy_group import LossyGroup
from apps.operations.figures import PROCESS_NAME, figures

GROUP = "Operations.processes"
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
        self._group = LossyGroup(GROUP, self._take)
        self._listener: asyncio.Task[None] | None = None
        self._others: dict[str, _Answer] = {}
        self._answered_at = float("-inf")  # loop time

    def start(self) -> None:
        """Answer from now on, if not yet."""
        if self._listener is None:
            # In a context of its own: it outlives the request that happened to come first.
            self._listener = asyncio.get_running_loop().create_task(self._group.listen(), context=contextvars.Context())

    async def ask(self) -> None:
        """Ask the other processes for their figures; without a working channel layer nobody is asked."""
        await self._group.say({"type": "operations.ask"})

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

    async def _take(self, message: Any) -> None:
        """Take what a process said; what has another shape than expected is ignored."""
        now = asyncio.get_running_loop().time()
        match message:
            case {"type": "operations.ask"} if now - self._answered_at >= ANSWER_AT_MOST_EVERY_S:
                self._answered_at = now
                await self._group.say({"type": "operations.answer", "figures": figures()})
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
