"""Pages of other origins that come with a token (CORS, WHATWG Fetch section 3.3).

An ASGI application around those that they may ask: the doors, whose handler has no middleware, and the API.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from django.conf import settings

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type, if-none-match, last-event-id"),
    (b"access-control-max-age", b"7200"),  # the longest that Chromium keeps
]
# What a page reads beside the body.
_EXPOSED = (b"access-control-expose-headers", b"etag, retry-after, ratelimit, ratelimit-policy, www-authenticate")


class CrossOrigin:
    """Let pages of settings.TOKEN_ORIGINS read the answers of `application`, and never with cookies.

    Without Access-Control-Allow-Credentials a browser shows no page what it asked for with somebody's cookies. Whoever
    is to be somebody comes with a token.
    """

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        if not settings.TOKEN_ORIGINS:
            await self._application(scope, receive, send)
            return
        allowing = _allowing(scope["headers"])
        if allowing and scope["method"] == "OPTIONS" and _has(scope["headers"], b"access-control-request-method"):
            headers = [*allowing, *_PREFLIGHT, (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *allowing, *([_EXPOSED] if allowing else [])]
                message = {**message, "headers": _varying(headers)}
            await send(message)

        await self._application(scope, receive, send_with_headers)


def _allowing(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the header that lets a page read; none where its origin is not among those that may."""
    origins = [value for name, value in headers if name == b"origin"]
    if "*" in settings.TOKEN_ORIGINS and origins:
        return [(b"access-control-allow-origin", b"*")]
    if len(origins) == 1 and origins[0].decode("latin-1") in settings.TOKEN_ORIGINS:
        return [(b"access-control-allow-origin", origins[0])]
    return []


def _varying(headers: Headers) -> Headers:
    """Say that the answer depends on the Origin, beside what it says already: a cache must not mix them up."""
    names = [value for name, value in headers if name.lower() == b"vary"]
    rest = [(name, value) for name, value in headers if name.lower() != b"vary"]
    return [*rest, (b"vary", b", ".join([*names, b"Origin"]))]


def _has(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bool:
    return any(found == name for found, _ in headers)
