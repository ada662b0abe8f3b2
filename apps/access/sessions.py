"""From the session cookie of an ASGI scope to an identity, the same for HTTP streams and WebSockets.

Channels' AuthMiddlewareStack does this too, but hops to a thread for every client without a cookie, looks at the
session again with every frame it sends, and answers a database that is away with a crash.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from apps.access import revocation
from apps.access.identity import ANONYMOUS, Identity, facts_of
from apps.events import queries
from apps.events.queries import LogUnavailable

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]


class Identified:
    """Put who is asking into `scope["identity"]`, and the loop time of the asking into `scope["identified_at"]`.

    That is ANONYMOUS without a valid session, and None where it could not be found out because the database is away:
    then nothing may be decided, and a door answers 503.
    """

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        key = session_key(scope)
        identity: Identity | None = ANONYMOUS
        since = asyncio.get_running_loop().time()
        if key is not None:
            try:
                await revocation.current().start()
                identity = await queries.run(identity_of_session, key)
            except LogUnavailable:
                identity = None
        await self._application({**scope, "identity": identity, "identified_at": since}, receive, send)


@dataclass(frozen=True)
class SessionIdentity(Identity):
    """A user who came with the cookie of a session."""

    session_key: str = field(default="", repr=False)

    def reread(self) -> Identity:
        return identity_of_session(self.session_key)


def session_key(scope: dict[str, Any]) -> str | None:
    """Return the session key among the cookies of an ASGI scope, or None."""
    # Django's parser, as on every page. Python's own drops all cookies of a request over a single odd one, and a
    # banner's `consent={"all":true}` would make a signed-in user a stranger.
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    # No key has control characters, and PostgreSQL takes no U+0000.
    return key if key and key.isprintable() else None


def identity_of_session(key: str) -> Identity:
    """Return who is signed in by the session with this key; ANONYMOUS where nobody is. Runs queries."""
    # Django's own check, so that a changed password ends the session here as it does on every page.
    request = HttpRequest()
    stored = import_module(settings.SESSION_ENGINE).SessionStore(key)
    request.session = _SessionSnapshot(stored.load())  # type: ignore[assignment]
    user = get_user(request)
    if not (user.is_authenticated and user.is_active):
        return ANONYMOUS
    return SessionIdentity(**facts_of(user), session_key=key)


class _SessionSnapshot(dict[str, Any]):
    """A session's data, to look at.

    Django's check deletes a session that fits no longer and, while SECRET_KEY_FALLBACKS is set, moves an old one to a
    new key; without a Set-Cookie, which an open stream can't send, that would sign the user out.
    """

    def flush(self) -> None:
        pass

    def cycle_key(self) -> None:
        pass
