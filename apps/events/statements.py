"""What every event costs, in SQL of our own: taking its place, and reading it back.

The same through the ORM takes the processor ten times as long as through these lines: a statement is put together anew
each time, and each row goes through a model. Only `log.py` uses them.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from apps.events.logged_event import LoggedEvent
from apps.events.models import Event, LogEpoch, Topic

# Names of our own tables and columns, and nothing else, are put into the text.
_EVENT, _TOPIC, _EPOCH = Event._meta.db_table, Topic._meta.db_table, LogEpoch._meta.db_table
READ_COLUMNS = ("topic", "seq", "type", "time", "data", "subject", "blanks_earlier")

_READ = f"SELECT {', '.join(READ_COLUMNS)} FROM {_EVENT} WHERE topic = %s AND"  # nosec B608
_READ_AFTER = f"{_READ} seq > %s ORDER BY seq LIMIT %s"
_READ_BACK = f"{_READ} seq <= %s ORDER BY seq DESC LIMIT %s"

# A union, so that the epoch and the heads are of one instant: a restore between two queries would pair the old epoch
# with the new heads.
_EPOCH_BOUNDS = f"SELECT value, -1, -1 FROM {_EPOCH}"  # nosec B608
_TOPIC_BOUNDS = f"SELECT name, head, low_water FROM {_TOPIC} WHERE name IN"  # nosec B608

_RAISE_HEAD = f"UPDATE {_TOPIC} SET head = head + %s WHERE name = %s RETURNING head"  # nosec B608
_INSERT = f"INSERT INTO {_EVENT} (topic, seq, type, data, time, key, subject, blanks_earlier)"  # nosec B608
_UNLESS_KNOWN = "ON CONFLICT (topic, key) DO NOTHING"
_INSERT_ONE = f"{_INSERT} VALUES (%s, %s, %s, %s, %s, %s, %s, false) {_UNLESS_KNOWN}"
# Who waits for a topic stands in line first, at an advisory lock that ends with the transaction: a commit lets the next
# one go on. At the row alone it wakes all who wait, and all but one go back to waiting. The number tells our locks from
# those that somebody else takes by the hash of a text.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1818846983))"
_RAISE_IN_TURN = f"UPDATE {_TOPIC} SET head = head + %s FROM turn WHERE name = %s RETURNING head"  # nosec B608
_TAKE_TURN_AND_RAISE = f"WITH turn AS MATERIALIZED ({_TURN}) {_RAISE_IN_TURN}"  # nosec B608
# The place and the event in one round trip: the topic is locked for as long as the database itself needs.
_INSERT_AT_HEAD = (
    f"WITH turn AS MATERIALIZED ({_TURN}), place AS ({_RAISE_IN_TURN}), "  # nosec B608
    f"event AS ({_INSERT} SELECT %s, head, %s, %s, %s, %s, %s, false FROM place {_UNLESS_KNOWN} RETURNING seq) "
    "SELECT head, (SELECT seq FROM event) FROM place"
)


def read_after(topic: str, seq: int, limit: int) -> list[LoggedEvent]:
    """Return the first events of `topic` after `seq`, in seq order."""
    return [from_row(row) for row in _rows(_READ_AFTER, [topic, seq, limit])]


def read_back(topic: str, seq: int, limit: int) -> list[LoggedEvent]:
    """Return the last events of `topic` up to and including `seq`, in seq order."""
    return [from_row(row) for row in _rows(_READ_BACK, [topic, seq, limit])][::-1]


def bounds(topics: Collection[str]) -> tuple[str | None, dict[str, tuple[int, int]]]:
    """Return the epoch, if there is one, and the head and low water of each of `topics` that has a row."""
    of_topics = f" UNION ALL {_TOPIC_BOUNDS} ({', '.join(['%s'] * len(topics))})" if topics else ""
    rows = _rows(_EPOCH_BOUNDS + of_topics, topics)
    epochs = [name for name, head, _ in rows if head == -1]
    return epochs[0] if epochs else None, {name: (head, low_water) for name, head, low_water in rows if head != -1}


def raise_head(topic: str, by: int) -> int | None:
    """Raise the head of `topic` and return the head before; None where the topic has no row.

    The row stays locked until the transaction ends: see docs/decisions/0001.
    """
    if connection.vendor == "postgresql":
        rows = _rows(_TAKE_TURN_AND_RAISE, [topic, by, topic])
    else:
        rows = _rows(_RAISE_HEAD, [by, topic])
    return int(rows[0][0]) - by if rows else None


def can_insert_at_head() -> bool:
    """Return whether this database takes `insert_at_head`'s one statement."""
    return connection.vendor == "postgresql"


def insert_at_head(
    topic: str, type: str, data: str, time: datetime, key: str | None, subject: str
) -> tuple[int, bool] | None:
    """Raise the head of `topic` by one and write an event there.

    Without a key it may be a transaction of its own; with one it needs the caller's, who gives the place back where it
    was not taken.

    Returns:
        The new head, and whether the event was written: not where its topic has an event with its key. None where the
        topic has no row.
    """
    rows: Sequence[Sequence[Any]]
    if can_insert_at_head():
        rows = _rows(_INSERT_AT_HEAD, [topic, 1, topic, topic, type, data, time, key, subject])
        return (int(rows[0][0]), rows[0][1] is not None) if rows else None
    before = raise_head(topic, 1)
    if before is None:
        return None
    with connection.cursor() as cursor:
        time_here = connection.ops.adapt_datetimefield_value(time)
        cursor.execute(_INSERT_ONE, [topic, before + 1, type, data, time_here, key, subject])
        return before + 1, bool(cursor.rowcount)


def from_row(row: Sequence[Any]) -> LoggedEvent:
    """Return the event of a row of READ_COLUMNS."""
    topic, seq, type, time, data, subject, blanks_earlier = row
    if time.tzinfo is None:
        # SQLite has no type for it: Django writes UTC without saying so.
        time = time.replace(tzinfo=UTC)
    return LoggedEvent(topic, seq, type, time, data, subject, bool(blanks_earlier))


def _rows(statement: str, values: Collection[Any] = ()) -> Sequence[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return cursor.fetchall()
