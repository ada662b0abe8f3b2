"""The one place in which every publish through the API is known. Notifications are written down by their own room."""

from collections.abc import Iterable

from apps.audit import trail
from apps.audit.models import Action
from apps.events.logged_event import LoggedEvent


def tell(events: Iterable[LoggedEvent]) -> None:
    """Write into the audit trail what was published, in the thread and the transaction of the write.

    Who it was the trail has from the request, see `credentials`.

    Args:
        events: as the log answered; those that were there already are left out.
    """
    for event in events:
        if not event.repeated:
            trail.record(Action.EVENT_PUBLISHED, subject=event.topic, detail=f"{event.type} (seq {event.seq})")
