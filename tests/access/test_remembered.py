"""Whom a credential stands for is remembered for moments, and no longer than nothing is known to have changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from apps.access import identified, remembered, revocation, tokens
from apps.access.identified import Identified
from apps.access.identity import ANONYMOUS, Identity, Right
from apps.access.moves import MOVES
from apps.access.remembered import AGE_S, Known, Remembered
from apps.access.sessions import identity_of_session
from apps.access.tokens import TokenIdentity
from apps.events import feed, log, wakeup
from apps.events.wakeup import layer_health
from tests.rig.changes_of_rights import (
    change_password,
    deactivate,
    delete,
    delete_group,
    empty_group,
    leave_group,
    sign_out,
)
from tests.rig.waiting import await_until, wait_until

ADA, BOB = Identity("7", "ada"), Identity("8", "bob")


def known(identity: Identity, ago_s: float = 0.0) -> Known:
    return Known(identity, time.monotonic() - ago_s)


def keep(memory: Remembered, credential: str, one: Known) -> None:
    memory.keep(credential, one, memory.words_so_far())


def test_what_was_kept_is_recalled_until_it_is_too_old() -> None:
    memory = Remembered(age_s=10)
    keep(memory, "young", known(ADA, ago_s=9))
    keep(memory, "old", known(ADA, ago_s=10))
    assert memory.recall("young") == memory._known["young"]
    assert memory.recall("old") is None


def test_what_has_expired_is_not_recalled() -> None:
    memory = Remembered()
    keep(memory, "valid", known(replace(ADA, expires_at=time.time() + 60)))
    keep(memory, "expired", known(replace(ADA, expires_at=time.time() - 1)))
    assert memory.recall("valid") is not None
    assert memory.recall("expired") is None


def test_a_user_is_forgotten_with_all_their_credentials_and_nobody_else() -> None:
    memory = Remembered()
    for credential, identity in [("one", ADA), ("two", ADA), ("other", BOB)]:
        keep(memory, credential, known(identity))
    memory.forget("7")
    assert [memory.recall(credential) is None for credential in ("one", "two", "other")] == [True, True, False]
    memory.forget()
    assert len(memory) == 0


def test_a_word_that_comes_while_somebody_is_looked_up_counts() -> None:
    memory = Remembered()
    words = memory.words_so_far()
    memory.forget("7")
    memory.keep("session", known(ADA), words)
    assert memory.recall("session") is None


def test_those_looked_up_first_make_room() -> None:
    memory = Remembered(most=2)
    for credential in ("first", "second", "first", "third"):
        keep(memory, credential, known(ADA))
    assert (memory.recall("second"), len(memory)) == (None, 2)
    keep(memory, "old", known(ADA, ago_s=AGE_S))
    keep(memory, "new", known(BOB))
    assert memory.recall("old") is None
    memory.forget("7")
    assert list(memory._known) == ["new"]


def test_strangers_and_tokens_of_keys_are_not_remembered() -> None:
    memory = Remembered()
    keep(memory, "stranger", known(ANONYMOUS))
    keep(memory, "of a key", known(TokenIdentity("7", "ada", key_prefix="rt_x")))
    keep(memory, "of a user", known(TokenIdentity("7", "ada")))
    assert list(memory._known) == ["of a user"]


# The whole way: from a scope to who is asking.


@dataclass
class Asking:
    """Somebody who asks again and again with one credential."""

    header: tuple[bytes, bytes]
    look_ups: list[str]

    async def who(self) -> Identity | None:
        """Return whom the doors see."""
        seen = []

        async def application(scope, receive, send) -> None:
            seen.append(scope["identity"])

        await Identified(application)({"type": "http", "path": "/feed/poll", "headers": [self.header]}, None, None)
        return seen[0]

    async def is_remembered(self) -> bool:
        """Return whether the next answer needs no look-up."""
        # A move may be on its way, and is waited for like this by nobody else: they are looked up meanwhile.
        await await_until(lambda: revocation.current().hears_everything, "the moves to be heard")
        before = len(self.look_ups)
        await self.who()
        return len(self.look_ups) == before


@pytest.fixture
async def here(transactional_db: None) -> AsyncIterator[None]:
    """The feed of the test's event loop, which ends before the database is emptied."""
    layer_health.recovered()
    remembered.remembered.forget()
    current = feed.current()
    yield
    await current.aclose()
    layer_health.recovered()


@pytest.fixture
def ada(transactional_db: None) -> User:
    ada = User.objects.create_user("ada", password="first")
    ada.groups.add(Group.objects.create(name="editors"))
    return ada


