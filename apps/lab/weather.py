"""What a run's lines go through right now."""

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Protocol

from apps.events import feed
from apps.events.cursor import START
from apps.events.logged_event import LoggedEvent
from apps.events.queries import LogUnavailable
from apps.lab import faults

logger = logging.getLogger(__name__)

_LINGER_S = 20.0  # a short poll comes back
_HEARTBEAT_S = 60.0


class Line(Protocol):
    """A connection that a fault can hit."""

    def cut(self) -> None:
        """Break, without a word to either side."""

    def restart(self) -> None:
        """Have the door say goodbye, as before a restart of the server."""


class Weather:
    """The faults of one run, in this process.

    Args:
        run: its topic.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self.is_stopped = False  # the visitor wants no more events
        self._lines: set[Line] = set()
        self._users = 0
        self._held_until = 0.0  # seconds of time.time(), as events have it
        self._slow_until = 0.0
        # Its tasks outlive the request that happened to come first.
        self._following = asyncio.get_running_loop().create_task(self._follow(), context=contextvars.Context())
        self._forgetting: asyncio.TimerHandle | None = None

    @property
    def held_s(self) -> float:
        """For how many seconds more answers are held back; 0 or less: they are not."""
        return self._held_until - time.time()

    @property
    def slow_s(self) -> float:
        """For how many seconds more the reader is slow; 0 or less: it is not."""
        return self._slow_until - time.time()

    @asynccontextmanager
    async def over(self, line: Line | None = None) -> AsyncIterator[None]:
        """Keep up with the weather while the block runs, and let faults hit `line`."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        self._users += 1
        if line is not None:
            self._lines.add(line)
        try:
            yield
        finally:
            self._users -= 1
            if line is not None:
                self._lines.discard(line)
            if not self._users:
                self._forgetting = asyncio.get_running_loop().call_later(_LINGER_S, self._forget)

    def _forget(self) -> None:
        self._following.cancel()
        _weathers.pop(self._run, None)

    async def _follow(self) -> None:
        """Read what was, for the faults that still last; then take what comes."""
        try:
            reader = feed.current()
            topics = (faults.topic_of(self._run),)
            batch = await reader.read(topics, START)
            self._take(batch.events, is_past=True)
            while batch.more:
                batch = await reader.read(topics, batch.cursor)
                self._take(batch.events, is_past=True)
            async with aclosing(reader.follow(topics, batch.cursor, _HEARTBEAT_S)) as batches:
                async for batch in batches:
                    self._take(batch.events, is_past=False)
        except LogUnavailable:
            logger.warning("the faults of %s are not known: the log can't be read", self._run)

    def _take(self, events: tuple[LoggedEvent, ...], *, is_past: bool) -> None:
        for event in events:
            if event.type == faults.STOP_TYPE:
                self.is_stopped = True
            if event.type != faults.EVENT_TYPE:
                continue
            data = event.data
            until = event.time.timestamp() + data["duration_s"]
            match data["fault"]:
                case faults.BUFFER.name:
                    self._held_until = until
                case faults.SLOW.name:
                    self._slow_until = until
                case faults.CUT.name if not is_past:
                    for line in tuple(self._lines):
                        line.cut()
                case faults.RESTART.name if not is_past:
                    for line in tuple(self._lines):
                        line.restart()


_weathers: dict[str, Weather] = {}


def weather_of(run: str) -> Weather:
    """Return the weather of a run in this process, made on first use."""
    if run not in _weathers:
        _weathers[run] = Weather(run)
    return _weathers[run]
