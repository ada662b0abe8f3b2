"""The wait: `read`, `wait` and `follow`, served to all readers of a process by one reader of the log.

The reader task reads each new event once, into the window of its topic; a thousand clients cost one query. It moves
when a hint says so, and beside that once a second (the tick), because hints may be lost. What this very process
appended is handed over to the window by its commit, and is not read at all. A client is nothing but a cursor: one that
lags makes no queue grow, it is served from the window or, further back, from the log.
"""

import asyncio
import contextlib
import contextvars
import logging
import random
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from apps.events import log, queries, wakeup
from apps.events.batch import DEFAULT_LIMIT, MAX_LIMIT, Batch, advanced, merge, share
from apps.events.bounds import Bounds
from apps.events.cursor import Cursor, StartingPlace
from apps.events.hint_sender import HintSender
from apps.events.hints import HintListener
from apps.events.logged_event import LoggedEvent
from apps.events.queries import LogUnavailable
from apps.events.rest import rest_s
from apps.events.wakeup import layer_health
from apps.events.window import MAX_EVENTS, Window

logger = logging.getLogger(__name__)

TICK_S = 1.0
TICK_UNWELL_S = 0.25  # while hints can't be trusted, this is the latency of an event
# A hint that has not come this long after the tick found its event is lost.
HINT_GRACE_S = 1.0
RETRY_S = 1.0  # between attempts to read while the database is away
# A topic keeps its window this long after its last reader: a long poll comes back within it.
LINGER_S = 30.0
PRUNE_EVERY_S = 600.0


@dataclass
class FeedCounters:
    """What a feed did since it was made."""

    hints: int = 0
    hints_lost: int = 0  # events that the tick found and no hint announced
    ticks: int = 0
    reads_of_new: int = 0  # queries for new events, whatever the number of clients
    reads_of_old: int = 0  # queries for cursors that no window covers
    events: int = 0  # that came into a window, read or handed over
    handed_over: int = 0  # of them, those that this process appended and nobody had to read
    resets_by_reason: Counter[str] = field(default_factory=Counter)

    @property
    def resets(self) -> int:
        return self.resets_by_reason.total()


