"""The notifications that a page's first render shows, and the place where its stream goes on."""

from dataclasses import dataclass
from typing import Any

from apps.events import log
from apps.notifications.models import Notification
from apps.notifications.publishing import TOPIC


@dataclass(frozen=True)
class Snapshot:
    """Notifications as they were at a place in the log.

    Args:
        notifications: newest first, each as in the data of its events.
        cursor: what to give to a stream as `after`.
    """

    notifications: list[dict[str, Any]]
    cursor: str


def latest(count: int) -> Snapshot:
    """Return the `count` newest notifications (0 or more) and the cursor that goes with them."""
    # The cursor first. [race] The other way round, a notification that commits between the two is neither among the
    # rows nor after the cursor. This way it is both, and the page, which upserts by id, shows it once.
    cursor = log.bounds([TOPIC]).cursor.text
    newest = Notification.objects.select_related("posted_by")[:count]
    return Snapshot([notification.as_data() for notification in newest], cursor)
