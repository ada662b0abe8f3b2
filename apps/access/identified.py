"""Who is asking: from an ASGI scope to an identity, the same for HTTP streams and WebSockets.

Channels' AuthMiddlewareStack does this too for sessions, but hops to a thread for every client without a cookie, looks
at the session again with every frame it sends, and answers a database that is away with a crash.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from apps.access import revocation
from apps.access.bearer import bearer_of
from apps.access.identity import ANONYMOUS, Identity, Unproven
from apps.access.remembered import Known, remembered
from apps.access.sessions import identity_of_session, session_key
from apps.access.tokens import TokenError, identity_of_token
from apps.events import queries
from apps.events.queries import LogUnavailable

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]


class Identified:
    """Put who is asking into `scope["identity"]`, and into `scope["identified_at"]` the loop time as of which that is.

    A token in the Authorization header, or in a WebSocket's subprotocols, comes before the session cookie, whatever it
    is worth: the scope that is passed on has no cookies then, so that a page of another site can't add a token of its
    own to somebody's session.

    The identity is ANONYMOUS without a valid session, Unproven with a token that does not count, and None where it
    could not be found out because the database is away: then nothing may be decided, and a door answers 503.
    """

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        since = asyncio.get_running_loop().time()
        identity: Identity | None = ANONYMOUS
        token = bearer_of(scope)
        if token is not None:
            scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}
            identity, since = await _identity(_proven, token)
        elif (key := session_key(scope)) is not None:
            identity, since = await _identity(identity_of_session, key)
        await self._application({**scope, "identity": identity, "identified_at": since}, receive, send)


async def _identity(look_up: Callable[[str], Identity], credential: str) -> tuple[Identity | None, float]:
    """Return who `credential` stands for, and the loop time at which that began to be looked up."""
    revocations = revocation.current()
    known = remembered.recall((look_up, credential)) if revocations.hears_everything else None
    if known is not None:
        return known.identity, known.since
    since = asyncio.get_running_loop().time()
    try:
        # Before the looking up: what ends the credential from here on is heard of.
        await revocations.start()
        words = remembered.words_so_far()
        identity = await queries.run(look_up, credential)
    except LogUnavailable:
        return None, since
    remembered.keep((look_up, credential), Known(identity, since), words)
    return identity, since


def _proven(token: str) -> Identity:
    try:
        return identity_of_token(token)
    except TokenError as error:
        return Unproven(code=error.code, message=error.message, hint=error.hint)
