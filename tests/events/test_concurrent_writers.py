"""Many write, many read, at the same time: nothing is lost, and seq order is commit order."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from apps.events import log
from apps.events.cursor import START, Cursor
from apps.events.log import NewEvent
from apps.events.logged_event import LoggedEvent
from tests.events.witness import Witness
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 8
TOPICS = ("lab.a", "lab.b", "lab.c")
POLL_EVERY_S = 0.05


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run each job in a thread and a connection of its own, all at the same time, and return their results."""

    def run(job: Callable[[], Any]) -> Any:
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return [job.result() for job in [threads.submit(run, job) for job in jobs]]


def read_until(done: threading.Event, witness: Witness, after: Cursor) -> list[str]:
    """Follow the log with a cursor until `done` and there is no more; return the reasons of resets."""
    resets: list[str] = []
    while True:
        was_done = done.is_set()
        batch = log.read(TOPICS, after, limit=7)
        witness.saw(batch.events)
        after = batch.cursor
        if batch.reset:
            resets.append(batch.reset.reason)
        elif was_done and not batch.more:
            return resets
        elif not batch.events:
            done.wait(POLL_EVERY_S)


def write(writer: int, events: int, witnesses: list[Witness], dawdle_s: float = 0.0) -> None:
    """Append events, each in a transaction that dawdles before it commits or, now and then, rolls back."""
    random = Random(writer)
    for number in range(events):
        name, topic = f"{writer}-{number}", random.choice(TOPICS)
        gives_up = random.random() < 0.2
        with transaction.atomic():
            log.append(topic, "test.happened", name)
            time.sleep(random.uniform(0, dawdle_s))
            transaction.set_rollback(gives_up)
        if not gives_up:
            for witness in witnesses:
                witness.acknowledged(name)


def write_and_read(*, writers: int, readers: int, dawdle_s: float, beside: Callable[..., Any] | None = None):
    """Let writers and readers loose, and return a witness and the resets for each reader."""
    done = threading.Event()
    witnesses = [Witness() for _ in range(readers)]

    def write_all() -> None:
        try:
            at_once(*[lambda n=n: write(n, 15, witnesses, dawdle_s) for n in range(writers)])
        finally:
            done.set()

    beginning = log.bounds(TOPICS).cursor
    reading = [lambda witness=witness: read_until(done, witness, beginning) for witness in witnesses]
    others = [lambda: beside(done)] if beside else []
    results = at_once(*reading, write_all, *others)
    return list(zip(witnesses, results, strict=False))


@pytest.mark.only_on("postgresql")
def test_eight_writers_that_dawdle_in_their_transactions_lose_nothing() -> None:
    ((witness, resets),) = write_and_read(writers=WRITERS, readers=1, dawdle_s=0.004)
    assert (witness.faults(), resets) == ([], [])


@pytest.mark.only_on("sqlite")
def test_eight_writers_and_twenty_readers_never_find_the_database_locked() -> None:
    # "database is locked" would be an exception out of here.
    for witness, resets in write_and_read(writers=WRITERS, readers=20, dawdle_s=0):
        assert (witness.faults(), resets) == ([], [])


def test_beside_a_pruner_a_reader_gets_every_event_or_a_reset(settings) -> None:
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 5}]

    def prune(done: threading.Event) -> None:
        while not done.wait(0.01):
            log.prune()

    ((witness, resets),) = write_and_read(writers=3, readers=1, dawdle_s=0.002, beside=prune)
    faults = witness.faults()
    assert not [fault for fault in faults if fault.startswith(("unknown", "duplicated"))]
    # Each break in the order was told as one; and without a reset nothing is lost.
    assert len([fault for fault in faults if fault.startswith("out of order")]) <= len(resets) * len(TOPICS)
    assert resets or not faults


