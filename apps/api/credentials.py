"""Who is asking: an API key, a token, a session with a CSRF token, or nobody. Run in the log's threads; they query."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from ninja.security import APIKeyCookie, HttpBearer

from apps.access import tokens
from apps.access.identity import ANONYMOUS, Identity, identity_of
from apps.access.tokens import TokenError
from apps.api import models, pacing
from apps.api.key_identity import identity_of_key
from apps.audit import actor
from apps.transports.refusal import Refusal


class Bearer(HttpBearer):
    """`Authorization: Bearer …` (RFC 6750). Cookies that come with it don't count, and need no CSRF token."""

    openapi_description = "An API key (`rt_…`), which publishes and reads nothing; or a token (`rtt_…`)."

    def authenticate(self, request: HttpRequest, token: str) -> Identity:
        text = token.strip()
        if text.startswith(tokens.PREFIX):
            return self._token(request, text)
        identity = identity_of_key(text)
        key = models.known_as(identity.key_name, identity.key_prefix)
        actor.name_in(request, via="api", user_id=identity.user_id, name=identity.username, key=key)
        return _paced(request, identity)

    def _token(self, request: HttpRequest, text: str) -> Identity:
        try:
            identity = tokens.identity_of_token(text)
        except TokenError as error:
            raise Refusal(401, error.code, error.message, error.hint) from None
        # What is done with a key's token is done with the key.
        key = models.used(identity.key_prefix) if identity.key_prefix else ""
        actor.name_in(request, via="api", user_id=identity.user_id, name=identity.username, key=key)
        return _paced(request, identity)


class Session(APIKeyCookie):
    """The session cookie; a write needs a CSRF token beside it."""

    param_name = settings.SESSION_COOKIE_NAME
    openapi_description = "The cookie of who is signed in; a write needs `X-CSRFToken` too."

    def __call__(self, request: HttpRequest) -> Identity | None:
        _check_csrf(request)
        return self.authenticate(request, None)

    def authenticate(self, request: HttpRequest, key: str | None) -> Identity | None:
        # PostgreSQL takes no U+0000, which a cookie can say in quotes.
        if not request.COOKIES.get(self.param_name, "").isprintable():
            return None
        identity = identity_of(request.user)
        actor.name_in(request, via="api", user_id=identity.user_id, name=identity.username)
        return _paced(request, identity) if identity.is_signed_in else None


def _paced(request: HttpRequest, identity: Identity) -> Identity:
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        pacing.count(request, "publish", identity)
    return identity


def nobody(request: HttpRequest) -> Identity:
    """Let in who shows nothing: for what everybody may read."""
    return ANONYMOUS


TO_WRITE = [Bearer(), Session()]
TO_READ = [*TO_WRITE, nobody]


def asking(request: HttpRequest) -> Identity:
    """Return who sent `request`, as the credentials of its operation found out."""
    return request.auth  # type: ignore[attr-defined]  # ninja's place for it


def not_signed_in() -> Refusal:
    return Refusal(
        403,
        "not_signed_in",
        "nobody is signed in, and no API key was sent",
        "sign in as staff at /admin/ and send the session cookie, or send a key as Authorization: Bearer rt_…",
    )


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        # Raised, not returned: Django's own answer is a page.
        raise Refusal(
            403,
            "csrf_failed",
            reason.rstrip("."),
            "send the value of the cookie csrftoken in the header X-CSRFToken, from a page of this site",
        )


def _check_csrf(request: HttpRequest) -> None:
    check = _Csrf(_nothing)
    check.process_request(request)
    check.process_view(request, _nothing, (), {})


def _nothing(request: HttpRequest) -> HttpResponseBase:
    raise NotImplementedError  # the check asks for a view, whether that is exempt, and calls none
