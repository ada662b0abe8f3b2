"""Who is here: joined, left, renamed, typing, in this process and in others.

All of it may be lost, so it goes where such things go in Channels: through a group, not through the log. Each process
joins the group once, however many people it serves (one subscription to Redis instead of one per connection, one
answer to a newcomer instead of one per person), tells its own people at once, and tells the others who they are:

    joined, left, named, typing    when it happens
    people                         all of this process, when another process asks, and every ANNOUNCE_EVERY_S

A channel layer can't list a group. But everybody in it announces, so whoever listens knows who is here; what a lost
message left wrong, the next announcement repairs; and a process that died is forgotten when it stays silent.
"""

import asyncio
import contextvars
import secrets
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from apps.chat.room import TOPIC
from apps.events.lossy_group import LossyGroup

GROUP = f"Presence.{TOPIC}"

ANNOUNCE_EVERY_S = 10.0
FORGET_AFTER_ANNOUNCEMENTS = 2.5
MAX_UNSENT = 1_000  # messages to other processes
MAX_UNREAD = 100  # frames to one member
MAX_LISTED = 200  # people in one frame

Frame = dict[str, Any]


class Member:
    """Somebody who is here through a connection of this process.

    Args:
        sender: the connection's own random name, the same as in its lines.
        name: what people call them.
    """

    def __init__(self, sender: str, name: str) -> None:
        self.sender = sender
        self.name = name
        self._unread: deque[Frame] = deque()
        self._has_missed = False
        self._something_to_read = asyncio.Event()

    def tell(self, frame: Frame) -> None:
        """Queue `frame`; if too many wait already, drop them all: the list of who is here makes up for them."""
        if len(self._unread) >= MAX_UNREAD:
            self._unread.clear()
            self._has_missed = True
        self._unread.append(frame)
        self._something_to_read.set()

    async def next_frames(self, presence: "Presence") -> list[Frame]:
        """Wait for news and return them, oldest first."""
        await self._something_to_read.wait()
        self._something_to_read.clear()
        frames = list(self._unread)
        self._unread.clear()
        if self._has_missed:
            self._has_missed = False
            return [presence.people_frame()]
        return frames


@dataclass
class OtherProcess:
    """What is known of another process: its people, sender -> name, and when it was last heard (loop time)."""

    heard_at: float
    people: dict[str, str] = field(default_factory=dict)


