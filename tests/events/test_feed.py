"""What a reader is promised: read answers at once, wait with the first news, follow with all of them."""

import asyncio
import contextvars
from contextlib import aclosing

import pytest

from apps.events import feed, log, queries
from apps.events.cursor import NOW, START, Cursor, Last
from apps.events.feed import Feed
from tests.events.conftest import append
from tests.events.gate import Gate
from tests.rig.waiting import await_until

A_LONG_TIME_S = 60.0


def seqs(batch) -> list[int]:
    return [event.seq for event in batch.events]


async def test_read_sees_what_was_just_appended(feed_here: Feed) -> None:
    await append("lab.a", 2)
    batch = await feed_here.read(["lab.a"], START)
    assert seqs(batch) == [1, 2]
    assert seqs(await feed_here.read(["lab.a"], batch.cursor)) == []


async def test_wait_answers_at_once_with_what_is_there_already(feed_here: Feed, no_ticks: None) -> None:
    await append("lab.a", 3)
    start = await feed_here.resolve(["lab.a"], START)
    batch = await feed_here.wait(["lab.a"], start, A_LONG_TIME_S, limit=2)
    assert (seqs(batch), batch.more) == ([1, 2], True)
    batch = await feed_here.wait(["lab.a"], batch.cursor, A_LONG_TIME_S)
    assert (seqs(batch), batch.more) == ([3], False)


async def test_wait_answers_when_an_event_is_hinted_at(feed_here: Feed, no_ticks: None) -> None:
    now = await feed_here.resolve(["lab.a", "lab.b"], NOW)
    waiting = asyncio.create_task(feed_here.wait(["lab.a", "lab.b"], now, A_LONG_TIME_S))
    await await_until(lambda: feed_here.windows["lab.b"].waiters, "the reader to wait")
    await append("lab.b")
    batch = await waiting
    assert [(event.topic, event.seq) for event in batch.events] == [("lab.b", 1)]
    assert batch.cursor.positions == {"lab.a": 0, "lab.b": 1}


@pytest.mark.parametrize("timeout_s", [0, 0.01])
async def test_wait_without_news_answers_with_nothing_and_the_same_cursor(feed_here: Feed, timeout_s: float) -> None:
    await append("lab.a", 2)
    now = await feed_here.resolve(["lab.a"], NOW)
    batch = await feed_here.wait(["lab.a"], now, timeout_s)
    assert (batch.events, batch.cursor, batch.reset, batch.more) == ((), now, None, False)


async def test_wait_with_no_time_at_all_still_answers_with_what_is_there(feed_here: Feed) -> None:
    await append("lab.a", 2)
    after = Cursor((await queries.run(log.bounds, [])).epoch, {"lab.a": 1})
    assert seqs(await feed_here.wait(["lab.a"], after, 0)) == [2]


async def test_wait_lets_go_when_it_is_told_to(feed_here: Feed) -> None:
    until = asyncio.get_running_loop().create_future()
    now = await feed_here.resolve(["lab.a"], NOW)
    waiting = asyncio.create_task(feed_here.wait(["lab.a"], now, A_LONG_TIME_S, until=until))
    await await_until(lambda: feed_here.windows["lab.a"].waiters, "the reader to wait")
    until.set_result("drain")
    assert (await waiting).cursor == now


async def test_wait_tells_a_reset_at_once(feed_here: Feed) -> None:
    await append("lab.a", 2)
    batch = await feed_here.wait(["lab.a"], Cursor("elsewhere", {"lab.a": 1}), A_LONG_TIME_S)
    assert batch.reset.reason == "epoch"
    assert batch.cursor.positions == {"lab.a": 0}
    assert feed_here.counters.resets == 1


async def test_wait_starts_a_topic_that_the_cursor_lacks_at_its_head(feed_here: Feed) -> None:
    await append("lab.a", 2)
    await append("lab.b", 2)
    after = await feed_here.resolve(["lab.a"], NOW)
    waiting = asyncio.create_task(feed_here.wait(["lab.a", "lab.b"], after, A_LONG_TIME_S))
    await await_until(lambda: (window := feed_here.windows.get("lab.b")) and window.waiters, "the reader to wait")
    await append("lab.a")
    assert (await waiting).cursor.positions == {"lab.a": 3, "lab.b": 2}


async def test_follow_yields_every_event_once_and_in_order_and_nothing_else(feed_here: Feed, no_ticks: None) -> None:
    await append("lab.a", 3)
    start = await feed_here.resolve(["lab.a"], START)
    seen: list[int] = []
    async with aclosing(feed_here.follow(["lab.a"], start, A_LONG_TIME_S, limit=2)) as batches:
        async for batch in batches:
            assert batch.events
            seen += seqs(batch)
            assert batch.cursor.positions == {"lab.a": seen[-1]}
            if len(seen) in (3, 5):
                await append("lab.a", 2)
            if len(seen) == 7:
                break
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_follow_breaks_its_silence_with_empty_batches(feed_here: Feed) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    async with aclosing(feed_here.follow(["lab.a"], now, heartbeat_s=0.01)) as batches:
        for _ in range(3):
            batch = await anext(batches)
            assert (batch.events, batch.cursor) == ((), now)
        await append("lab.a")
        await await_until(lambda: feed_here.windows["lab.a"].head == 1, "the event to be read")
        assert seqs(await anext(batches)) == [1]


