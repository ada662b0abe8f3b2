"""`GET /api/long-poll`: the next notification, without a parameter. See ARTICLE.md#long-poll."""

import asyncio

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone

from apps.access.identity import ANONYMOUS
from apps.events import cursor, feed
from apps.events.batch import Batch
from apps.events.cursor import NOW, Cursor, CursorError, StartingPlace
from apps.events.logged_event import encode, wire_time
from apps.events.queries import LogUnavailable
from apps.transports.connections import opened
from apps.transports.deliveries import delivered
from apps.transports.framing import batch_body
from apps.transports.http_door import POLL_HEADERS, http_door

TOPIC = "notifications"
PLACE_COOKIE = "long_poll_place"
# The article's client calls again at once, whatever the answer was: a refusal must not turn it into a flood.
REFUSAL_PAUSE_S = 3.0


@http_door
async def long_poll(request: ASGIRequest) -> HttpResponseBase:
    """Answer with the event that follows the browser's place, on the timeout and on a drain with none.

    The place is a cursor in a cookie. It moves with the answer: one that never arrives is asked for again.
    """
    try:
        batch = await _next_batch(request)
    except LogUnavailable:
        await asyncio.sleep(REFUSAL_PAUSE_S)
        raise
    response = HttpResponse(_body(batch), content_type="application/json", headers=POLL_HEADERS)
    response.set_cookie(
        PLACE_COOKIE,
        batch.cursor.text,
        path=request.path,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


async def _next_batch(request: ASGIRequest) -> Batch:
    reader = feed.current()
    start = await reader.resolve([TOPIC], _place(request.COOKIES.get(PLACE_COOKIE)))
    # Everyone reads this topic, so nobody is asked who they are.
    with opened("long_poll", request.scope, ANONYMOUS, (TOPIC,)) as connection:
        # One by one: the article's page shows one message for each answer, and asks again at once.
        batch = await reader.wait([TOPIC], start, settings.ARTICLE_LONG_POLL_S, limit=1, until=connection.stopped)
        delivered("long_poll", batch.events, connection.opened_at)
        return batch


def _place(cookie: str | None) -> StartingPlace:
    """Return the place in the cookie; the head without one, or with one that makes no sense.

    The page can't see the cookie, so telling it what is wrong would help nobody.
    """
    try:
        place = cursor.parse(cookie or "now")
    except CursorError:
        return NOW
    return place.only([TOPIC]) if isinstance(place, Cursor) else NOW


def _body(batch: Batch) -> bytes:
    """Return the batch as every poll has it, with what the article's page shows in front."""
    shown = {"message": _message(batch), "timestamp": wire_time(timezone.now())}
    return f"{encode(shown)[:-1]},".encode() + batch_body(batch)[1:]


def _message(batch: Batch) -> str | None:
    """Return the notification of the batch in one line; None for a recall, and where there is none."""
    for event in batch.events:
        match event.type, event.data:
            case "notification.posted" | "notification.edited", {"title": str(title), "message": str(message)}:
                return f"{title}: {message}" if message else title
    return None
