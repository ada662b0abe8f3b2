"""Which pages may open a WebSocket.

A browser sends cookies along with a WebSocket handshake from any page on the web, and no CORS rule stops it. Channels'
own AllowedHostsOriginValidator compares host names only (another port or scheme passes), and refuses terminal clients,
which send no Origin at all.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]

_DEFAULT_PORTS = {"http": 80, "https": 443}


class SameOriginWebSockets:
    """Refuse WebSocket handshakes from other sites with a plain 403, before anything else looks at them.

    Allowed are the site's own origin, those in CSRF_TRUSTED_ORIGINS (scheme and port count), and clients that send
    neither an Origin nor a session cookie: they are no browser, and are served as anonymous.
    """

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        if is_allowed(scope):
            await self._application(scope, receive, send)
        else:
            # Closing before accepting is what ASGI servers turn into a 403.
            await send({"type": "websocket.close"})


def is_allowed(scope: dict[str, Any]) -> bool:
    """Return whether the handshake in `scope` may go on."""
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
        names = {cookie.partition("=")[0].strip() for cookie in cookies.split(";")}
        return settings.SESSION_COOKIE_NAME not in names
    if len(origins) > 1:
        return False
    origin = _normal(origins[0].decode("latin-1"))
    if origin is None:
        return False
    return origin == _own(scope) or origin in {_normal(trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS}


def _own(scope: dict[str, Any]) -> tuple[str, str, int] | None:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1:
        return None
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http")
    if settings.SECURE_PROXY_SSL_HEADER:
        header, secure = settings.SECURE_PROXY_SSL_HEADER
        name = header.removeprefix("HTTP_").replace("_", "-").lower().encode()
        if secure.encode() in (value for key, value in scope["headers"] if key == name):
            scheme = "https"
    return _normal(f"{scheme}://{hosts[0]}")


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Return an origin as scheme, host and port; None for `null` and whatever else is no http(s) origin."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme]
