"""Fetch stream: one JSON text a line, read piece by piece with `fetch`. See PROTOCOL.md#fetch-stream."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from apps.transports.framing import NdjsonFraming
from apps.transports.http_door import http_door, open_stream

_FRAMING = NdjsonFraming()


@http_door
async def fetch_stream(request: ASGIRequest) -> HttpResponseBase:
    """Answer with the stream."""
    return await open_stream(request, "fetch_stream", _FRAMING)
