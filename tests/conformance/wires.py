"""Two ways to reach the doors: the ASGI application in this process, and a server over the network.

In-process, a test can hold a query back or lose a hint; over the network, it sees what a client sees.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx
import websockets

Params = list[tuple[str, str]]
Headers = dict[str, str]


class SocketClosed(Exception):
    """The server closed the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


@dataclass
class Answer:
    """An HTTP answer whose body is still coming."""

    status: int
    headers: dict[str, str]
    pieces: AsyncIterator[bytes] = field(repr=False)

    async def body(self) -> bytes:
        """Return the whole body."""
        return b"".join([piece async for piece in self.pieces])


class Socket(Protocol):
    async def receive(self) -> str:
        """Return the next text message; SocketClosed where there is none."""

    async def send(self, message: str | bytes) -> None: ...


class Wire(Protocol):
    def get(
        self, path: str, params: Params, headers: Headers | None = None, method: str = "GET"
    ) -> contextlib.AbstractAsyncContextManager[Answer]:
        """Open a request; leaving the block cuts it."""

    def socket(
        self, path: str, params: Params, headers: Headers | None = None
    ) -> contextlib.AbstractAsyncContextManager[Socket]:
        """Open a WebSocket; leaving the block cuts it."""


class AsgiWire:
    """The application in this process, driven by ASGI messages.

    Args:
        fanout: offer the extension of that name, as apps/server does.
        extensions: further ones.
    """

    def __init__(self, application: Any, *, fanout: bool = False, **extensions: Any) -> None:
        self._application, self._fanout, self._extensions = application, fanout, extensions
        self.pushed = 0  # messages that came through the extension

    @contextlib.asynccontextmanager
    async def get(
        self, path: str, params: Params, headers: Headers | None = None, method: str = "GET"
    ) -> AsyncIterator[Answer]:
        scope = self._scope("http", path, params, headers) | {"method": method, "scheme": "http"}
        async with _Call(self._application, scope, self) as call:
            await call.to_application.put({"type": "http.request", "body": b"", "more_body": False})
            start = await call.next()
            assert start["type"] == "http.response.start", start

            async def pieces() -> AsyncIterator[bytes]:
                while True:
                    message = await call.next()
                    yield message.get("body", b"")
                    if not message.get("more_body"):
                        return

            headers_ = {name.decode().lower(): value.decode() for name, value in start["headers"]}
            try:
                yield Answer(start["status"], headers_, pieces())
            finally:
                await call.to_application.put({"type": "http.disconnect"})

    @contextlib.asynccontextmanager
    async def socket(self, path: str, params: Params, headers: Headers | None = None) -> AsyncIterator[Socket]:
        scope = self._scope("websocket", path, params, headers)
        offered = dict(scope["headers"]).get(b"sec-websocket-protocol", b"").decode()
        scope |= {"scheme": "ws", "subprotocols": [name.strip() for name in offered.split(",") if name.strip()]}
        async with _Call(self._application, scope, self) as call:
            await call.to_application.put({"type": "websocket.connect"})
            first = await call.next()
            if first["type"] == "websocket.close":
                raise SocketClosed(403, "the handshake was refused")
            try:
                yield _AsgiSocket(call, first.get("subprotocol"))
            finally:
                await call.to_application.put({"type": "websocket.disconnect", "code": 1006})

    def _scope(self, kind: str, path: str, params: Params, headers: Headers | None) -> dict[str, Any]:
        return {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": urlencode(params).encode(),
            "headers": [(b"host", b"localhost")]
            + [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "extensions": dict(self._extensions) | ({"fanout": None} if self._fanout else {}),
        }


class _Call:
    """One run of the application. Leaving waits until it has ended, so that a test sees what it left behind."""

    def __init__(self, application: Any, scope: dict[str, Any], wire: AsgiWire) -> None:
        self.to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        # One message at a time, as a server with flow control: `send` waits for a client that does not read.
        self._from_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=1)
        self._application, self._scope = application, scope
        if "fanout" in scope["extensions"]:
            scope["extensions"]["fanout"] = _AsgiOutlet(wire, scope["type"], self._from_application)

    async def __aenter__(self) -> "_Call":
        self._task = asyncio.create_task(
            self._application(self._scope, self.to_application.get, self._from_application.put)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        _done, pending = await asyncio.wait([self._task], timeout=10)
        self._task.cancel()
        assert not pending, "the application went on after its client had left"
        if not self._task.cancelled():
            await self._task

    async def next(self) -> dict[str, Any]:
        getting = asyncio.create_task(self._from_application.get())
        done, _ = await asyncio.wait([getting, self._task], return_when=asyncio.FIRST_COMPLETED)
        if getting in done:
            return getting.result()
        getting.cancel()
        self._task.result()
        raise AssertionError("the application ended without another message")


class _AsgiOutlet:
    """The extension `fanout` of one call: it sends unless the message before is still on its way."""

    def __init__(self, wire: AsgiWire, kind: str, messages: asyncio.Queue[dict[str, Any]]) -> None:
        self._wire, self._kind, self._messages = wire, kind, messages

    @staticmethod
    def frame(message: bytes) -> bytes:
        return message + b"\0"  # so that bytes framed twice, or never, are noticed

    def send(self, framed: bytes) -> bool:
        if self._messages.full():
            return False
        *messages, rest = framed.split(b"\0")
        assert not rest
        if self._kind == "http":
            self._messages.put_nowait({"type": "http.response.body", "body": b"".join(messages), "more_body": True})
        else:
            # One WebSocket frame after the other: they arrived together.
            self._messages.put_nowait({"type": "websocket.send", "texts": [message.decode() for message in messages]})
        self._wire.pushed += len(messages)
        return True

    @staticmethod
    def send_each(framed: bytes, outlets: Sequence["_AsgiOutlet"]) -> list[int]:
        return [index for index, outlet in enumerate(outlets) if not outlet.send(framed)]


class _AsgiSocket:
    def __init__(self, call: _Call, subprotocol: str | None) -> None:
        self._call = call
        self.subprotocol = subprotocol
        self._texts: list[str] = []

    async def receive(self) -> str:
        if self._texts:
            return self._texts.pop(0)
        message = await self._call.next()
        if message["type"] == "websocket.close":
            raise SocketClosed(message["code"], message.get("reason", ""))
        self._texts = message.get("texts") or [message["text"]]
        return self._texts.pop(0)

    async def send(self, message: str | bytes) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        await self._call.to_application.put({"type": "websocket.receive", kind: message})


class NetworkWire:
    """A server, reached with httpx and websockets."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextlib.asynccontextmanager
    async def get(
        self, path: str, params: Params, headers: Headers | None = None, method: str = "GET"
    ) -> AsyncIterator[Answer]:
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=60, trust_env=False) as client,
            client.stream(method, path, params=params, headers=headers) as response,
        ):
            yield Answer(response.status_code, dict(response.headers), response.aiter_raw())

    @contextlib.asynccontextmanager
    async def socket(self, path: str, params: Params, headers: Headers | None = None) -> AsyncIterator[Socket]:
        url = f"{self._url.replace('http', 'ws', 1)}{path}?{urlencode(params)}"
        async with websockets.connect(url, additional_headers=headers, proxy=None) as connection:
            yield _NetworkSocket(connection)
            # Cut, not closed: no close handshake, as when a train enters a tunnel.
            connection.transport.abort()


class _NetworkSocket:
    def __init__(self, connection: websockets.ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> str:
        try:
            message = await self._connection.recv()
        except websockets.ConnectionClosed as closed:
            if closed.rcvd is None:
                raise
            raise SocketClosed(closed.rcvd.code, closed.rcvd.reason) from None
        assert isinstance(message, str)
        return message

    async def send(self, message: str | bytes) -> None:
        await self._connection.send(message)
