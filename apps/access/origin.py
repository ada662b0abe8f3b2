"""Which pages may open a WebSocket.

A browser sends cookies along with a WebSocket handshake from any page on the web, and no CORS rule stops it. Channels'
own AllowedHostsOriginValidator compares host names only (another port or scheme passes), and refuses terminal clients,
which send no Origin at all.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

from apps.access.bearer import bearer_of
from apps.access.sessions import session_key

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]

_DEFAULT_PORTS = {"http": 80, "https": 443}


class SameOriginWebSockets:
    """Refuse WebSocket handshakes from other sites with a plain 403, before anything else looks at them.

    They have to come under one of the site's own names (ALLOWED_HOSTS). Allowed are the site's own origin, those in
    CSRF_TRUSTED_ORIGINS (scheme and port count), clients that send neither an Origin nor a session cookie (they are no
    browser, and are served as anonymous), and whoever bears a token: then cookies don't count (`Identified`), and a
    page has nothing that was not given to it.
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
    host = _host(scope)
    if host is None:
        return False
    if bearer_of(scope) is not None:
        return True
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        return session_key(scope) is None
    if len(origins) > 1:
        return False
    origin = _origin(origins[0].decode("latin-1"))
    return origin is not None and (origin == _own(scope, host) or _is_trusted(origin))


class Origin(NamedTuple):
    """A web origin, its port spelt out."""

    scheme: str
    host: str
    port: int


def _host(scope: dict[str, Any]) -> str | None:
    """Return the name under which the site was asked for; None where that is none of its own.

    Anybody's name may lead to this server (DNS rebinding), and the origin of a page from there fits it too.
    """
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1:
        return None
    # Django answers to the same names while nobody has set any.
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    domain, _ = split_domain_port(hosts[0])
    return hosts[0] if domain and validate_host(domain, allowed) else None


def _own(scope: dict[str, Any], host: str) -> Origin | None:
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http")
    if settings.SECURE_PROXY_SSL_HEADER:
        header, secure = settings.SECURE_PROXY_SSL_HEADER
        name = header.removeprefix("HTTP_").replace("_", "-").lower().encode()
        if secure.encode() in (value for key, value in scope["headers"] if key == name):
            scheme = "https"
    return _origin(f"{scheme}://{host}")


def _is_trusted(origin: Origin) -> bool:
    # As for Django's CSRF check, "https://*.example.com" stands for all subdomains.
    return any(
        (trusted.scheme, trusted.port) == (origin.scheme, origin.port)
        and is_same_domain(origin.host, trusted.host.removeprefix("*"))
        for trusted in map(_origin, settings.CSRF_TRUSTED_ORIGINS)
        if trusted is not None
    )


def _origin(text: str) -> Origin | None:
    """Read an origin; None for `null` and whatever else is no http(s) origin."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        return None
    return Origin(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme])
