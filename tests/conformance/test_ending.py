"""How a connection ends: by its client, by its server, by age; and what is left behind, which is nothing."""

import asyncio
import gc
import json
from typing import Any

import pytest

from apps.events import log, queries
from apps.events.feed import Feed
from apps.events.queries import LogUnavailable
from apps.transports.connections import Stop, open_connections, open_counts
from apps.transports.registry import Door
from realtime_site.asgi import application
from tests.conformance.readers import READERS, Reader, Refused, with_topics
from tests.conformance.seeing import PATIENCE_S, seeing
from tests.conformance.wires import AsgiWire, SocketClosed
from tests.rig.waiting import await_until


def assert_nothing_is_left(feed: Feed) -> None:
    assert open_counts() == {}
    for window in feed.windows.values():
        assert not window.waiters
        assert not window.subscribers


async def test_a_client_that_leaves_frees_its_waiter(door: Door, wire: AsgiWire, feed_of_this_test: Feed) -> None:
    if door.name == "short_poll":
        return  # it never waits
    if door.name == "long_poll":
        leaving = asyncio.create_task(_open_and_leave(wire, door))
        await leaving
    else:
        async with seeing(READERS[door.name](wire, door.path), "lab.a"):
            await await_until(lambda: open_counts() == {door.name: 1}, "the connection is counted")
            await await_until(lambda: feed_of_this_test.windows["lab.a"].waiters, "the reader waits")
    assert_nothing_is_left(feed_of_this_test)


async def _open_and_leave(wire: AsgiWire, door: Door) -> None:
    """Leave in the middle of the wait, before there is an answer."""
    scope = wire._scope("http", door.path, with_topics(("lab.a",)), None) | {"method": "GET", "scheme": "http"}
    to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    answers: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    call = asyncio.create_task(application(scope, to_application.get, send))
    await to_application.put({"type": "http.request", "body": b""})
    await await_until(lambda: open_counts() == {door.name: 1}, "the long poll is parked")
    await to_application.put({"type": "http.disconnect"})
    async with asyncio.timeout(PATIENCE_S):
        await call
    assert answers == []


