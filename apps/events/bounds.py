"""Where a log begins and ends, and whether a cursor still fits it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.events.batch import Reset
from apps.events.cursor import NOW, Cursor, Last, Place, StartingPlace


@dataclass(frozen=True, slots=True)
class Bounds:
    """The epoch and, for each topic asked for, its head and low water; both are 0 for a topic without events."""

    epoch: str
    heads: Mapping[str, int]
    low_waters: Mapping[str, int]

    @property
    def cursor(self) -> Cursor:
        """The place at the head of every topic: what a page that renders a snapshot hands to its stream.

        Read it before the rows of the snapshot: an event that commits in between is then replayed, never missed.
        """
        return Cursor(self.epoch, dict(self.heads))

    def resolve(self, topics: Iterable[str], place: StartingPlace) -> Cursor:
        """Turn a starting place into numbers, without judging them.

        A topic that a cursor doesn't mention starts at the head. A cursor of another epoch is returned as it is
        (its topics only): its numbers can't be mixed with those of this epoch, and `settle` will answer it.
        """
        if isinstance(place, Cursor):
            known = place.only(topics)
            if known.positions and known.epoch != self.epoch:
                return known
            return Cursor(self.epoch, {t: known.positions.get(t, self.heads[t]) for t in topics})
        return Cursor(self.epoch, {t: self._place(t, place) for t in topics})

    def settle(self, topics: Iterable[str], after: Cursor, last: int | None = None) -> tuple[Cursor, Reset | None]:
        """Return where a reader at `after` goes on, with a reset where it can't simply do so.

        Where several reasons apply, the first of epoch, ahead, trimmed is told; the next read tells the next.

        Args:
            topics: the reader's topics; others in the cursor are ignored.
            last: after a reset, go on from this many events before the head; by default from the oldest kept one.
        """
        topics = tuple(topics)
        cursor = self.resolve(topics, after)
        for reason, broken in (
            ("epoch", [t for t in cursor.positions if cursor.epoch != self.epoch]),
            ("ahead", [t for t in topics if cursor.positions.get(t, 0) > self.heads[t]]),
            ("trimmed", [t for t in topics if cursor.positions.get(t, self.heads[t]) < self.low_waters[t]]),
        ):
            if broken:
                kept = {t: cursor.positions.get(t, self.heads[t]) for t in topics}
                again = {t: self._place(t, Place.START if last is None else Last(last)) for t in broken}
                cursor = Cursor(self.epoch, kept | again)
                return cursor, Reset(reason, tuple(sorted(broken)), cursor)  # type: ignore[arg-type]
        return cursor, None

    def _place(self, topic: str, place: Place | Last) -> int:
        head, low_water = self.heads[topic], self.low_waters[topic]
        if isinstance(place, Last):
            return max(low_water, head - place.count)
        return head if place is NOW else low_water
