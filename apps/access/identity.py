"""Who is asking: the signed-in user of an ASGI scope, the same for HTTP streams and WebSockets.

Channels' AuthMiddlewareStack does this too, but hops to a thread for every client without a cookie, looks at the
session again with every frame it sends, and answers a database that is away with a crash.
"""

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from apps.access.families import User
from apps.events import queries
from apps.events.queries import LogUnavailable

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]


class Identified:
    """Put the user into `scope["user"]` before the application sees it.

    The user is anonymous without a valid session, and None where it could not be found out because the database is
    away: then nothing may be decided, and a door answers 503.
    """

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        session_key = _session_key(scope)
        user: User | None = AnonymousUser()
        if session_key:
            try:
                user = await queries.run(_user_of_session, session_key)
            except LogUnavailable:
                user = None
        await self._application({**scope, "user": user}, receive, send)


def _session_key(scope: dict[str, Any]) -> str | None:
    cookies: SimpleCookie = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookies.load(value.decode("latin-1"))
            except CookieError:
                continue
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else None


def _user_of_session(session_key: str) -> User:
    # Django's own check, so that a changed password ends the session here as it does on every page.
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return get_user(request)
