"""The log: append, read, bounds, prune. The only code that touches its tables.

Every function here is synchronous and runs queries; async callers use `queries.run(log.read, …)`, `aappend` or
`queries.write`.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.events import queries, statements, wakeup
from apps.events.appends import counted
from apps.events.batch import DEFAULT_LIMIT, MAX_LIMIT, Batch, Reset, advanced, merge, share
from apps.events.bounds import Bounds
from apps.events.cursor import Cursor, StartingPlace
from apps.events.logged_event import BLANK, LoggedEvent, encode
from apps.events.models import Event, LogEpoch, Topic
from apps.events.topic_names import check_topic_name

R = TypeVar("R")

MAX_DATA_BYTES = 16 * 1024
MAX_TYPE_LENGTH, MAX_KEY_LENGTH, MAX_SUBJECT_LENGTH = 64, 200, 100
_PRUNE_CHUNK = 1_000  # rows deleted per transaction: appends to the topic wait for one chunk at most


class EventRejected(ValueError):
    """An event that the log won't take. The message says what arrived, what was expected and what to do."""


class EventTooLarge(EventRejected):
    """An event whose data is more than the log takes."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be appended.

    Args:
        topic: 1 to 99 characters, see `topic_names`.
        type: what happened, for example `notification.posted`; 1 to 64 printable characters.
        data: a JSON value of at most 16 KiB encoded.
        key: the publisher's own name for this event, unique per topic and remembered as long as the event is kept;
            1 to 200 characters. Appending it again returns the first event, marked as `repeated`.
        subject: what the event is about, at most 100 characters.
        blank_earlier: take back what earlier events of this topic said about `subject`: their data becomes null,
            in the log and in the windows of every process; their seq stays.
    """

    topic: str
    type: str
    data: Any
    key: str | None = None
    subject: str = ""
    blank_earlier: bool = False


def append(
    topic: str,
    type: str,
    data: Any,
    *,
    key: str | None = None,
    subject: str = "",
    blank_earlier: bool = False,
) -> LoggedEvent:
    """Append one event and return it; the arguments are those of `NewEvent`.

    It commits with the transaction it is called in (or one of its own). The topic stays locked until then, so
    append late in a long transaction; several topics in one transaction go through `append_many`.

    Raises:
        EventRejected, TopicNameError: the event can't be taken; nothing is written.
    """
    return append_many([NewEvent(topic, type, data, key, subject, blank_earlier)])[0]


@counted
def append_many(new_events: Iterable[NewEvent]) -> list[LoggedEvent]:
    """Append several events, all or none, and return them in the order given.

    Topics are locked in sorted order: two callers that share topics wait for each other instead of deadlocking.

    Raises:
        EventRejected, TopicNameError: one of them can't be taken; nothing is written.
    """
    new_events = list(new_events)
    encoded = [_check(new) for new in new_events]
    if len(new_events) == 1 and not new_events[0].blank_earlier:
        return [_append_one(new_events[0], encoded[0])]
    by_topic: dict[str, list[int]] = defaultdict(list)
    for index, new in enumerate(new_events):
        by_topic[new.topic].append(index)
    appended: dict[int, LoggedEvent] = {}
    # No savepoint where the caller has a transaction: two more round trips, one of them with the topics locked.
    with transaction.atomic(savepoint=False):
        heads = _take_places({topic: len(indexes) for topic, indexes in by_topic.items()})
        # One clock reading for all, taken under the locks.
        now = _now()
        for topic, indexes in sorted(by_topic.items()):
            by_key = _events_by_key(topic, {key for i in indexes if (key := new_events[i].key) is not None})
            rows: list[Event] = []
            for i in indexes:
                new = new_events[i]
                if new.key is not None and new.key in by_key:
                    appended[i] = replace(by_key[new.key], repeated=True)
                    continue
                if new.blank_earlier:
                    _blank(topic, new.subject, rows)
                rows.append(
                    Event(
                        topic_id=topic,
                        seq=heads[topic] + len(rows) + 1,
                        type=new.type,
                        data=encoded[i],
                        time=now,
                        key=new.key,
                        subject=new.subject,
                        blanks_earlier=new.blank_earlier,
                    )
                )
                appended[i] = LoggedEvent(
                    topic, rows[-1].seq, new.type, now, encoded[i], new.subject, new.blank_earlier
                )
                if new.key is not None:
                    by_key[new.key] = appended[i]
            Event.objects.bulk_create(rows)
            if len(rows) < len(indexes):
                # Places that nobody needed go back before anybody sees them.
                _give_back(topic, len(indexes) - len(rows))
        wakeup.announce_on_commit(appended.values())
    return [appended[i] for i in range(len(new_events))]


