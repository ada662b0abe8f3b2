"""The chat as people meet it: daphne processes, a channel layer in Valkey, and WebSocket clients that are not ours."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
import websockets
from websockets.asyncio.client import ClientConnection

from tests.rig.waiting import await_until

PATIENCE_S = 60

# Whole sites choose their database themselves: one run of these tests is enough.
pytestmark = pytest.mark.only_on("sqlite")


@pytest_asyncio.fixture
async def connect():
    """Open WebSockets: `await connect(url, name="Ana")` talks chat.v1.json, `await connect(url)` plain text."""
    async with AsyncExitStack() as sockets:

        async def opened(url: str, name: str | None = None, **options) -> ClientConnection:
            if name is None:
                return await sockets.enter_async_context(websockets.connect(url, **options))
            url = f"{url}?name={name}"
            return await sockets.enter_async_context(websockets.connect(url, subprotocols=["chat.v1.json"], **options))

        yield opened


async def hear(socket: ClientConnection) -> str:
    return await asyncio.wait_for(socket.recv(), PATIENCE_S)


async def hear_or_end(socket: ClientConnection) -> str:
    try:
        return await hear(socket)
    except websockets.ConnectionClosed as closed:
        return f"closed with {closed.rcvd.code if closed.rcvd else 'nothing'}"


async def hear_of(socket: ClientConnection, kind: str, **members) -> dict:
    """Return the next frame of a kind that has `members`."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame = json.loads(await socket.recv())
            names = (frame.get("chat"), frame.get("control"), frame.get("type"))
            if kind in names and members.items() <= frame.items():
                return frame


async def say(socket: ClientConnection, text: str, line_id: str | None = None) -> None:
    await socket.send(json.dumps({"chat": "line", "text": text} | ({"id": line_id} if line_id else {})))


async def test_two_terminals_chat_over_both_addresses(live_site, connect):
    ana, ben = await connect(f"{live_site.ws_url}/"), await connect(f"{live_site.ws_url}/ws/chat/")
    for socket in (ana, ben):
        assert await hear(socket) == "Welcome to the WebSocket server!"
    await ana.send("Is anybody here?")
    assert await hear(ana) == "You said: Is anybody here?"
    assert await hear(ben) == "Other client said: Is anybody here?"


async def test_a_line_of_a_megabyte_is_answered_clearly(live_site, connect):
    ana = await connect(f"{live_site.ws_url}/ws/chat/")
    await hear(ana)
    await ana.send("x" * 1_000_000)
    # Stock daphne takes up to a mebibyte, and the room answers; a server with a lower limit closes with its own code.
    assert (await hear_or_end(ana)).startswith(("Error: the line is 1000000 characters long;", "closed with 1009"))


async def test_an_open_chat_is_counted_and_forgotten(live_site, connect):
    async def count() -> int:
        with live_site.client() as client:
            return (await asyncio.to_thread(client.get, "/api/status")).json()["connections"]["chat"]

    before = await count()
    ana = await connect(f"{live_site.ws_url}/ws/chat/")
    await hear(ana)
    assert await count() == before + 1
    await ana.close()

    async def is_as_before() -> bool:
        return await count() == before

    await await_until(is_as_before, "the connection to be forgotten")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_people_of_two_processes_hear_and_see_each_other_and_go_on_without_valkey(site, connect, database):
    both = await asyncio.to_thread(lambda: site(processes=2, database=database, redis=True))
    here, there = (f"{process.ws_url}/ws/chat/" for process in both.processes)
    ana, ben, terminal = await connect(here, "Ana"), await connect(there, "Ben"), await connect(there)
    ready = await hear_of(ana, "ready")
    assert await hear(terminal) == "Welcome to the WebSocket server!"

    await hear_of(ana, "joined", name="Ben")
    await ben.send(json.dumps({"chat": "typing"}))
    await hear_of(ana, "typing", name="Ben")
    await say(ben, "over the river")
    assert (await hear_of(ana, "chat.line"))["data"]["text"] == "over the river"
    assert await hear(terminal) == "Other client said: over the river"

    # Valkey dies: who is here may be lost, lines are not, and a newcomer gets in.
    await asyncio.to_thread(both.valkey.kill)
    late = await connect(here, "Late")
    await hear_of(late, "ready")
    await say(ben, "without Valkey", "line-0001")
    await hear_of(ben, "sent", id="line-0001")
    assert (await hear_of(ana, "chat.line"))["data"]["text"] == "without Valkey"

    # It comes back, and so does the knowledge of who is where.
    await asyncio.to_thread(both.valkey.start)
    await hear_of(ben, "joined", name="Late")

    # A process dies; its people come back elsewhere with their cursor and have missed nothing.
    epoch = ready["cursor"].partition("~")[0]
    await asyncio.to_thread(both.processes[0].kill)
    await say(ben, "are you there?", "line-0002")
    seq = (await hear_of(ben, "sent", id="line-0002"))["seq"]
    again = await connect(there + f"?after={epoch}~chat.lobby:{seq - 1}", subprotocols=["chat.v1.json"])
    assert (await hear_of(again, "chat.line"))["data"]["text"] == "are you there?"
    await hear_of(ben, "left", name="Ana")


async def test_while_postgresql_is_away_a_line_is_refused_and_later_goes_through(site, connect):
    alone = await asyncio.to_thread(lambda: site(database="postgresql"))
    ana = await connect(f"{alone.ws_url}/ws/chat/", "Ana")
    await hear_of(ana, "ready")
    await asyncio.to_thread(alone.postgresql.stop)
    await say(ana, "hello?", "line-0001")
    error = await hear_of(ana, "error")
    assert (error["code"], error["id"]) == ("unavailable", "line-0001")
    await asyncio.to_thread(alone.postgresql.start)

    async def goes_through() -> bool:
        await say(ana, "hello?", "line-0001")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = json.loads(await ana.recv())
                if frame.get("chat") in ("sent", "error"):
                    return frame["chat"] == "sent"

    await await_until(goes_through, "the line to go through", timeout_s=PATIENCE_S)
    assert (await hear_of(ana, "chat.line"))["data"]["text"] == "hello?"
    assert "Traceback" not in alone.log
