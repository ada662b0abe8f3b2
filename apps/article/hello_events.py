"""`GET /events`: a stream that greets every two seconds and ends after ten. See ARTICLE.md#events."""

import asyncio
from collections.abc import AsyncIterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from apps.events.logged_event import encode, wire_time
from apps.transports.http_door import STREAM_HEADERS, http_door

EVERY_S = 2.0
LENGTH_S = 10.0


@http_door
async def hello_events(request: ASGIRequest) -> HttpResponseBase:
    """Answer with the stream: a message now and every EVERY_S, after LENGTH_S the event `close` and the end."""
    response = StreamingHttpResponse(_greetings(), content_type="text/event-stream", headers=STREAM_HEADERS)
    # The article sends it. RFC 9113, section 8.2.2, forbids it from HTTP/2 on, where connections always stay.
    if request.scope.get("http_version", "1.1").startswith("1"):
        response["Connection"] = "keep-alive"
    return response


async def _greetings() -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(round(LENGTH_S / EVERY_S)):
        # Counted from the beginning: a busy moment delays one message, not all that follow.
        await asyncio.sleep(begin + number * EVERY_S - loop.time())
        message = {"message": "Hello World", "timestamp": wire_time(timezone.now())}
        yield f"data: {encode(message)}\n\n".encode()
    await asyncio.sleep(begin + LENGTH_S - loop.time())
    # A stream that just ended would be opened again by every EventSource; the page closes it when it hears this.
    yield b"event: close\ndata: {}\n\n"
