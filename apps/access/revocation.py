"""Rights that end while something rests on them: streams and sockets are told, in every process.

What may take a right away is told as a move (`moves`); this follows the moves as any reader follows a topic, by hint
and, when hints are lost, by the feed's tick, and looks each credential of that user up again. Beside that a round looks
at all of them now and then, for what nobody tells: sessions that expire, `update()`, another program in the database.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from apps.access.families import may
from apps.access.identity import Identity, Right
from apps.access.moves import MOVES
from apps.access.remembered import remembered
from apps.events import feed, queries
from apps.events.cursor import NOW, Cursor
from apps.events.feed import Feed
from apps.events.queries import LogUnavailable

# The round: each credential is looked at again after this long, at most so many a second.
ROUND_S = 20.0
ROUND_PER_S = 20
# At once, of the log's few threads; the feed needs one too.
LOOK_AT_ONCE = 2
# How long a move is remembered for who was identified before it and holds something only after it.
REMEMBER_S = 60.0
_HEARTBEAT_S = 3_600.0


@dataclass(frozen=True)
class Revoked:
    """Why a right ended.

    Args:
        reason: "signed_out" (the credential is worth nothing any more), "revoked" (it is, but not for this topic), or
            "life": nobody knows, come back and be asked again.
        message: the same for people.
    """

    reason: str
    message: str


@dataclass(eq=False)
class _Hold:
    topics: tuple[str, ...]
    revoke: Callable[[Revoked], None]


@dataclass
class _Credential:
    holds: set[_Hold] = field(default_factory=set)
    looked_at: float = 0.0  # loop time


class Revocations:
    """What rests on rights in one event loop. Get it with `current()`."""

    def __init__(self) -> None:
        self.revoked = 0
        self._credentials: dict[Identity, _Credential] = {}
        self._moved_at: dict[str | None, float] = {}  # user, None: anybody -> loop time at which it was heard
        self._tasks: list[asyncio.Task] = []
        self._heard: Cursor | None = None  # all moves before it
        self._to_look_at: set[Identity] = set()
        self._looking = asyncio.Semaphore(LOOK_AT_ONCE)

    async def start(self) -> None:
        """Hear of every move that commits from now on. Call it before a credential is looked up.

        Raises:
            LogUnavailable: the database is away.
        """
        if self._tasks:
            return
        cursor = await feed.current().resolve([MOVES], NOW)
        if not self._tasks:
            self._heard = cursor
            beside = feed.current().run_beside
            self._tasks = [beside(self._follow(cursor)), beside(self._go_round())]

    @property
    def hears_everything(self) -> bool:
        """Whether every move that is known in this process was followed, and those of others can be heard of.

        False too before `start`, and while the channel layer is unwell or the log can't be read: then a move may have
        been made that nobody has told yet.
        """
        return self._heard is not None and feed.current().knows_no_more([MOVES], self._heard)

    @contextlib.contextmanager
    def holding(
        self, identity: Identity, topics: tuple[str, ...], since: float, revoke: Callable[[Revoked], None]
    ) -> Iterator[None]:
        """Call `revoke` once, if `identity` loses the right to read one of `topics` meanwhile.

        Args:
            since: the loop time at which the identity began to be looked up.
        """
        if not identity.is_signed_in:  # nobody has nothing to lose
            yield
            return
        hold = _Hold(topics, revoke)
        credential = self._credentials.setdefault(identity, _Credential(looked_at=since))
        credential.holds.add(hold)
        # [race] A move that was heard after the identity was read, and before this, found nothing to look at.
        if any(self._moved_at.get(user, -math.inf) >= since for user in (identity.user_id, None)):
            revoke(Revoked("life", "your rights are being looked at again"))
        try:
            yield
        finally:
            credential.holds.discard(hold)
            if not credential.holds and self._credentials.get(identity) is credential:
                del self._credentials[identity]

    async def _follow(self, cursor: Cursor) -> None:
        async with aclosing(feed.current().follow([MOVES], cursor, _HEARTBEAT_S)) as batches:
            async for batch in batches:
                if batch.reset is not None:
                    self._moved(None)
                for event in batch.events:
                    self._moved((event.data or {}).get("user"))
                self._heard = batch.cursor

    def _moved(self, user_id: str | None) -> None:
        remembered.forget(user_id)
        self._moved_at[user_id] = asyncio.get_running_loop().time()
        self._look_soon(i for i in self._credentials if user_id is None or i.user_id == user_id)

    async def _go_round(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5))
            now = loop.time()
            self._moved_at = {user: at for user, at in self._moved_at.items() if at > now - REMEMBER_S}
            due = [identity for identity, c in self._credentials.items() if c.looked_at < now - ROUND_S]
            self._look_soon(due[:ROUND_PER_S])

    def _look_soon(self, identities: Iterable[Identity]) -> None:
        for identity in identities:
            if identity not in self._to_look_at:
                self._to_look_at.add(identity)
                feed.current().run_beside(self._look(identity))

    async def _look(self, identity: Identity) -> None:
        """Look a credential up again, and revoke what it may no longer have."""
        async with self._looking:
            # [race] From here on a further move looks once more: this look may be too early for it.
            self._to_look_at.discard(identity)
            credential = self._credentials.get(identity)
            if credential is None:
                return
            try:
                now = await queries.run(identity.reread)
            except LogUnavailable:
                credential.looked_at = -math.inf  # the round comes by within a second or so, and tries again
                return
            credential.looked_at = asyncio.get_running_loop().time()
        for hold in list(credential.holds):
            lost = next((topic for topic in hold.topics if not may(now, Right.READ, topic)), None)
            if lost is not None:
                credential.holds.discard(hold)
                self.revoked += 1
                hold.revoke(_why(identity, now, lost))


def _why(before: Identity, now: Identity, lost: str) -> Revoked:
    if not now.is_signed_in:
        return Revoked("signed_out", before.no_longer)
    return Revoked("revoked", f"you may no longer read {lost!r}")


_of_feeds: WeakKeyDictionary[Feed, Revocations] = WeakKeyDictionary()


def current() -> Revocations:
    """Return those of the running event loop."""
    reader = feed.current()
    revocations = _of_feeds.get(reader)
    if revocations is None:
        revocations = _of_feeds[reader] = Revocations()
    return revocations
