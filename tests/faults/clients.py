"""One client for every door: reads, writes down what it saw, and comes back with its cursor when it was cut.

It repairs nothing. A page's own client drops duplicates and asks again on a hole; this one would hide that way what
the checker is there to find.
"""

import asyncio
import random
import time
from collections.abc import Iterable

import websockets

from apps.transports.registry import DOORS
from tests.conformance.readers import POLL_TIMEOUT_S, READERS, Refused, Seen
from tests.conformance.wires import SocketClosed
from tests.faults.checker import ClientHistory, SeenEvent, SeenReset
from tests.faults.lean_wire import LeanWire
from tests.rig.accounts import Account

PATHS = {door.name: door.path for door in DOORS}
# Between two short polls; the other doors need no pause.
POLL_EVERY_S = 0.5
# Full jitter: a random wait up to this, doubled with each failure in a row.
BACKOFF_S, MAX_BACKOFF_S = 0.1, 1.0
# What ends a connection and not the client: it comes back. EOFError: half an answer; ValueError: half a JSON text, or a
# proxy's own page.
_CUTS = (EOFError, OSError, websockets.WebSocketException, SocketClosed, TimeoutError, ValueError)


class FaultClient:
    """A client of one door.

    Args:
        name: unique in a run.
        door: the door's name.
        url: origin of the site.
        topics: what to subscribe to.
        account: who is signed in; None: nobody.
        may_read: those of `topics` that this account may read, by default all.
        start: where to begin: `start`, `now` or a cursor.
        heartbeat_s: that of the site: a stream that is silent for 2.5 times as long is given up.
    """

    def __init__(
        self,
        name: str,
        door: str,
        url: str,
        topics: Iterable[str],
        *,
        account: Account | None = None,
        may_read: Iterable[str] | None = None,
        start: str = "start",
        heartbeat_s: float = 15.0,
    ) -> None:
        self.topics = tuple(sorted(topics))
        self.history = ClientHistory(name, door, frozenset(self.topics if may_read is None else may_read))
        self.cursor = start
        self.positions: dict[str, int] = {}
        self.refused: int | None = None  # the status that ended it
        self.unavailable = 0  # how often it was told to come back later
        self.ended_s: list[float] = []  # when its connections ended
        self.reader = READERS[door]
        self._patience_s = max(2.5 * heartbeat_s, POLL_TIMEOUT_S + 5.0)
        self._wire = LeanWire(url, account)
        self._connection: asyncio.Task[float] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was told its place."""
        return bool(self.history.starts)

    def has_read(self, heads: dict[str, int]) -> bool:
        """Return whether it has seen its topics up to `heads`."""
        return all(self.positions.get(topic, -1) >= heads.get(topic, 0) for topic in self.history.topics)

    def cut(self) -> None:
        """Cut the connection, as a train that enters a tunnel; the client comes back."""
        if self._connection is not None:
            self._connection.cancel()

    async def run(self) -> None:
        """Read until cancelled, or until a refusal that will be the same the next time (400, 403, 404)."""
        failures = 0
        try:
            while self.refused is None:
                before = len(self.history.seen)
                self._connection = asyncio.create_task(self._connect())
                try:
                    pause_s = await self._connection
                except _CUTS:
                    failures = 0 if len(self.history.seen) > before else failures + 1
                    pause_s = min(MAX_BACKOFF_S, BACKOFF_S * 2**failures)
                except asyncio.CancelledError:
                    # Either this task was cancelled, and the connection with it, or the connection alone: `cut`.
                    if (this := asyncio.current_task()) is not None and this.cancelling():
                        raise
                    pause_s = BACKOFF_S
                self.ended_s.append(time.monotonic())
                await asyncio.sleep(random.uniform(0, pause_s))
        finally:
            self._wire.close()

    async def _connect(self) -> float:
        """Read one connection to its end; return how long to wait at most before the next, in seconds."""
        self.history.connections += 1
        reader = self.reader(self._wire, PATHS[self.history.door])
        try:
            async with reader.reads(*self.topics, after=self.cursor) as answers:
                while True:
                    async with asyncio.timeout(self._patience_s):
                        seen = await anext(answers, None)
                    if seen is None:
                        return BACKOFF_S
                    self._take(seen)
                    if seen.control == "close":
                        self.unavailable += "cursor" not in seen.raw
                        return float(seen.raw["retry_ms"]) / 1000
                    if self.history.door == "short_poll" and not seen.raw["more"]:
                        await asyncio.sleep(POLL_EVERY_S * random.uniform(0.5, 1.5))
        except (Refused, SocketClosed) as refusal:
            status = refusal.status if isinstance(refusal, Refused) else refusal.code - 4000
            if status in (400, 403, 404):
                self.refused = status
            self.unavailable += status == 503
            return BACKOFF_S if status in (400, 403, 404, 0) else MAX_BACKOFF_S

    def _take(self, seen: Seen) -> None:
        now = time.monotonic()
        if not self.is_open and "~" in seen.cursor:
            self.history.opened_s = now
            first = {event["topic"]: event["seq"] for event in reversed(seen.events)}
            self.history.starts = {t: first.get(t, seq + 1) - 1 for t, seq in positions_of(seen.cursor).items()}
            self.positions = dict(self.history.starts)
        if seen.reset:
            positions = positions_of(seen.reset["cursor"])
            again = {topic: positions[topic] for topic in seen.reset["topics"]}
            self.history.seen.append(SeenReset(again, seen.reset["reason"], now))
            self.positions |= again
        for event in seen.events:
            key = str((event["data"] or {}).get("key"))
            self.history.seen.append(SeenEvent(event["topic"], event["seq"], key, now))
            self.positions[event["topic"]] = event["seq"]
        # What is told instead of a stream, a refusal that passes, has no cursor: the client's own place stays.
        self.cursor = seen.cursor or self.cursor


def positions_of(cursor: str) -> dict[str, int]:
    """Return topic -> seq of a cursor's text."""
    _epoch, _, rest = cursor.partition("~")
    return {topic: int(seq) for part in rest.split(",") if part for topic, _, seq in [part.rpartition(":")]}
