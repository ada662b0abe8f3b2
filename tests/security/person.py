"""Somebody at one web process: reads on every door, publishes, with their own cookie or with none."""

import asyncio
from typing import Any

from apps.transports.registry import DOORS
from tests.conformance.readers import READERS, Reader, Refused
from tests.conformance.seeing import Seeing, seeing
from tests.conformance.wires import SocketClosed
from tests.rig.accounts import Account
from tests.security.kept_wire import KeptWire

PATHS = {door.name: door.path for door in DOORS}


class Person(KeptWire):
    """A browser that keeps its connection.

    Args:
        url: origin of the web process.
        account: whose cookies it sends; None: none.
        token: what it sends besides, see `KeptWire`.
    """

    def __init__(self, url: str, account: Account | None, token: str = "") -> None:
        super().__init__(url, account, token)
        self._csrf = {"X-CSRFToken": account.cookies()["csrftoken"]} if account else {}

    def at(self, door: str) -> Reader:
        """Return the reader of a door."""
        return READERS[door](self, PATHS[door])

    async def refusal(self, door: str, *topics: str, **asked: Any) -> int | None:
        """Open a door; return the status that it is refused with, or None where it opens."""
        try:
            async with seeing(self.at(door), *topics, **asked):
                return None
        except Refused as refused:
            return refused.status
        except SocketClosed as closed:
            return closed.code - 4000

    async def reads(self, door: str, topic: str, seq: int, **asked: Any) -> Seeing | int:
        """Read `topic` up to `seq`; return what was seen, or the status that the door is refused with."""
        try:
            async with seeing(self.at(door), topic, **asked) as seen:
                return await seen.until_seq(seq)
        except Refused as refused:
            return refused.status
        except SocketClosed as closed:
            return closed.code - 4000

    async def publishes(self, topic: str, data: Any) -> tuple[int, int]:
        """Publish an event; return the status, and the event's seq (0 where it was refused)."""
        answer = await self._http.post(
            f"/api/topics/{topic}/events", json={"type": "test.happened", "data": data}, headers=self._csrf
        )
        return answer.status_code, answer.json().get("seq", 0)

    async def posts(self, path: str, body: str) -> int:
        """Post a body that is called JSON; return the status."""
        headers = {**self._csrf, "Content-Type": "application/json"}
        return (await self._http.post(path, content=body, headers=headers)).status_code


async def close_all(people: Any) -> None:
    """Let go of the connections of `people`."""
    await asyncio.gather(*(person.aclose() for person in people))
