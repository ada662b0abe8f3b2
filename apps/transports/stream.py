"""The life of a stream, the same behind SSE, fetch stream and WebSocket: ready, events, heartbeats, resets, close.

A door adds only its framing and its way of writing. See PROTOCOL.md#streams.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.conf import settings

from apps.transports.beginning import Beginning
from apps.transports.connections import Connection
from apps.transports.deliveries import delivered
from apps.transports.fanout import Follower
from apps.transports.framing import Framing, reset_frame
from apps.transports.subscription import Subscription

# The reconnect delay, in milliseconds, that clients spread around (they add jitter).
RETRY_MS = 2_000


async def stream(
    subscription: Subscription, beginning: Beginning, connection: Connection, framing: Framing
) -> AsyncGenerator[list[bytes], None]:
    """Yield the stream's frames, those that belong together in one list, until the connection is stopped.

    Args:
        beginning: `ready` tells the client's own place: cut right after it, the client comes back with it, and misses
            neither an event nor a reset.

    Cancellation: close the iterator (`contextlib.aclosing`).
    """
    heartbeat_s = settings.FEED_HEARTBEAT_S
    yield [framing.control("ready", beginning.place, heartbeat_s=heartbeat_s, retry_ms=RETRY_MS)]
    if beginning.reset is not None:
        yield [reset_frame(framing, beginning.reset)]
    follower = Follower(subscription, beginning.cursor, connection, framing, heartbeat_s)
    async with aclosing(follower.batches()) as batches:
        async for batch in batches:
            if connection.is_cut:
                break
            if batch.reset is not None:
                yield [reset_frame(framing, batch.reset)]
            elif batch.events:
                yield framing.events(batch.events, follower.cursor)
                # Here again once the door has sent them.
                delivered(connection.door, batch.events, connection.opened_at)
            else:
                yield [framing.control("heartbeat", batch.cursor)]
            follower.cursor = batch.cursor
    stop = connection.stopped.result()
    yield [framing.control("close", follower.cursor, **stop.fields)]
