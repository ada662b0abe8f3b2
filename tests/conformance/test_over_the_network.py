"""The promises of every door once more, with real servers, sockets and clients between."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from apps.transports.registry import DOORS, Door
from tests.conformance.readers import READERS, with_topics
from tests.conformance.seeing import Seeing, seeing
from tests.conformance.wires import NetworkWire, SocketClosed
from tests.rig.site import Site


@contextlib.asynccontextmanager
async def publisher(site: Site, process: int = 0) -> AsyncIterator[Any]:
    """Publish as an editor does, over HTTP."""
    origin = site.urls[process]
    headers = {"X-CSRFToken": site.admin.cookies()["csrftoken"], "Origin": origin}
    async with httpx.AsyncClient(base_url=origin, cookies=site.admin.cookies(), headers=headers, timeout=60) as client:

        async def publish(topic: str, data: Any) -> int:
            answer = await client.post(f"/api/topics/{topic}/events", json={"type": "test.happened", "data": data})
            assert answer.status_code == 201, answer.text
            return answer.json()["seq"]

        yield publish


@pytest.fixture
def topic() -> str:
    """A topic of this test's own, since it shares the site."""
    return f"lab.{secrets.token_hex(6)}"


async def test_history_then_live_then_back_with_the_cursor(door: Door, live_site: Site, topic: str) -> None:
    reader = READERS[door.name](NetworkWire(live_site.url), door.path)
    async with publisher(live_site) as publish:
        await publish(topic, "history")
        async with seeing(reader, topic, after="start") as before:
            await publish(topic, "live")
            await before.until_seq(2)
        await publish(topic, "missed")
        async with seeing(reader, topic, after=before.cursor) as after:
            await after.until_seq(3)
    assert before.seqs() + after.seqs() == [1, 2, 3]


async def test_a_client_that_is_cut_in_the_middle_of_many_events_loses_none(
    stream_door: Door, live_site: Site, topic: str
) -> None:
    reader = READERS[stream_door.name](NetworkWire(live_site.url), stream_door.path)
    seqs: list[int] = []
    cursor = "start"
    async with publisher(live_site) as publish:
        for round_ in range(3):
            for i in range(10):
                await publish(topic, [round_, i])
            async with seeing(reader, topic, after=cursor) as seen:
                await seen.until(lambda s: len(s.events) >= 5)
            cursor = seen.cursor
            seqs += seen.seqs()
        async with seeing(reader, topic, after=cursor) as seen:
            await seen.until_seq(30)
        seqs += seen.seqs()
    assert seqs == list(range(1, 31))


async def test_what_cannot_be_served_is_refused_and_the_server_goes_on(door: Door, live_site: Site, topic: str) -> None:
    wire = NetworkWire(live_site.url)
    for query in ([("topic", topic), ("after", "\x00\r\n")], [("topic", "NO")], [], [("topic", topic), ("last", "-1")]):
        if door.name == "websocket":
            async with wire.socket(door.path, query) as socket:
                with pytest.raises(SocketClosed) as closed:
                    await socket.receive()
            assert closed.value.code == 4400
        else:
            async with wire.get(door.path, query) as answer:
                assert answer.status == 400
                assert b"Traceback" not in await answer.body()
    async with publisher(live_site) as publish, seeing(READERS[door.name](wire, door.path), topic) as seen:
        await publish(topic, "still here")
        await seen.until_seq(1)
    assert "Traceback" not in live_site.log


async def test_a_hostile_page_gets_no_socket_and_a_terminal_does(live_site: Site, topic: str) -> None:
    import websockets

    wire = NetworkWire(live_site.url)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with wire.socket("/feed/ws", with_topics((topic,)), {"Origin": "https://evil.example"}):
            pass
    assert refused.value.response.status_code == 403
    async with wire.socket("/feed/ws", with_topics((topic,))) as socket:
        assert '"control":"ready"' in await socket.receive()


class TestTwoProcesses:
    """Two daphnes that share PostgreSQL and Valkey."""

    async def test_what_is_posted_through_one_arrives_on_every_door_of_the_other_with_and_without_valkey(
        self, site: Any
    ) -> None:
        running: Site = site(processes=2, database="postgresql", redis=True)
        wire = NetworkWire(running.urls[1])
        async with contextlib.AsyncExitStack() as stack:
            publish = await stack.enter_async_context(publisher(running, process=0))
            seen: dict[str, Seeing] = {}
            for door in DOORS:
                reader = READERS[door.name](wire, door.path)
                seen[door.name] = await stack.enter_async_context(seeing(reader, "lab.shared"))
            await publish("lab.shared", "with Valkey")
            for one in seen.values():
                await one.until_seq(1)
            assert running.valkey is not None
            running.valkey.stop()
            await publish("lab.shared", "without Valkey")
            for one in seen.values():
                await one.until_seq(2)
            running.valkey.start()
            await publish("lab.shared", "Valkey is back")
            for one in seen.values():
                await one.until_seq(3)
            assert {name: one.seqs() for name, one in seen.items()} == {door.name: [1, 2, 3] for door in DOORS}
            # Streams were never broken: `ready` came once.
            assert all(one.controls.count("ready") == 1 for one in seen.values() if one.controls)
