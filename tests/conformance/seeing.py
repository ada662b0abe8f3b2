"""What a reader has seen, and how a test waits for more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.conformance.readers import Reader, Seen

PATIENCE_S = 120  # for what must come; no measure of speed


class Seeing:
    """What a reader has seen, and the waits of a test."""

    def __init__(self, answers: AsyncIterator[Seen]) -> None:
        self._answers = answers
        self.events: list[dict[str, Any]] = []
        self.highest: dict[str, int] = {}
        self.texts: list[str] = []
        self.resets: list[dict[str, Any]] = []
        self.controls: list[str] = []
        self.cursor = ""

    async def one(self) -> Seen:
        """Wait for the next answer or frame."""
        async with asyncio.timeout(PATIENCE_S):
            seen = await anext(self._answers)
        self.events += seen.events
        for event in seen.events:
            self.highest[event["topic"]] = max(event["seq"], self.highest.get(event["topic"], 0))
        self.texts += seen.texts
        self.cursor = seen.cursor
        if seen.reset:
            self.resets.append(seen.reset)
        if seen.control:
            self.controls.append(seen.control)
        return seen

    async def until(self, condition: Callable[["Seeing"], bool]) -> "Seeing":
        """Read on until `condition` holds; read at least the first answer or frame."""
        if not self.cursor:
            await self.one()
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                await self.one()
                await asyncio.sleep(0)  # a short poll asks again at once; let others run
        return self

    async def until_seq(self, seq: int, topic: str | None = None) -> "Seeing":
        return await self.until(
            lambda seeing: any(head >= seq for name, head in seeing.highest.items() if topic in (None, name))
        )

    def seqs(self, topic: str | None = None) -> list[int]:
        return [event["seq"] for event in self.events if topic in (None, event["topic"])]


@contextlib.asynccontextmanager
async def seeing(reader: Reader, *topics: str, **asked: Any) -> AsyncIterator[Seeing]:
    """Open the door, and wait until it is open: what is appended after this is new to it."""
    async with reader.reads(*topics, **asked) as answers:
        seen = Seeing(answers)
        await seen.one()
        yield seen