class Feed:
    """One event loop's reader of the log. Get it with `current()`.

    All its methods belong to the event loop it was made on.
    """

    def __init__(self) -> None:
        self.counters = FeedCounters()
        self._epoch: str | None = None
        self._windows: dict[str, Window] = {}
        self._hints = HintListener(self._take_hint)
        self._hinted: dict[str, int | None] = {}  # topic -> the head that was told, None: none was
        self._handed_over: list[LoggedEvent] = []  # while the reader reads
        self._hint_sender = HintSender(wakeup.hint_if_well, self.run_beside)  # for other processes
        self._awaited_hints: dict[str, float] = {}  # topic -> loop time at which its hint counts as lost
        self._refresh_waiters: list[asyncio.Future[None]] = []
        self._something_to_do = asyncio.Event()
        self._rest_until = 0.0  # loop time
        self._look: asyncio.TimerHandle | None = None  # at what was hinted at
        self._old_reads: dict[tuple, asyncio.Task[Batch]] = {}
        self._backfills: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task] = []
        self._being_read: set[str] = set()  # topics known to have moved, by hint or append, and not read yet
        self._is_reading = False
        self._beside: set[asyncio.Task] = set()
        self._complete_at: float | None = None  # loop time; what was committed before then is in the windows

    async def read(
        self, topics: Sequence[str], after: StartingPlace, limit: int = DEFAULT_LIMIT, last: int | None = None
    ) -> Batch:
        """Return what follows `after` in the log, without waiting for more; the arguments are those of `log.read`.

        It asks the log itself, not a window, so that a client that polls after its own publish sees it.

        Raises:
            LogUnavailable: the database is away.
        """
        batch = await queries.run(log.read, topics, after, limit, last)
        self._count(batch)
        return batch

    async def wait(
        self,
        topics: Sequence[str],
        after: Cursor,
        timeout_s: float,
        limit: int = DEFAULT_LIMIT,
        last: int | None = None,
        until: asyncio.Future | None = None,
    ) -> Batch:
        """Return the first batch that has events or a reset, or an empty one after `timeout_s` seconds (0 or more).

        It returns early, with what there is, once `until` is done.

        Raises:
            LogUnavailable: the database is away and the windows don't cover `after`.

        Cancellation: the waiter is forgotten; nothing is consumed.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        with self.subscribed(topics):
            return await self._next(topics, after, deadline, limit, last, until)

    async def follow(
        self,
        topics: Sequence[str],
        after: Cursor,
        heartbeat_s: float,
        limit: int = DEFAULT_LIMIT,
        last: int | None = None,
        until: asyncio.Future | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """Yield what follows `after`, batch by batch, until `until` is done (by default for ever).

        After `heartbeat_s` seconds of silence an empty batch.

        While the database is away, batches that the windows can't serve are late, and the heartbeats go on.

        Cancellation: close the iterator (`contextlib.aclosing`), so that it lets go of its windows at once.
        """
        loop = asyncio.get_running_loop()
        with self.subscribed(topics):
            deadline = loop.time() + heartbeat_s
            while True:
                try:
                    batch = await self._next(topics, after, deadline, limit, last, until)
                except LogUnavailable:
                    pause_s = RETRY_S * random.uniform(0.5, 1.5)
                    await _sleep(min(pause_s, deadline - loop.time()), until)
                    if loop.time() < deadline and not _is_done(until):
                        continue
                    batch = Batch((), after)
                if _is_done(until) and not batch.events and not batch.reset:
                    return
                yield batch
                after = batch.cursor
                deadline = loop.time() + heartbeat_s

    async def resolve(self, topics: Sequence[str], place: StartingPlace) -> Cursor:
        """Turn a starting place into a cursor for `topics`, as `Bounds.resolve` does.

        What it reads is at least as new as this call: an event that was committed before is not after `now`.

        Raises:
            LogUnavailable: the database is away; never for a cursor that names all of `topics`.
        """
        if isinstance(place, Cursor) and all(topic in place.positions for topic in topics):
            return place.only(topics)
        with self.subscribed(topics):
            return (await self._refreshed(topics)).resolve(topics, place)

    def knows_no_more(self, topics: Sequence[str], after: Cursor) -> bool:
        """Say, without a query, whether nothing follows `after`; False too where the log has to be asked.

        It knows of every event that this process appended. One of another process may be younger than its hint, and
        one whose hint was lost younger than the tick.
        """
        with self.subscribed(topics):
            if not layer_health.is_well or (self.lag_s or 0) > 2 * TICK_S:
                return False
            if any(not moved.isdisjoint(topics) for moved in (self._hinted.keys(), self._being_read)):
                return False
            batch = self.at_hand(topics, after)
            return batch is not None and not batch.events

    def start(self) -> None:
        """Start the reader, if it does not run yet; a first subscriber does it too."""
        if not self._tasks:
            self._tasks = [
                self._spawn(self._run()),
                self._spawn(self._hints.receive()),
                self._spawn(self._hints.watch()),
                self._spawn(self._prune_now_and_then()),
            ]

    def run_beside(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task:
        """Run `coroutine` in a task that no request owns, until it ends or the feed is closed."""
        task = self._spawn(_supervised(coroutine))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        return task

    async def aclose(self) -> None:
        """Stop the reader; for tests, whose event loops end."""
        _feeds.pop(asyncio.get_running_loop(), None)
        tasks = [*self._tasks, *self._beside, *self._old_reads.values(), *self._backfills.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    @property
    def windows(self) -> dict[str, Window]:
        """The window of each topic that has readers here, or had some within LINGER_S."""
        return self._windows

    @property
    def lag_s(self) -> float | None:
        """Seconds since the windows last held all that was in the log; about TICK_S at most while all is well.

        None before the first look.
        """
        return None if self._complete_at is None else asyncio.get_running_loop().time() - self._complete_at

    @property
    def garbage_hints(self) -> int:
        """How many messages came where only hints are expected, and were ignored."""
        return self._hints.garbage

    # The clients' side

    @contextlib.contextmanager
    def subscribed(self, topics: Iterable[str], waiter: Callable[[], object] | None = None) -> Iterator[None]:
        """Keep the windows of `topics` up to date meanwhile, and call `waiter` whenever one of them moved.

        `waiter` is called by the reader, between two of its steps, and must not block.
        """
        self.start()
        windows = []
        for topic in topics:
            if topic not in self._windows:
                self._windows[topic] = Window(topic)
                self._something_to_do.set()
            window = self._windows[topic]
            window.subscribers += 1
            if waiter is not None:
                window.waiters.add(waiter)
            windows.append(window)
        try:
            yield
        finally:
            now = asyncio.get_running_loop().time()
            for window in windows:
                window.subscribers -= 1
                window.idle_since = now
                if waiter is not None:
                    window.waiters.discard(waiter)

    async def _next(
        self,
        topics: Sequence[str],
        after: Cursor,
        deadline: float,
        limit: int,
        last: int | None,
        until: asyncio.Future | None,
    ) -> Batch:
        """Return the first batch that has something to say, or an empty one at `deadline` (loop time) or `until`."""
        loop = asyncio.get_running_loop()
        while True:
            # Armed first, then read, then waited. [race] The other way round, an event that commits after the read
            # and whose hint comes before the waiter is armed wakes nobody.
            waiter: asyncio.Future[None] = loop.create_future()

            def wake(_: object = None, waiter: asyncio.Future[None] = waiter) -> None:
                _wake(waiter)

            windows = [self._windows[topic] for topic in topics]
            for window in windows:
                window.waiters.add(wake)
            timer = loop.call_at(deadline, wake)
            if until is not None:
                until.add_done_callback(wake)
            try:
                batch = self.at_hand(topics, after, limit) or await self._from_log(topics, after, limit, last)
                if batch.events or batch.reset or loop.time() >= deadline or _is_done(until):
                    self._count(batch)
                    return batch
                after = batch.cursor
                await waiter
            finally:
                timer.cancel()
                if until is not None:
                    until.remove_done_callback(wake)
                for window in windows:
                    window.waiters.discard(wake)

    def at_hand(self, topics: Sequence[str], after: Cursor, limit: int = DEFAULT_LIMIT) -> Batch | None:
        """Return the batch after `after` from the windows of `topics` (subscribed); None where they don't cover it."""
        if after.epoch != self._epoch:
            return None
        moved = []
        for topic in topics:
            position, window = after.positions.get(topic), self._windows[topic]
            if position is None or not window.covers(position):
                return None
            if position < window.head:
                moved.append((window, position))
        if not moved:
            return Batch((), after)
        limit = min(max(limit, 1), MAX_LIMIT)
        runs = [window.after(position, share(limit, len(moved))) for window, position in moved]
        events = runs[0] if len(runs) == 1 else merge(runs, limit)
        cursor = advanced(after, events)
        more = any(cursor.positions[window.topic] < window.head for window, _ in moved)
        return Batch(tuple(events), cursor, None, more)

    async def _from_log(self, topics: Sequence[str], after: Cursor, limit: int, last: int | None) -> Batch:
        """Return the batch after `after` where no window covers it: read the past into the window once, or ask the log.

        Single-flight: two thousand clients that come back at once with the same few cursors cost a few queries.
        """
        if not all(self._windows[topic].is_loaded for topic in topics):
            await self._refreshed(topics)
        for topic in topics:
            window, position = self._windows[topic], after.positions.get(topic)
            if (
                position is not None
                and after.epoch == self._epoch
                and window.is_loaded
                and not window.is_backfilled
                and window.low_water <= position < window.base
                and window.head - position <= MAX_EVENTS
            ):
                await self._backfill(window)
        batch = self.at_hand(topics, after, limit)
        if batch is not None:
            return batch
        # The heads are in the key for a client that armed after the windows moved: an answer begun before that may
        # lack the very event that moved them, and nothing would wake the client for it again.
        key = (tuple(topics), after.text, limit, last, tuple(self._windows[topic].head for topic in topics))
        task = self._old_reads.get(key)
        if task is None:
            self.counters.reads_of_old += 1
            task = self._spawn(queries.run(log.read, topics, after, limit, last))
            _keep_while_running(self._old_reads, key, task)
        # shield: the first client may leave while others wait for the same answer.
        return await asyncio.shield(task)

    async def _backfill(self, window: Window) -> None:
        task = self._backfills.get(window.topic)
        if task is None:
            task = self._spawn(self._load_past(window))
            _keep_while_running(self._backfills, window.topic, task)
        await asyncio.shield(task)

    async def _load_past(self, window: Window) -> None:
        self.counters.reads_of_old += 1
        room = MAX_EVENTS - (window.head - window.base)
        window.prepend(await queries.run(log.read_back, window.topic, window.base, room))

    async def _refreshed(self, topics: Sequence[str]) -> Bounds:
        """Return the bounds of `topics` (subscribed), as new as this call or newer."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refresh_waiters.append(waiter)
        self._something_to_do.set()
        await waiter
        assert self._epoch is not None
        windows = {topic: self._windows[topic] for topic in topics}
        return Bounds(
            self._epoch,
            {topic: window.head for topic, window in windows.items()},
            {topic: window.low_water for topic, window in windows.items()},
        )

    def _count(self, batch: Batch) -> None:
        if batch.reset is not None:
            self.counters.resets_by_reason[batch.reset.reason] += 1

    # The reader's side

    @staticmethod
    def _spawn(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task:
        # In a context of its own: a task born in a request inherits that request's thread, and keeps it.
        return asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())

    def take_over(self, events: Sequence[LoggedEvent], hints_others: bool) -> None:
        """Let readers have `events`, which this process appended and which are committed.

        Args:
            hints_others: also hint at them, for the readers of other processes.
        """
        if self._is_reading:
            # [race] The reader compares what it asked of the log with the windows as they were when it asked.
            self._handed_over.extend(events)
            self._being_read.update(event.topic for event in events)
        else:
            self._extend_with(events)
        if hints_others:
            wakeup.hint_soon(events, self._hint_sender)

    def _extend_with(self, events: Sequence[LoggedEvent]) -> None:
        runs: dict[str, dict[int, LoggedEvent]] = {}
        for event in events:
            window = self._windows.get(event.topic)
            # Others may have appended before it, and the reader may have read it already. One that is not loaded will
            # be: what is committed by now is before the head that it begins at.
            if window is not None and window.is_loaded and event.seq > window.head:
                runs.setdefault(event.topic, {})[event.seq] = event
        for topic, by_seq in runs.items():
            self._awaited_hints.pop(topic, None)
            # [race] As above.
            run = [by_seq[seq] for seq in sorted(by_seq)]
            if log.is_contiguous(run, self._windows[topic].head):
                self.counters.events += len(run)
                self.counters.handed_over += len(run)
                self._windows[topic].extend(run)
            else:
                self._is_to_read(topic, run[-1].seq)

    def _take_hint(self, topic: str, head: int | None) -> None:
        self.counters.hints += 1
        self._awaited_hints.pop(topic, None)
        if topic in self._windows and not self._has_read(topic, head):
            self._is_to_read(topic, head)

    def _has_read(self, topic: str, head: int | None) -> bool:
        # This process's own hints come back to it, and one read may answer several.
        window = self._windows[topic]
        return head is not None and window.is_loaded and head <= window.head

    def _is_to_read(self, topic: str, head: int | None) -> None:
        known = self._hinted.get(topic, 0)
        self._hinted[topic] = None if head is None or known is None else max(head, known)
        if self._look is None:
            self._look = asyncio.get_running_loop().call_at(self._rest_until, self._something_to_do.set)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_tick = loop.time()
        is_away = False
        while True:
            try:
                async with asyncio.timeout_at(next_tick):
                    await self._something_to_do.wait()
            except TimeoutError:
                pass
            self._something_to_do.clear()
            if self._look is not None:
                self._look.cancel()
                self._look = None
            waiters, self._refresh_waiters = self._refresh_waiters, []
            hinted, self._hinted = self._hinted, {}
            self._being_read |= hinted.keys()
            self._is_reading = True
            try:
                unloaded = any(not window.is_loaded for window in self._windows.values())
                now = loop.time()
                if waiters or unloaded or now >= next_tick:
                    next_tick = now + (TICK_S if layer_health.is_well else TICK_UNWELL_S)
                    await self._tick(set(hinted))
                    self._complete_at = now
                else:
                    moved = [t for t in hinted if t in self._windows and not self._has_read(t, hinted[t])]
                    began = loop.time()
                    await self._read_new({topic: self._windows[topic].head for topic in moved})
                    self._rest_until = loop.time() + rest_s(loop.time() - began)
                self._is_reading = False
                self._being_read.clear()
                handed_over, self._handed_over = self._handed_over, []
                self._extend_with(handed_over)
                for waiter in waiters:
                    _wake(waiter)
                if is_away:
                    logger.warning("the log can be read again")
                is_away = False
            except LogUnavailable as error:
                if not is_away:
                    logger.warning("the log can't be read, windows serve meanwhile: %s", error)
                is_away = True
                self._look_again(hinted)
                _fail(waiters, error)
                await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))
            except Exception as error:
                # The one reader must not die of a fault in one round: every stream of the process hangs on it.
                logger.exception("the reader of the log failed in this round, and goes on")
                self._look_again(hinted)
                _fail(waiters, LogUnavailable(f"the reader failed: {error}"))
                await asyncio.sleep(RETRY_S)

    def _look_again(self, topics: Iterable[str]) -> None:
        """Read `topics` in the next round, since this one failed; what was handed over meanwhile, too."""
        for topic in {*topics, *(event.topic for event in self._handed_over)} & self._windows.keys():
            self._hinted[topic] = None
        self._handed_over.clear()

    async def _tick(self, hinted: set[str]) -> None:
        """Compare the log's bounds with the windows, and repair what no hint told; `hinted` are those that one told."""
        self.counters.ticks += 1
        await self._drop_idle_windows()
        windows = dict(self._windows)
        if not windows:
            return
        # Joined before the bounds are read: what commits later is hinted at.
        await self._hints.join(set(windows))
        bounds = await queries.run(log.bounds, windows)
        has_new_epoch = self._epoch not in (None, bounds.epoch)
        self._epoch = bounds.epoch
        behind = {}
        for topic, window in windows.items():
            window.low_water = bounds.low_waters[topic]
            head = bounds.heads[topic]
            is_gone = window.base < window.head <= window.low_water  # all that it holds
            if not window.is_loaded or has_new_epoch or head < window.head or is_gone:
                window.restart(head)
            elif head > window.head:
                behind[topic] = window.head
        # [race] A hint may come while the query for the bounds, which sees its event, is on its way.
        self._judge_hints(behind.keys() - hinted - self._hinted.keys())
        await self._read_new(behind)
        for topic in behind:
            if windows[topic].head < bounds.heads[topic]:
                # Nothing follows, though the head moved on: it was pruned before this process came to read it.
                windows[topic].restart(bounds.heads[topic])

    def _judge_hints(self, unannounced: Iterable[str]) -> None:
        """Count the hints that never came: the tick may well overtake one, but not by a second."""
        now = asyncio.get_running_loop().time()
        for topic in [topic for topic, deadline in self._awaited_hints.items() if now >= deadline]:
            del self._awaited_hints[topic]
            self.counters.hints_lost += 1
            layer_health.failed(f"no hint came for {topic}; without REDIS_URL other processes can send none")
        for topic in unannounced:
            if layer_health.is_well:
                self._awaited_hints.setdefault(topic, now + HINT_GRACE_S)

    async def _read_new(self, positions: dict[str, int]) -> None:
        """Read what follows `positions` (the windows' heads) and extend the windows, until nothing is left."""
        while positions:
            self.counters.reads_of_new += 1
            runs = await queries.run(log.read_new, positions, MAX_LIMIT)
            full = {}
            for topic, run in runs.items():
                window = self._windows[topic]
                if not log.is_contiguous(run, positions[topic]):
                    # What follows was pruned: this process was away for longer than the log keeps events.
                    window.restart(run[-1].seq)
                    continue
                self.counters.events += len(run)
                window.extend(run)
                if len(run) == MAX_LIMIT:
                    full[topic] = window.head
            positions = full

    async def _drop_idle_windows(self) -> None:
        long_ago = asyncio.get_running_loop().time() - LINGER_S
        for topic, window in list(self._windows.items()):
            if not window.subscribers and window.idle_since < long_ago:
                del self._windows[topic]
                self._awaited_hints.pop(topic, None)
                await self._hints.leave(topic)

    async def _prune_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_S * random.uniform(0.5, 1.5))
            try:
                pruned = await queries.run_to_its_end(log.prune)
                if pruned:
                    logger.info("pruned %d events", pruned)
            except LogUnavailable:
                logger.warning("the log could not be pruned; it is tried again later")
            except Exception:
                # A log that is never pruned again fills the disk.
                logger.exception("the log could not be pruned; it is tried again later")