def _append_one(new: NewEvent, data: str) -> LoggedEvent:
    """Append an event that takes nothing back; its data is encoded."""
    # Without a key it needs no transaction around its one statement, which is one by itself. With a key it may turn out
    # to be known when its place is taken already, and gives that back.
    is_whole = statements.can_insert_at_head() and new.key is None and connection.get_autocommit()
    with nullcontext() if is_whole else transaction.atomic(savepoint=False):
        now = _now()
        values = (new.topic, new.type, data, now, new.key, new.subject)
        seq, is_new = _with_its_row(new.topic, partial(statements.insert_at_head, *values))
        if is_new:
            event = LoggedEvent(new.topic, seq, new.type, now, data, new.subject)
        else:
            _give_back(new.topic, 1)
            assert new.key is not None
            event = replace(_events_by_key(new.topic, {new.key})[new.key], repeated=True)
        wakeup.announce_on_commit([event])
    return event


async def aappend(
    topic: str,
    type: str,
    data: Any,
    *,
    key: str | None = None,
    subject: str = "",
    blank_earlier: bool = False,
) -> LoggedEvent:
    """Do `append` in the log's own threads.

    Raises:
        EventRejected, TopicNameError: the event can't be taken; nothing is written.
        LogUnavailable: the database did not answer within PUBLISH_TIMEOUT_S; the append may still commit.

    Cancellation: the append may still commit; retry with the same `key` to be sure it is there once.
    """
    return await queries.write(append, topic, type, data, key=key, subject=subject, blank_earlier=blank_earlier)


def bounds(topics: Iterable[str]) -> Bounds:
    """Return the epoch and the head and low water of each topic, in one query."""
    topics = list(topics)
    for _ in range(2):
        epoch, found = statements.bounds(topics)
        if epoch is not None:
            return Bounds(
                epoch,
                {topic: found.get(topic, (0, 0))[0] for topic in topics},
                {topic: found.get(topic, (0, 0))[1] for topic in topics},
            )
        LogEpoch.objects.bulk_create([LogEpoch(value=_new_epoch())], ignore_conflicts=True)
    raise RuntimeError("the log has no epoch and none could be written: is the table events_logepoch writable?")


def read(topics: Sequence[str], after: StartingPlace, limit: int = DEFAULT_LIMIT, last: int | None = None) -> Batch:
    """Read what follows a place, without waiting.

    Args:
        topics: 1 to 20 topic names; those that have no events yet are simply empty.
        after: the place; topics that a cursor doesn't mention start at the head.
        limit: at most this many events, 1 to 500, shared so that no topic starves.
        last: where to go on after a reset, see `Bounds.settle`.

    Returns:
        A Batch; its reset is set, and its events are empty, where `after` can't be continued.
    """
    limit = min(max(limit, 1), MAX_LIMIT)
    for _ in range(3):
        bounds_now = bounds(topics)
        cursor, reset = bounds_now.settle(topics, bounds_now.resolve(topics, after), last)
        if reset is not None:
            return Batch((), cursor, reset, more=True)
        moved = {t: seq for t, seq in cursor.positions.items() if seq < bounds_now.heads[t]}
        found = read_new(moved, share(limit, len(moved)))
        runs = {t: _up_to_a_hole(run, moved[t]) for t, run in found.items()}
        broken = [t for t in moved if not runs.get(t)]
        if not broken:
            events = merge(runs.values(), limit)
            cursor = advanced(cursor, events)
            more = any(cursor.positions[t] < bounds_now.heads[t] for t in moved)
            return Batch(events, cursor, None, more)
        # A prune committed between the two queries: the bounds of the next attempt show it as a reset.
    # The bounds deny what the rows show: somebody deleted rows by hand. Still never a silent gap.
    again = {t: found[t][0].seq - 1 if t in found else bounds_now.heads[t] for t in broken}
    cursor = Cursor(cursor.epoch, {**cursor.positions, **again})
    return Batch((), cursor, Reset("trimmed", tuple(sorted(broken)), cursor), more=True)


