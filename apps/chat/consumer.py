"""One connection to the chat room.

Lines must not be lost: they are events of the log, appended here and heard through the feed, which holds the
process's only subscription to the channel layer for them; with the layer away they come a little later. Who comes,
goes and types may be lost, and goes through `presence`.
"""

import asyncio
import contextlib
import contextvars
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError

from apps.access import limits
from apps.access.client_address import counted_address
from apps.chat import presence
from apps.chat.chat_error import ChatError
from apps.chat.chat_v1_json import ChatV1Json
from apps.chat.dialect import Dialect, Line, Rename, Request, Typing
from apps.chat.plain_text import PlainText
from apps.chat.room import LINE, TOPIC
from apps.chat.token_bucket import TokenBucket
from apps.chat.wording import clean_name
from apps.events import feed, log
from apps.events.cursor import Last
from apps.events.log import EventRejected
from apps.events.queries import LogUnavailable
from apps.transports.beginning import beginning_of
from apps.transports.connections import opened
from apps.transports.deliveries import delivered
from apps.transports.refusal import Refusal, bad_request, unavailable
from apps.transports.subscription import Subscription, subscribe
from apps.transports.websocket import CLOSE_STREAM_ENDED

logger = logging.getLogger(__name__)

READY_TIMEOUT_S = 10.0
# Whoever types fast, or pastes ten lines, is not stopped; a program is.
LINES_AT_ONCE, LINES_PER_S = 20, 2.0
# Every refusal is an answer, so frames that are refused have a limit too: beyond it the connection ends.
FRAMES_AT_ONCE, FRAMES_PER_S = 200, 20.0
TYPING_EVERY_S = 2.0

_FAILED = Refusal(500, "failed", "the chat failed here", "nothing is lost: come back with the same cursor")


