"""The fast path of streams: what is shared, who is skipped, and that nobody notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.events import feed, log, queries
from apps.events.feed import Feed
from apps.transports import fanout
from apps.transports.connections import Stop
from apps.transports.deliveries import deliveries_by_door
from apps.transports.registry import DOORS, Door
from realtime_site.asgi import application
from tests.conformance.readers import READERS
from tests.conformance.seeing import Seeing, seeing
from tests.conformance.wires import AsgiWire
from tests.rig.waiting import await_until


@pytest.fixture(params=[pytest.param(door, id=door.name) for door in DOORS if door.is_stream])
def door(request: pytest.FixtureRequest) -> Door:
    return request.param


@pytest.fixture
async def reader(transactional_db: None) -> AsyncIterator[Feed]:
    current = feed.current()
    yield current
    await current.aclose()


@pytest.fixture
def wire(reader: Feed) -> AsgiWire:
    return AsgiWire(application, fanout=True)


@contextlib.asynccontextmanager
async def clients(wire: AsgiWire, door: Door, count: int, *topics: str, **asked: Any) -> AsyncIterator[list[Seeing]]:
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(seeing(READERS[door.name](wire, door.path), *topics, **asked))
            for _ in range(count)
        ]
        await asleep(count)
        yield opened


async def asleep(count: int) -> None:
    """Wait until `count` streams wait to be pushed to."""

    def sleeping() -> int:
        return sum(len(group) for group in fanout._current()._groups.values())

    await await_until(lambda: sleeping() == count, f"{count} streams asleep")


async def test_an_event_is_framed_once_for_all_who_stand_at_the_same_place(
    door: Door, wire: AsgiWire, reader: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    framed = []

    async with clients(wire, door, 5, "lab.a", "lab.b") as seen:
        (group,) = fanout._current()._groups.values()
        monkeypatch.setattr(group, "_frame", lambda message: framed.append(message) or message + b"\0")
        await log.aappend("lab.b", "test.happened", None)
        for one in seen:
            await one.until_seq(1)
    assert len(framed) == 1
    assert wire.pushed == 5


async def test_a_client_that_does_not_read_is_passed_over_and_catches_up(
    door: Door, wire: AsgiWire, reader: Feed
) -> None:
    async with clients(wire, door, 3, "lab.a") as (slow, *others):
        for seq in range(1, 21):
            await log.aappend("lab.a", "test.happened", seq)
            for one in others:
                await one.until_seq(seq)
        await slow.until_seq(20)
        await asleep(3)
        (group,) = fanout._current()._groups.values()
        assert [len(place.followers) for place in group._places.values()] == [3]
        await log.aappend("lab.a", "test.happened", "again together")
        for one in (slow, *others):
            await one.until_seq(21)
            assert one.seqs() == list(range(1, 22))


async def test_a_client_that_leaves_while_others_are_pushed_to_harms_nobody(
    door: Door, wire: AsgiWire, reader: Feed
) -> None:
    async with clients(wire, door, 3, "lab.a") as staying:
        async with seeing(READERS[door.name](wire, door.path), "lab.a"):
            await log.aappend("lab.a", "test.happened", 1)
        await log.aappend("lab.a", "test.happened", 2)
        for one in staying:
            await one.until_seq(2)
            assert one.seqs() == [1, 2]


async def test_nothing_is_pushed_to_a_stream_after_it_was_cut(door: Door, wire: AsgiWire, reader: Feed) -> None:
    async with clients(wire, door, 2, "lab.a") as (cut, other):
        hub = fanout._current()
        hub._rest_until = asyncio.get_running_loop().time() + 600
        await log.aappend("lab.a", "test.happened", 1)
        await await_until(lambda: reader.windows["lab.a"].head == 1, "the window to have the event")
        (group,) = hub._groups.values()
        ((first, _),) = [place.followers for place in group._places.values()]
        first.connection.stop(Stop("revoked", 0, at_once=True))
        hub._push()  # before the stream's own task has had a turn
        await other.until_seq(1)
        await cut.until(lambda seen: "close" in seen.controls)
    assert (cut.seqs(), other.seqs()) == ([], [1])


async def test_streams_of_different_topics_get_their_own(door: Door, wire: AsgiWire, reader: Feed) -> None:
    async with (
        seeing(READERS[door.name](wire, door.path), "lab.a") as first,
        seeing(READERS[door.name](wire, door.path), "lab.a", "lab.b") as both,
    ):
        await asleep(2)
        await log.aappend("lab.b", "test.happened", 1)
        await log.aappend("lab.a", "test.happened", 1)
        await both.until(lambda seen: len(seen.events) == 2)
        await first.until_seq(1)
    assert first.seqs("lab.b") == []


async def test_what_comes_during_a_rest_goes_out_together(
    door: Door, wire: AsgiWire, reader: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with clients(wire, door, 1, "lab.a") as (seen,):
        hub = fanout._current()
        hub._rest_until = asyncio.get_running_loop().time() + 600
        for seq in range(1, 4):
            await log.aappend("lab.a", "test.happened", seq)
        await await_until(lambda: reader.windows["lab.a"].head == 3, "the window to have all three")
        assert wire.pushed == 0
        hub._push()
        await seen.until_seq(3)
    assert wire.pushed == 3
    assert seen.seqs() == [1, 2, 3]


async def test_much_at_once_is_pushed_in_pieces(
    door: Door, wire: AsgiWire, reader: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "MAX_PUSH_BYTES", 500)
    async with clients(wire, door, 1, "lab.a") as (seen,):
        await queries.write(log.append_many, [log.NewEvent("lab.a", "test.happened", "x" * 200)] * 9)
        await seen.until_seq(9)
    assert seen.seqs() == list(range(1, 10))


async def test_a_push_that_fails_leaves_the_streams_to_themselves(
    door: Door, wire: AsgiWire, reader: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    async with clients(wire, door, 2, "lab.a") as seen:
        monkeypatch.setattr(fanout._Group, "_push_after", broken)
        await log.aappend("lab.a", "test.happened", 1)
        for one in seen:
            await one.until_seq(1)
    assert wire.pushed == 0
    assert "planted" in caplog.text


async def test_what_was_pushed_is_counted(door: Door, wire: AsgiWire, reader: Feed) -> None:
    def counted() -> tuple[int, int]:
        deliveries = deliveries_by_door().get(door.name)
        return (deliveries.events, sum(deliveries.latency_counts)) if deliveries else (0, 0)

    async with clients(wire, door, 4, "lab.a") as seen:
        events, latencies = counted()
        await log.aappend("lab.a", "test.happened", 1)
        for one in seen:
            await one.until_seq(1)
    assert counted() == (events + 4, latencies + 4)


async def test_without_the_setting_every_stream_sends_by_itself(
    door: Door, wire: AsgiWire, reader: Feed, settings: Any
) -> None:
    settings.FEED_FANOUT = False
    async with seeing(READERS[door.name](wire, door.path), "lab.a") as seen:
        await log.aappend("lab.a", "test.happened", 1)
        await seen.until_seq(1)
    assert wire.pushed == 0


async def test_the_last_stream_that_leaves_a_group_takes_it_along(door: Door, wire: AsgiWire, reader: Feed) -> None:
    async with clients(wire, door, 2, "lab.a"):
        pass
    assert fanout._current()._groups == {}
    assert reader.windows["lab.a"].subscribers == 0
