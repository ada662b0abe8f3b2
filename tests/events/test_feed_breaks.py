"""What can't be continued is told, on a stream that stays open; what is away comes back."""

import asyncio
import logging
from contextlib import aclosing

import pytest

from apps.events import feed, log, queries
from apps.events import window as window_module
from apps.events.batch import Batch
from apps.events.cursor import NOW, START, Cursor
from apps.events.feed import Feed
from apps.events.models import Event, Topic
from apps.events.queries import LogUnavailable
from tests.events.conftest import DatabaseSwitch, append, elsewhere
from tests.rig.waiting import await_until

A_LONG_TIME_S = 60.0
A_SHORT_TIME_S = 0.02


def seqs(batch: Batch) -> list[int]:
    return [event.seq for event in batch.events]


async def next_news(batches) -> Batch:
    """Return the next batch that is no heartbeat."""
    async for batch in batches:
        if batch.events or batch.reset:
            return batch
    raise AssertionError("the stream ended")


# The log changes under the reader


async def test_a_new_epoch_resets_the_streams_that_are_open(feed_here: Feed, quick_ticks: None) -> None:
    await append("lab.a", 2)
    await append("lab.b", 1)
    now = await feed_here.resolve(["lab.a", "lab.b"], NOW)
    async with aclosing(feed_here.follow(["lab.a", "lab.b"], now, A_LONG_TIME_S)) as batches:
        reading = asyncio.create_task(anext(batches))
        await await_until(lambda: feed_here.windows["lab.a"].waiters, "the reader to wait")
        epoch = await elsewhere(log.change_epoch)
        batch = await reading
        assert (batch.reset.reason, batch.reset.topics) == ("epoch", ("lab.a", "lab.b"))
        assert batch.cursor == Cursor(epoch, {"lab.a": 0, "lab.b": 0})
        assert len((await anext(batches)).events) == 3
        await append("lab.a")
        assert seqs(await next_news(batches)) == [3]


async def test_what_was_cleared_is_served_from_no_window(feed_here: Feed, quick_ticks: None) -> None:
    start = await feed_here.resolve(["lab.a"], START)
    await append("lab.a", 3)
    await await_until(lambda: feed_here.windows["lab.a"].head == 3, "the window to hold them")
    await elsewhere(log.clear, "lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].base == 3, "the window to let go of them")
    batch = await feed_here.wait(["lab.a"], start, A_LONG_TIME_S)
    assert (batch.reset.reason, batch.cursor.positions) == ("trimmed", {"lab.a": 3})


async def test_a_head_that_went_back_resets_the_streams_of_its_topic_only(feed_here: Feed, quick_ticks: None) -> None:
    await append("lab.a", 5)
    await append("lab.b", 5)
    now = await feed_here.resolve(["lab.a", "lab.b"], NOW)

    def restore() -> None:
        Event.objects.filter(topic_id="lab.a", seq__gt=3).delete()
        Topic.objects.filter(name="lab.a").update(head=3)

    async with aclosing(feed_here.follow(["lab.a", "lab.b"], now, A_LONG_TIME_S)) as batches:
        reading = asyncio.create_task(anext(batches))
        await await_until(lambda: feed_here.windows["lab.a"].waiters, "the reader to wait")
        await elsewhere(restore)
        batch = await reading
        assert (batch.reset.reason, batch.reset.topics) == ("ahead", ("lab.a",))
        assert batch.cursor.positions == {"lab.a": 0, "lab.b": 5}
        assert seqs(await anext(batches)) == [1, 2, 3]


async def test_after_a_reset_a_stream_goes_on_with_the_last_n_if_it_asked(feed_here: Feed, quick_ticks) -> None:
    await append("lab.a", 5)
    now = await feed_here.resolve(["lab.a"], NOW)
    async with aclosing(feed_here.follow(["lab.a"], now, A_LONG_TIME_S, last=2)) as batches:
        await elsewhere(log.change_epoch)
        assert (await next_news(batches)).reset.reason == "epoch"
        assert seqs(await anext(batches)) == [4, 5]


async def test_a_reader_that_lags_behind_a_prune_gets_a_reset(
    feed_here: Feed, settings, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (window_module, feed):
        monkeypatch.setattr(module, "MAX_EVENTS", 2)
    await append("lab.a", 2)
    now = await feed_here.resolve(["lab.a"], NOW)
    async with aclosing(feed_here.follow(["lab.a"], now, A_LONG_TIME_S)) as batches:
        await append("lab.a")
        assert seqs(await anext(batches)) == [3]
        await append("lab.a", 7)
        await await_until(lambda: feed_here.windows["lab.a"].head == 10, "the window to move on")
        settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 1}]
        await elsewhere(log.prune)
        batch = await anext(batches)
        assert (batch.reset.reason, batch.cursor.positions) == ("trimmed", {"lab.a": 9})
        assert seqs(await anext(batches)) == [10]


