"""Long poll: the next batch, or an empty one when the time is up. See PROTOCOL.md#long-poll."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from apps.events import feed
from apps.transports.beginning import beginning_of
from apps.transports.connections import opened, refuse_if_cut
from apps.transports.deliveries import delivered
from apps.transports.framing import batch_body
from apps.transports.http_door import POLL_HEADERS, http_door
from apps.transports.subscription import subscribe


@http_door
async def long_poll(request: ASGIRequest) -> HttpResponse:
    """Answer with the first batch after the client's cursor, and on the timeout or a drain with an empty one."""
    subscription = subscribe(request.scope)
    beginning = await beginning_of(subscription)
    with opened("long_poll", request.scope, subscription.identity, subscription.topics) as connection:
        batch = beginning.batch or await feed.current().wait(
            subscription.topics,
            beginning.cursor,
            subscription.timeout_s,
            subscription.limit,
            subscription.last,
            connection.stopped,
        )
        refuse_if_cut(connection)
        delivered("long_poll", batch.events, connection.opened_at)
    return HttpResponse(batch_body(batch), content_type="application/json", headers=POLL_HEADERS)
