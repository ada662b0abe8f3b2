"""What a door says when it does not open: the same words on HTTP and WebSocket. See PROTOCOL.md#errors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import JsonResponse

from apps.access.limits import TooOften
from apps.transports.framing import refusal_body

MAX_CLOSE_REASON_BYTES = 123  # RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the code


@dataclass(eq=False)  # not frozen: contextlib sets the traceback of what passes through a `with`
class Refusal(Exception):
    """A request that is not served.

    Args:
        status: the HTTP status; a WebSocket closes with 4000 + status.
        code: a short name for programs.
        message: what arrived and what was expected.
        hint: what to do next.
        retry_after_s: for refusals that pass (429, 503): when to try again, in seconds.
        pointer: which part of a body is to blame, as a JSON pointer (RFC 6901).
        headers: what else the answer says over HTTP.
    """

    status: int
    code: str
    message: str
    hint: str
    retry_after_s: int | None = None
    pointer: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_transient(self) -> bool:
        return self.retry_after_s is not None

    @property
    def close_code(self) -> int:
        return 4000 + self.status

    @property
    def close_reason(self) -> str:
        """The message, cut to what a close frame holds."""
        return self.message.encode()[:MAX_CLOSE_REASON_BYTES].decode(errors="ignore")


def bad_request(code: str, message: str, hint: str) -> Refusal:
    return Refusal(400, code, message, hint)


def unavailable() -> Refusal:
    return Refusal(
        503,
        "log_unavailable",
        "the event log can't be read right now",
        "nothing is lost: try again with the same cursor",
        retry_after_s=1,
    )


def too_much(error: TooOften) -> Refusal:
    """Return the refusal of what was asked for too often, or too much at a time."""
    seconds = error.retry_after_s
    hint = f"try again in {seconds} s"
    return Refusal(429, error.what, error.message, hint, retry_after_s=seconds, headers=error.headers)


def refused(refusal: Refusal) -> JsonResponse:
    """Return the refusal as an HTTP response."""
    error = {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}
    headers = {"Cache-Control": "no-store", **refusal.headers}
    response = JsonResponse(
        {"error": error}, status=refusal.status, headers=headers, json_dumps_params={"ensure_ascii": False}
    )
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="events", error="invalid_token"'  # RFC 6750 section 3
    if refusal.retry_after_s is not None:
        response["Retry-After"] = str(refusal.retry_after_s)
    return response


async def close_refused(refusal: Refusal, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Close a WebSocket of the feed that was accepted, with the code and the words of the refusal.

    A close has no room for more; when to come back is told by a frame before it, as on SSE.
    """
    if refusal.retry_after_s is not None:
        body = refusal_body(refusal.retry_after_s, refusal.code, refusal.message)
        await send({"type": "websocket.send", "text": body})
    await send({"type": "websocket.close", "code": refusal.close_code, "reason": refusal.close_reason})
