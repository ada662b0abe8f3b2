"""`GET /admin/live/stream`: the figures of all processes, again and again, as server-sent events, for staff."""

import asyncio
import json
from collections.abc import AsyncIterator

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse

from apps.access.admin_addresses import admits
from apps.events import feed
from apps.operations import roll_call
from apps.transports.connections import opened
from apps.transports.http_door import STREAM_HEADERS, http_door
from apps.transports.refusal import Refusal
from apps.transports.subscription import permitted

# Nothing is ever appended to it: who may read this topic may see the figures.
RIGHT = "staff.live"
EVERY_S = 2.0
# The others answer within a moment of being asked: the first sight of them needn't wait for the next round.
FIRST_ANSWERS_S = 0.3


@http_door
async def live_stream(request: ASGIRequest) -> HttpResponseBase:
    """Answer with the stream.

    Raises:
        Refusal: 403 for who is not staff, or comes from where the admin is not open; 503 where that could not be found
            out.
    """
    if not admits(request):
        raise Refusal(
            403, "forbidden", "the admin is not open to your address", "come from a network of ADMIN_ADDRESSES"
        )
    identity = permitted(request.scope["identity"], [RIGHT])
    feed.current().start()
    processes = roll_call.current()
    processes.start()

    async def body() -> AsyncIterator[bytes]:
        with opened("live", request.scope, identity, (RIGHT,), settings.FEED_STREAM_LIFE_S) as connection:
            pause_s = FIRST_ANSWERS_S
            while not connection.stopped.done():
                yield b"data: %b\n\n" % json.dumps({"processes": processes.answers()}).encode()
                await processes.ask()
                await asyncio.wait([connection.stopped], timeout=pause_s)
                pause_s = EVERY_S

    return StreamingHttpResponse(body(), content_type="text/event-stream", headers=STREAM_HEADERS)
