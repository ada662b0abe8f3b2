"""S3's readers: they come back when they are told to, and say what kept them out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.conformance.readers import Refused, Seen
from tests.security.bars import ended_rights

EVENT = Seen([{"topic": ended_rights.GROUP, "seq": 1}], "x~t:1")


def close(reason: str) -> Seen:
    return Seen([], "", control="close", raw={"reason": reason, "retry_ms": 0})


class Doors:
    """Somebody whose doors do, one time after the other, what is in `visits`: show frames, then end or refuse."""

    def __init__(self, *visits: list[Seen | Exception]) -> None:
        self.visits = list(visits)

    def at(self, door: str) -> "Doors":
        return self

    @contextlib.asynccontextmanager
    async def reads(self, *topics: str) -> AsyncIterator[AsyncIterator[Seen]]:
        async def frames() -> AsyncIterator[Seen]:
            for frame in self.visits.pop(0):
                if isinstance(frame, Exception):
                    raise frame
                yield frame

        yield frames()

    async def refusal(self, door: str, *topics: str) -> int | None:
        return 403


async def watched(*visits: list[Seen | Exception], door: str = "sse") -> Any:
    reader = ended_rights._Reader(door, 0)
    async with asyncio.timeout(30):
        await ended_rights._watch(Doors(*visits), reader)  # type: ignore[arg-type]
    return reader


async def test_a_reader_that_is_told_to_come_back_before_it_is_open_comes_back() -> None:
    # What a poll gets whose user moved while it was identified, and a stream; each as PROTOCOL.md has it.
    poll = await watched([Refused(503, "ask again")], [EVENT, Refused(403, "signed out")], door="long_poll")
    stream = await watched([close("life")], [EVENT, close("revoked")])
    for reader, reason in ((poll, "403 signed out"), (stream, "revoked")):
        assert (reader.is_open, reader.events, reader.reason, reader.refused_with) == (True, 1, reason, 403)
        assert reader.ended_at is not None


async def test_what_comes_after_the_end_is_counted() -> None:
    reader = await watched([EVENT, close("signed_out"), EVENT])
    assert (reader.events, reader.events_after_the_end) == (1, 1)


async def test_a_stream_that_ends_without_a_word_has_no_reason() -> None:
    reader = await watched([EVENT])
    assert reader.ended_at is not None
    assert reader.reason == ""


async def test_who_never_gets_in_is_told_of_with_the_words_it_was_sent_off_with() -> None:
    reader = await watched([Refused(503, "ask again")], [Refused(404, "no such topic")])
    assert not reader.is_open
    assert reader.settled.is_set()
    words = ended_rights._words_of_the_shut(ended_rights._CHANGES[0], [reader, await watched([EVENT])])
    assert words == (
        "before the logout, 1 of 2 doors stayed shut: sse on process 0: {'503 ask again': 1, '404 no such topic': 1}"
    )