_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()
# Any thread may append, while another loop's feed is made.
_making = threading.Lock()


def current() -> Feed:
    """Return the feed of the running event loop, made on first use (daphne announces no start to an application)."""
    loop = asyncio.get_running_loop()
    feed = _feeds.get(loop)
    if feed is None:
        with _making:
            feed = _feeds[loop] = Feed()
    return feed


def hand_over(events: Sequence[LoggedEvent]) -> bool:
    """Give `events`, committed just now by any thread of this process, to all its feeds; see `wakeup.no_readers`."""
    with _making:
        feeds = [(loop, feed) for loop, feed in _feeds.items() if loop.is_running()]
    hints_others = True
    for loop, feed in feeds:
        with contextlib.suppress(RuntimeError):  # a loop that ended just now
            loop.call_soon_threadsafe(feed.take_over, events, hints_others)
            hints_others = False
    return not hints_others


wakeup.hand_over = hand_over


def _keep_while_running(tasks: dict[Any, asyncio.Task], key: object, task: asyncio.Task) -> None:
    def forget(done: asyncio.Task) -> None:
        del tasks[key]
        if not done.cancelled():
            done.exception()  # taken note of, so that asyncio doesn't complain where all who waited have left

    tasks[key] = task
    task.add_done_callback(forget)


async def _supervised(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        await coroutine
    except Exception:
        logger.exception("a task beside the reader of the log failed")


def _is_done(until: asyncio.Future | None) -> bool:
    return until is not None and until.done()


async def _sleep(duration_s: float, until: asyncio.Future | None) -> None:
    """Sleep, but no longer than `until` is done."""
    if duration_s <= 0:
        return
    if until is None:
        await asyncio.sleep(duration_s)
    else:
        await asyncio.wait([until], timeout=duration_s)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _fail(waiters: Iterable[asyncio.Future[None]], error: Exception) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_exception(error)
