"""The lab's line: a stretch of network between a visitor and the doors, with a meter and a fault or two.

An ASGI middleware and nothing else: the doors behind it are the site's own, and know nothing of it. It passes what they
say as it is, counts it, and, while the run's weather is bad, breaks, holds back or slows down.

The fan-out of `apps.server` writes past ASGI's `send`; behind this line the doors are not offered it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from apps.lab import limits
from apps.lab.tally import (
    CHUNKED_HEADER_BYTES,
    UPGRADE_BYTES,
    Tally,
    answer_bytes,
    chunk_bytes,
    is_chunked,
    message_bytes,
    request_bytes,
    tally_of,
)
from apps.lab.visitor import check_owner, cookies_of, visitor_of
from apps.lab.weather import Weather, weather_of
from apps.operations import roll_call
from apps.transports.refusal import Refusal, close_refused, refused
from apps.transports.registry import DOORS

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Coroutine[Any, Any, None]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PREFIX = "/lab/line"
SLOW_BYTES_PER_S = 2_000
# A buffering proxy passes on what it has when its buffer is full, as nginx does with 4 × 4 KiB.
BUFFER_BYTES = 16 * 1024
_RESTART_RETRY_MS = 500
_CLOSE_CUT = 4000
_DOOR_NAMES = {door.path: door.name for door in DOORS}


class Line:
    """Serve the doors under `/lab/line`, to the visitor whose run the topic is.

    Args:
        doors: the application that serves them under their own paths.
    """

    def __init__(self, doors: ASGIApplication) -> None:
        self._doors = doors

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Send) -> None:
        path = scope["path"].removeprefix(PREFIX)
        try:
            run, visitor = _run_of(scope)
            with limits.connection(visitor):
                roll_call.current().start()  # what is counted here is asked for, perhaps through another process
                tally = tally_of(run, _DOOR_NAMES.get(path, "none"))
                weather = weather_of(run)
                passage = _Passage(weather, tally, scope, send)
                async with weather.over(passage):
                    await passage.serve(self._doors, scope | {"path": path, "raw_path": path.encode()}, receive)
        except Refusal as refusal:
            await _refuse(refusal, scope, receive, send)


class _Passage:
    """One connection on its way through."""

    def __init__(self, weather: Weather, tally: Tally, scope: dict[str, Any], send: Send) -> None:
        self._weather = weather
        self._tally = tally
        self._send = send
        self._extensions = scope.get("extensions") or {}
        self._request_bytes = request_bytes(scope)
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drain = _Drain(self._extensions.get("drain"))
        self._held: list[dict[str, Any]] = []
        self._held_bytes = 0
        self._releasing: asyncio.Task[None] | None = None
        self._passing = asyncio.Lock()
        self._is_chunked = False
        self._has_begun = False
        self._is_over = False

    async def serve(self, doors: ASGIApplication, scope: dict[str, Any], receive: Callable) -> None:
        """Serve one request; CancelledError says that the line broke, and our server drops the connection."""
        self._tally.requests += 1
        self._tally.up_bytes += self._request_bytes
        self._tally.open += 1
        scope["extensions"] = {"drain": self._drain}
        serving = asyncio.create_task(doors(scope, receive, self.send))
        try:
            await asyncio.wait((serving, self._broken), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving
                await self._release()
        finally:
            self._tally.open -= 1
            # The door's own `finally` blocks have run before this returns, whoever ends it.
            for task in (serving, self._releasing):
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
        if self._broken.done() and not self._is_over:
            await self._break(scope["type"])

    def cut(self) -> None:
        if not self._broken.done():
            self._broken.set_result(None)

    def restart(self) -> None:
        self._drain.come()

    async def send(self, message: dict[str, Any]) -> None:
        """Pass on what the door says: at once, later, or slowly."""
        is_http = message["type"].startswith("http.")
        # A proxy that buffers knows answers; a WebSocket is a tunnel to it.
        if is_http and (self._held or self._weather.held_s > 0):
            self._hold(message)
            if self._held_bytes >= BUFFER_BYTES or _is_last(message):
                await self._release()
            return
        async with self._passing:
            await self._pass(message)

    def _hold(self, message: dict[str, Any]) -> None:
        self._held.append(message)
        self._held_bytes += len(message.get("body", b""))
        if self._releasing is None:
            self._releasing = asyncio.create_task(self._release_in(self._weather.held_s))

    async def _release_in(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._releasing = None
        await self._release()

    async def _release(self) -> None:
        async with self._passing:
            held, self._held, self._held_bytes = self._held, [], 0
            for message in held:
                await self._pass(message)

    async def _pass(self, message: dict[str, Any]) -> None:
        size_bytes = self._bytes_of(message)
        if (slow_s := self._weather.slow_s) > 0:
            await asyncio.sleep(min(slow_s, size_bytes / SLOW_BYTES_PER_S))
        await self._send(message)
        self._tally.down_bytes += size_bytes
        self._has_begun = True
        self._is_over = self._is_over or _is_last(message)

    def _bytes_of(self, message: dict[str, Any]) -> int:
        match message["type"]:
            case "http.response.start":
                status, headers = message["status"], message.get("headers", ())
                self._is_chunked = is_chunked(status, headers)
                return answer_bytes(status, headers) + (CHUNKED_HEADER_BYTES if self._is_chunked else 0)
            case "http.response.body":
                body = message.get("body", b"")
                return chunk_bytes(body, _is_last(message)) if self._is_chunked else len(body)
            case "websocket.accept":
                return UPGRADE_BYTES
            case "websocket.send":
                return message_bytes(message["text"])
            case "websocket.close":
                return message_bytes("  " + (message.get("reason") or ""))  # two bytes of code come first
        return 0

    async def _break(self, kind: str) -> None:
        if "drain" not in self._extensions:
            # Not our server: ASGI knows no way to drop a connection, and others leave one open whose application ended.
            await self._end(kind)
            return
        if kind == "http" and not self._has_begun:
            # The server makes a 500 of an answer that never comes; one that ends too early is a lost connection.
            await self._pass({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            await self._pass({"type": "http.response.body", "body": b"", "more_body": True})
        raise asyncio.CancelledError

    async def _end(self, kind: str) -> None:
        if kind == "websocket":
            await self._pass({"type": "websocket.close", "code": _CLOSE_CUT})
            return
        if not self._has_begun:
            await self._pass({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"0")]})
        await self._pass({"type": "http.response.body", "body": b""})


class _Drain:
    """The `drain` that the door behind the line is offered: the server's own turn, or the fault, whichever is first."""

    def __init__(self, servers: Any) -> None:
        self._servers = servers
        self._calls: list[Callable[[Any], None]] = []

    def on_turn(self, call: Callable[[Any], None]) -> None:
        """Have `call` called at the server's turn, and at that of the fault; a door goes by the first."""
        self._calls.append(call)
        if self._servers is not None:
            self._servers.on_turn(call)

    def come(self) -> None:
        for call in self._calls:
            call(_Goodbye())


class _Goodbye:
    retry_ms = _RESTART_RETRY_MS


def _run_of(scope: dict[str, Any]) -> tuple[str, str]:
    """Return the run that a request is about, and its visitor.

    Raises:
        Refusal: 403 or 404, it is not this visitor's.
    """
    topics = parse_qs(scope["query_string"].decode("latin-1")).get("topic", [])
    visitor = visitor_of(cookies_of(scope))
    if len(topics) != 1:
        raise Refusal(404, "no_such_run", f"{len(topics)} topics were given; a line carries one run", "name its topic")
    check_owner(visitor, topics[0])
    return topics[0], visitor


def _is_last(message: dict[str, Any]) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)


async def _refuse(refusal: Refusal, scope: dict[str, Any], receive: Callable, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await close_refused(refusal, send)
        return
    answer = refused(refusal)
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
