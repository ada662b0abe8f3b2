"""Where a subscription begins, for those too who may read a topic but not what was said in it before."""

from dataclasses import dataclass

from apps.events import feed
from apps.events.batch import Batch, Reset
from apps.events.cursor import NOW, Cursor
from apps.transports.subscription import Subscription


@dataclass(frozen=True)
class Beginning:
    """The first thing to tell a reader.

    Args:
        place: the reader's own place, in numbers: what `ready` tells.
        reset: set where the reader can't go on from there; its cursor is where to go on instead.
    """

    place: Cursor
    reset: Reset | None = None

    @property
    def cursor(self) -> Cursor:
        """Where to read on."""
        return self.place if self.reset is None else self.reset.cursor

    @property
    def batch(self) -> Batch | None:
        """The answer of a poll that is told of a reset; None: read on."""
        return None if self.reset is None else Batch((), self.reset.cursor, self.reset)


async def beginning_of(subscription: Subscription) -> Beginning:
    """Resolve the subscription's place. See PROTOCOL.md#history.

    Raises:
        LogUnavailable: the database is away; never for a cursor that names all topics, if it may be read from.
    """
    place = await feed.current().resolve(subscription.topics, subscription.place)
    if not subscription.without_history or subscription.place is NOW:
        return Beginning(place)
    heads = await feed.current().resolve(subscription.topics, NOW)
    if place.epoch != heads.epoch:
        return Beginning(place)  # the read will answer with a reset of its own, and `last` is 0
    missed = [t for t in subscription.without_history if place.positions[t] < heads.positions[t]]
    if not missed:
        return Beginning(place)
    cursor = Cursor(place.epoch, {**place.positions, **{topic: heads.positions[topic] for topic in missed}})
    return Beginning(place, Reset("history", tuple(sorted(missed)), cursor))
