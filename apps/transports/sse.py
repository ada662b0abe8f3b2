"""Server-sent events: a stream that browsers read and reopen by themselves. See PROTOCOL.md#sse."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase

from apps.events.queries import LogUnavailable
from apps.transports.framing import SseFraming, sse_refusal
from apps.transports.http_door import STREAM_HEADERS, http_door, open_stream
from apps.transports.refusal import Refusal, unavailable

_FRAMING = SseFraming()


@http_door
async def sse(request: ASGIRequest) -> HttpResponseBase:
    """Answer with the stream; what passes by itself is refused inside a 200, so that EventSource comes back."""
    try:
        return await open_stream(request, "sse", _FRAMING)
    except LogUnavailable:
        refusal = unavailable()
    except Refusal as error:
        if error.retry_after_s is None:
            raise
        refusal = error
    return HttpResponse(
        sse_refusal(refusal.retry_after_s or 1, refusal.code, refusal.message),
        content_type=_FRAMING.content_type,
        headers=STREAM_HEADERS,
    )
