"""What every door promises about the events themselves."""

import asyncio
from typing import Any

import pytest

from apps.events import log, queries
from apps.events.batch import MAX_LIMIT
from apps.events.feed import Feed
from apps.events.window import MAX_EVENTS, Window
from apps.transports.registry import DOORS, Door
from tests.conformance.readers import READERS, Reader
from tests.conformance.seeing import seeing
from tests.conformance.wires import AsgiWire
from tests.rig.waiting import await_until


async def append(*data: Any, topic: str = "lab.a") -> None:
    for value in data:
        await log.aappend(topic, "test.happened", value)


async def test_history_is_replayed_from_the_start_and_goes_over_into_what_is_new(reader: Reader) -> None:
    await append(1, 2, 3)
    async with seeing(reader, "lab.a", after="start") as seen:
        await seen.until_seq(3)
        await append(4)
        await seen.until_seq(4)
    assert seen.seqs() == [1, 2, 3, 4]
    assert [event["data"] for event in seen.events] == [1, 2, 3, 4]


async def test_without_a_place_a_reader_starts_at_the_head(reader: Reader) -> None:
    await append("old")
    async with seeing(reader, "lab.a") as seen:
        await append("new")
        await seen.until_seq(2)
    assert seen.seqs() == [2]


async def test_last_n_gives_the_last_n_events_of_each_topic(reader: Reader) -> None:
    await append(1, 2, 3)
    await append(1, topic="lab.b")
    async with seeing(reader, "lab.a", "lab.b", last=2) as seen:
        await seen.until(lambda s: len(s.events) >= 3)
    assert seen.seqs("lab.a") == [2, 3]
    assert seen.seqs("lab.b") == [1]


async def test_events_written_by_many_at_once_arrive_in_order_once_each(reader: Reader) -> None:
    async with seeing(reader, "lab.a", "lab.b") as seen:
        await asyncio.gather(*(append(i, topic=topic) for i in range(15) for topic in ("lab.a", "lab.b")))
        await seen.until(lambda s: len(s.events) >= 30)
    assert seen.seqs("lab.a") == seen.seqs("lab.b") == list(range(1, 16))


async def test_a_reader_that_comes_back_with_its_cursor_misses_nothing_and_repeats_nothing(reader: Reader) -> None:
    async with seeing(reader, "lab.a") as before:
        await append(1, 2)
        await before.until_seq(2)
    await append(3, 4)
    async with seeing(reader, "lab.a", after=before.cursor) as after:
        await after.until_seq(4)
    assert before.seqs() + after.seqs() == [1, 2, 3, 4]


async def test_after_each_event_the_cursor_is_the_place_of_all_topics(reader: Reader) -> None:
    """In the SSE's `id:` as in a client's own arithmetic: a reader may be cut anywhere and must come back there."""
    await append("before", topic="lab.b")
    epoch = (await queries.run(log.bounds, [])).epoch
    async with seeing(reader, "lab.a", "lab.b") as seen:
        for a, b in ((1, 1), (1, 2), (2, 2), (2, 3)):
            await append("x", topic="lab.a" if (a, b) in ((1, 1), (2, 2)) else "lab.b")
            await seen.until(lambda s, count=a + b - 1: len(s.events) >= count)
            assert seen.cursor == f"{epoch}~lab.a:{a},lab.b:{b}"


async def test_a_stream_cut_before_its_first_event_goes_on_where_ready_said(stream_reader: Reader) -> None:
    async with seeing(stream_reader, "lab.a") as before:
        assert before.controls == ["ready"]
    await append("while away")
    async with seeing(stream_reader, "lab.a", after=before.cursor) as after:
        await after.until_seq(1)
    assert after.seqs() == [1]


async def test_an_event_whose_hint_was_lost_arrives(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.events.wakeup._announce", lambda events: None)
    async with seeing(reader, "lab.a") as seen:
        await append("unannounced")
        await seen.until_seq(1)
    assert seen.seqs() == [1]


async def test_event_committed_between_read_and_wait_is_not_lost(
    reader: Reader, feed_of_this_test: Feed, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is read; then the event commits, and its hint is heard; only then the reader would begin to wait."""
    # Longer than the test's patience: neither a heartbeat nor a timeout may find what the wait missed.
    settings.FEED_HEARTBEAT_S = 60
    timeout = {} if reader.is_stream else {"timeout": 60}
    run, covers = queries.run, Window.covers
    armed = True

    async def read_then_commit(query: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal armed
        found = await run(query, *args, **kwargs)
        if armed and query is log.read:
            armed = False
            await append("in between")
            if windows := feed_of_this_test.windows:
                await await_until(lambda: windows["lab.a"].head == 1, "the window has the event")
        return found

    # Until then no window covers anything, so that the reader has to ask the log.
    monkeypatch.setattr(Window, "covers", lambda self, position: not armed and covers(self, position))
    monkeypatch.setattr(queries, "run", read_then_commit)
    async with seeing(reader, "lab.a", **timeout) as seen:
        await seen.until_seq(1)
    assert not armed
    assert seen.seqs() == [1]


async def test_prune_during_a_read_is_a_reset_and_no_hole(
    reader: Reader, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds are read; then a prune commits; only then the events are read."""
    await append(1, 2, 3, 4, 5)
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 2}]
    read_new = log.read_new
    pruned: list[int] = []

    def prune_then_read(*args: Any) -> Any:
        if not pruned:
            pruned.append(log.prune())
        return read_new(*args)

    monkeypatch.setattr(log, "read_new", prune_then_read)
    monkeypatch.setattr("apps.events.feed.MAX_EVENTS", 0)  # the past is read from the log, not into the window
    epoch = (await queries.run(log.bounds, [])).epoch
    async with seeing(reader, "lab.a", after=f"{epoch}~lab.a:0") as seen:
        await seen.until_seq(5)
    assert pruned == [3]
    assert [reset["reason"] for reset in seen.resets] == ["trimmed"]
    assert seen.seqs() == [4, 5]


