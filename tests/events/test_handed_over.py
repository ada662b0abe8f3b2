"""What this process appends goes into its windows as it commits, unread: the same events in the same order, sooner."""

import asyncio
import threading
from contextlib import aclosing
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import connection, transaction

from apps.events import feed, log, queries, wakeup
from apps.events.cursor import NOW, Cursor
from apps.events.feed import Feed
from apps.events.log import NewEvent
from apps.events.logged_event import LoggedEvent
from tests.events.conftest import append, elsewhere
from tests.events.gate import Gate
from tests.rig.waiting import await_until

pytestmark = pytest.mark.usefixtures("appends_of_this_process")

A_LONG_TIME_S = 60.0


async def next_seqs(feed: Feed, after: Cursor) -> list[int]:
    return [event.seq for event in (await feed.wait(list(after.positions), after, A_LONG_TIME_S)).events]


async def test_an_event_of_this_process_is_not_read_and_others_are_hinted_at_it(
    feed_here: Feed, layer, no_ticks: None, queries_run: list[str]
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await await_until(lambda: layer.groups.get("lab.a"), "the feed to listen")
    queries_run.clear()
    (appended,) = await append("lab.a")
    batch = await feed_here.wait(["lab.a"], now, A_LONG_TIME_S)
    assert batch.events == (appended,)
    await await_until(lambda: feed_here.counters.hints, "its hint to come back")
    assert (layer.hints_sent, feed_here.counters.handed_over) == (["lab.a"], 1)
    assert not queries_run


async def test_an_event_of_this_process_needs_neither_hints_nor_ticks(feed_here: Feed, layer, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    layer.fails = True
    await append("lab.a", 2)
    assert await next_seqs(feed_here, now) == [1, 2]


async def test_who_asks_after_an_append_is_not_told_that_nothing_is_new(feed_here: Feed, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await await_until(lambda: feed_here.knows_no_more(["lab.a"], now), "the reader to rest")
    await append("lab.a")
    assert not feed_here.knows_no_more(["lab.a"], now)


async def test_what_is_rolled_back_is_not_handed_over(feed_here: Feed, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)

    def append_and_roll_back() -> None:
        with transaction.atomic():
            log.append("lab.a", "test.happened", "lost")
            transaction.set_rollback(True)
        log.append("lab.a", "test.happened", "kept")

    await queries.run(append_and_roll_back)
    batch = await feed_here.wait(["lab.a"], now, A_LONG_TIME_S)
    assert [(event.seq, event.data) for event in batch.events] == [(1, "kept")]


async def test_several_of_one_transaction_come_in_order_and_with_its_commit(feed_here: Feed, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a", "lab.b"], NOW)

    def append_three_times() -> None:
        with transaction.atomic():
            log.append_many([NewEvent(topic, "test.happened", None) for topic in ("lab.b", "lab.a", "lab.b")])
            log.append("lab.a", "test.happened", None)
            assert not feed_here.counters.handed_over

    await queries.run(append_three_times)
    await await_until(lambda: feed_here.counters.handed_over == 4, "all of them")
    for topic in ("lab.a", "lab.b"):
        assert await next_seqs(feed_here, now.only([topic])) == [1, 2]


async def test_a_recall_that_is_handed_over_takes_back_what_the_window_held(feed_here: Feed, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await log.aappend("lab.a", "test.posted", "secret", subject="note:1")
    await queries.run(
        log.append_many,
        [
            NewEvent("lab.a", "test.posted", "secret too", subject="note:1"),
            NewEvent("lab.a", "test.recalled", {"id": 1}, subject="note:1", blank_earlier=True),
        ],
    )
    await await_until(lambda: feed_here.windows["lab.a"].head == 3, "the window to move")
    assert [event.data for event in feed_here.windows["lab.a"].after(now.positions["lab.a"], 9)] == [
        None,
        None,
        {"id": 1},
    ]


async def test_where_another_process_appended_before_both_events_are_read(
    feed_here: Feed, no_ticks: None, queries_run: list[str]
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await elsewhere(log.append, "lab.a", "test.happened", 1)
    queries_run.clear()
    await append("lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].head == 2, "the window to move")
    assert await next_seqs(feed_here, now) == [1, 2]
    assert (queries_run, feed_here.counters.handed_over) == (["read_new"], 0)


async def test_an_append_whose_key_was_known_hands_nothing_over_twice(feed_here: Feed, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    for _ in range(3):
        await log.aappend("lab.a", "test.happened", None, key="k")
    await append("lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].head == 2, "the window to move")
    assert await next_seqs(feed_here, now) == [1, 2]
    assert feed_here.counters.handed_over == 2


async def test_an_event_that_comes_while_the_tick_asks_for_the_heads_empties_no_window(
    feed_here: Feed, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced: the log says that the head is 2, events 3 and 4 are handed over, the answer comes."""
    now = await feed_here.resolve(["lab.a"], NOW)
    await append("lab.a", 2)
    restarts: list[int] = []
    monkeypatch.setattr(feed_here.windows["lab.a"], "restart", restarts.append)
    with monkeypatch.context() as patch:
        gate = Gate(patch, log, "bounds")
        await await_until(gate.has_answer.is_set, "the tick to ask")
        await append("lab.a", 2)
        gate.open()
    await await_until(lambda: feed_here.windows["lab.a"].head == 4, "the window to move")
    assert await next_seqs(feed_here, now) == [1, 2, 3, 4]
    assert restarts == []


async def test_events_that_come_while_the_reader_reads_are_in_the_window_once_and_in_order(
    feed_here: Feed, layer, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced: event 1 is committed and read, and handed over before the answer comes; threads hand 3 over before 2."""
    now = await feed_here.resolve(["lab.a"], NOW)
    await await_until(lambda: layer.groups.get("lab.a"), "the feed to listen")
    committed: list[LoggedEvent] = []
    monkeypatch.setattr(wakeup, "hand_over", lambda events: committed.extend(events) or True)
    await append("lab.a")
    with monkeypatch.context() as patch:
        gate = Gate(patch, log, "read_new")
        await wakeup.hint({"lab.a": 1})
        await await_until(gate.has_answer.is_set, "the reader to ask")
        await append("lab.a", 3)
        for index in (0, 2, 1, 3):
            feed_here.take_over([committed[index]], hints_others=False)
        gate.open()
    await await_until(lambda: feed_here.windows["lab.a"].head >= 4, "the window to move")
    assert await next_seqs(feed_here, now) == [1, 2, 3, 4]


async def test_others_are_hinted_at_the_newest_of_events_that_come_out_of_order(
    feed_here: Feed, layer, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feed_here.resolve(["lab.a"], NOW)
    committed: list[LoggedEvent] = []
    hinted: list[int] = []
    monkeypatch.setattr(wakeup, "hand_over", lambda events: committed.extend(events) or True)
    await append("lab.a", 2)

    async def group_send(group: str, message: dict[str, Any]) -> None:
        hinted.append(message["head"])

    monkeypatch.setattr(layer, "group_send", group_send)
    for event in reversed(committed):
        feed_here.take_over([event], hints_others=True)
    await await_until(lambda: hinted, "the hint")
    assert hinted == [2]


async def test_where_no_other_process_can_hear_it_nobody_is_hinted_at(
    feed_here: Feed, no_ticks: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    now = await feed_here.resolve(["lab.a"], NOW)
    sent: list[str] = []

    async def group_send(group: str, message: object) -> None:
        sent.append(group)

    monkeypatch.setattr(get_channel_layer(), "group_send", group_send)
    await append("lab.a", 2)
    assert await next_seqs(feed_here, now) == [1, 2]
    assert "lab.a" not in sent


async def test_an_event_that_comes_while_the_log_cannot_be_read_is_read_later(
    feed_here: Feed, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RETRY_S", 0.01)
    now = await feed_here.resolve(["lab.a"], NOW)
    asked, answered = threading.Event(), threading.Event()

    def fail(*args: object) -> None:
        asked.set()
        answered.wait(A_LONG_TIME_S)
        raise queries.LogUnavailable("for this test")

    with monkeypatch.context() as patch:
        patch.setattr(log, "read_new", fail)
        await elsewhere(log.append, "lab.a", "test.happened", 1)
        await wakeup.hint({"lab.a": None})
        await await_until(asked.is_set, "the reader to ask")
        await append("lab.a", 3)
    answered.set()
    await await_until(lambda: not feed_here._handed_over, "the round to fail")
    await wakeup.hint({"lab.a": None})
    await await_until(lambda: feed_here.windows["lab.a"].head == 4, "the window to move")
    assert await next_seqs(feed_here, now) == [1, 2, 3, 4]


async def test_a_hint_at_what_is_in_the_window_costs_no_query(
    feed_here: Feed, layer, no_ticks: None, queries_run: list[str]
) -> None:
    await feed_here.resolve(["lab.a"], NOW)
    await await_until(lambda: layer.groups.get("lab.a"), "the feed to listen")
    await append("lab.a", 2)
    queries_run.clear()
    for head in (1, 2):
        await wakeup.hint({"lab.a": head})
    await await_until(lambda: feed_here.counters.hints >= 4, "the hints")
    await elsewhere(log.append, "lab.a", "test.happened", 3)
    await wakeup.hint({"lab.a": 3})
    await await_until(lambda: feed_here.windows["lab.a"].head == 3, "the event of another process to be read")
    assert queries_run == ["read_new"]


async def test_the_feed_of_another_event_loop_gets_it_too(feed_here: Feed, no_ticks: None) -> None:
    listens, seen = threading.Event(), []

    async def listen() -> None:
        other = feed.current()
        now = await other.resolve(["lab.a"], NOW)
        listens.set()
        seen.extend(await next_seqs(other, now))
        await other.aclose()

    listening = asyncio.create_task(asyncio.to_thread(asyncio.run, listen()))
    await await_until(listens.is_set, "the other loop to listen")
    await append("lab.a")
    await listening
    assert seen == [1]


async def test_many_writers_here_and_elsewhere_leave_a_reader_a_run_without_gaps(
    feed_here: Feed, layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers, each = 6, 25
    of_others = threading.local()
    monkeypatch.setattr(wakeup, "hand_over", lambda events: not hasattr(of_others, "yes") and feed.hand_over(events))
    now = await feed_here.resolve(["lab.a"], NOW)

    def write(is_elsewhere: bool) -> None:
        if is_elsewhere:
            of_others.yes = True
        for number in range(each):
            log.append("lab.a", "test.happened", number)
        connection.close()

    write_in_thread = sync_to_async(write, thread_sensitive=False)
    writing = [asyncio.create_task(write_in_thread(number % 2 == 0)) for number in range(writers)]
    seen: list[int] = []
    async with aclosing(feed_here.follow(["lab.a"], now, A_LONG_TIME_S)) as batches:
        while len(seen) < writers * each:
            seen += [event.seq for event in (await anext(batches)).events]
    await asyncio.gather(*writing)
    assert seen == list(range(1, writers * each + 1))