async def test_follow_ends_when_it_is_told_to_but_not_before_it_told_what_there_is(feed_here: Feed) -> None:
    await append("lab.a", 3)
    until = asyncio.get_running_loop().create_future()
    until.set_result("drain")
    start = await feed_here.resolve(["lab.a"], START)
    batches = feed_here.follow(["lab.a"], start, A_LONG_TIME_S, limit=2, until=until)
    assert [seqs(batch) async for batch in batches] == [[1, 2], [3]]


async def test_now_is_after_all_that_was_committed_even_where_no_hint_told_of_it(
    feed_here: Feed, layer, no_ticks: None
) -> None:
    await feed_here.resolve(["lab.a"], NOW)
    layer.drops = True
    await append("lab.a", 2)
    assert (await feed_here.resolve(["lab.a"], NOW)).positions == {"lab.a": 2}


async def test_each_starting_place_is_resolved_to_numbers(feed_here: Feed, settings) -> None:
    await append("lab.a", 5)
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 4}]
    await queries.run(log.prune)
    topics = ["lab.a", "lab.new"]
    assert (await feed_here.resolve(topics, START)).positions == {"lab.a": 1, "lab.new": 0}
    assert (await feed_here.resolve(topics, Last(2))).positions == {"lab.a": 3, "lab.new": 0}
    now = await feed_here.resolve(topics, NOW)
    assert now.positions == {"lab.a": 5, "lab.new": 0}
    assert await feed_here.resolve(["lab.new"], now) == now.only(["lab.new"])
    partly = Cursor(now.epoch, {"lab.a": 2})
    assert (await feed_here.resolve(topics, partly)).positions == {"lab.a": 2, "lab.new": 0}
    foreign = Cursor("elsewhere", {"lab.a": 2})
    assert await feed_here.resolve(topics, foreign) == foreign


async def test_an_event_that_commits_between_read_and_wait_is_not_lost(
    feed_here: Feed, layer, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that was served by another process is ahead of this one's window, so the log itself is asked."""
    now = await feed_here.resolve(["lab.a"], NOW)
    layer.drops = True
    await append("lab.a")
    layer.drops = False
    gate = Gate(monkeypatch, log, "read")
    waiting = asyncio.create_task(feed_here.wait(["lab.a"], Cursor(now.epoch, {"lab.a": 1}), A_LONG_TIME_S))
    await await_until(gate.has_answer.is_set, "the read, which finds nothing")
    await append("lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].head == 2, "the event to be read")
    gate.open()
    assert seqs(await waiting) == [2]


async def test_an_answer_begun_before_an_event_is_not_shared_with_a_reader_who_came_after_it(
    feed_here: Feed, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has not noticed a new epoch yet asks the log for every cursor that has."""
    await feed_here.resolve(["lab.a"], NOW)
    after = Cursor(await queries.run(log.change_epoch), {"lab.a": 0})
    with monkeypatch.context() as patch:
        gate = Gate(patch, log, "read")
        first = asyncio.create_task(feed_here.wait(["lab.a"], after, A_LONG_TIME_S))
        await await_until(gate.has_answer.is_set, "the first reader's read, which finds nothing")
    await append("lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].head == 1, "the event to be read")
    assert seqs(await feed_here.wait(["lab.a"], after, A_LONG_TIME_S)) == [1]
    gate.open()
    assert seqs(await first) == [1]


@pytest.mark.parametrize("verb", ["wait", "follow"])
async def test_a_reader_that_leaves_frees_its_waiter(feed_here: Feed, verb: str) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)

    async def follow() -> None:
        async with aclosing(feed_here.follow(["lab.a"], now, A_LONG_TIME_S)) as batches:
            await anext(batches)

    waiting = asyncio.create_task(follow() if verb == "follow" else feed_here.wait(["lab.a"], now, A_LONG_TIME_S))
    window = feed_here.windows["lab.a"]
    await await_until(lambda: window.waiters, "the reader to wait")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (len(window.waiters), window.subscribers) == (0, 0)


async def test_the_reader_outlives_the_client_that_started_it_and_knows_nothing_of_it(
    feed_here: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that inherits a request's context keeps that request's thread and connection for ever."""
    request = contextvars.ContextVar("request", default="none")
    seen_by_the_reader: list[str] = []
    bounds = log.bounds

    def noted_bounds(topics):
        seen_by_the_reader.append(request.get())
        return bounds(topics)

    monkeypatch.setattr(log, "bounds", noted_bounds)

    async def first_client() -> Cursor:
        request.set("the first")
        return await feed_here.resolve(["lab.a"], NOW)

    now = await asyncio.create_task(first_client())
    assert set(seen_by_the_reader) == {"none"}
    await append("lab.a")
    assert seqs(await feed_here.wait(["lab.a"], now, A_LONG_TIME_S)) == [1]


async def test_each_event_loop_has_one_feed(feed_here: Feed) -> None:
    assert feed.current() is feed_here

    async def of_another_loop() -> Feed:
        return feed.current()

    assert await asyncio.to_thread(asyncio.run, of_another_loop()) is not feed_here
