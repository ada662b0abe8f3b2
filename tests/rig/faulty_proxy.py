"""A small HTTP proxy in front of a site, that does to the feed's connections what proxies on the way to people do."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.rig.ports import free_port

_PIECE_BYTES = 65_536
_HEAD_END = b"\r\n\r\n"


@dataclass
class Exchange:
    """One request on its way, with a connection of its own on both sides."""

    head: bytes
    from_browser: asyncio.StreamReader
    to_browser: asyncio.StreamWriter
    from_site: asyncio.StreamReader
    to_site: asyncio.StreamWriter

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def is_websocket(self) -> bool:
        return b"upgrade: websocket" in self.head.lower()

    async def answer(self, status: str) -> None:
        """Answer in the site's place, with a page that is not the site's."""
        body = f"<h1>{status}</h1>".encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.to_browser.write(head.encode() + body)
        await self.to_browser.drain()

    async def ask_site(self) -> None:
        """Pass the request on, and what the browser sends after it, until it goes."""
        self.to_site.write(self.head)
        while piece := await self.from_browser.read(_PIECE_BYTES):
            self.to_site.write(piece)
            await self.to_site.drain()

    async def pass_back(self) -> None:
        """Pass the answer back as it comes, until the site ends it."""
        while piece := await self.from_site.read(_PIECE_BYTES):
            self.to_browser.write(piece)
            await self.to_browser.drain()


Fault = Callable[[Exchange], Awaitable[None]]


async def none(exchange: Exchange) -> None:
    """Pass everything on."""
    await exchange.pass_back()


async def refuse_websocket(exchange: Exchange) -> None:
    """Answer a WebSocket's handshake as an office does that knows none."""
    await (exchange.answer("403 Forbidden") if exchange.is_websocket else exchange.pass_back())


async def silence_websocket(exchange: Exchange) -> None:
    """Let a WebSocket open, and pass no frame on."""
    if exchange.is_websocket:
        exchange.to_browser.write(await exchange.from_site.readuntil(_HEAD_END))
        await exchange.from_site.read()
    else:
        await exchange.pass_back()


async def buffer(exchange: Exchange) -> None:
    """Collect an answer to its end before passing it on, and know no WebSocket."""
    if exchange.is_websocket:
        await exchange.answer("400 Bad Request")
    else:
        exchange.to_browser.write(await exchange.from_site.read())


async def bad_gateway(exchange: Exchange) -> None:
    """Answer as a proxy does whose site is away."""
    await exchange.answer("502 Bad Gateway")


def cut_after(life_s: float) -> Fault:
    """Return the fault that cuts every connection when it is `life_s` seconds old."""

    async def cut(exchange: Exchange) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(exchange.pass_back(), life_s)

    return cut


def reset_in_the_middle_of(text: bytes) -> Fault:
    """Return the fault that resets a connection as soon as `text` passed, once for each door."""
    done: set[str] = set()

    async def reset(exchange: Exchange) -> None:
        path = exchange.path.partition("?")[0]
        passed = b""
        while piece := await exchange.from_site.read(_PIECE_BYTES):
            passed += piece
            if path not in done and text in passed:
                done.add(path)
                exchange.to_browser.write(piece[: piece.find(text) + len(text)] if text in piece else b"")
                await exchange.to_browser.drain()
                _reset(exchange.to_browser)
                return
            exchange.to_browser.write(piece)
            await exchange.to_browser.drain()

    return reset


@dataclass
class FaultyProxy:
    """The proxy. It serves from a free port while it is entered; `fault` may be changed at any time.

    Args:
        site_port: of the site on this machine.
    """

    site_port: int
    fault: Fault = none
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Origin of the site as seen through the proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_count(self) -> int:
        """How many connections are open."""
        return len(self._open)

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.unplug()

    async def plug(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def unplug(self) -> None:
        """Take no more connections, and cut those that are open."""
        assert self._server is not None
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Reset every open connection."""
        serving = list(self._open)
        for to_browser in self._open.values():
            _reset(to_browser)
        await asyncio.gather(*serving)

    async def _serve(self, from_browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = to_browser
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._pass_on(from_browser, to_browser)
        finally:
            del self._open[task]
            to_browser.close()

    async def _pass_on(self, from_browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> None:
        head = _for_one_exchange(await from_browser.readuntil(_HEAD_END))
        from_site, to_site = await asyncio.open_connection("127.0.0.1", self.site_port)
        exchange = Exchange(head, from_browser, to_browser, from_site, to_site)
        fault = self.fault if exchange.path.startswith("/feed/") else none
        # Whoever goes first, browser or site, ends the exchange.
        asking, answering = asyncio.ensure_future(exchange.ask_site()), asyncio.ensure_future(fault(exchange))
        try:
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            answering.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)
            to_site.close()


def _for_one_exchange(head: bytes) -> bytes:
    """Ask for one answer a connection; a WebSocket's frames shall not be compressed, so that faults can read them."""
    is_websocket = b"upgrade: websocket" in head.lower()
    dropped = b"sec-websocket-extensions:" if is_websocket else b"connection:"
    lines = [line for line in head.removesuffix(_HEAD_END).split(b"\r\n") if not line.lower().startswith(dropped)]
    if not is_websocket:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + _HEAD_END


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset (RST) instead of a goodbye (FIN)."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() != -1:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
