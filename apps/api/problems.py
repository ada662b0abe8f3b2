"""Every way in which the API says no, and the form in which it says it: RFC 9457, problem details."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _

from apps.events.logged_event import encode
from apps.transports.refusal import Refusal

MEDIA_TYPE = "application/problem+json"
PAGE = "/api/problems/"


@dataclass(frozen=True)
class Problem:
    """A code, and what it means whoever gets it.

    Args:
        status: the HTTP status that it comes with.
        title: a few words, the same each time.
        meaning: when it comes, and what helps.
    """

    status: int
    title: str
    meaning: str


PROBLEMS = {
    "bad_json": Problem(
        400,
        _("The body is no JSON"),
        _(
            "It can't be read as JSON in UTF-8, or holds what two readers would take in two ways: NaN, a member named "
            "twice, a number of more than 40 characters, more than 64 levels of nesting."
        ),
    ),
    "bad_body": Problem(
        400,
        _("The body does not fit"),
        _(
            "It is JSON, but not what this address takes: a member is missing, misspelt or out of its range. "
            "“pointer” says which."
        ),
    ),
    "bad_cursor": Problem(
        400,
        _("No such place to read from"),
        _("“after” is no cursor. Give back the one of the last batch as it came, or “start”, or “now”."),
    ),
    "token_in_address": Problem(
        400,
        _("A token or a key in the address"),
        _("Logs and histories keep addresses. Send another one, and send it in the header Authorization."),
    ),
    "bad_host": Problem(
        400,
        _("Another host name"),
        _("The site does not answer under the name in the header Host. Use its own; who runs it says which count."),
    ),
    "bad_query": Problem(400, _("The query does not fit"), _("A parameter in the address is not what it may be.")),
    "unknown_api_key": Problem(
        401,
        _("No such API key"),
        _("What came in Authorization is none of this site's keys. Ask whoever makes keys in the admin for another."),
    ),
    "revoked_api_key": Problem(
        401,
        _("The API key was revoked"),
        _("Somebody revoked the key, or deactivated its owner. Ask for another."),
    ),
    "bad_token": Problem(
        401, _("No such token"), _("What came in Authorization begins like a token, and is none of this site's.")
    ),
    "token_expired": Problem(401, _("The token has expired"), _("Tokens are short-lived. Ask for another.")),
    "token_revoked": Problem(
        401,
        _("The token counts no longer"),
        _("Its user was deactivated, or has another password. Ask for another."),
    ),
    "not_signed_in": Problem(
        403,
        _("Nobody is signed in"),
        _("Neither a session nor a key came along. Sign in, or send a key as “Authorization: Bearer rt_…”."),
    ),
    "csrf_failed": Problem(
        403,
        _("The CSRF token is missing or wrong"),
        _(
            "A write with a session cookie needs the value of the cookie “csrftoken” in the header “X-CSRFToken”, from "
            "a page of this site. With a key it needs none."
        ),
    ),
    "forbidden": Problem(
        403,
        _("Not allowed"),
        _("Whoever asks, or the key that they ask with, has no right to this. The detail says to what."),
    ),
    "reserved_type": Problem(
        403,
        _("The site itself writes this type"),
        _(
            "Events of notifications and of the chat are written together with rows of their own, and can't be "
            "published past them. Post a notification, say a line in the chat, or choose another type."
        ),
    ),
    "no_such_topic": Problem(404, _("No such topic"), _("No family of topics matches the name.")),
    "no_such_notification": Problem(
        404, _("No such notification"), _("There never was one with this number, or it was recalled.")
    ),
    "no_such_address": Problem(404, _("Nothing is served here"), _("The address is misspelt; the document has all.")),
    "method_not_allowed": Problem(405, _("Another method is served here"), _("The header “Allow” says which.")),
    "recalled": Problem(
        409,
        _("It was recalled meanwhile"),
        _("A notification was posted with this key, and recalled since. To post it again, use another key."),
    ),
    "too_large": Problem(
        413,
        _("Too large"),
        _("The body, or the data of an event, is larger than the log takes. Store it elsewhere and publish a link."),
    ),
    "not_json": Problem(
        415, _("The body is not declared as JSON"), _("Send it with “Content-Type: application/json”.")
    ),
    "too_often": Problem(
        429,
        _("Too often"),
        _("The key, the user or the address asks more often than it may. “Retry-After” says when to come back."),
    ),
    "internal_error": Problem(
        500,
        _("Something broke in here"),
        _("The site's log says what. Whether something was written is unknown: send it again with its key."),
    ),
    "log_unavailable": Problem(
        503,
        _("The database did not answer"),
        _(
            "Whether something was written is unknown. Wait as long as “Retry-After” says, and send it again: with its "
            "key, it is there once."
        ),
    ),
}


def problem(refusal: Refusal) -> HttpResponse:
    """Return the refusal as an HTTP response of the API."""
    members = {
        # A path, not a whole address: that would repeat whatever Host the client sent.
        "type": f"{PAGE}#{refusal.code}",
        "title": PROBLEMS[refusal.code].title,
        "status": refusal.status,
        "detail": refusal.message,
        "code": refusal.code,
        "hint": refusal.hint,
        **({} if refusal.pointer is None else {"pointer": refusal.pointer}),
    }
    # A message may repeat half of a surrogate pair, which has no form in UTF-8.
    response = HttpResponse(encode(members).encode(errors="replace"), status=refusal.status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    if refusal.retry_after_s is not None:
        response["Retry-After"] = str(refusal.retry_after_s)
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="publish"'
    return response
