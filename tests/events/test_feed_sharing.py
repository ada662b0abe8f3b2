"""A thousand clients cost one query, and one that is slow costs nothing."""

import asyncio
import itertools
from contextlib import aclosing

import pytest

from apps.events import feed, log, queries
from apps.events import window as window_module
from apps.events.cursor import NOW, START, Cursor
from apps.events.feed import Feed
from tests.events.conftest import append, elsewhere, hints_are_sent
from tests.rig.waiting import await_until

A_LONG_TIME_S = 60.0


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> int:
    """Windows of 10 events, and reads of at most 10."""
    for module in (window_module, feed):
        monkeypatch.setattr(module, "MAX_EVENTS", 10)
    return 10


def seqs(batch) -> list[int]:
    return [event.seq for event in batch.events]


async def test_a_hundred_readers_of_one_event_cost_one_query(
    feed_here: Feed, no_ticks: None, queries_run: list[str]
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    waiting = [asyncio.create_task(feed_here.wait(["lab.a"], now, A_LONG_TIME_S)) for _ in range(100)]
    await await_until(lambda: len(feed_here.windows["lab.a"].waiters) == 100, "the readers to wait")
    queries_run.clear()
    await append("lab.a")
    assert [seqs(batch) for batch in await asyncio.gather(*waiting)] == [[1]] * 100
    assert queries_run == ["read_new"]


async def test_a_hundred_readers_that_come_at_once_cost_few_queries(feed_here: Feed, queries_run: list[str]) -> None:
    places = await asyncio.gather(*[feed_here.resolve(["lab.a"], NOW) for _ in range(100)])
    assert {place.text for place in places} == {places[0].text}
    assert queries_run.count("bounds") <= 3


async def test_a_hundred_readers_that_wait_for_a_topic_nobody_read_before_cost_few_queries(
    feed_here: Feed, no_ticks: None, queries_run: list[str]
) -> None:
    await append("lab.a", 50)
    epoch = (await queries.run(log.bounds, [])).epoch
    queries_run.clear()
    old = [Cursor(epoch, {"lab.a": number % 50}) for number in range(100)]
    batches = await asyncio.gather(*[feed_here.wait(["lab.a"], cursor, A_LONG_TIME_S) for cursor in old])
    assert [seqs(batch)[0] for batch in batches] == [number % 50 + 1 for number in range(100)]
    assert set(queries_run) == {"bounds", "read_back"}
    assert len(queries_run) <= 4


async def test_a_past_too_large_for_the_window_is_read_into_it_only_once(
    feed_here: Feed, no_ticks: None, queries_run: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_module, "MAX_BYTES", 500)
    await append("lab.a", 50)
    now = await feed_here.resolve(["lab.a"], NOW)
    queries_run.clear()
    for _ in range(3):
        assert seqs(await feed_here.wait(["lab.a"], Cursor(now.epoch, {"lab.a": 3}), A_LONG_TIME_S))[0] == 4
    assert queries_run == ["read_back", "read", "read", "read"]


async def test_two_hundred_readers_that_come_back_with_old_cursors_cost_one_query(
    feed_here: Feed, no_ticks: None, queries_run: list[str]
) -> None:
    await append("lab.a", 50)
    now = await feed_here.resolve(["lab.a"], NOW)
    queries_run.clear()
    old = [Cursor(now.epoch, {"lab.a": number % 50}) for number in range(200)]
    batches = await asyncio.gather(*[feed_here.wait(["lab.a"], cursor, A_LONG_TIME_S) for cursor in old])
    assert queries_run == ["read_back"]
    assert feed_here.counters.reads_of_old == 1
    for cursor, batch in zip(old, batches, strict=True):
        assert seqs(batch) == list(range(cursor.positions["lab.a"] + 1, 51))


async def test_older_than_the_window_the_same_cursor_is_read_once_for_all_who_have_it(
    feed_here: Feed, no_ticks: None, queries_run: list[str], small_windows: int
) -> None:
    await append("lab.a", 50)
    now = await feed_here.resolve(["lab.a"], NOW)
    queries_run.clear()
    old = [Cursor(now.epoch, {"lab.a": number % 4}) for number in range(200)]
    batches = await asyncio.gather(*[feed_here.wait(["lab.a"], cursor, A_LONG_TIME_S) for cursor in old])
    assert queries_run == ["read"] * 4
    assert [seqs(batch)[0] for batch in batches] == [number % 4 + 1 for number in range(200)]


async def test_the_one_who_asked_may_leave_while_others_wait_for_the_same_answer(
    feed_here: Feed, no_ticks: None, database_switch, small_windows: int
) -> None:
    await append("lab.a", 50)
    now = await feed_here.resolve(["lab.a"], NOW)
    database_switch.freeze()
    first, second = (
        asyncio.create_task(feed_here.wait(["lab.a"], Cursor(now.epoch, {"lab.a": 3}), A_LONG_TIME_S)) for _ in range(2)
    )
    await await_until(lambda: feed_here.windows["lab.a"].subscribers == 2, "the readers")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    database_switch.on()
    assert seqs(await second)[0] == 4
    assert feed_here.counters.reads_of_old == 1


async def test_a_slow_reader_makes_nothing_grow_and_still_misses_nothing(
    feed_here: Feed, no_ticks: None, small_windows: int
) -> None:
    start = await feed_here.resolve(["lab.a"], START)
    async with aclosing(feed_here.follow(["lab.a"], start, A_LONG_TIME_S, limit=7)) as slow:
        await append("lab.a")
        seen = seqs(await anext(slow))
        await hints_are_sent()
        tasks = len(asyncio.all_tasks())
        await append("lab.a", 60)
        window = feed_here.windows["lab.a"]
        await await_until(lambda: window.head == 61, "the window to move on without the slow reader")
        assert len(window.after(window.base, 1_000)) <= small_windows
        assert not window.waiters
        await hints_are_sent()
        assert len(asyncio.all_tasks()) == tasks
        while len(seen) < 61:
            seen += seqs(await anext(slow))
    assert seen == list(range(1, 62))


@pytest.mark.parametrize("limit", [1, 3, 500])
async def test_several_topics_are_served_from_memory_fairly_and_in_order(feed_here: Feed, no_ticks, limit: int) -> None:
    topics = ["lab.busy", "lab.empty", "lab.quiet"]
    after = await feed_here.resolve(topics, NOW)
    await append("lab.busy", 12)
    await append("lab.quiet", 2)
    await await_until(lambda: feed_here.windows["lab.quiet"].head == 2, "the windows to move")
    reads = feed_here.counters.reads_of_old
    seen = []
    while True:
        batch = await feed_here.wait(topics, after, 0, limit)
        assert len(batch.events) <= limit
        if not seen and limit > 1:
            assert {event.topic for event in batch.events} == {"lab.busy", "lab.quiet"}
        seen += [(event.topic, event.seq) for event in batch.events]
        after = batch.cursor
        if not batch.more:
            break
    assert sorted(seen) == [("lab.busy", n) for n in range(1, 13)] + [("lab.quiet", n) for n in (1, 2)]
    assert feed_here.counters.reads_of_old == reads


async def test_more_events_than_one_query_takes_are_all_read(feed_here: Feed, no_ticks: None, monkeypatch) -> None:
    monkeypatch.setattr(feed, "MAX_LIMIT", 4)
    now = await feed_here.resolve(["lab.a"], NOW)
    await elsewhere(log.append_many, [log.NewEvent("lab.a", "test.happened", number) for number in range(10)])
    await append("lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].head == 11, "all events to be read")
    seen = []
    while len(seen) < 11:
        batch = await feed_here.wait(["lab.a"], now, A_LONG_TIME_S)
        seen, now = seen + seqs(batch), batch.cursor
    assert seen == list(range(1, 12))


async def test_a_window_without_readers_goes_after_a_while_and_its_hints_with_it(
    feed_here: Feed, layer, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LINGER_S", 0)
    now = await feed_here.resolve(["lab.a", "lab.b"], NOW)
    staying = asyncio.create_task(feed_here.wait(["lab.b"], now.only(["lab.b"]), A_LONG_TIME_S))
    await await_until(lambda: list(feed_here.windows) == ["lab.b"], "the idle window to go")
    await await_until(lambda: "lab.a" not in layer.groups, "its hints to go")
    assert layer.groups["lab.b"]
    await append("lab.b")
    assert seqs(await staying) == [1]


async def test_a_long_poll_that_comes_back_soon_finds_its_window(
    feed_here: Feed, no_ticks: None, queries_run: list[str]
) -> None:
    now = await feed_here.resolve(["lab.a"], NOW)
    await feed_here.wait(["lab.a"], now, 0)
    queries_run.clear()
    await append("lab.a")
    await await_until(lambda: feed_here.windows["lab.a"].head == 1, "the event to be read between two polls")
    assert seqs(await feed_here.wait(["lab.a"], now, 0)) == [1]
    assert queries_run == ["read_new"]


async def test_a_reader_that_comes_while_its_window_is_being_dropped_gets_a_new_one(
    feed_here: Feed, layer, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LINGER_S", 0)
    now = await feed_here.resolve(["lab.a"], NOW)
    coming: list[asyncio.Task] = []
    leave = layer.group_discard

    async def come_meanwhile(group: str, channel: str) -> None:
        if group == "lab.a" and not coming:
            coming.append(asyncio.create_task(feed_here.wait(["lab.a"], now, A_LONG_TIME_S)))
            await await_until(lambda: "lab.a" in feed_here.windows, "the new reader")
        await leave(group, channel)

    monkeypatch.setattr(layer, "group_discard", come_meanwhile)
    await await_until(lambda: coming and layer.groups.get("lab.a"), "the new window to be hinted at")
    await append("lab.a")
    assert seqs(await coming[0]) == [1]


async def test_a_recall_blanks_the_windows_of_other_processes(
    feed_here: Feed, feed_of_another_process: Feed, no_ticks: None
) -> None:
    feeds = (feed_here, feed_of_another_process)
    start = await feed_here.resolve(["lab.a"], START)
    now = [await each.resolve(["lab.a"], NOW) for each in feeds]
    await log.aappend("lab.a", "test.posted", "secret", subject="note:1")
    for each, after in zip(feeds, now, strict=True):
        (event,) = (await each.wait(["lab.a"], after, A_LONG_TIME_S)).events
        assert b"secret" in event.json
    await log.aappend("lab.a", "test.recalled", {"id": 1}, subject="note:1", blank_earlier=True)
    for each in feeds:
        await await_until(lambda each=each: each.windows["lab.a"].head == 2, "the recall to be read")
        events = (await each.wait(["lab.a"], start, 0)).events
        assert [event.data for event in events] == [None, {"id": 1}]
        assert not any(b"secret" in event.json for event in events)


async def test_a_recall_that_commits_while_the_past_is_being_read_is_not_undone_by_it(
    feed_here: Feed, no_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.aappend("lab.a", "test.posted", "secret", subject="note:1")
    now = await feed_here.resolve(["lab.a"], NOW)
    read_back = log.read_back

    def recall_meanwhile(*args):
        run = read_back(*args)
        log.append("lab.a", "test.recalled", None, subject="note:1", blank_earlier=True)
        return run

    monkeypatch.setattr(log, "read_back", recall_meanwhile)
    start = Cursor(now.epoch, {"lab.a": 0})
    await feed_here.wait(["lab.a"], start, A_LONG_TIME_S)
    await await_until(lambda: feed_here.windows["lab.a"].head == 2, "the recall to be read")
    assert not any(b"secret" in event.json for event in (await feed_here.wait(["lab.a"], start, 0)).events)


async def test_the_feed_prunes_now_and_then_and_does_not_stop_at_a_failure(
    feed_here: Feed, monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    monkeypatch.setattr(feed, "PRUNE_EVERY_S", 0.01)
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 1}]
    prune, failures = log.prune, itertools.count()

    def fail_twice() -> int:
        if next(failures) < 2:
            raise ZeroDivisionError
        return prune()

    monkeypatch.setattr(log, "prune", fail_twice)
    await append("lab.a", 3)
    await feed_here.resolve(["lab.a"], NOW)

    async def is_pruned() -> bool:
        return (await queries.run(log.bounds, ["lab.a"])).low_waters == {"lab.a": 2}

    await await_until(is_pruned, "the events to be pruned")