class ChatConsumer(AsyncWebsocketConsumer):
    """Serve one WebSocket at `/` or `/ws/chat/`; docs/CHAT.md describes what it speaks."""

    # Channels would ask the layer for a channel before it accepts: with Redis away no handshake would succeed.
    channel_layer_alias = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._member = presence.Member(sender := new_sender(), f"guest-{sender[:4]}")
        self._dialect: Dialect = PlainText(sender)
        self._is_ready = asyncio.Event()
        self._is_closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._lines = TokenBucket(LINES_AT_ONCE, LINES_PER_S)
        self._frames = TokenBucket(FRAMES_AT_ONCE, FRAMES_PER_S)
        self._typing = TokenBucket(1, 1 / TYPING_EVERY_S)

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Not in `disconnect`: it is not called when the server cancels the application.
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own first closes old database connections, in the one thread that every sync view of the process
        # shares: one slow page would hold up all who chat. No query runs in this consumer's own thread.
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        offered = self.scope.get("subprotocols") or []
        if ChatV1Json.subprotocol in offered:
            self._dialect = ChatV1Json(self._member.sender)
        await self.accept(self._dialect.subprotocol)
        try:
            if offered and self._dialect.subprotocol is None:
                raise bad_request(
                    "bad_subprotocol",
                    f"the subprotocols {', '.join(offered)[:60]!r} were offered; this room speaks "
                    f"{ChatV1Json.subprotocol}, and plain text to those who offer none",
                    f"offer {ChatV1Json.subprotocol}, or none",
                )
            subscription = subscribe(self.scope, topics=[TOPIC], otherwise=Last(self._dialect.history_lines))
            self._take_name()
        except Refusal as refusal:
            await self._refuse(refusal)
            return
        self._spawn(self._follow(subscription))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._is_closing:
            return
        if self._frames.take():
            message = f"more than {FRAMES_PER_S:g} frames a second came"
            await self._refuse(Refusal(429, "flooding", message, "come back, and speak more slowly", retry_after_s=10))
            return
        try:
            if text_data is None:
                raise ChatError("binary", "a binary frame was sent; the chat is made of text", "send text frames")
            request = self._dialect.parse(text_data)
            if request is not None:
                # A line appended before its own sender's place is known would lie before it, and never come back.
                await asyncio.wait_for(self._is_ready.wait(), READY_TIMEOUT_S)
                if not self._is_closing:
                    await self._answer(request)
        except ChatError as error:
            await self.send(self._dialect.error(error))
        except TimeoutError:
            await self._refuse(unavailable())

    # What the client asks for

    async def _answer(self, request: Request) -> None:
        match request:
            case Line():
                await self._say(request)
            case Rename(name):
                await self._take_line_token()
                if name := clean_name(name):
                    presence.current().rename(self._member, name)
                else:
                    raise ChatError("bad_text", "nothing of that name can be seen", "choose another name")
            case Typing():
                if not self._typing.take():
                    presence.current().typing(self._member)

    async def _say(self, line: Line) -> None:
        await self._take_line_token(line.id)
        data = {"sender": self._member.sender, "name": self._member.name, "text": line.text}
        key = None if line.id is None else f"line.{line.id}"
        try:
            event = await log.aappend(TOPIC, LINE, data, key=key)
        except (LogUnavailable, DatabaseError) as error:
            logger.warning("a line could not be appended: %s", error)
            message = "the line may not have been sent: the database did not answer"
            hint = "look whether it appears, or send it again with the same id: it appears once"
            raise ChatError("unavailable", message, hint, line_id=line.id) from error
        except EventRejected as error:
            raise ChatError("bad_text", f"the line was not sent: {error}", "change it", line_id=line.id) from error
        if answer := self._dialect.sent(line, event):
            await self.send(answer)

    async def _take_line_token(self, line_id: str | None = None) -> None:
        if wait_s := self._lines.take():
            raise _too_fast(f"that was faster than {LINES_PER_S:g} lines a second", wait_s, line_id)
        # All of this address's connections together: a program opens several.
        allowance = await limits.try_take("chat_address", counted_address(self.scope))
        if allowance is not None and allowance.taken.wait_s:
            raise _too_fast("that was faster than your address may speak", allowance.taken.wait_s, line_id)

    def _take_name(self) -> None:
        """Take the name in the query, if there is one that can be seen."""
        query = parse_qs(self.scope["query_string"].decode())  # `subscribe` has made sure that it can be read
        with contextlib.suppress(ChatError):
            self._member.name = clean_name(query.get("name", [""])[0]) or self._member.name

    # What the room says

    async def _follow(self, subscription: Subscription) -> None:
        """Tell the client where it is, then every line after that, until cancelled."""
        last = self._dialect.history_lines if subscription.last is None else subscription.last
        try:
            beginning = await beginning_of(subscription)
        except LogUnavailable:
            await self._refuse(unavailable())
            return
        with opened("chat", self.scope, subscription.identity, (TOPIC,), settings.FEED_STREAM_LIFE_S) as connection:
            await self.send(self._dialect.ready(beginning.place, self._member.name))
            if beginning.reset is not None:
                await self._send_if_any(self._dialect.reset(beginning.reset))
            after = beginning.cursor
            self._is_ready.set()
            presence.current().enter(self._member)
            if self._dialect.hears_presence:
                self._spawn(self._tell_presence())
            batches = feed.current().follow(
                [TOPIC], after, settings.FEED_HEARTBEAT_S, last=last, until=connection.stopped
            )
            async with contextlib.aclosing(batches):
                async for batch in batches:
                    if connection.is_cut:
                        break
                    after = batch.cursor
                    if batch.reset is not None:
                        await self._send_if_any(self._dialect.reset(batch.reset))
                    elif not batch.events:
                        await self._send_if_any(self._dialect.heartbeat(after))
                    for event in batch.events:
                        await self._send_if_any(self._dialect.event(event))
                    delivered("chat", batch.events, connection.opened_at)
        self._is_closing = True
        await self._send_if_any(self._dialect.goodbye(after, connection.stopped.result()))
        await self.close(CLOSE_STREAM_ENDED, "come back with your cursor")

    async def _tell_presence(self) -> None:
        while True:
            for frame in await self._member.next_frames(presence.current()):
                await self._send_if_any(self._dialect.presence(frame))

    async def _send_if_any(self, frame: str | None) -> None:
        if frame is not None:
            await self.send(frame)

    # Coming to an end

    async def _refuse(self, refusal: Refusal) -> None:
        """Say why, and close. The reason goes into a frame too: daphne sends none with the close."""
        if not self._is_closing:
            self._is_closing = True
            self._is_ready.set()
            await self.send(self._dialect.close(refusal))
            await self.close(refusal.close_code, refusal.close_reason)

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        presence.current().leave(self._member)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._supervise(coroutine), context=contextvars.Context())
        self._tasks.append(task)

    async def _supervise(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception:
            # A task that died in silence would leave a connection that looks alive and says nothing more.
            logger.exception("a connection to the chat failed")
            with contextlib.suppress(Exception):
                await self._refuse(_FAILED)


def _too_fast(message: str, wait_s: float, line_id: str | None) -> ChatError:
    return ChatError(
        "too_fast",
        f"{message}, and was not sent",
        f"try again in {wait_s:.1f} s",
        line_id=line_id,
        retry_after_s=round(wait_s, 1),
    )


def new_sender() -> str:
    """Return a name for a connection: nobody can guess it before its first line."""
    return secrets.token_hex(8)
