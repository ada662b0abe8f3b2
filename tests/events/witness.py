"""Who saw what: compares what writers were told is in the log with what a reader got from it."""

from collections import Counter
from collections.abc import Iterable

from apps.events.logged_event import LoggedEvent


class Witness:
    """Notes acknowledged events and seen ones, each named by its data, and says what went wrong.

    Its methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._acknowledged: list[str] = []
        self._seen: list[tuple[str, int, str]] = []

    def acknowledged(self, name: str) -> None:
        """Note that the append of `name` committed."""
        self._acknowledged.append(name)

    def saw(self, events: Iterable[LoggedEvent]) -> None:
        """Note what one reader got, in its order."""
        self._seen.extend((event.topic, event.seq, event.data) for event in events)

    def faults(self) -> list[str]:
        """Return what is lost, duplicated, unknown or out of order; call it when writers and reader are done."""
        names = Counter(name for _, _, name in self._seen)
        acknowledged = set(self._acknowledged)
        faults = [f"lost: {name}" for name in sorted(acknowledged - names.keys())]
        faults += [f"unknown: {name}" for name in sorted(names.keys() - acknowledged)]
        faults += [f"duplicated: {name}" for name, count in sorted(names.items()) if count > 1]
        heads: dict[str, int] = {}
        for topic, seq, name in self._seen:
            if topic in heads and seq != heads[topic] + 1:
                faults.append(f"out of order: {name} is {topic}:{seq} after {topic}:{heads[topic]}")
            heads[topic] = seq
        return faults
