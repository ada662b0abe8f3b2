"""The fast path of streams: an event is framed once and given to all who stand at the same place.

Where the server offers the scope extension `fanout` and the setting FEED_FANOUT is on, a stream that has read all
there was joins the others of its kind, and its own task sleeps. When a topic moves, the bytes for those at the same
place are made once, and each connection's kernel takes them; a coroutine, a task switch and a `send` per client fall
away. Whoever can't be served so (its peer does not read, the windows don't cover its cursor, a heartbeat or the end is
due) is woken and goes on in its own task, as every stream does without this file. Its cursor has moved with what went
out, and with nothing else: flow control, resets and the order of frames are those of the slow path.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from django.conf import settings

from apps.events import feed
from apps.events.batch import Batch, advanced
from apps.events.cursor import Cursor
from apps.events.feed import Feed
from apps.events.logged_event import LoggedEvent
from apps.events.rest import rest_s
from apps.transports.connections import Connection
from apps.transports.deliveries import delivered
from apps.transports.framing import Framing
from apps.transports.subscription import Subscription

logger = logging.getLogger(__name__)

# What one push gives to a connection at most, unless one event alone is larger. More would only wait in its buffers.
MAX_PUSH_BYTES = 64 * 1024


class Outlet(Protocol):
    """The server's extension for one connection."""

    @property
    def frame(self) -> Callable[[bytes], bytes] | None:
        """How the connection frames a message; None while it takes none."""

    def send_each(self, framed: bytes, outlets: Sequence[Any]) -> list[int]:
        """Send framed bytes at once over each of `outlets`; return the indexes of those that nothing was sent over."""


class Follower:
    """One stream's place in the log.

    Args:
        start: the subscription's place in numbers.
        framing: how the stream writes events.
        heartbeat_s: seconds of silence before a heartbeat.

    Attributes:
        cursor: all before it was written; while the stream is pushed to, its `_Place` knows.
        written_at: when something was written last, in loop time; likewise.
    """

    __slots__ = (
        "_released",
        "_silence",
        "connection",
        "cursor",
        "framing",
        "heartbeat_s",
        "outlet",
        "place",
        "subscription",
        "written_at",
    )

    def __init__(
        self, subscription: Subscription, start: Cursor, connection: Connection, framing: Framing, heartbeat_s: float
    ) -> None:
        self.subscription = subscription
        self.connection = connection
        self.framing = framing
        self.heartbeat_s = heartbeat_s
        self.cursor = start
        self.outlet: Outlet | None = connection.extensions.get("fanout") if settings.FEED_FANOUT else None
        self.place: _Place | None = None
        self.written_at = asyncio.get_running_loop().time()
        self._released: asyncio.Future[None]
        self._silence: asyncio.TimerHandle

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Yield what the stream's door has to write itself, until the connection is stopped: see `Feed.follow`.

        Whoever writes a batch sets `cursor` to the batch's own. With nothing to push through, that is every batch.

        Cancellation: close the iterator (`contextlib.aclosing`).
        """
        loop = asyncio.get_running_loop()
        subscription = self.subscription
        while True:
            await self._be_pushed_to()
            silence_left_s = max(0.0, self.written_at + self.heartbeat_s - loop.time())
            batches = feed.current().follow(
                subscription.topics,
                self.cursor,
                silence_left_s if self.outlet else self.heartbeat_s,
                subscription.limit,
                subscription.last,
                self.connection.stopped,
            )
            async with aclosing(batches):
                async for batch in batches:
                    yield batch
                    self.written_at = loop.time()
                    if self.outlet and not batch.more:
                        break
                else:
                    return

    async def _be_pushed_to(self) -> None:
        """Return when the stream has to go on in its own task: at once where nothing can be pushed to it."""
        connection = self.connection
        if self.outlet is None or (frame := self.outlet.frame) is None or connection.stopped.done():
            return
        loop = asyncio.get_running_loop()
        self._released = loop.create_future()
        _current().group(self, frame).join(self)
        self._silence = loop.call_at(self.written_at + self.heartbeat_s, self._watch_silence)
        connection.on_stop = self.release
        try:
            await self._released
        finally:
            self._silence.cancel()
            connection.on_stop = None
            self._leave()

    def release(self) -> None:
        """Push nothing more to the stream, and let it go on in its own task."""
        self._leave()
        if not self._released.done():
            self._released.set_result(None)

    def _leave(self) -> None:
        if self.place is not None:
            self.place.group.leave(self)

    def _watch_silence(self) -> None:
        # A timer that every push moves would cost more than the push: it looks when it fires.
        place = self.place
        if place is None:
            return
        loop = asyncio.get_running_loop()
        silent_at = max(self.written_at, place.pushed_at) + self.heartbeat_s
        if silent_at <= loop.time():
            self.release()
        else:
            self._silence = loop.call_at(silent_at, self._watch_silence)


@dataclass(frozen=True, slots=True)
class _Push:
    """What follows a cursor: `events`, framed for a group's connections, lead to `cursor`."""

    events: tuple[LoggedEvent, ...]
    cursor: Cursor
    framed: bytes
    more: bool


