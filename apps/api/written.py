"""The one place in which every write through the API is known: who, with what, and which events."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.dispatch import Signal

from apps.access.identity import Identity
from apps.events.logged_event import LoggedEvent

Action = Literal["published", "posted", "edited", "recalled"]


@dataclass(frozen=True)
class Written:
    """What somebody wrote through the API.

    Args:
        identity: who; a `KeyIdentity` where it was with an API key, whose name and prefix it has.
        action: events published, or a notification posted, edited or recalled.
        events: what the log has of it now, each with its topic and seq; none that was there already.
    """

    identity: Identity
    action: Action
    events: tuple[LoggedEvent, ...]


# Sent with `written=Written(…)`, in the thread and the transaction of the write: what a receiver saves commits with it,
# and a receiver that fails undoes it.
api_wrote = Signal()


def tell(identity: Identity, action: Action, events: Iterable[LoggedEvent]) -> None:
    """Tell the receivers of `api_wrote`, unless all of it was there already."""
    new = tuple(event for event in events if not event.repeated)
    if new:
        api_wrote.send(sender=Written, written=Written(identity, action, new))
