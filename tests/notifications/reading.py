"""What the log says of notifications, for tests."""

from apps.events import log
from apps.events.cursor import START
from apps.events.logged_event import LoggedEvent


def logged() -> tuple[LoggedEvent, ...]:
    """Return every event of the topic, oldest first."""
    return log.read(["notifications"], START, limit=500).events


def told() -> list[str]:
    """Return the same in short: ["posted 1", "recalled 1"]."""
    return [f"{event.type.removeprefix('notification.')} {event.subject.partition(':')[2]}" for event in logged()]
