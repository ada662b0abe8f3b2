"""What a WebSocket at a path that leads nowhere is told."""

from collections.abc import Callable
from typing import Any

from django.urls import re_path

from apps.transports.refusal import Refusal


async def nowhere(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    """Accept and close with 4404: URLRouter alone would raise, a 500 with a traceback for every stray handshake."""
    refusal = Refusal(404, "no_such_path", f"there is no WebSocket at {scope['path'][:60]!r}", "see /feed/ws")
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": refusal.close_code, "reason": refusal.close_reason})


# The last of the site's WebSocket patterns.
websocket_urlpatterns = [re_path("", nowhere)]  # type: ignore[arg-type]  # an ASGI application, as URLRouter takes
