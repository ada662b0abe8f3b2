"""What the HTTP doors share: GET only, refusals in words, headers that keep proxies from holding an answer back."""

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse

from apps.events.queries import LogUnavailable
from apps.transports.beginning import beginning_of
from apps.transports.connections import opened
from apps.transports.framing import Framing
from apps.transports.refusal import Refusal, refused, unavailable
from apps.transports.stream import stream
from apps.transports.subscription import subscribe

View = Callable[[ASGIRequest], Coroutine[Any, Any, HttpResponseBase]]

# What a door says depends on who asks, and is asked for again each time.
POLL_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
# no-transform and identity: a proxy that compresses also collects. X-Accel-Buffering: nginx's own word for it.
STREAM_HEADERS = {
    "Cache-Control": "private, no-cache, no-transform",
    "Vary": "Cookie, Authorization",
    "X-Accel-Buffering": "no",
    "Content-Encoding": "identity",
}


def http_door(view: View) -> View:
    """Turn a door's refusals into answers, and let it be opened with GET only."""

    @functools.wraps(view)
    async def answered(request: ASGIRequest) -> HttpResponseBase:
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        try:
            return await view(request)
        except Refusal as refusal:
            return refused(refusal)
        except LogUnavailable:
            return refused(unavailable())

    return answered


async def open_stream(request: ASGIRequest, door: str, framing: Framing) -> StreamingHttpResponse:
    """Answer with a stream.

    Raises:
        Refusal, LogUnavailable: before anything was sent.
    """
    scope = request.scope
    subscription = subscribe(scope)
    beginning = await beginning_of(subscription)

    async def body() -> AsyncIterator[bytes]:
        with opened(
            door,
            scope,
            subscription.identity,
            subscription.topics,
            settings.FEED_STREAM_LIFE_S,
        ) as connection:
            async with aclosing(stream(subscription, beginning, connection, framing)) as frames:
                async for together in frames:
                    yield b"".join(together)

    return StreamingHttpResponse(body(), content_type=framing.content_type, headers=STREAM_HEADERS)
