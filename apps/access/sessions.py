"""From the session cookie of an ASGI scope to an identity."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from apps.access.identity import ANONYMOUS, Identity, facts_of


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
