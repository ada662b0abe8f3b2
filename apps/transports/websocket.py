"""WebSocket: the stream as messages of a Channels consumer. See PROTOCOL.md#websocket."""

import asyncio
from contextlib import aclosing
from typing import Any

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.conf import settings

from apps.events.queries import LogUnavailable
from apps.transports.beginning import beginning_of
from apps.transports.connections import opened
from apps.transports.framing import JsonFraming
from apps.transports.refusal import Refusal, bad_request, close_refused, unavailable
from apps.transports.stream import stream
from apps.transports.subscription import subscribe

_FRAMING = JsonFraming()
# What a page offers beside its token; never the token itself is chosen.
SUBPROTOCOL = "feed.v1.json"

CLOSE_STREAM_ENDED = 4000  # after a `close` frame, which says why and when to come back


class FeedConsumer(AsyncConsumer):
    """Send the stream's frames as text messages, and take none.

    It has no channel layer of its own: the feed holds the process's one subscription, and a consumer that asks the
    layer for a channel before it accepts could not accept while Redis is down.
    """

    channel_layer_alias = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        self._sending: asyncio.Task[None] | None = None
        try:
            # Channels waits for each message in a task of its own, beside one for the layer. Without a layer that task
            # only weighs, kilobytes for each connection.
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            if self._sending is not None:
                self._sending.cancel()
                await asyncio.gather(self._sending, return_exceptions=True)

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels closes old database connections here, a thread hop a message. This consumer opens none.
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        # Accepted before anything is judged: a refused handshake shows the browser neither code nor reason.
        chosen = SUBPROTOCOL if SUBPROTOCOL in (self.scope.get("subprotocols") or ()) else None
        await self.send({"type": "websocket.accept", "subprotocol": chosen})
        # A task: Channels awaits each handler, and would not see the disconnect while this one streams.
        self._sending = asyncio.create_task(self._stream())

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        await self._refuse(
            bad_request("unexpected_message", "a message arrived; this socket only sends", "publish over the HTTP API")
        )

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def _stream(self) -> None:
        try:
            subscription = subscribe(self.scope)
            beginning = await beginning_of(subscription)
        except Refusal as refusal:
            await self._refuse(refusal)
            return
        except LogUnavailable:
            await self._refuse(unavailable())
            return
        with opened(
            "websocket", self.scope, subscription.identity, subscription.topics, settings.FEED_STREAM_LIFE_S
        ) as connection:
            async with aclosing(stream(subscription, beginning, connection, _FRAMING)) as frames:
                async for together in frames:
                    for frame in together:
                        await self.send({"type": "websocket.send", "text": frame.decode()})
        await self._close(CLOSE_STREAM_ENDED, "the stream ended; reconnect with your cursor")

    async def _refuse(self, refusal: Refusal) -> None:
        await close_refused(refusal, self.send)

    async def _close(self, code: int, reason: str) -> None:
        await self.send({"type": "websocket.close", "code": code, "reason": reason})
