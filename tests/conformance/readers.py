"""A reader for each door: the same four things to a test, whatever goes over the wire.

`reads` yields Seen, what one answer or frame told; leaving the block cuts the connection. A reader is written from
PROTOCOL.md and uses nothing of apps/transports, so that it can disagree with it.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from httpx_sse import SSEError
from httpx_sse._decoders import SSEDecoder

from tests.conformance.wires import Headers, Params, Socket, Wire

POLL_TIMEOUT_S = 5


@dataclass
class Refused(Exception):
    """The door did not open: an HTTP status, or a close code less 4000, and the message."""

    status: int
    message: str
    error: dict[str, Any] = field(default_factory=dict)


@dataclass
class Seen:
    """What one answer (polls) or one frame (streams) told."""

    events: list[dict[str, Any]]
    cursor: str
    reset: dict[str, Any] | None = None
    control: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)  # each event's JSON as it came


def with_topics(topics: tuple[str, ...], **params: Any) -> Params:
    return [("topic", topic) for topic in topics] + [(k, str(v)) for k, v in params.items() if v is not None]


class Reader:
    """Reads one door."""

    is_stream: bool

    def __init__(self, wire: Wire, path: str) -> None:
        self.wire, self.path = wire, path

    def reads(
        self, *topics: str, headers: Headers | None = None, **params: Any
    ) -> contextlib.AbstractAsyncContextManager[AsyncIterator[Seen]]:
        """Open the door with these topics and parameters (after, last, limit)."""
        raise NotImplementedError


class PollReader(Reader):
    """Polls again and again, each time from the cursor of the answer before."""

    is_stream = False
    at_once: dict[str, Any] = {}
    later: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def reads(
        self, *topics: str, headers: Headers | None = None, **params: Any
    ) -> AsyncIterator[AsyncIterator[Seen]]:
        async def polls() -> AsyncGenerator[Seen, None]:
            first = True
            asked = params
            while True:
                # The header names the first place only: a page that polls goes on with `after`. The first answer is
                # had at once (timeout 0), as a stream's first frame is.
                now = self.at_once if first else self.later
                yield (seen := await self.poll(topics, headers if first else None, {**now, **asked}))
                asked, first = {**params, "after": seen.cursor}, False

        async with contextlib.aclosing(polls()) as answers:
            yield answers

    async def poll(self, topics: tuple[str, ...], headers: Headers | None, params: dict[str, Any]) -> Seen:
        async with self.wire.get(self.path, with_topics(topics, **params), headers) as answer:
            body = await answer.body()
            raise_if_refused(answer.status, body)
            batch = json.loads(body)
            texts = _events_as_written(body)
            return Seen(batch["events"], batch["cursor"], batch["reset"], raw=batch, texts=texts)


class ShortPollReader(PollReader):
    pass


class LongPollReader(PollReader):
    at_once = {"timeout": 0}
    later = {"timeout": POLL_TIMEOUT_S}


class StreamReader(Reader):
    """Reads frames off one long answer."""

    is_stream = True

    @contextlib.asynccontextmanager
    async def reads(
        self, *topics: str, headers: Headers | None = None, **params: Any
    ) -> AsyncIterator[AsyncIterator[Seen]]:
        async with self.wire.get(self.path, with_topics(topics, **params), headers) as answer:
            if answer.status != 200:
                raise_if_refused(answer.status, await answer.body())
            yield self.frames(answer.pieces)

    def frames(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Seen]:
        raise NotImplementedError


class FetchStreamReader(StreamReader):
    async def frames(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Seen]:
        place = _Place()
        async for line in _lines(pieces, b"\n"):
            yield place.take(line)


class SseReader(StreamReader):
    async def frames(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Seen]:
        place = _Place()
        decoder = SSEDecoder()
        async for line in _lines(pieces, b"\n"):
            event = decoder.decode(line)
            if event is None:
                continue
            if not event.data:
                raise SSEError("a frame without data")
            seen = place.take(event.data)
            assert event.event == (seen.control or "message")
            if "cursor" in seen.raw or not seen.control:
                # The `id:` is what EventSource comes back with: it must be the cursor, on controls too.
                seen.cursor = event.id
                assert event.id == seen.raw.get("cursor", event.id)
            yield seen


class WebSocketReader(Reader):
    is_stream = True

    @contextlib.asynccontextmanager
    async def reads(
        self, *topics: str, headers: Headers | None = None, **params: Any
    ) -> AsyncIterator[AsyncIterator[Seen]]:
        async with self.wire.socket(self.path, with_topics(topics, **params), headers) as socket:
            yield self.messages(socket)

    async def messages(self, socket: Socket) -> AsyncIterator[Seen]:
        place = _Place()
        while True:
            yield place.take(await socket.receive())


READERS: dict[str, type[Reader]] = {
    "short_poll": ShortPollReader,
    "long_poll": LongPollReader,
    "sse": SseReader,
    "fetch_stream": FetchStreamReader,
    "websocket": WebSocketReader,
}


class _Place:
    """The cursor of a client that advances its own: every event carries its topic and seq."""

    def __init__(self) -> None:
        self._cursor = ""

    def take(self, text: str) -> Seen:
        frame = json.loads(text)
        if control := frame.get("control"):
            self._cursor = frame.get("cursor", self._cursor)
            return Seen([], self._cursor, frame if control == "reset" else None, control, frame)
        epoch, _, rest = self._cursor.partition("~")
        positions = dict(part.rsplit(":", 1) for part in rest.split(",") if part)
        positions[frame["topic"]] = str(frame["seq"])
        self._cursor = f"{epoch}~" + ",".join(f"{topic}:{seq}" for topic, seq in sorted(positions.items()))
        return Seen([frame], self._cursor, raw=frame, texts=[text])


def raise_if_refused(status: int, body: bytes) -> None:
    if status != 200:
        error = json.loads(body)["error"]
        assert error.keys() == {"code", "message", "hint"}
        assert all(error.values())
        raise Refused(status, error["message"], error)


async def _lines(pieces: AsyncIterator[bytes], end: bytes) -> AsyncIterator[str]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(end)
        for line in lines:
            yield line.decode()


def _events_as_written(body: bytes) -> list[str]:
    """Return the JSON of each event in a batch, character by character as it came."""
    text = body.decode()
    decoder, at, texts = json.JSONDecoder(), len('{"events":['), []
    while text[at] != "]":
        _event, end = decoder.raw_decode(text, at)
        texts.append(text[at:end])
        at = end + (text[end] == ",")
    return texts
