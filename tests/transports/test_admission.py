"""Who comes too often, or keeps too much open, is refused in words, in the manner of each door."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from django.test import Client

from apps.access import shared_buckets
from apps.access.client_address import counted_address
from apps.access.rate import Rate
from apps.events import feed, queries
from realtime_site.asgi import application
from tests.conformance.readers import READERS, Refused
from tests.conformance.seeing import seeing
from tests.conformance.wires import AsgiWire, SocketClosed

TOPIC = [("topic", "lab.a")]
POLL, LONG_POLL, SSE, STREAM, SOCKET = "/feed/poll", "/feed/long-poll", "/feed/sse", "/feed/stream", "/feed/ws"
NO_MORE = Rate(per_s=0.01, burst=2)


@pytest_asyncio.fixture
async def wire(transactional_db: None) -> AsyncIterator[AsgiWire]:
    yield AsgiWire(application)
    await shared_buckets.current().aclose()
    await feed.current().aclose()


async def poll(wire: AsgiWire, path: str = POLL, **headers: str) -> Any:
    """Return status, headers and body."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with wire.get(path, [*TOPIC, ("timeout", "0")], names) as answer:
        return answer.status, answer.headers, await answer.body()


async def test_an_address_that_comes_too_often_is_told_when_to_come_back(wire: AsgiWire, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "open_address": NO_MORE}
    assert [(await poll(wire, path))[0] for path in (POLL, LONG_POLL, POLL, LONG_POLL)] == [200, 200, 429, 429]
    status, headers, body = await poll(wire, STREAM)
    assert (status, headers["cache-control"]) == (429, "no-store")
    assert 1 <= int(headers["retry-after"]) <= 100
    assert headers["ratelimit-policy"] == '"open_address";q=2;w=200'
    assert headers["ratelimit"].startswith('"open_address";r=0;t=')
    assert json.loads(body)["error"]["code"] == "too_often"
    # An EventSource that met a 429 would never come back.
    status, headers, body = await poll(wire, SSE)
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert b"event: close\nretry: " in body
    assert b'"reason":"too_often"' in body
    # Neither would it know when; nor would a page whose WebSocket closes, which is told a code and words.
    async with wire.socket(SOCKET, TOPIC) as socket:
        told = json.loads(await socket.receive())
        assert (told["control"], told["reason"]) == ("close", "too_often")
        assert 1_000 <= told["retry_ms"] <= 100_000
        with pytest.raises(SocketClosed, match=r"4429 that was more often than 0\.6 a minute"):
            await socket.receive()


@pytest.mark.parametrize("path", ["/lab/clock", "/lab/runs", "/admin/live/stream"])
async def test_what_is_no_door_of_the_feed_is_counted_too_whoever_its_cookies_say_it_is(
    path: str, wire: AsgiWire, settings: Any
) -> None:
    settings.RATES = {**settings.RATES, "open_address": NO_MORE}
    statuses = [(await poll(wire, path, cookie=f"sessionid=invented{number}"))[0] for number in range(4)]
    assert statuses[0] == statuses[1] != 429
    assert statuses[2:] == [429, 429]


async def test_the_chat_which_has_frames_of_its_own_is_closed_without_one_of_the_feeds(
    wire: AsgiWire, settings: Any
) -> None:
    settings.MAX_CONNECTIONS = {"address": 0, "user": None}
    with pytest.raises(SocketClosed, match="4429 0 connections"):
        async with wire.socket("/", []) as socket:
            await socket.receive()


@pytest.mark.parametrize("header", ["x_forwarded_for", "x_real_ip", "forwarded", "x_client_ip", "cf_connecting_ip"])
async def test_a_forged_address_changes_nothing(header: str, wire: AsgiWire, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "open_address": NO_MORE}
    statuses = [(await poll(wire, **{header: f"10.0.0.{number}"}))[0] for number in range(4)]
    assert statuses == [200, 200, 429, 429]


async def test_a_user_is_counted_wherever_they_come_from(wire: AsgiWire, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "open_user": NO_MORE}
    tab = Client()
    await queries.write(lambda: tab.force_login(User.objects.create_user("ada")))
    cookie = f"sessionid={tab.cookies['sessionid'].value}"
    assert [(await poll(wire, cookie=cookie))[0] for _ in range(3)] == [200, 200, 429]
    assert (await poll(wire))[0] == 200  # nobody in particular


async def test_an_address_keeps_only_so_many_connections_open(wire: AsgiWire, settings: Any) -> None:
    settings.MAX_CONNECTIONS = {"address": 2, "user": None}
    doors = {name: READERS[name](wire, path) for name, path in (("fetch_stream", STREAM), ("websocket", SOCKET))}
    async with seeing(doors["fetch_stream"], "lab.a"), seeing(doors["websocket"], "lab.a"):
        with pytest.raises(Refused) as refused:
            async with seeing(doors["fetch_stream"], "lab.a"):
                pass
        assert (refused.value.status, refused.value.error["code"]) == (429, "too_many_connections")
        with pytest.raises(SocketClosed, match="4429 2 connections are open already"):
            async with seeing(doors["websocket"], "lab.a") as seen:
                await seen.one()
        assert seen.controls == ["close"]  # and never `ready`
    # Those that left made room.
    async with seeing(doors["fetch_stream"], "lab.a"), seeing(doors["websocket"], "lab.a"):
        pass


@pytest.mark.parametrize(
    ("client", "counted_as"),
    [
        (("192.0.2.7", 4), "192.0.2.7"),
        (("::ffff:192.0.2.7", 4), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 4), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 4), "2001:db8:1:2::/64"),
        (("a lie", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_is_that_of_the_connection(client: Any, counted_as: str) -> None:
    assert counted_address({"client": client}) == counted_as