async def test_silence_keeps_the_cursor(reader: Reader, settings: Any) -> None:
    settings.FEED_HEARTBEAT_S = 0.05
    await append(1, 2)
    async with seeing(reader, "lab.a", after="start", **({} if reader.is_stream else {"timeout": 0.05})) as seen:
        await seen.until_seq(2)
        cursor = seen.cursor
        for _ in range(3):
            silent = await seen.one()
            assert (silent.events, silent.cursor) == ([], cursor)
            assert silent.control == ("heartbeat" if reader.is_stream else None)


async def test_a_reader_far_behind_gets_everything_in_pieces(reader: Reader) -> None:
    count = MAX_EVENTS + MAX_LIMIT + 7
    new = [log.NewEvent("lab.a", "test.happened", i) for i in range(count)]
    await queries.run(log.append_many, new)
    async with seeing(reader, "lab.a", after="start", limit=MAX_LIMIT) as seen:
        await seen.until_seq(count)
    assert seen.seqs() == list(range(1, count + 1))


async def test_a_slow_reader_is_a_cursor_that_lags_and_no_queue_that_grows(
    stream_reader: Reader, feed_of_this_test: Feed
) -> None:
    count = 3 * MAX_EVENTS
    async with seeing(stream_reader, "lab.a") as seen:
        for start in range(0, count, 500):
            new = [log.NewEvent("lab.a", "test.happened", "x" * 500) for _ in range(start, start + 500)]
            await queries.run(log.append_many, new)
        window = feed_of_this_test.windows["lab.a"]
        await await_until(lambda: window.head == count, "the process has read everything")
        assert window.head - window.base <= MAX_EVENTS
        # The reader took nothing meanwhile, and now takes it all.
        await seen.until_seq(count)
    assert seen.seqs() == list(range(1, count + 1))


async def test_a_recalled_event_is_read_without_its_data(reader: Reader) -> None:
    await log.aappend("lab.a", "note.posted", {"text": "secret"}, subject="note:1")
    async with seeing(reader, "lab.a", after="start") as seen:
        await seen.until_seq(1)
        await log.aappend("lab.a", "note.recalled", {"id": 1}, subject="note:1", blank_earlier=True)
        await seen.until_seq(2)
    async with seeing(reader, "lab.a", after="start") as again:
        await again.until_seq(2)
    assert [event["data"] for event in again.events] == [None, {"id": 1}]
    assert not any("secret" in text for text in again.texts)


async def test_an_event_is_the_same_bytes_on_every_door(wire: AsgiWire) -> None:
    await append("你好", {"z": 1, "a": [0.1, None, True]}, "\x00\r\n\u2028\u2029\x7f", "</script>")
    texts = {}
    for door in DOORS:
        async with seeing(READERS[door.name](wire, door.path), "lab.a", after="start") as seen:
            await seen.until_seq(4)
        texts[door.name] = seen.texts
    assert len(texts) == len(DOORS)
    assert all(text == texts["short_poll"] for text in texts.values()), texts


async def test_a_quiet_topic_does_not_starve_behind_a_busy_one(reader: Reader) -> None:
    for i in range(12):
        await append(i, topic="lab.busy")
    await append("quiet", topic="lab.quiet")
    async with seeing(reader, "lab.busy", "lab.quiet", after="start", limit=2) as seen:
        await seen.until(lambda s: len(s.events) >= 13)
    assert seen.seqs("lab.busy") == list(range(1, 13))
    assert seen.seqs("lab.quiet") == [1]


def test_the_suite_has_a_reader_for_every_door() -> None:
    assert READERS.keys() == {door.name for door in DOORS}


def test_a_door_is_a_python_module_and_a_javascript_module_of_its_name(door: Door) -> None:
    from django.contrib.staticfiles import finders

    assert __import__(f"apps.transports.{door.name}", fromlist=[door.name])
    assert finders.find(door.twin)
