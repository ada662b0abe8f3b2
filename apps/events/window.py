"""The recent events of one topic, kept in memory for the readers of this process."""

from collections.abc import Callable, Iterable, Sequence

from apps.events.logged_event import LoggedEvent

MAX_EVENTS = 1_000
MAX_BYTES = 1024 * 1024  # on the wire


class Window:
    """A contiguous run of a topic's events, ending at the head as far as this process knows it.

    It covers every reader whose position is in [base, head]. Until it is loaded it covers nobody.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.is_loaded = False
        self.base = 0  # the seq before the oldest event in the window
        self.low_water = 0  # that of the log, as of the last tick
        self.subscribers = 0
        self.idle_since = 0.0  # loop time at which the last subscriber left
        self.is_backfilled = False  # whether its past was asked for already
        self.waiters: set[Callable[[], object]] = set()  # called whenever the window moved; must not block
        self._events: list[LoggedEvent] = []
        self._size_bytes = 0

    @property
    def head(self) -> int:
        return self.base + len(self._events)

    def covers(self, position: int) -> bool:
        """Return whether all that follows `position` is in the window."""
        return self.is_loaded and self.base <= position <= self.head

    def after(self, position: int, limit: int) -> list[LoggedEvent]:
        """Return up to `limit` events that follow a covered `position`."""
        first = position - self.base
        return self._events[first : first + limit]

    def restart(self, head: int) -> None:
        """Empty the window and let it begin at `head`; its waiters look again."""
        self._events.clear()
        self._size_bytes = 0
        self.base = head
        self.is_loaded = True
        self.is_backfilled = False
        self.wake()

    def extend(self, run: Sequence[LoggedEvent]) -> None:
        """Add the events that follow the head, drop the oldest beyond the bounds, and wake the waiters."""
        self._events.extend(run)
        self._size_bytes += _size_bytes(run)
        for event in run:
            if event.blanks_earlier:
                self._blank_before(event)
        self._drop_beyond_bounds()
        self.wake()

    def prepend(self, run: Sequence[LoggedEvent]) -> None:
        """Add events that lead up to the base, as far as the bounds allow; others are ignored.

        [race] The run was read while the window went on. If a recall came in between, the run still holds what it
        took back, so the window's own recalls are applied to it again.
        """
        self.is_backfilled = True
        if not run or run[-1].seq != self.base or run[0].seq != self.base - len(run) + 1:
            return
        self._events[:0] = run
        self.base -= len(run)
        self._size_bytes += _size_bytes(run)
        for event in self._events[len(run) :]:
            if event.blanks_earlier:
                self._blank_before(event)
        self._drop_beyond_bounds()

    def wake(self) -> None:
        """Let every waiter look at the window again."""
        for waiter in self.waiters:
            waiter()

    def _blank_before(self, recall: LoggedEvent) -> None:
        for index, event in enumerate(self._events[: recall.seq - self.base - 1]):
            if event.subject == recall.subject:
                self._events[index] = blanked = event.blanked()
                self._size_bytes += _size_bytes([blanked]) - _size_bytes([event])

    def _drop_beyond_bounds(self) -> None:
        drop = max(0, len(self._events) - MAX_EVENTS)
        size_bytes = self._size_bytes - _size_bytes(self._events[:drop])
        while size_bytes > MAX_BYTES:
            size_bytes -= _size_bytes([self._events[drop]])
            drop += 1
        del self._events[:drop]
        self.base += drop
        self._size_bytes = size_bytes


def _size_bytes(events: Iterable[LoggedEvent]) -> int:
    # As on the wire: that form is kept with the event from its first reader on.
    return sum(len(event.json) for event in events)
