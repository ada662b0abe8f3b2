"""Short poll: what is there now, at once. See PROTOCOL.md#short-poll."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from apps.events import feed
from apps.events.batch import Batch
from apps.events.cursor import Cursor
from apps.transports.beginning import beginning_of
from apps.transports.connections import opened, refuse_if_cut
from apps.transports.deliveries import delivered
from apps.transports.framing import batch_body
from apps.transports.http_door import POLL_HEADERS, http_door
from apps.transports.subscription import Subscription, subscribe


@http_door
async def short_poll(request: ASGIRequest) -> HttpResponse:
    """Answer with the batch after the client's cursor; 304 where it is the one the client already has."""
    subscription = subscribe(request.scope)
    known = request.headers.get("If-None-Match")
    if known is not None and _is_still_current(subscription, known):
        return HttpResponse(status=304, headers={**POLL_HEADERS, "ETag": known})
    with opened("short_poll", request.scope, subscription.identity, subscription.topics) as connection:
        batch = await _batch(subscription)
        refuse_if_cut(connection)
    # The cursor says exactly which events the answer ends with, so it is the answer's version too. Weak: the same
    # place may be reached by batches cut differently.
    etag = f'W/"{batch.cursor.text}"'
    headers = {**POLL_HEADERS, "ETag": etag}
    if batch.reset is None and known == etag:
        return HttpResponse(status=304, headers=headers)
    delivered("short_poll", batch.events)
    return HttpResponse(batch_body(batch), content_type="application/json", headers=headers)


def _is_still_current(subscription: Subscription, etag: str) -> bool:
    """Say whether the process knows, without a query, that the client has all there is."""
    place = subscription.place
    return (
        isinstance(place, Cursor)
        and etag == f'W/"{place.text}"'
        and len(place.positions) == len(subscription.topics)
        and feed.current().knows_no_more(subscription.topics, place)
    )


async def _batch(subscription: Subscription) -> Batch:
    place = subscription.place
    if subscription.without_history:
        beginning = await beginning_of(subscription)
        if beginning.batch is not None:
            return beginning.batch
        place = beginning.cursor
    return await feed.current().read(subscription.topics, place, subscription.limit, subscription.last)
