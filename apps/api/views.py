"""`POST /api/topics/<topic>/events`: append an event over HTTP, as staff or with a key. See PUBLISHING.md#over-http."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from apps.access.families import family_of, may
from apps.access.identity import Identity, Right, identity_of
from apps.api.key_identity import KeyIdentity, bears_key, forbidden, identity_of_key
from apps.api.submitted_event import MAX_BODY_BYTES, parse
from apps.events import log, queries
from apps.events.log import EventRejected, EventTooLarge
from apps.events.queries import LogUnavailable
from apps.transports.refusal import Refusal, bad_request, refused

RETRY_AFTER_S = 2
# Events that a room writes together with its own rows, or in a shape that its pages rely on: topic -> type. Elsewhere
# in these topics, and in all others, staff may publish what it likes.
_WRITTEN_BY_THEIR_ROOM = (("notifications", "notification."), ("chat.", "chat."))


# Exempt, because `_publish_with_session` makes the check further in: a request that could not succeed anyway is
# answered before, and Django's own check, which comes before the view, would read a form of any size for the token.
@csrf_exempt
async def topic_events(request: HttpRequest, topic: str) -> HttpResponse:
    """Append the event in the body to `topic`: 201 with the event, or 200 with the first one if its key is known.

    503 where the database is away or did not answer within PUBLISH_TIMEOUT_S: then the outcome is unknown.
    """
    try:
        if request.method != "POST":
            raise Refusal(405, "method_not_allowed", f"{request.method} was sent; only POST is served here", "use POST")
        if request.content_type != "application/json":
            raise Refusal(
                415,
                "not_json",
                f"the body is declared as {request.content_type or 'nothing'!r}; expected application/json",
                "send JSON with Content-Type: application/json",
            )
        # Who is asking is read from the database too, so that all of it has to be done in time.
        publish = _publish_with_key if bears_key(request) else _publish_with_session
        return await queries.write(publish, request, topic)
    except Refusal as refusal:
        response: HttpResponse = refused(refusal)
        if refusal.status == 405:
            response["Allow"] = "POST"
        if refusal.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="publish"'
        return response
    except LogUnavailable:
        return refused(
            Refusal(
                503,
                "log_unavailable",
                "the database did not answer; whether the event was appended is unknown",
                "send it again: with a 'key', the same one each time, it is appended once",
                retry_after_s=RETRY_AFTER_S,
            )
        )


@csrf_protect
def _publish_with_session(request: HttpRequest, topic: str) -> HttpResponse:
    user = request.user
    if not user.is_authenticated:
        raise Refusal(
            403,
            "not_signed_in",
            "nobody is signed in, and no API key was sent",
            "sign in as staff at /admin/ and send the session cookie, or send a key as Authorization: Bearer rt_…",
        )
    return _publish(request, topic, identity_of(user))


def _publish_with_key(request: HttpRequest, topic: str) -> HttpResponse:
    return _publish(request, topic, identity_of_key(request))


def _publish(request: HttpRequest, topic: str, identity: Identity) -> HttpResponse:
    if family_of(topic) is None:
        raise Refusal(
            404, "no_such_topic", f"there is no topic {topic[:120]!r}", "check the name; docs list the families"
        )
    if not may(identity, Right.PUBLISH, topic):
        if isinstance(identity, KeyIdentity):
            raise forbidden(identity, topic)
        raise Refusal(403, "forbidden", f"you may not publish to {topic!r}", "sign in as a member of staff")
    # One byte more than fits, whatever a Content-Length said or did not say.
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal(
            413,
            "too_large",
            f"the body is larger than {MAX_BODY_BYTES} bytes",
            f"an event holds {log.MAX_DATA_BYTES} bytes: store the large part elsewhere and publish a link to it",
        )
    submitted = parse(body)
    for owned_topic, owned_type in _WRITTEN_BY_THEIR_ROOM:
        if topic.startswith(owned_topic) and submitted.type.startswith(owned_type):
            raise Refusal(
                403,
                "reserved_type",
                f"events of the type {submitted.type!r} are written by the site itself",
                "post a notification in the admin or with manage.py post_notification, a line in the chat; "
                "or choose another type",
            )
    try:
        event = log.append(topic, submitted.type, submitted.data, key=submitted.key)
    except EventTooLarge as error:
        raise Refusal(413, "too_large", str(error), "store the large part elsewhere") from None
    except EventRejected as error:
        raise bad_request("bad_event", str(error), "correct the event") from None
    response = HttpResponse(event.json, status=200 if event.repeated else 201, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
