"""A right that ends ends what rests on it: on every door, with a reason, and nothing of it is handed out after."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client

from apps.access import revocation
from apps.events import log, queries
from apps.events.batch import Batch
from apps.events.feed import Feed
from apps.transports.connections import open_connections
from apps.transports.registry import Door
from tests.conformance.readers import READERS, Reader, Refused
from tests.conformance.seeing import Seeing, seeing
from tests.conformance.wires import AsgiWire, SocketClosed
from tests.rig.changes_of_rights import (
    change_password,
    deactivate,
    delete,
    delete_group,
    empty_group,
    leave_group,
    sign_out,
)
from tests.rig.waiting import await_until


@dataclass
class Ending:
    """How a reader was ended: by a close frame, or by the refusal of a poll."""

    reason: str
    message: str
    seen: list[Any] = field(default_factory=list)


class Signed(AsgiWire):
    """A wire that sends a session's cookie."""

    def __init__(self, wire: AsgiWire, key: str) -> None:
        super().__init__(wire._application)
        self._headers = {"cookie": f"sessionid={key}", "origin": "http://localhost"}

    def _scope(self, kind: str, path: str, params: Any, headers: Any) -> dict[str, Any]:
        return super()._scope(kind, path, params, {**(headers or {}), **self._headers})


@pytest.fixture
def ada(transactional_db: None) -> User:
    ada = User.objects.create_user("ada", password="first")
    ada.groups.add(Group.objects.create(name="editors"))
    return ada


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.key = client.cookies["sessionid"].value  # type: ignore[attr-defined]  # signing out empties the jar
    return client


@pytest.fixture
def tab(ada: User) -> Client:
    return sign_in(ada)


def key_of(tab: Client) -> str:
    return tab.key  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def reading(door: Door, wire: AsgiWire, tab: Client, *topics: str) -> AsyncIterator[Seeing]:
    async with seeing(READERS[door.name](Signed(wire, key_of(tab)), door.path), *topics) as seen:
        yield seen


async def ending_of(seen: Seeing) -> Ending:
    """Read on until the server ends it."""
    try:
        while True:
            one = await seen.one()
            if one.control == "close":
                return Ending(one.raw["reason"], one.raw["message"], seen.events)
            await asyncio.sleep(0)
    except Refused as refused:
        assert refused.status == (503 if refused.error["code"] == "rights_moved" else 403)
        return Ending(refused.error["code"], refused.message, seen.events)


async def refusal_of(reader: Reader, topic: str) -> int:
    with pytest.raises((Refused, SocketClosed)) as refused:
        async with seeing(reader, topic):
            pass
    error = refused.value
    return error.status if isinstance(error, Refused) else error.code - 4000


def remove_from_group(ada: User, tab: Client) -> None:
    Group.objects.get().user_set.remove(ada)


CHANGES = [sign_out, change_password, deactivate, delete, leave_group, empty_group, remove_from_group, delete_group]
# A poll may ask after the right has ended, or while the move is on its way.
SAID_TO_A_POLL = ("forbidden", "rights_moved")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_right_that_ends_ends_what_rests_on_it(
    change: Callable[[User, Client], None], door: Door, wire: AsgiWire, ada: User, tab: Client
) -> None:
    is_signed_out = change in (sign_out, change_password, deactivate, delete)
    async with reading(door, wire, tab, "group.editors", "lab.a") as seen:
        ending = asyncio.create_task(ending_of(seen))
        await queries.run(change, ada, tab)
        ended = await ending
        # Appended after it is over: a door that went on would hand it out.
        await log.aappend("group.editors", "test.happened", "secret")
    assert ended.seen == []
    if door.is_stream or ended.reason not in SAID_TO_A_POLL:
        if change is not delete:  # who looks in the middle of it finds a user who left all groups
            assert ended.reason == ("signed_out" if is_signed_out else "revoked")
        assert ended.message in ("you are no longer signed in", "you may no longer read 'group.editors'")
    # Asked again, the door is closed.
    assert await refusal_of(READERS[door.name](Signed(wire, key_of(tab)), door.path), "group.editors") == 403


async def test_what_rests_on_nothing_that_ended_goes_on(
    stream_door: Door, wire: AsgiWire, ada: User, tab: Client
) -> None:
    other_tab = await queries.run(sign_in, ada)
    async with (
        reading(stream_door, wire, tab, f"user.{ada.pk}") as signed_out,
        reading(stream_door, wire, tab, "lab.a") as public,
        reading(stream_door, wire, other_tab, f"user.{ada.pk}") as other_session,
    ):
        await queries.run(sign_out, ada, tab)
        assert (await ending_of(signed_out)).reason == "signed_out"
        for topic, seen in (("lab.a", public), (f"user.{ada.pk}", other_session)):
            await log.aappend(topic, "test.happened", "still here")
            await seen.until_seq(1, topic)
        await queries.run(change_password, ada, tab)
        assert (await ending_of(other_session)).reason == "signed_out"