async def test_a_server_that_cancels_a_connection_frees_its_waiter(
    stream_door: Door, wire: AsgiWire, feed_of_this_test: Feed
) -> None:
    kind = "websocket" if stream_door.name == "websocket" else "http"
    scope = wire._scope(kind, stream_door.path, with_topics(("lab.a",)), None) | {"method": "GET", "subprotocols": []}
    to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await to_application.put({"type": "http.request" if kind == "http" else "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        pass

    call = asyncio.create_task(application(scope, to_application.get, send))
    await await_until(lambda: open_counts() == {stream_door.name: 1}, "the stream is open")
    call.cancel()
    await asyncio.wait([call])
    assert_nothing_is_left(feed_of_this_test)


async def test_a_stream_that_reached_its_age_says_close_and_ends(
    stream_door: Door, wire: AsgiWire, settings: Any, feed_of_this_test: Feed
) -> None:
    settings.FEED_STREAM_LIFE_S = (0.1, 0.2)
    await log.aappend("lab.a", "test.happened", "only one")
    async with seeing(READERS[stream_door.name](wire, stream_door.path), "lab.a", after="start") as seen:
        await seen.until_seq(1)
        closing = await seen.one()
        assert closing.control == "close"
        assert closing.cursor.endswith("~lab.a:1")
        assert closing.raw["reason"] == "life"
        assert closing.raw["retry_ms"] >= 0
        if stream_door.name == "websocket":
            with pytest.raises(SocketClosed) as closed:
                await seen.one()
            assert closed.value.code == 4000
        else:
            with pytest.raises(StopAsyncIteration):
                await seen.one()
    assert_nothing_is_left(feed_of_this_test)


class Drain:
    """The server's drain extension, as apps/server offers it."""

    deadline_s, retry_ms = 5.0, 1234

    def __init__(self) -> None:
        self._calls: list[Any] = []

    def on_turn(self, call: Any) -> None:
        self._calls.append(call)

    def come(self) -> None:
        for call in self._calls:
            call(self)


async def test_a_draining_server_ends_a_stream_with_a_reason(
    stream_door: Door, feed_of_this_test: Feed, fanout: bool
) -> None:
    drain = Drain()
    wire = AsgiWire(application, fanout=fanout, drain=drain)
    reader = READERS[stream_door.name](wire, stream_door.path)
    async with seeing(reader, "lab.a") as seen:
        drain.come()
        closing = await seen.one()
    assert closing.control == "close"
    assert (closing.raw["reason"], closing.raw["retry_ms"]) == ("drain", 1234)


async def test_a_draining_server_answers_a_long_poll_empty(feed_of_this_test: Feed) -> None:
    drain = Drain()
    reader = READERS["long_poll"](AsgiWire(application, drain=drain), "/feed/long-poll")
    async with seeing(reader, "lab.a") as seen:
        waiting = asyncio.create_task(seen.one())
        await await_until(lambda: open_counts() == {"long_poll": 1}, "the long poll is parked")
        drain.come()
        answer = await waiting
    assert (answer.events, answer.reset) == ([], None)


async def test_a_connection_can_be_ended_from_within(stream_reader: Reader) -> None:
    async with seeing(stream_reader, "lab.a") as seen:
        await await_until(open_connections, "the connection is counted")
        for connection in open_connections():
            connection.stop(Stop("revoked", 0))
            connection.stop(Stop("life", 9))
        closing = await seen.one()
    assert closing.raw["reason"] == "revoked"


async def test_a_stream_lives_on_while_the_database_is_away(
    stream_reader: Reader, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FEED_HEARTBEAT_S = 0.1
    async with seeing(stream_reader, "lab.a") as seen:
        with monkeypatch.context() as away:
            away.setattr(queries, "run", _away)
            for _ in range(3):
                assert (await seen.one()).control == "heartbeat"
        await log.aappend("lab.a", "test.happened", "back")
        await seen.until_seq(1)
    assert seen.seqs() == [1]


async def test_a_door_tried_while_the_database_is_away_says_when_to_come_back(
    door: Door, wire: AsgiWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "run", _away)
    if door.name == "websocket":
        async with wire.socket(door.path, with_topics(("lab.a",))) as socket:
            told = json.loads(await socket.receive())
            assert (told["control"], told["reason"], told["retry_ms"]) == ("close", "log_unavailable", 1_000)
            with pytest.raises(SocketClosed) as closed:
                await socket.receive()
        assert closed.value.code == 4503
        return
    async with wire.get(door.path, with_topics(("lab.a",))) as answer:
        body = await answer.body()
        if door.name == "sse":
            assert answer.status == 200
            assert b"retry: 1000" in body
        else:
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert b"log_unavailable" in body
    assert b"Traceback" not in body


async def test_a_long_poll_answers_503_when_the_database_goes_away_under_it(
    wire: AsgiWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.aappend("lab.a", "test.happened", None)
    reader = READERS["long_poll"](wire, "/feed/long-poll")
    async with seeing(reader, "lab.a", after="start") as seen:
        cursor = seen.cursor
    monkeypatch.setattr(queries, "run", _away)
    with pytest.raises(Refused) as refused:
        async with seeing(reader, "lab.b", after=cursor):
            pass
    assert refused.value.status == 503


async def _away(query: Any, *args: Any, **kwargs: Any) -> Any:
    raise LogUnavailable("away, for this test")


async def test_a_hundred_clients_that_came_and_went_leave_nothing_behind(
    stream_door: Door, wire: AsgiWire, feed_of_this_test: Feed
) -> None:
    reader = READERS[stream_door.name](wire, stream_door.path)

    async def come_and_go() -> None:
        async with seeing(reader, "lab.a"):
            pass

    await come_and_go()
    tasks = len(asyncio.all_tasks())
    await asyncio.gather(*(come_and_go() for _ in range(100)))
    assert_nothing_is_left(feed_of_this_test)
    gc.collect()
    assert len(asyncio.all_tasks()) == tasks