@pytest.mark.only_on("postgresql")
def test_the_witness_notices_a_log_that_numbers_events_by_a_sequence() -> None:
    """The classic mistake, forced: 1 is taken, 2 is taken and commits, a reader passes 2, 1 commits."""
    witness, second_committed, passed_it = Witness(), threading.Event(), threading.Event()

    def insert(name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO planted (data) VALUES (%s)", [name])

    def read(after: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, data FROM planted WHERE id > %s ORDER BY id", [after])
            rows = cursor.fetchall()
        witness.saw(LoggedEvent("planted", id, "test", datetime.now(UTC), f'"{data}"') for id, data in rows)
        return rows[-1][0] if rows else after

    def slow_writer() -> None:
        with transaction.atomic():
            insert("slow")
            took_its_number.set()
            assert passed_it.wait(30)
        witness.acknowledged("slow")

    def quick_writer() -> None:
        assert took_its_number.wait(30)
        insert("quick")
        witness.acknowledged("quick")
        second_committed.set()

    def reader() -> int:
        assert second_committed.wait(30)
        after = read(0)
        passed_it.set()
        return after

    took_its_number = threading.Event()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE planted (id bigserial PRIMARY KEY, data text)")
    try:
        _, _, after = at_once(slow_writer, quick_writer, reader)
        read(after)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE planted")
    assert witness.faults() == ["lost: slow"]


def test_a_key_that_eight_writers_append_at_once_is_in_the_log_once() -> None:
    start = threading.Barrier(WRITERS)

    def append(writer: int) -> LoggedEvent:
        start.wait(30)
        return log.append("lab.a", "test.happened", writer, key="once")

    events = at_once(*[lambda writer=writer: append(writer) for writer in range(WRITERS)])
    assert [event.repeated for event in events].count(False) == 1
    assert set(events) == {events[0]}
    assert log.read(["lab.a"], START).events == (events[0],)


def test_writers_whose_topics_overlap_wait_for_each_other_and_never_deadlock() -> None:
    topics = [f"lab.t{number}" for number in range(6)]
    start = threading.Barrier(WRITERS)

    def append(writer: int) -> int:
        random, written = Random(writer), 0
        start.wait(30)
        for _ in range(8):
            chosen = random.sample(topics, random.randint(2, 5))
            written += len(log.append_many([NewEvent(topic, "test.happened", writer) for topic in chosen]))
        return written

    written = at_once(*[lambda writer=writer: append(writer) for writer in range(WRITERS)])
    assert sum(written) == sum(log.bounds(topics).heads.values())
    assert len(log.read(topics, START, 500).events) == sum(written)


@pytest.mark.only_on("postgresql")
def test_topics_that_come_into_being_between_two_writers_do_not_deadlock_them() -> None:
    """Forced: the second writer holds lab.b, which the first saw missing, and both are about to make lab.a."""
    first_looked, second_looked, first_made = threading.Event(), threading.Event(), threading.Event()

    def append_both(before_making_topics: Callable[[], Any], after_making_topics: Callable[[], Any]) -> None:
        def step_by_step(execute, sql: str, *args: Any) -> Any:
            if not sql.startswith('INSERT INTO "events_topic"'):
                return execute(sql, *args)
            before_making_topics()
            result = execute(sql, *args)
            after_making_topics()
            return result

        with connection.execute_wrapper(step_by_step):
            log.append_many([NewEvent(topic, "test.happened", None) for topic in ("lab.a", "lab.b")])

    def first() -> None:
        append_both(lambda: (first_looked.set(), second_looked.wait(30)), first_made.set)

    def second() -> None:
        assert first_looked.wait(30)
        log.append("lab.b", "test.happened", None)
        append_both(lambda: (second_looked.set(), first_made.wait(30)), lambda: None)

    at_once(first, second)
    assert log.bounds(["lab.a", "lab.b"]).heads == {"lab.a": 2, "lab.b": 3}


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("takes_back", [False, True], ids=["one statement", "several"])
def test_who_waits_for_a_topic_stands_in_line_and_not_at_its_row(takes_back: bool) -> None:
    log.append("lab.a", "test.happened", "first")

    def waiting_at() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT locktype FROM pg_locks WHERE NOT granted")
            return {kind for (kind,) in cursor.fetchall()}

    def append() -> None:
        try:
            log.append("lab.a", "test.happened", "third", subject="it", blank_earlier=takes_back)
        finally:
            connection.close()

    waiter = threading.Thread(target=append)
    with transaction.atomic():
        log.append("lab.a", "test.happened", "second")
        waiter.start()
        wait_until(waiting_at, "the other one to wait")
        assert waiting_at() == {"advisory"}
    waiter.join()
    assert log.bounds(["lab.a"]).heads == {"lab.a": 3}
