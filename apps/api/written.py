"""The one place in which every write through the API is known: who, with what, and which events."""

from collections.abc import Iterable
from typing import Literal

from apps.access.identity import Identity
from apps.audit import trail
from apps.audit.models import Action as Audited
from apps.events.logged_event import LoggedEvent

Action = Literal["published", "posted", "edited", "recalled"]


def tell(identity: Identity, action: Action, events: Iterable[LoggedEvent]) -> None:
    """Write into the audit trail what was written, in the thread and the transaction of the write.

    Args:
        identity: who wrote it; the trail has it from the request, see `credentials`.
        action: events published, or a notification posted, edited or recalled, which its own room writes down.
        events: what the log has of it now; those that were there already are left out.
    """
    if action != "published":
        return
    for event in events:
        if not event.repeated:
            trail.record(Audited.EVENT_PUBLISHED, subject=event.topic, detail=f"{event.type} (seq {event.seq})")