async def test_a_read_under_way_is_kept_back(
    door: Door, wire: AsgiWire, ada: User, tab: Client, feed_of_this_test: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database answers only after the right has ended; what it answers is not handed out."""
    topic = f"user.{ada.pk}"
    if door.name == "short_poll":
        await _hold_back_a_short_poll(door, wire, ada, tab, feed_of_this_test, monkeypatch)
        return
    async with reading(door, wire, tab, topic) as seen:
        next_ = feed_of_this_test._next
        waiting, may_answer = asyncio.Event(), asyncio.Event()

        async def held_back(topics: Any, *args: Any) -> Batch:
            batch = await next_(topics, *args)
            if topic in topics and batch.events:
                waiting.set()
                await may_answer.wait()
            return batch

        monkeypatch.setattr(feed_of_this_test, "_next", held_back)
        ending = asyncio.create_task(ending_of(seen))
        if door.is_stream:
            # The wait that has begun is the old one: one event goes through, the next is held back.
            await log.aappend(topic, "test.happened", "before")
            await seen_event(seen)
        await log.aappend(topic, "test.happened", "secret") if door.is_stream else None
        if not door.is_stream:
            await await_until(lambda: any(c.door == "long_poll" for c in open_connections()), "the poll waits")
            await log.aappend(topic, "test.happened", "secret")
        await waiting.wait()
        await queries.run(sign_out, ada, tab)
        await await_until(lambda: any(c.is_cut for c in open_connections()), "the connection is cut")
        may_answer.set()
        ended = await ending
    assert ended.reason == "signed_out"
    assert "secret" not in [event["data"] for event in ended.seen]


async def seen_event(seen: Seeing) -> None:
    await await_until(lambda: seen.events, "an event went through")


async def _hold_back_a_short_poll(
    door: Door, wire: AsgiWire, ada: User, tab: Client, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = f"user.{ada.pk}"
    await log.aappend(topic, "test.happened", "secret")
    read = feed.read
    waiting, may_answer = asyncio.Event(), asyncio.Event()

    async def held_back(*args: Any) -> Batch:
        batch = await read(*args)
        waiting.set()
        await may_answer.wait()
        return batch

    monkeypatch.setattr(feed, "read", held_back)
    reader = READERS[door.name](Signed(wire, key_of(tab)), door.path)
    polling = asyncio.create_task(_poll(reader, topic))
    await waiting.wait()
    await queries.run(sign_out, ada, tab)
    await await_until(lambda: any(c.is_cut for c in open_connections()), "the connection is cut")
    may_answer.set()
    with pytest.raises(Refused) as refused:
        await polling
    assert refused.value.error["code"] == "signed_out"


async def _poll(reader: Reader, topic: str) -> None:
    async with seeing(reader, topic, after="start"):
        pass


async def test_a_right_that_ended_between_the_question_and_the_opening_is_asked_again(
    stream_door: Door, wire: AsgiWire, ada: User, tab: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move is heard when nothing is open yet that it could end."""
    resolve = Feed.resolve
    topic = f"user.{ada.pk}"

    async def resolve_late(self: Feed, topics: Any, place: Any) -> Any:
        if topic in topics:
            await queries.run(sign_out, ada, tab)
            moved = revocation.current()._moved_at
            await await_until(lambda: str(ada.pk) in moved, "the move was heard")
        return await resolve(self, topics, place)

    monkeypatch.setattr(Feed, "resolve", resolve_late)
    async with reading(stream_door, wire, tab, topic) as seen:
        await log.aappend(topic, "test.happened", "secret")
        ending = await ending_of(seen)
    assert (ending.reason, ending.seen) == ("life", [])


async def test_what_nobody_tells_is_found_by_the_round(
    stream_door: Door, wire: AsgiWire, ada: User, tab: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "ROUND_S", 0.1)
    async with reading(stream_door, wire, tab, f"user.{ada.pk}") as seen:
        await queries.run(lambda: Session.objects.all().delete())
        assert (await ending_of(seen)).reason == "signed_out"


async def test_nothing_is_left_of_who_came_and_went(stream_door: Door, wire: AsgiWire, ada: User, tab: Client) -> None:
    async with reading(stream_door, wire, tab, f"user.{ada.pk}"):
        assert len(revocation.current()._credentials) == 1
    assert revocation.current()._credentials == {}


async def test_no_door_opens_to_the_moves(door: Door, wire: AsgiWire, ada: User, tab: Client) -> None:
    assert await refusal_of(READERS[door.name](Signed(wire, key_of(tab)), door.path), "access.moves") == 404
