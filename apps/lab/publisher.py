"""The lab's publisher: events at a steady rate, or many at once, appended to a run as any publisher would."""

import asyncio
import contextvars
import logging
from contextlib import ExitStack
from functools import lru_cache

from apps.events import log, queries
from apps.events.log import NewEvent
from apps.events.logged_event import encode
from apps.events.queries import LogUnavailable
from apps.lab import limits
from apps.lab.weather import Weather, weather_of

logger = logging.getLogger(__name__)

EVENT_TYPE = "lab.event"
_LATER_S = 1.0  # until a database that is away is asked again
_AT_ONCE = 50  # events that are late go together, a transaction each fifty

# Held on to: the event loop alone would let a task be collected.
_running: set[asyncio.Task[None]] = set()


async def publish_now(run: str, events: int, size_bytes: int) -> None:
    """Append `events` events in one transaction.

    Raises:
        LogUnavailable: the database is away; nothing, or everything, was appended.
    """
    await queries.run(log.append_many, [_event(run, size_bytes)] * events)


def publish_steadily(visitor: str, run: str, rate_per_s: int, duration_s: int, size_bytes: int) -> None:
    """Begin to append `rate_per_s` events a second, for `duration_s` seconds, and return; a visitor may stop it.

    An event that can't be appended is late, not left out: who counts at the end finds rate × duration.

    Raises:
        Refusal: 429, see `limits.publishing`.
    """
    place = ExitStack()
    place.enter_context(limits.publishing(visitor, rate_per_s, duration_s))

    async def publish() -> None:
        with place:
            weather = weather_of(run)
            async with weather.over():
                await _publish(weather, run, rate_per_s, duration_s, size_bytes)

    # In a context of its own: it outlives the request.
    task = asyncio.get_running_loop().create_task(publish(), context=contextvars.Context())
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _publish(weather: Weather, run: str, rate_per_s: int, duration_s: int, size_bytes: int) -> None:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    event = _event(run, size_bytes)
    published, total = 0, rate_per_s * duration_s
    while published < total and not weather.is_stopped:
        due = min(total, int((loop.time() - began_at) * rate_per_s) + 1) - published
        if due <= 0:
            await asyncio.sleep(began_at + published / rate_per_s - loop.time())
            continue
        due = min(due, _AT_ONCE)
        try:
            await queries.run(log.append_many, [event] * due)
        except LogUnavailable:
            logger.warning("the lab's events of %s are late: the log can't be written to", run)
            await asyncio.sleep(_LATER_S)
            if loop.time() - began_at > 2 * duration_s + limits.DURATION_S[1]:
                return
            continue
        published += due


@lru_cache(maxsize=256)
def _event(run: str, size_bytes: int) -> NewEvent:
    """Return an event that is `size_bytes` long on the wire, give or take the digits of its seq."""
    envelope = {"topic": run, "seq": 100, "type": EVENT_TYPE, "time": "2026-01-01T00:00:00.000Z", "data": {"pad": ""}}
    return NewEvent(run, EVENT_TYPE, {"pad": "." * max(0, size_bytes - len(encode(envelope)))})
