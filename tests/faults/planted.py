"""The site with a bug planted, for the checker to catch: what a web process serves under `planted_settings`.

Each bug is one that such systems have had. It is planted by replacing a function in the process; nothing in apps knows.
"""

# First: it loads the models that the others import.
from realtime_site.asgi import application  # isort: skip

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from apps.access.families import PersonalFamily
from apps.events import log
from apps.events.bounds import Bounds
from apps.events.cursor import NOW, Cursor, StartingPlace
from apps.events.feed import Feed
from apps.events.logged_event import LoggedEvent
from apps.events.models import Event
from apps.events.window import Window

__all__ = ["application"]


def cursor_over_auto_increment_ids() -> None:
    """A sequence numbers the events, so 8 may commit before 7; a reader whose cursor passed 8 never sees 7."""
    bounds_by_rows = log.bounds

    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE IF NOT EXISTS planted_ids")
    connection.close()

    def next_id(wanted: Mapping[str, int]) -> dict[str, int]:
        (topic,) = wanted
        log.Topic.objects.bulk_create([log.Topic(name=topic)], ignore_conflicts=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('planted_ids')")
            event_id = cursor.fetchone()[0]
        time.sleep(random.uniform(0, 1.0))  # a transaction has other things to do too
        return {topic: event_id - 1}

    # One event alone does not come to `_take_places`.
    def append_one(new: log.NewEvent, data: str) -> LoggedEvent:
        with transaction.atomic(savepoint=False):
            seq = next_id({new.topic: 1})[new.topic] + 1
            if new.key and (known := log._events_by_key(new.topic, {new.key})):
                return replace(known[new.key], repeated=True)
            event = LoggedEvent(new.topic, seq, new.type, timezone.now(), data, new.subject)
            Event.objects.create(
                topic_id=new.topic, seq=seq, type=new.type, time=event.time, data=data, key=new.key, subject=new.subject
            )
            log.wakeup.announce_on_commit([event])
        return event

    def bounds_by_ids(topics: Iterable[str]) -> Bounds:
        topics = list(topics)
        bounds = bounds_by_rows(topics)
        newest = Event.objects.filter(topic_id__in=topics).values_list("topic_id").annotate(Max("seq"))
        return replace(bounds, heads=dict.fromkeys(topics, 0) | dict(newest))

    def after(self: Window, position: int, limit: int) -> list[LoggedEvent]:
        return [event for event in self._events if event.seq > position][:limit]

    log._take_places = next_id
    log._append_one = append_one
    log.bounds = bounds_by_ids
    # Ids have holes: nobody can object to one.
    log.is_contiguous = lambda run, after: bool(run)
    log._up_to_a_hole = lambda run, after: run
    Window.head = property(lambda self: self._events[-1].seq if self._events else self.base)  # type: ignore
    Window.after = after  # type: ignore


def skipped_catch_up() -> None:
    """A client that comes back is served from now on, whatever its cursor says."""
    resolve = Feed.resolve

    async def resolve_now(self: Feed, topics: Sequence[str], place: StartingPlace) -> Cursor:
        return await resolve(self, topics, NOW if isinstance(place, Cursor) else place)

    Feed.resolve = resolve_now  # type: ignore


def dropped_deduplication() -> None:
    """A publish that is sent again with its key is appended again."""
    append_many = log.append_many

    def append_without_keys(new_events: Iterable[log.NewEvent]) -> list[LoggedEvent]:
        return append_many([replace(new, key=None) for new in new_events])

    log.append_many = append_without_keys


def open_personal_topic() -> None:
    """Whoever is signed in reads every `user.<id>`."""
    PersonalFamily.may_read = lambda self, identity, topic: identity.is_signed_in  # type: ignore


def clock_an_hour_off() -> None:
    """No bug: this process believes that it is an hour later."""
    now = timezone.now
    timezone.now = lambda: now() + timedelta(hours=1)


PLANTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        cursor_over_auto_increment_ids,
        skipped_catch_up,
        dropped_deduplication,
        open_personal_topic,
        clock_an_hour_off,
    )
}

if planted := os.environ.get("PLANTED"):
    PLANTS[planted]()