def read_new(positions: Mapping[str, int], limit_per_topic: int) -> dict[str, list[LoggedEvent]]:
    """Return, per topic, the first events after a position, in seq order; topics without any are left out.

    One query for each topic: a limit per topic in a single one needs a window function that both databases plan
    as a scan of the whole topic.
    """
    runs = {}
    for topic, seq in positions.items():
        if run := statements.read_after(topic, seq, limit_per_topic):
            runs[topic] = run
    return runs


def read_back(topic: str, before: int, limit: int) -> list[LoggedEvent]:
    """Return the last `limit` events with a seq up to and including `before`, in seq order."""
    return statements.read_back(topic, before, limit)


def is_contiguous(run: Sequence[LoggedEvent], after: int) -> bool:
    """Return whether `run` is `after` + 1, `after` + 2, … without a hole; an empty one is not."""
    return bool(run) and run[0].seq == after + 1 and run[-1].seq == after + len(run)


def _up_to_a_hole(run: Sequence[LoggedEvent], after: int) -> Sequence[LoggedEvent]:
    if is_contiguous(run, after):
        return run
    return [event for expected, event in enumerate(run, after + 1) if event.seq == expected]


def prune(now: datetime | None = None) -> int:
    """Delete what EVENTS_RETENTION no longer keeps, oldest first, and return how many events that was.

    The first rule whose pattern fits a topic counts; a topic that none fits is kept whole.

    Low water rises in the same transaction as the rows go, so a reader sees either both or neither.
    """
    now = now or timezone.now()
    pruned = 0
    for topic in Topic.objects.filter(head__gt=F("low_water")):
        up_to = _prunable(topic, now)
        low_water = topic.low_water
        while low_water < up_to:
            low_water = min(low_water + _PRUNE_CHUNK, up_to)
            with transaction.atomic():
                _lock(topic.name)
                deleted, _ = Event.objects.filter(topic_id=topic.name, seq__lte=low_water).delete()
                # Another process may have pruned further meanwhile: low water never falls.
                Topic.objects.filter(name=topic.name, low_water__lt=low_water).update(low_water=low_water)
            pruned += deleted
    return pruned


def clear(topic: str) -> int:
    """Delete all events of `topic` and return how many that was; readers that are behind get a reset.

    The next event goes on with the next seq: no cursor takes a new event for an old one.
    """
    with transaction.atomic():
        head = statements.raise_head(topic, 0)  # locks it as an append does
        if head is None:
            return 0
        deleted, _ = Event.objects.filter(topic_id=topic).delete()
        Topic.objects.filter(name=topic).update(low_water=head)
    return deleted


def change_epoch() -> str:
    """Give the log a new epoch and return it: every reader's cursor is answered with a reset.

    Run it after a backup was restored: the seqs that were handed out since the backup will name other events.
    """
    epoch = _new_epoch()
    LogEpoch.objects.update_or_create(id=1, defaults={"value": epoch})
    return epoch


