"""Who comes too often, or keeps too much open, is let in no further: an ASGI application around the doors."""

from collections.abc import Awaitable, Callable
from typing import Any

from apps.access import limits
from apps.access.client_address import counted_address
from apps.access.limits import TooOften
from apps.transports.framing import SseFraming, sse_refusal
from apps.transports.http_door import STREAM_HEADERS
from apps.transports.refusal import Refusal, close_refused, refused, too_much
from apps.transports.registry import DOORS

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]
_PATHS = {door.name: door.path for door in DOORS}


class AdmittedByAddress:
    """Let an address open doors as often, and keep as many open, as settings allow. Before anybody is looked up."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        await _admit("address", counted_address(scope), self._application, scope, receive, send)


class AdmittedByUser:
    """The same for a user, whatever addresses they come from. It needs `Identified` around it."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        identity = scope["identity"]
        if identity is None or not identity.is_signed_in:
            await self._application(scope, receive, send)
        else:
            await _admit("user", identity.user_id, self._application, scope, receive, send)


async def _admit(
    kind: str, subject: str, application: ASGIApplication, scope: dict[str, Any], receive: Callable, send: Callable
) -> None:
    try:
        await limits.take(f"open_{kind}", subject)
        with limits.connection(kind, subject):
            await application(scope, receive, send)
    except TooOften as error:
        await _refuse(too_much(error), scope, receive, send)


async def _refuse(refusal: Refusal, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    if scope["type"] == "websocket":
        # Accepted first: a refused handshake shows the browser neither code nor reason.
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"].endswith(_PATHS["websocket"]):
            await close_refused(refusal, send)
        else:  # the chat has frames of its own
            await send({"type": "websocket.close", "code": refusal.close_code, "reason": refusal.close_reason})
        return
    if _asks_for_events(scope):
        status, headers = 200, {**STREAM_HEADERS, "Content-Type": SseFraming.content_type}
        body = sse_refusal(refusal.retry_after_s or 1, refusal.code, refusal.message)
    else:
        answer = refused(refusal)
        status, headers, body = answer.status_code, dict(answer.items()), answer.content
    told = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


def _asks_for_events(scope: dict[str, Any]) -> bool:
    # An EventSource always says so; a terminal that opens the door need not.
    accepts = [value for name, value in scope["headers"] if name == b"accept"]
    return SseFraming.content_type.encode() in accepts or scope["path"].endswith(_PATHS["sse"])
