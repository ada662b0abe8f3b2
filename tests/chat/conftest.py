"""People at the chat, in the process of the tests: the whole consumer, without a server in between."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest_asyncio
from channels.testing import WebsocketCommunicator

from apps.access.identity import ANONYMOUS
from apps.chat import presence
from apps.chat.consumer import ChatConsumer
from apps.events import feed

# For what never comes; no measure of speed.
PATIENCE_S = 120


class Person:
    """Somebody who talks plain text: what a terminal client sees."""

    subprotocols: list[str] = []

    def __init__(self, path: str = "/ws/chat/", **query: Any) -> None:
        if query:
            path += "?" + urlencode(query)
        self.reads = asyncio.Event()  # cleared: the client reads nothing, and the server's send waits
        self.reads.set()
        self.socket = WebsocketCommunicator(self._connection, path, subprotocols=self.subprotocols)
        self.socket.scope["identity"] = ANONYMOUS
        self.subprotocol = None

    async def _connection(self, scope, receive, send) -> None:
        async def send_to_who_reads(message) -> None:
            await self.reads.wait()
            await send(message)

        await ChatConsumer.as_asgi()(scope, receive, send_to_who_reads)

    async def comes(self):
        """Connect, without waiting for the first word."""
        is_accepted, self.subprotocol = await self.socket.connect(timeout=PATIENCE_S)
        assert is_accepted
        return self

    async def hears(self) -> str:
        """Return the next frame."""
        return await self.socket.receive_from(timeout=PATIENCE_S)

    async def says(self, text: str) -> None:
        await self.socket.send_input({"type": "websocket.receive", "text": text})

    async def sees_the_end(self) -> int:
        """Return the code that the server closes with; nothing else may come before."""
        message = await self.socket.receive_output(timeout=PATIENCE_S)
        assert message["type"] == "websocket.close", message
        return message["code"]

    async def goes(self) -> None:
        await self.socket.disconnect(timeout=PATIENCE_S)


class NamedPerson(Person):
    """Somebody who talks `chat.v1.json`."""

    subprotocols = ["chat.v1.json"]
    ready: dict[str, Any]

    async def arrives(self):
        """Connect and read `ready` and the list of who is here."""
        await self.comes()
        self.ready = await self.hears_frame()
        assert self.ready["control"] == "ready", self.ready
        return self

    async def hears_frame(self) -> dict[str, Any]:
        return json.loads(await self.hears())

    async def hears_of(self, kind: str) -> dict[str, Any]:
        """Return the next frame of a kind: `line`, `heartbeat`, `reset`, `sent`, `joined`, `error` …"""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.hears_frame()
                if kind in (frame.get("chat"), frame.get("control"), str(frame.get("type")).removeprefix("chat.")):
                    return frame

    async def hears_lines(self, count: int) -> list[str]:
        """Return the texts of the next lines, in order."""
        return [(await self.hears_of("line"))["data"]["text"] for _ in range(count)]

    async def sends(self, **frame: Any) -> None:
        await self.says(json.dumps(frame))

    async def says_line(self, text: str, **more: Any) -> None:
        await self.sends(chat="line", text=text, **more)


@pytest_asyncio.fixture
async def room():
    """Let people in: `ana = await room(NamedPerson(name="Ana")).arrives()`. They leave with the test."""
    people: list[Person] = []

    def let_in(person: Person) -> Any:
        people.append(person)
        return person

    yield let_in
    for person in people:
        if not person.socket.future.done():
            await person.goes()
    await presence.current().aclose()
    await feed.current().aclose()
    leftover = asyncio.all_tasks() - {asyncio.current_task()}
    assert not leftover, "the chat left tasks behind"