@pytest.mark.parametrize(
    ("pruned_to", "deleted_by_hand", "kept"),
    [
        pytest.param(2, 0, [6, 7], id="some of it was pruned"),
        pytest.param(0, 0, [], id="all of it was pruned"),
        pytest.param(10, 5, [], id="all of it was deleted by hand"),
    ],
)
async def test_a_process_that_was_away_for_longer_than_the_log_keeps_events_resets_its_streams(
    pruned_to, deleted_by_hand, kept, feed_here: Feed, quick_ticks: None, database_switch: DatabaseSwitch, settings
) -> None:
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": pruned_to}]

    def append_and_lose() -> None:
        for number in range(5):
            log.append("lab.a", "test.happened", number)
        log.prune()
        Event.objects.filter(topic_id="lab.a", seq__gt=7 - deleted_by_hand).delete()

    await append("lab.a", 2)
    now = await feed_here.resolve(["lab.a"], NOW)
    async with aclosing(feed_here.follow(["lab.a"], now, A_LONG_TIME_S)) as batches:
        reading = asyncio.create_task(anext(batches))
        await await_until(lambda: feed_here.windows["lab.a"].waiters, "the reader to wait")
        database_switch.off()
        await elsewhere(append_and_lose)
        database_switch.on()
        async with asyncio.timeout(5):
            batch = await reading
        assert (batch.reset.reason, batch.reset.topics) == ("trimmed", ("lab.a",))
        if kept:
            assert seqs(await anext(batches)) == kept
        await append("lab.a")
        assert seqs(await next_news(batches)) == [8]


# The database is away


async def test_while_the_database_is_away_heartbeats_go_on_and_afterwards_nothing_is_missing(
    feed_here: Feed, quick_ticks: None, database_switch: DatabaseSwitch, caplog
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    async with aclosing(feed_here.follow(["lab.a"], now, A_SHORT_TIME_S)) as batches:
        await anext(batches)
        with caplog.at_level(logging.WARNING, "apps.events.feed"):
            database_switch.off()
            await elsewhere(log.append, "lab.a", "test.happened", "meanwhile")
            for _ in range(10):
                batch = await anext(batches)
                assert (batch.events, batch.cursor) == ((), now)
            database_switch.on()
            assert [event.data for event in (await next_news(batches)).events] == ["meanwhile"]
    said = [record.message.partition(":")[0] for record in caplog.records]
    assert said == ["the log can't be read, windows serve meanwhile", "the log can be read again"]


@pytest.mark.parametrize("fault", ["off", "freeze"])
async def test_heartbeats_go_on_for_a_reader_whom_no_window_serves(
    feed_here: Feed, quick_ticks: None, database_switch: DatabaseSwitch, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append("lab.a", 2)
    old = Cursor((await feed_here.resolve(["lab.a"], NOW)).epoch, {"lab.a": 0})
    async with aclosing(feed_here.follow(["lab.a"], old, A_SHORT_TIME_S)) as batches:
        with monkeypatch.context() as patch:
            patch.setattr(queries, "TIMEOUT_S", A_SHORT_TIME_S)
            getattr(database_switch, fault)()
            for _ in range(3):
                batch = await anext(batches)
                assert (batch.events, batch.cursor) == ((), old)
        database_switch.on()
        assert seqs(await next_news(batches)) == [1, 2]


@pytest.mark.parametrize("fault", ["off", "freeze"])
async def test_what_only_the_database_can_answer_is_refused_in_words(
    feed_here: Feed, quick_ticks: None, database_switch: DatabaseSwitch, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append("lab.a", 2)
    now = await feed_here.resolve(["lab.a"], NOW)
    monkeypatch.setattr(queries, "TIMEOUT_S", A_SHORT_TIME_S)
    getattr(database_switch, fault)()
    for ask in (
        lambda: feed_here.read(["lab.a"], START),
        lambda: feed_here.resolve(["lab.a"], NOW),
        lambda: feed_here.resolve(["lab.new"], now),
        lambda: feed_here.wait(["lab.a"], Cursor(now.epoch, {"lab.a": 0}), A_LONG_TIME_S),
        lambda: feed_here.wait(["lab.new"], Cursor(now.epoch, {"lab.new": 0}), A_LONG_TIME_S),
        lambda: log.aappend("lab.a", "test.happened", None),
    ):
        with pytest.raises(LogUnavailable, match="database did not answer"):
            await ask()


async def test_what_a_window_can_answer_is_answered_without_the_database(
    feed_here: Feed, no_ticks: None, database_switch: DatabaseSwitch
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await append("lab.a", 2)
    await await_until(lambda: feed_here.windows["lab.a"].head == 2, "the events to be read")
    database_switch.off()
    assert await feed_here.resolve(["lab.a"], now) == now
    assert seqs(await feed_here.wait(["lab.a"], now, A_LONG_TIME_S)) == [1, 2]


async def test_a_stream_that_is_told_to_end_ends_while_the_database_is_away(
    feed_here: Feed, quick_ticks: None, database_switch: DatabaseSwitch
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await append("lab.a", 2)
    database_switch.off()
    until = asyncio.get_running_loop().create_future()
    old = Cursor(now.epoch, {"lab.new": 0})
    batches = feed_here.follow(["lab.new"], old, A_LONG_TIME_S, until=until)
    asyncio.get_running_loop().call_soon(until.set_result, "drain")
    assert [batch async for batch in batches] == []


async def test_a_fault_in_the_reader_costs_a_round_and_not_the_reader(
    feed_here: Feed, quick_ticks: None, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, "apps.events.feed"):
        patch.setattr(log, "bounds", None)
        with pytest.raises(LogUnavailable):
            await feed_here.resolve(["lab.a"], NOW)
    assert "the reader of the log failed in this round" in caplog.text
    now = await feed_here.resolve(["lab.a"], NOW)
    await append("lab.a")
    assert seqs(await feed_here.wait(["lab.a"], now, A_LONG_TIME_S)) == [1]
