"""Thousands of stream readers in one process: each is a parser on a connection, without a task of its own."""

import asyncio
import base64
import contextlib
import json
import os
import random
import time
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode, urlsplit

from tests.faults.checker import ClientHistory, SeenEvent
from tests.faults.clients import PATHS, positions_of

STREAMS = ("sse", "fetch_stream", "websocket")


class CrowdReader(asyncio.Protocol):
    """One reader of one stream, without reconnecting: a connection that breaks stays broken, and is counted.

    Args:
        url: origin of the site.
        topics: what to subscribe to.
        after: where to begin.
    """

    def __init__(self, name: str, door: str, url: str, topics: Sequence[str], after: str) -> None:
        self.history = ClientHistory(name, door, frozenset(topics), connections=1)
        self.url = url
        self.positions: dict[str, int] = {}
        self.is_broken = False
        self.refused: int | None = None
        self.close_frame: dict | None = None
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._body = b""
        self._take_bytes = self._take_head
        target = f"{PATHS[door]}?{urlencode([*(('topic', topic) for topic in topics), ('after', after)])}"
        upgrade = ""
        if door == "websocket":
            key = base64.b64encode(os.urandom(16)).decode()
            upgrade = (
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            )
        self._request = f"GET {target} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n{upgrade}\r\n".encode()

    @property
    def is_open(self) -> bool:
        """Whether it was told its place, and is connected."""
        return bool(self.history.starts) and not self.is_broken

    def has_read(self, heads: dict[str, int]) -> bool:
        """Return whether it has seen its topics up to `heads`."""
        return all(self.positions.get(topic, -1) >= heads.get(topic, 0) for topic in self.history.topics)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_broken = True

    def data_received(self, data: bytes) -> None:
        self._rest += data
        self._take_bytes()

    def _take_head(self) -> None:
        head, found, rest = self._rest.partition(b"\r\n\r\n")
        if not found:
            return
        status = int(head.split(b" ", 2)[1])
        if status not in (101, 200):
            self.refused = status
            self.close()
            return
        self._rest = rest
        self._take_bytes = self._take_messages if status == 101 else self._take_chunks
        self._take_bytes()

    def _take_chunks(self) -> None:
        rest, at, body = self._rest, 0, [self._body]
        while (end := rest.find(b"\r\n", at)) >= 0:
            begin, size = end + 2, int(rest[at:end], 16)
            if len(rest) < begin + size + 2:
                break
            body.append(rest[begin : begin + size])
            at = begin + size + 2
        self._rest = rest[at:]
        *lines, self._body = b"".join(body).split(b"\n")
        for line in lines:
            # NDJSON, or the line of a server-sent event that holds the frame.
            if line.startswith((b"{", b"data: {")):
                self._take_frame(line.removeprefix(b"data: "))

    def _take_messages(self) -> None:
        """Take whole WebSocket frames (RFC 6455, section 5.2); the server sends them unmasked and unfragmented."""
        rest, at = self._rest, 0
        while len(rest) >= at + 2:
            size, begin = rest[at + 1] & 0x7F, at + 2
            if size >= 126:
                begin = at + (4 if size == 126 else 10)
                if len(rest) < begin:
                    break
                size = int.from_bytes(rest[at + 2 : begin], "big")
            if len(rest) < begin + size:
                break
            opcode, payload, at = rest[at] & 0x0F, rest[begin : begin + size], begin + size
            if opcode == 0x1:
                self._take_frame(payload)
            elif opcode == 0x9 and self._transport is not None:
                # Masked, as a client's frames have to be, with zeros.
                self._transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        self._rest = rest[at:]

    def _take_frame(self, text: bytes) -> None:
        frame, now = json.loads(text), time.monotonic()
        match frame.get("control"):
            case None:
                key = str((frame["data"] or {}).get("key"))
                self.history.seen.append(SeenEvent(frame["topic"], frame["seq"], key, now))
                self.positions[frame["topic"]] = frame["seq"]
            case "ready":
                self.history.opened_s = now
                self.history.starts = positions_of(frame["cursor"])
                self.positions = dict(self.history.starts)
            case "close":
                self.close_frame = frame


async def connect(readers: Iterable[CrowdReader], url: str, within_s: float, at_once: int = 200) -> None:
    """Connect `readers` evenly over `within_s` seconds.

    Args:
        at_once: the most that may be on their way.
    """
    loop = asyncio.get_running_loop()
    host, port = urlsplit(url).hostname, urlsplit(url).port
    room = asyncio.Semaphore(at_once)
    readers = list(readers)
    random.Random(0).shuffle(readers)
    began_s = loop.time()

    async def one(reader: CrowdReader, at_s: float) -> None:
        await asyncio.sleep(max(0.0, began_s + at_s - loop.time()))
        async with room:
            try:
                await loop.create_connection(lambda: reader, host, port)
            except OSError:
                reader.is_broken = True

    await asyncio.gather(*(one(reader, within_s * n / len(readers)) for n, reader in enumerate(readers)))


@contextlib.contextmanager
def hanging_up(readers: Sequence[CrowdReader]):
    """Hang up on all of them at the end of the block."""
    try:
        yield
    finally:
        for reader in readers:
            reader.close()