@pytest.fixture
def tab(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions that were looked up."""
    found: list[str] = []

    def counted(key: str) -> Identity:
        found.append(key)
        return identity_of_session(key)

    monkeypatch.setattr(identified, "identity_of_session", counted)
    return found


@pytest.fixture
def asking(here: None, tab: Client, look_ups: list[str]) -> Asking:
    return Asking((b"cookie", f"sessionid={tab.cookies['sessionid'].value}".encode()), look_ups)


def become_staff(ada: User, tab: Client) -> None:
    ada.is_staff = True
    ada.save()


def get_permission(ada: User, tab: Client) -> None:
    ada.user_permissions.add(Permission.objects.get(codename="view_user"))


def get_permission_through_group(ada: User, tab: Client) -> None:
    Group.objects.get().permissions.add(Permission.objects.get(codename="view_user"))


CHANGES = [
    sign_out,
    change_password,
    deactivate,
    delete,
    leave_group,
    empty_group,
    delete_group,
    become_staff,
    get_permission,
    get_permission_through_group,
]


async def test_who_asks_again_is_not_looked_up_again(asking: Asking) -> None:
    first = await asking.who()
    assert (first or ANONYMOUS).username == "ada"
    assert await asking.is_remembered()
    assert await asking.who() is first


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_change_counts_from_the_next_question_on(
    change: Callable[[User, Client], None], asking: Asking, ada: User, tab: Client
) -> None:
    before = await asking.who()
    assert await asking.is_remembered()
    await sync_to_async(change)(ada, tab)
    after = await asking.who()
    assert after != before
    assert after == await sync_to_async(identity_of_session)(asking.look_ups[0])


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_change_counts_at_once_even_where_its_move_can_not_be_appended(
    change: Callable[[User, Client], None], asking: Asking, ada: User, tab: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await asking.who()
    assert await asking.is_remembered()
    monkeypatch.setattr(log, "append", mock.Mock(side_effect=OSError("the database is away")))
    await sync_to_async(change)(ada, tab)
    assert await asking.who() != before


async def elsewhere(act: Callable[[], object]) -> None:
    """Do something as another process would: this one hears nothing of it, but by hint or tick."""

    def do() -> None:
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(wakeup, "_announce"))
            stack.enter_context(mock.patch.object(remembered.remembered, "forget"))
            stack.callback(connection.close)
            act()

    await asyncio.to_thread(do)


async def test_a_change_in_another_process_counts_once_its_hint_is_heard(
    asking: Asking, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asking.who()
    assert await asking.is_remembered()
    monkeypatch.setattr(feed, "TICK_S", 3_600)  # only the hint tells
    await elsewhere(lambda: deactivate(ada, Client()))
    await wakeup.hint({MOVES: None})
    await await_until(lambda: len(remembered.remembered) == 0, "the move to be heard")
    assert await asking.who() is ANONYMOUS


async def test_a_change_in_another_process_whose_hint_is_lost_is_found_by_the_tick(asking: Asking, ada: User) -> None:
    await asking.who()
    assert await asking.is_remembered()
    await elsewhere(lambda: deactivate(ada, Client()))
    await await_until(lambda: len(remembered.remembered) == 0, "the tick to find the move")
    assert await asking.who() is ANONYMOUS


async def test_a_move_that_is_known_and_not_yet_read_is_waited_for_by_nobody(asking: Asking, ada: User) -> None:
    before = await asking.who()
    assert await asking.is_remembered()

    await sync_to_async(User.objects.filter(pk=ada.pk).update)(is_staff=True)
    feed.current()._take_hint(MOVES, None)  # and nobody reads before the next question
    assert await asking.who() != before


async def test_while_hints_are_lost_everybody_is_looked_up_each_time(asking: Asking, ada: User) -> None:
    await asking.who()
    assert await asking.is_remembered()
    layer_health.failed("Redis is away")
    await elsewhere(lambda: deactivate(ada, Client()))
    assert await asking.who() is ANONYMOUS


async def test_before_moves_are_followed_everybody_is_looked_up(asking: Asking, ada: User) -> None:
    key = asking.header[1].decode().removeprefix("sessionid=")
    keep(remembered.remembered, (identified.identity_of_session, key), known(BOB))  # type: ignore[arg-type]
    assert (await asking.who() or ANONYMOUS).username == "ada"


async def test_who_changes_while_they_are_looked_up_is_not_remembered_as_before(
    asking: Asking, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    revocations = revocation.current()
    loop = asyncio.get_running_loop()

    async def has_heard() -> bool:
        return bool(revocations._moved_at) and revocations.hears_everything

    def interleaved(key: str) -> Identity:
        asking.look_ups.append(key)
        found = identity_of_session(key)
        if len(asking.look_ups) == 1:
            # Read above, changed, told and heard here, kept after this returns: nobody will tell again.
            deactivate(ada, Client())
            heard = lambda: asyncio.run_coroutine_threadsafe(has_heard(), loop).result()  # noqa: E731
            wait_until(heard, "the move to be heard")
        return found

    monkeypatch.setattr(identified, "identity_of_session", interleaved)
    before = await asking.who()
    assert (before or ANONYMOUS).is_signed_in
    assert await asking.who() is ANONYMOUS


async def test_what_nobody_tells_is_found_when_the_memory_is_too_old(
    asking: Asking, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asking.who()
    assert await asking.is_remembered()
    await elsewhere(lambda: User.objects.filter(pk=ada.pk).update(is_active=False))
    assert (await asking.who() or ANONYMOUS).username == "ada"
    later = time.monotonic() + AGE_S
    monkeypatch.setattr(remembered, "time", mock.Mock(monotonic=lambda: later, time=time.time))
    assert await asking.who() is ANONYMOUS


async def test_a_token_is_remembered_until_its_user_changes(here: None, ada: User) -> None:
    issued = await sync_to_async(tokens.issue)(ada, topics="lab.*", rights=[Right.READ], life_s=60)
    asking = Asking((b"authorization", f"Bearer {issued.text}".encode()), [])
    first = await asking.who()
    assert isinstance(first, TokenIdentity)
    await await_until(lambda: revocation.current().hears_everything, "the moves to be heard")
    assert await asking.who() is first
    await sync_to_async(change_password)(ada, Client())
    assert getattr(await asking.who(), "code", None) == "token_revoked"
