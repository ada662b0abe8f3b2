"""Publishing to topics, over HTTP. See API.md."""

from typing import Annotated

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from apps.access.families import family_of, may
from apps.access.identity import Identity, Right
from apps.api import answers, bodies
from apps.api.credentials import TO_WRITE
from apps.api.key_identity import KeyIdentity, forbidden
from apps.api.written import tell
from apps.events import log
from apps.events.log import EventRejected, EventTooLarge
from apps.transports.refusal import Refusal

router = Router(tags=["topics"])

Topic = Annotated[str, Path(description="for example lab.demo", examples=["lab.demo"])]

# Events that a room writes together with its own rows, or in a shape that its pages rely on: topic -> type. Elsewhere
# in these topics, and in all others, staff may publish what it likes.
_WRITTEN_BY_THEIR_ROOM = (("notifications", "notification."), ("chat.", "chat."))


@router.post(
    "/topics/{topic}/events",
    auth=TO_WRITE,
    response={
        201: answers.Event,
        200: answers.Event,
        (400, 401, 403, 404, 413, 415, 500, 503): answers.Problem,
    },
    summary="Publish an event",
)
def publish(request: HttpRequest, topic: Topic, event: bodies.NewEvent) -> HttpResponse:
    """Append an event to a topic: 201 with the event, or 200 with the first one if its key is known.

    After a 503 the outcome is unknown: send the same again, with its key, and it is there once.
    """
    identity: Identity = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    _check_right(identity, topic)
    _check_type(topic, event.type)
    try:
        with transaction.atomic():
            appended = log.append(topic, event.type, event.data, key=event.key)
            tell(identity, "published", [appended])
    except EventTooLarge as error:
        raise Refusal(413, "too_large", str(error), "store the large part elsewhere") from None
    except EventRejected as error:
        raise Refusal(400, "bad_body", str(error), "correct the event") from None
    return _answer(appended.json, 200 if appended.repeated else 201)


def _check_right(identity: Identity, topic: str) -> None:
    if family_of(topic) is None:
        raise Refusal(
            404, "no_such_topic", f"there is no topic {topic[:120]!r}", "check the name; docs list the families"
        )
    if not may(identity, Right.PUBLISH, topic):
        if isinstance(identity, KeyIdentity):
            raise forbidden(identity, topic)
        raise Refusal(403, "forbidden", f"you may not publish to {topic!r}", "sign in as a member of staff")


def _check_type(topic: str, type: str) -> None:
    for owned_topic, owned_type in _WRITTEN_BY_THEIR_ROOM:
        if topic.startswith(owned_topic) and type.startswith(owned_type):
            raise Refusal(
                403,
                "reserved_type",
                f"events of the type {type!r} are written by the site itself",
                "post a notification in the admin or with manage.py post_notification, a line in the chat; "
                "or choose another type",
            )


def _answer(body: bytes, status: int) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