class _Place:
    """The followers of a group that stand at the same cursor, and move on together."""

    __slots__ = ("_outlets", "cursor", "followers", "group", "pushed_at")

    def __init__(self, group: "_Group", cursor: Cursor) -> None:
        self.group = group
        self.cursor = cursor
        self.followers: dict[Follower, None] = {}  # in the order in which they came
        self.pushed_at = 0.0  # loop time
        self._outlets: list[Outlet] | None = []  # the followers', in their order

    @property
    def outlets(self) -> list[Outlet]:
        if self._outlets is None:
            self._outlets = [follower.outlet for follower in self.followers if follower.outlet is not None]
        return self._outlets

    def take(self, follower: Follower) -> None:
        follower.place = self
        self.followers[follower] = None
        self._outlets = None

    def let_go(self, follower: Follower) -> None:
        follower.place = None
        follower.cursor = self.cursor
        follower.written_at = max(follower.written_at, self.pushed_at)
        del self.followers[follower]
        self._outlets = None


class _Group:
    """Streams of one door that read the same topics, over connections that frame alike."""

    def __init__(self, hub: "_Hub", key: "_Key") -> None:
        self._hub = hub
        self._key = key
        self._door, self._topics, self._framing, self._frame = key
        self._places: dict[str, _Place] = {}  # cursor's text -> place; nearly all followers share one
        self._newest_opened_at = 0.0
        self._subscription = ExitStack()
        self._subscription.enter_context(hub.feed.subscribed(self._topics, self.moved))

    def __len__(self) -> int:
        return sum(len(place.followers) for place in self._places.values())

    def join(self, follower: Follower) -> None:
        """Take `follower` in; what lies between its cursor and now is pushed, or it is released, in a moment."""
        self._place_at(follower.cursor).take(follower)
        self._newest_opened_at = max(self._newest_opened_at, follower.connection.opened_at)
        batch = self._hub.feed.at_hand(self._topics, follower.cursor, 1)
        if batch is None or batch.events:
            self.moved()

    def leave(self, follower: Follower) -> None:
        place = follower.place
        assert place is not None
        place.let_go(follower)
        if not place.followers:
            del self._places[place.cursor.text]
            if not self._places:
                self._subscription.close()
                self._hub.forget(self._key)

    def moved(self) -> None:
        """Push before long."""
        self._hub.push_soon(self)

    def push(self) -> None:
        """Give each follower what follows its cursor; release those that can't be served so."""
        for place in list(self._places.values()):
            push = self._push_after(place.cursor)
            if push is None:
                _release(list(place.followers))
            elif push.events:
                self._push_to(place, push)

    def release_all(self) -> None:
        for place in list(self._places.values()):
            _release(list(place.followers))

    def _push_to(self, place: _Place, push: _Push) -> None:
        outlets = place.outlets
        refused = outlets[0].send_each(push.framed, outlets)
        if refused:
            followers = list(place.followers)
            # Before the place moves on: they stay behind.
            _release([followers[index] for index in refused])
        if place.followers:
            place.pushed_at = asyncio.get_running_loop().time()
            delivered(self._door, push.events, self._newest_opened_at, len(place.followers))
            self._move(place, push.cursor)
            if push.more:
                self.moved()

    def _move(self, place: _Place, cursor: Cursor) -> None:
        del self._places[place.cursor.text]
        place.cursor = cursor
        there = self._places.setdefault(cursor.text, place)
        if there is not place:
            for follower in list(place.followers):
                place.let_go(follower)
                there.take(follower)

    def _place_at(self, cursor: Cursor) -> _Place:
        place = self._places.get(cursor.text)
        if place is None:
            place = self._places[cursor.text] = _Place(self, cursor)
        return place

    def _push_after(self, cursor: Cursor) -> _Push | None:
        batch = self._hub.feed.at_hand(self._topics, cursor)
        if batch is None:
            return None
        events: list[LoggedEvent] = []
        size_bytes = 0
        for event in batch.events:
            size_bytes += len(event.json)
            if events and size_bytes > MAX_PUSH_BYTES:
                break
            events.append(event)
        framed = b"".join(map(self._frame, self._framing.events(events, cursor)))
        more = batch.more or len(events) < len(batch.events)
        return _Push(tuple(events), advanced(cursor, events), framed, more)


def _release(followers: Iterable[Follower]) -> None:
    for follower in followers:
        follower.release()


_Key = tuple[str, tuple[str, ...], Framing, Callable[[bytes], bytes]]


class _Hub:
    """All groups of one feed, pushed to in turns."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._groups: dict[_Key, _Group] = {}
        self._moved: dict[_Group, None] = {}
        self._turn: asyncio.TimerHandle | None = None
        self._rest_until = 0.0  # loop time

    def group(self, follower: Follower, frame: Callable[[bytes], bytes]) -> _Group:
        key = (follower.connection.door, follower.subscription.topics, follower.framing, frame)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(self, key)
        return group

    def forget(self, key: _Key) -> None:
        self._moved.pop(self._groups.pop(key), None)

    def push_soon(self, group: _Group) -> None:
        self._moved[group] = None
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = loop.call_at(max(loop.time(), self._rest_until), self._push)

    def _push(self) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._turn = None
        moved, self._moved = self._moved, {}
        for group in moved:
            try:
                group.push()
            except Exception:
                # Whatever it was meets each stream again in its own task, one by one.
                logger.exception("a push failed; its streams go on by themselves")
                group.release_all()
        ended = loop.time()
        # Events that come meanwhile go out together: under load one system call carries several.
        self._rest_until = ended + rest_s(ended - started)


_hubs: WeakKeyDictionary[Feed, _Hub] = WeakKeyDictionary()


def _current() -> _Hub:
    reader = feed.current()
    hub = _hubs.get(reader)
    if hub is None:
        hub = _hubs[reader] = _Hub(reader)
    return hub
