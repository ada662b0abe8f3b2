"""What every read of the log returns, and how it is put together."""

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.events.cursor import Cursor
from apps.events.logged_event import LoggedEvent

MIN_LIMIT, DEFAULT_LIMIT, MAX_LIMIT = 1, 100, 500


@dataclass(frozen=True, slots=True)
class Reset:
    """An explicit break: what a reader knew of `topics` does not lead to what comes next.

    Args:
        reason: "epoch" (the log's history changed), "ahead" (the cursor is past the head), "trimmed" (what comes
            after the cursor was pruned) or "history" (the reader may not have what comes after it, only what is new).
        topics: the topics concerned, sorted; the reader's other topics go on undisturbed.
        cursor: where the reader goes on, all its topics included.
    """

    reason: Literal["epoch", "ahead", "trimmed", "history"]
    topics: tuple[str, ...]
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Batch:
    """Exactly what lies between a reader's cursor and `cursor`.

    Args:
        events: contiguous per topic, in seq order within each; empty where there was nothing, or on a reset.
        cursor: the place of the last event of each topic in it; give it back to read on.
        reset: set where the reader's cursor can't be continued; then there are no events.
        more: whether the log already holds more.
    """

    events: tuple[LoggedEvent, ...]
    cursor: Cursor
    reset: Reset | None = None
    more: bool = False


def share(limit: int, topics: int) -> int:
    """Return how many events of each of `topics` topics to fetch for a batch of `limit`: 1 or more."""
    return max(1, limit // max(1, topics))


def merge(runs: Iterable[Sequence[LoggedEvent]], limit: int) -> tuple[LoggedEvent, ...]:
    """Merge one run of events per topic, oldest first, into at most `limit`.

    Each run keeps its own order even where the clocks of two processes disagree; and since what waited longest comes
    first, no topic starves behind a busier one.
    """
    return tuple(itertools.islice(heapq.merge(*runs, key=lambda event: event.time), limit))


def advanced(cursor: Cursor, events: Sequence[LoggedEvent]) -> Cursor:
    """Return `cursor` moved to the last of `events` in each of their topics."""
    if not events:
        return cursor
    return Cursor(cursor.epoch, {**cursor.positions, **{event.topic: event.seq for event in events}})