class Presence:
    """Who is here, as this process knows it. Get it with `current()`; its methods belong to its event loop.

    It is in the channel layer's group while somebody of this process is here. Without a working layer the people of
    this process still see each other.

    Args:
        announce_every_s: how often other processes are told who is here.
    """

    def __init__(self, announce_every_s: float = ANNOUNCE_EVERY_S) -> None:
        self._process = secrets.token_hex(8)
        self._group = LossyGroup(GROUP, self._take)
        self._announce_every_s = announce_every_s
        self._members: dict[str, Member] = {}
        self._others: dict[str, OtherProcess] = {}
        self._unsent: asyncio.Queue[Frame | None] = asyncio.Queue(MAX_UNSENT)
        self._listener: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # those that end included, until they have

    @property
    def people(self) -> dict[str, str]:
        """Everybody who is here: sender -> name."""
        people = {member.sender: member.name for member in self._members.values()}
        for other in self._others.values():
            people |= other.people
        return people

    def people_frame(self) -> Frame:
        """Return the frame that says who is here (CHAT.md#presence)."""
        people = self.people
        listed = [{"sender": sender, "name": name} for sender, name in list(people.items())[:MAX_LISTED]]
        return {"chat": "people", "people": listed, "count": len(people)}

    def enter(self, member: Member) -> None:
        """Let `member` in: they are told who is here, the others that they came."""
        self._start()
        self._members[member.sender] = member
        member.tell(self.people_frame())
        self._tell("joined", member.sender, member.name, but=member)

    def leave(self, member: Member) -> None:
        """Let `member` out, if they are in; the last one of this process turns off the light."""
        if self._members.pop(member.sender, None) is None:
            return
        self._tell("left", member.sender, member.name)
        if not self._members:
            self._stop()

    def rename(self, member: Member, name: str) -> None:
        """Call `member` by another name from now on."""
        was, member.name = member.name, name
        self._tell("named", member.sender, name, was=was)

    def typing(self, member: Member) -> None:
        """Tell the others that `member` is at the keyboard."""
        self._tell("typing", member.sender, member.name, but=member)

    async def aclose(self) -> None:
        """Leave the group and end all tasks; for tests, whose event loops end."""
        _presences.pop(asyncio.get_running_loop(), None)
        self._stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # This process

    def _tell(self, what: str, sender: str, name: str, *, but: Member | None = None, **more: str) -> None:
        self._tell_members({"chat": what, "sender": sender, "name": name, **more}, but)
        self._send({"type": f"presence.{what}", "process": self._process, "sender": sender, "name": name, **more})

    def _tell_members(self, frame: Frame, but: Member | None = None) -> None:
        for member in self._members.values():
            if member is not but:
                member.tell(frame)

    # The other processes

    def _start(self) -> None:
        if self._listener is None:
            # A queue of its own: the last words of the time before may still be on their way.
            self._unsent = asyncio.Queue(MAX_UNSENT)
            self._listener = self._spawn(self._group.listen(lambda: self._send_people(asks=True)))
            self._spawn(self._announce(self._unsent))

    def _stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None
            self._send(None)  # the announcer ends when it has said all the rest
            self._others.clear()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # In a context of its own: it outlives the connection that happened to come first.
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _send(self, message: Frame | None) -> None:
        if self._unsent.full():
            self._unsent.get_nowait()  # the layer stands still; it may be lost
        self._unsent.put_nowait(message)

    def _send_people(self, *, asks: bool) -> None:
        people = {member.sender: member.name for member in self._members.values()}
        self._send({"type": "presence.people", "process": self._process, "people": people, "asks": asks})

    async def _announce(self, unsent: asyncio.Queue[Frame | None]) -> None:
        """Send what is to be sent, and who is here every now and then, until told to end."""
        loop = asyncio.get_running_loop()
        next_announcement = loop.time() + self._announce_every_s
        while True:
            try:
                async with asyncio.timeout_at(next_announcement):
                    message = await unsent.get()
            except TimeoutError:
                next_announcement = loop.time() + self._announce_every_s
                self._forget_silent_processes()
                self._send_people(asks=False)
                continue
            if message is None:
                return
            await self._group.say(message)

    async def _take(self, message: Any) -> None:
        """Take what another process said; what has another shape than expected is ignored."""
        match message:
            case {"process": self._process}:
                return
            case {"type": "presence.people", "process": str(process), "people": dict(people), "asks": bool(asks)}:
                self._take_people(self._other(process), people)
                if asks:
                    self._send_people(asks=False)
            case {"type": "presence.joined", "process": str(process), "sender": str(sender), "name": str(name)}:
                self._take_people(other := self._other(process), other.people | {sender: name})
            case {"type": "presence.left", "process": str(process), "sender": str(sender)}:
                other = self._other(process)
                self._take_people(other, {key: name for key, name in other.people.items() if key != sender})
            case {"type": "presence.named", "process": str(process), "sender": str(sender), "name": str(name)}:
                self._take_people(other := self._other(process), other.people | {sender: name})
            case {"type": "presence.typing", "sender": str(sender), "name": str(name)}:
                self._tell_members({"chat": "typing", "sender": sender, "name": name})

    def _other(self, process: str) -> OtherProcess:
        now = asyncio.get_running_loop().time()
        other = self._others.setdefault(process, OtherProcess(now))
        other.heard_at = now
        return other

    def _take_people(self, other: OtherProcess, people: dict[str, str]) -> None:
        """Replace what is known of `other`, and tell the members what is different now."""
        before, other.people = other.people, people
        for sender in before.keys() - people.keys():
            self._tell_members({"chat": "left", "sender": sender, "name": before[sender]})
        for sender in people.keys() - before.keys():
            self._tell_members({"chat": "joined", "sender": sender, "name": people[sender]})
        for sender in people.keys() & before.keys():
            if people[sender] != before[sender]:
                frame = {"chat": "named", "sender": sender, "name": people[sender], "was": before[sender]}
                self._tell_members(frame)

    def _forget_silent_processes(self) -> None:
        long_ago = asyncio.get_running_loop().time() - FORGET_AFTER_ANNOUNCEMENTS * self._announce_every_s
        for process, other in list(self._others.items()):
            if other.heard_at < long_ago:
                del self._others[process]
                self._take_people(other, {})


_presences: WeakKeyDictionary[asyncio.AbstractEventLoop, Presence] = WeakKeyDictionary()


def current() -> Presence:
    """Return the presence of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _presences:
        _presences[loop] = Presence()
    return _presences[loop]
