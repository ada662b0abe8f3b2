"""The notifications that a page's first render shows, and the place where its stream goes on."""

from dataclasses import dataclass
from typing import Any

from apps.access.identity import ANONYMOUS, Identity
from apps.events import log
from apps.notifications.audience import reached, shared, topics_of
from apps.notifications.models import Notification


@dataclass(frozen=True)
class Snapshot:
    """Somebody's notifications as they were at a place in the log.

    Args:
        notifications: newest first, each as in the data of its events; beside that `topics`, over which it reaches
            this reader: it is gone when it was recalled from all of them.
        topics: what to subscribe to.
        cursor: what to give to a stream as `after`.
    """

    notifications: list[dict[str, Any]]
    topics: list[str]
    cursor: str


def latest(count: int, identity: Identity = ANONYMOUS) -> Snapshot:
    """Return the `count` newest notifications (0 or more) for `identity`, and the cursor that goes with them."""
    topics = topics_of(identity)
    # The cursor first. [race] The other way round, a notification that commits between the two is neither among the
    # rows nor after the cursor. This way it is both, and the page, which upserts by id, shows it once.
    cursor = log.bounds(topics).cursor.text
    newest = (
        Notification.objects.filter(reached(identity))
        .distinct()
        .select_related("posted_by")
        .prefetch_related("groups", "people")[:count]
    )
    rows = [{**one.as_data(), "topics": shared(one.reaches.topics, topics)} for one in newest]
    return Snapshot(rows, topics, cursor)