def _check(new: NewEvent) -> str:
    """Return the event's data as JSON text.

    Raises:
        EventRejected, TopicNameError: the event can't be taken.
    """
    check_topic_name(new.topic)
    if not 0 < len(new.type) <= MAX_TYPE_LENGTH or not new.type.isprintable():
        raise EventRejected(
            f"event type {new.type[:80]!r} was given; expected 1 to {MAX_TYPE_LENGTH} printable characters"
        )
    if new.key is not None and not (0 < len(new.key) <= MAX_KEY_LENGTH and new.key.isprintable()):
        raise EventRejected(
            f"event key {new.key[:80]!r} was given; expected 1 to {MAX_KEY_LENGTH} printable characters, or none"
        )
    if len(new.subject) > MAX_SUBJECT_LENGTH or not new.subject.isprintable():
        raise EventRejected(
            f"event subject {new.subject[:80]!r} was given; expected at most {MAX_SUBJECT_LENGTH} printable characters"
        )
    if new.blank_earlier and not new.subject:
        raise EventRejected("blank_earlier was given without a subject; say whose earlier events to blank")
    try:
        data = encode(new.data)
        size_bytes = len(data.encode())
    except UnicodeEncodeError as error:
        raise EventRejected(
            "event data holds half of a surrogate pair, which is no character; send text that is well-formed Unicode"
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise EventRejected(
            f"event data has no JSON form ({error}); send numbers that are finite, text, lists and objects"
        ) from error
    if size_bytes > MAX_DATA_BYTES:
        raise EventTooLarge(
            f"event data is {size_bytes} bytes of JSON; at most {MAX_DATA_BYTES} fit: "
            "store the large part elsewhere and publish a link to it"
        )
    return data


def _lock(topic: str) -> None:
    """Keep appends to `topic` waiting until the transaction ends."""
    Topic.objects.select_for_update().get(name=topic)


def _take_places(wanted: Mapping[str, int]) -> dict[str, int]:
    """Raise the head of each topic by as many as are wanted, and return the heads before; make topics that are missing.

    Their rows stay locked until the transaction ends. The lock is what makes seq order commit order. A sequence would
    hand out 7 and 8, let 8 commit first, and a reader whose cursor passed 8 would never see 7.

    Reading, locking and raising are one statement: what is done with the row locked is what limits a busy topic.
    """
    topics = sorted(wanted)
    # Of several topics the missing ones are made before any is locked. [race] One writer made a and wants b; another
    # holds b, which it saw first, and wants to make a.
    if len(topics) > 1:
        _make_missing(topics)
    return {topic: _with_its_row(topic, partial(statements.raise_head, topic, wanted[topic])) for topic in topics}


def _with_its_row(topic: str, statement: Callable[[], R | None]) -> R:
    """Run a statement that returns None where `topic` has no row; make the row then, and run it again."""
    found = statement()
    if found is None:
        _make_missing([topic])
        found = statement()
        assert found is not None  # topics are never deleted
    return found


def _give_back(topic: str, places: int) -> None:
    """Lower the head of `topic`, which this transaction raised and has locked."""
    Topic.objects.filter(name=topic).update(head=F("head") - places)


def _make_missing(topics: Sequence[str]) -> None:
    known = set(Topic.objects.filter(name__in=topics).values_list("name", flat=True))
    Topic.objects.bulk_create([Topic(name=topic) for topic in topics if topic not in known], ignore_conflicts=True)


def _events_by_key(topic: str, keys: set[str]) -> dict[str, LoggedEvent]:
    if not keys:
        return {}
    rows = Event.objects.filter(topic_id=topic, key__in=keys).values_list("key", *statements.READ_COLUMNS)
    return {key: statements.from_row(row) for key, *row in rows}


def _blank(topic: str, subject: str, unsaved: Iterable[Event]) -> None:
    Event.objects.filter(topic_id=topic, subject=subject).update(data=BLANK)
    for row in unsaved:
        if row.subject == subject:
            row.data = BLANK


def _prunable(topic: Topic, now: datetime) -> int:
    """Return the seq up to which `topic` may be pruned."""
    rule = next((rule for rule in settings.EVENTS_RETENTION if fnmatchcase(topic.name, rule["topics"])), None)
    if rule is None:
        return topic.low_water
    too_many = topic.head - rule["count"]
    # Not "the newest one that is too old": with clocks that disagree an old time may follow a young one, and
    # what is pruned must be a prefix.
    young = Event.objects.filter(topic_id=topic.name, time__gte=now - timedelta(seconds=rule["age_s"]))
    first_young = young.order_by("seq").values_list("seq", flat=True).first()
    too_old = topic.head if first_young is None else first_young - 1
    return max(too_many, too_old)


def _now() -> datetime:
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _new_epoch() -> str:
    return secrets.token_hex(4)
