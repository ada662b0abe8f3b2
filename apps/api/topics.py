"""Publishing to topics, and reading what was published, over HTTP. See API.md."""

from collections.abc import Sequence
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from apps.access.families import family_of, may
from apps.access.identity import Identity, Right
from apps.api import answers, bodies, pacing
from apps.api.credentials import TO_READ, TO_WRITE, asking
from apps.api.key_identity import KeyIdentity, forbidden
from apps.api.own_keys import own_key
from apps.api.written import tell
from apps.events import cursor as cursors
from apps.events import log
from apps.events.cursor import START, CursorError, Last, StartingPlace
from apps.events.log import EventRejected, EventTooLarge, NewEvent
from apps.events.logged_event import LoggedEvent
from apps.transports.framing import batch_body
from apps.transports.refusal import Refusal, bad_request

router = Router(tags=["topics"])

Topic = Annotated[str, Path(description="the name of a topic, for example lab.demo", examples=["lab.demo"])]

# Events that a room writes together with its own rows, or in a shape that its pages rely on: beginnings of topic and of
# type. Elsewhere in these topics, and in all others, staff may publish what it likes.
_WRITTEN_BY_THEIR_ROOM = (
    *((topic, "notification.") for topic in ("notifications", "user.", "group.")),
    ("chat.", "chat."),
)
_WRITING = {(400, 401, 403, 404, 413, 415, 429, 500, 503): answers.Problem}


@router.post(
    "/topics/{topic}/events",
    auth=TO_WRITE,
    response={201: answers.Event, 200: answers.Event, **_WRITING},
    summary="Publish an event",
)
def publish(request: HttpRequest, topic: Topic, event: bodies.NewEvent) -> HttpResponse:
    """Append an event to a topic: 201 with the event, or 200 with the first one if its key is known.

    After a 503 the outcome is unknown: send the same again, with its key, and it is there once.
    """
    identity = asking(request)
    _check(identity, topic, event.type)
    (appended,) = _append([_new(identity, topic, event)])
    return _answer(appended.json, 200 if appended.repeated else 201)


@router.post(
    "/topics/events",
    auth=TO_WRITE,
    response={201: answers.Events, 200: answers.Events, **_WRITING},
    summary="Publish several events",
)
def publish_several(request: HttpRequest, batch: bodies.NewEvents) -> HttpResponse:
    """Append several events, to one topic or to several: all of them or none.

    201 if at least one is new, and 200 if all of their keys are known: a batch that timed out can be sent again as it
    is. They are in their topics in the order in which they stand here.
    """
    identity = asking(request)
    # The request itself was counted as one.
    if more := len(batch.events) - 1:
        pacing.count(request, "publish", identity, more)
    for index, event in enumerate(batch.events):
        _check(identity, event.topic, event.type, f"/events/{index}")
    appended = _append([_new(identity, event.topic, event) for event in batch.events])
    repeated = [index for index, event in enumerate(appended) if event.repeated]
    events = b",".join(event.json for event in appended)
    body = b'{"events":[%b],"repeated":%b}' % (events, str(repeated).replace(" ", "").encode())
    return _answer(body, 200 if len(repeated) == len(appended) else 201)


@router.get(
    "/topics/{topic}/events",
    auth=TO_READ,
    response={200: answers.Batch, (400, 401, 403, 404, 429, 500, 503): answers.Problem},
    summary="Read what was published",
    openapi_extra={"security": [{}]},  # public topics need no credential
)
def history(request: HttpRequest, topic: Topic, query: Query[bodies.HistoryQuery]) -> HttpResponse:
    """Read a topic's events, oldest first, a batch at a time; it takes the right to its history.

    The first batch begins at the oldest kept event, or `last` events before the newest. Give its `cursor` back as
    `after` for the next; `more` says whether that has something in it already. To wait for what comes, open one of the
    five doors with the same cursor.
    """
    identity = asking(request)
    _check_exists(topic)
    if not may(identity, Right.HISTORY, topic):
        who = repr(identity.username) if identity.is_signed_in else "who is not signed in"
        raise Refusal(403, "forbidden", f"{who} may not read the history of {topic!r}", "come as somebody who may")
    batch = log.read([topic], _place(query), query.limit, query.last)
    return _answer(batch_body(batch), 200)


def _place(query: bodies.HistoryQuery) -> StartingPlace:
    if query.after is None:
        return START if query.last is None else Last(query.last)
    try:
        return cursors.parse(query.after)
    except CursorError as error:
        raise bad_request("bad_cursor", str(error), error.hint) from None


def _new(identity: Identity, topic: str, event: bodies.NewEvent) -> NewEvent:
    return NewEvent(topic, event.type, event.data, own_key(identity, "event", event.key))


def _append(news: Sequence[NewEvent]) -> list[LoggedEvent]:
    try:
        with transaction.atomic():
            appended = log.append_many(news)
            tell(appended)
            return appended
    except EventTooLarge as error:
        raise Refusal(413, "too_large", str(error), "store the large part elsewhere") from None
    except EventRejected as error:
        raise bad_request("bad_body", str(error), "correct the event") from None


def _check(identity: Identity, topic: str, type: str, pointer: str | None = None) -> None:
    """Refuse what this identity may not publish to this topic.

    Args:
        pointer: where the event stands in the body.
    """
    try:
        _check_exists(topic)
        _check_right(identity, topic)
        _check_type(topic, type)
    except Refusal as refusal:
        refusal.pointer = pointer
        raise


def _check_exists(topic: str) -> None:
    if family_of(topic) is None:
        raise Refusal(
            404, "no_such_topic", f"there is no topic {topic[:120]!r}", "check the name; docs list the families"
        )


def _check_right(identity: Identity, topic: str) -> None:
    if may(identity, Right.PUBLISH, topic):
        return
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
