"""Append: a place in the log, once, for good."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.events import log
from apps.events.cursor import START
from apps.events.log import EventRejected, NewEvent
from apps.events.logged_event import LoggedEvent
from apps.events.topic_names import TopicNameError

pytestmark = pytest.mark.django_db


def all_of(topic: str) -> tuple[LoggedEvent, ...]:
    return log.read([topic], START, 500).events


def data_of(topic: str) -> list:
    return [event.data for event in all_of(topic)]


def test_the_events_of_a_topic_are_numbered_from_one_without_gaps() -> None:
    assert [log.append("lab.a", "test.happened", i).seq for i in range(5)] == [1, 2, 3, 4, 5]


def test_each_topic_has_numbers_of_its_own() -> None:
    events = log.append_many([NewEvent(topic, "test.happened", None) for topic in ("lab.b", "lab.a", "lab.b")])
    assert [(event.topic, event.seq) for event in events] == [("lab.b", 1), ("lab.a", 1), ("lab.b", 2)]


def test_what_append_returns_is_what_a_reader_gets() -> None:
    appended = log.append("lab.a", "test.happened", {"text": "通知 \U0001f514"}, key="k", subject="note:1")
    (read,) = all_of("lab.a")
    assert read == appended
    assert read.json == appended.json


def test_a_transaction_that_is_rolled_back_leaves_neither_event_nor_number() -> None:
    log.append("lab.a", "test.happened", "before")
    with transaction.atomic():
        log.append("lab.a", "test.happened", "lost")
        log.append("lab.new", "test.happened", "lost")
        transaction.set_rollback(True)
    assert log.append("lab.a", "test.happened", "after").seq == 2
    assert data_of("lab.a") == ["before", "after"]
    assert log.bounds(["lab.new"]).heads == {"lab.new": 0}


def test_one_event_that_cannot_be_taken_keeps_out_all_that_came_with_it() -> None:
    good = NewEvent("lab.a", "test.happened", 1)
    with pytest.raises(EventRejected):
        log.append_many([good, NewEvent("lab.a", "test.happened", float("nan"))])
    with pytest.raises(TopicNameError):
        log.append_many([good, NewEvent("Lab A", "test.happened", 1)])
    assert data_of("lab.a") == []


def test_nothing_to_append_is_no_error() -> None:
    assert log.append_many([]) == []


def test_a_key_appends_once_and_then_returns_the_first_event() -> None:
    first = log.append("lab.a", "test.happened", "first", key="order-7")
    again = log.append("lab.a", "test.other", "second", key="order-7")
    assert not first.repeated
    assert again.repeated
    assert again == first
    assert data_of("lab.a") == ["first"]


def test_a_repeated_key_uses_up_no_number() -> None:
    log.append("lab.a", "test.happened", 1, key="k")
    log.append("lab.a", "test.happened", 1, key="k")
    assert log.append("lab.a", "test.happened", 2).seq == 2


def test_a_key_given_twice_in_one_call_appends_once() -> None:
    first, again, other = log.append_many(
        [NewEvent("lab.a", "test.happened", data, key=key) for data, key in ((1, "k"), (2, "k"), (3, "l"))]
    )
    assert (again, again.repeated, other.seq) == (first, True, 2)
    assert data_of("lab.a") == [1, 3]


def test_keys_that_are_known_leave_no_hole_among_those_that_are_new() -> None:
    log.append("lab.a", "test.happened", 1, key="k")
    events = log.append_many([NewEvent("lab.a", "test.happened", 2, key=key) for key in ("new", "k", "newer")])
    assert [(event.seq, event.repeated) for event in events] == [(2, False), (1, True), (3, False)]
    assert log.append("lab.a", "test.happened", 4).seq == 4


@pytest.mark.parametrize("key", [None, "k"])
def test_with_the_topic_locked_an_event_takes_one_statement_or_none(key) -> None:
    log.append("lab.a", "test.happened", 1)
    # What a busy topic can take hangs on that.
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        log.append("lab.a", "test.happened", 2, key=key)
    statements = ["WITH"] if connection.vendor == "postgresql" else ["UPDATE", "INSERT"]
    assert [query["sql"].split()[0] for query in captured] == statements


@pytest.mark.only_on("postgresql")
@pytest.mark.django_db(transaction=True)
def test_an_event_without_a_key_is_a_transaction_by_itself_and_takes_no_other() -> None:
    log.append("lab.a", "test.happened", 1)
    with CaptureQueriesContext(connection) as captured:
        log.append("lab.a", "test.happened", 2)
    assert [query["sql"].split()[0] for query in captured] == ["WITH"]


@pytest.mark.only_on("postgresql")
def test_the_database_keeps_the_statement_that_appends() -> None:
    for number in range(7):
        log.append("lab.a", "test.happened", number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [statement for (statement,) in cursor.fetchall()]
    assert [statement for statement in kept if "pg_advisory_xact_lock" in statement]


def test_the_same_key_in_another_topic_is_another_key() -> None:
    log.append("lab.a", "test.happened", 1, key="k")
    assert not log.append("lab.b", "test.happened", 2, key="k").repeated


def test_a_key_is_forgotten_with_its_event(settings) -> None:
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 1}]
    log.append("lab.a", "test.happened", 1, key="k")
    log.append("lab.a", "test.happened", 2)
    log.prune()
    assert log.append("lab.a", "test.happened", 3, key="k").seq == 3


def test_a_repeated_recall_blanks_nothing_that_was_said_since() -> None:
    log.append("lab.a", "test.recalled", None, key="k", subject="note:1", blank_earlier=True)
    log.append("lab.a", "test.happened", "said since", subject="note:1")
    log.append("lab.a", "test.recalled", None, key="k", subject="note:1", blank_earlier=True)
    assert data_of("lab.a") == [None, "said since"]


def test_a_recall_blanks_what_its_topic_said_before_of_its_subject() -> None:
    log.append("lab.a", "test.posted", "secret", subject="note:1")
    log.append("lab.a", "test.edited", "secret too", subject="note:1")
    log.append("lab.a", "test.posted", "other subject", subject="note:2")
    log.append("lab.a", "test.posted", "no subject")
    log.append("lab.b", "test.posted", "other topic", subject="note:1")
    log.append("lab.a", "test.recalled", {"id": 1}, subject="note:1", blank_earlier=True)
    log.append("lab.a", "test.posted", "posted again", subject="note:1")
    assert data_of("lab.a") == [None, None, "other subject", "no subject", {"id": 1}, "posted again"]
    assert data_of("lab.b") == ["other topic"]
    assert [event.seq for event in all_of("lab.a")] == [1, 2, 3, 4, 5, 6]


def test_a_recall_blanks_what_was_appended_in_the_same_call_before_it() -> None:
    log.append_many(
        [
            NewEvent("lab.a", "test.posted", "secret", subject="note:1"),
            NewEvent("lab.a", "test.recalled", {"id": 1}, subject="note:1", blank_earlier=True),
        ]
    )
    assert data_of("lab.a") == [None, {"id": 1}]


def test_a_recall_that_is_rolled_back_took_nothing_back() -> None:
    log.append("lab.a", "test.posted", "kept", subject="note:1")
    with transaction.atomic():
        log.append("lab.a", "test.recalled", None, subject="note:1", blank_earlier=True)
        transaction.set_rollback(True)
    assert data_of("lab.a") == ["kept"]
