"""A token instead of a cookie: on every door, as far as it reaches, until it expires or its user's right ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from apps.access import tokens
from apps.access.identity import Right
from apps.api.models import ApiKey
from apps.events import log, queries
from apps.transports.registry import Door
from tests.conformance.readers import READERS, Reader, Refused
from tests.conformance.seeing import seeing
from tests.conformance.wires import AsgiWire, SocketClosed

GROUP = "group.editors"
READS = (Right.READ, Right.HISTORY)


class Bearing(AsgiWire):
    """A wire that sends a token, from a page of another site, beside whatever cookies that has."""

    def __init__(self, wire: AsgiWire, token: str, cookies: str = "") -> None:
        super().__init__(wire._application, fanout=wire._fanout)
        self._headers = {"origin": "http://elsewhere.example", **({"cookie": cookies} if cookies else {})}
        self._token = token

    def _scope(self, kind: str, path: str, params: Any, headers: Any) -> dict[str, Any]:
        bearing = {"authorization": f"Bearer {self._token}"}
        if kind == "websocket":
            bearing = {"sec-websocket-protocol": f"feed.v1.json, bearer.{self._token}"}
        return super()._scope(kind, path, params, {**(headers or {}), **self._headers, **bearing})


@pytest.fixture
def ada(transactional_db: None) -> User:
    ada = User.objects.create_user("ada", password="first")
    ada.groups.add(Group.objects.create(name="editors"))
    return ada


def reader_with(door: Door, wire: AsgiWire, token: str, cookies: str = "") -> Reader:
    return READERS[door.name](Bearing(wire, token, cookies), door.path)


async def refusal_of(reader: Reader, *topics: str, **asked: Any) -> tuple[int, str]:
    """Return the status of the refusal, and its words."""
    with pytest.raises((Refused, SocketClosed)) as caught:
        async with seeing(reader, *topics, **asked):
            pass
    error = caught.value
    return (error.status, error.message) if isinstance(error, Refused) else (error.code - 4000, error.reason)


async def append(topic: str, words: str) -> None:
    await queries.run(log.append, topic, "test.said", words)


async def test_a_token_opens_what_it_reaches_and_nothing_else(door: Door, wire: AsgiWire, ada: User) -> None:
    reader = reader_with(door, wire, tokens.issue(ada, "group.* lab.a staff.*", READS).text)
    await append(GROUP, "before")
    async with seeing(reader, GROUP, "lab.a", after="start") as seen:
        await append(GROUP, "after")
        await seen.until_seq(2)
        assert [event["data"] for event in seen.events] == ["before", "after"]
    for beyond in (f"user.{ada.pk}", "lab.b"):  # the user's own, and everybody's
        status, words = await refusal_of(reader, GROUP, beyond)
        assert (status, "does not reach it" in words) == (403, True)
    # Reached, but no right of its user's.
    assert (await refusal_of(reader, "staff.plans"))[0] == 403


async def test_cookies_beside_a_token_do_not_count(door: Door, wire: AsgiWire, ada: User) -> None:
    ben = await queries.write(User.objects.create_user, "ben")
    tab = Client()
    await queries.write(tab.force_login, ada)
    cookies = f"sessionid={tab.cookies['sessionid'].value}"
    token = tokens.issue(ben, "*", READS).text
    assert (await refusal_of(reader_with(door, wire, token, cookies), GROUP))[0] == 403
    assert (await refusal_of(reader_with(door, wire, "rtt_invented", cookies), GROUP))[0] == 401


async def test_a_token_that_does_not_count_is_refused_in_words_on_public_topics_too(
    door: Door, wire: AsgiWire, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tokens.issue(ada, "*", READS, 1).text
    for token, words in {
        old[:-3] + "abc": "none of this site's",
        "rt_0123456789ab_" + "x" * 43: "an API key",
        "": "none of this site's",
    }.items():
        status, said = await refusal_of(reader_with(door, wire, token), "lab.a")
        assert (status, words in said) == (401, True), said
    monkeypatch.setattr(tokens.time, "time", lambda: 4e9)
    assert await refusal_of(reader_with(door, wire, old), "lab.a") == (401, "the token that you came with has expired")


async def test_without_the_right_to_history_a_token_begins_at_the_head(
    stream_door: Door, wire: AsgiWire, ada: User
) -> None:
    await append(GROUP, "before")
    token = tokens.issue(ada, GROUP, [Right.READ]).text
    async with seeing(reader_with(stream_door, wire, token), GROUP, after="start") as seen:
        await append(GROUP, "after")
        await seen.until_seq(2)
        assert [event["data"] for event in seen.events] == ["after"]
        assert [reset["reason"] for reset in seen.resets] == ["history"]


async def ending_of(reader: Reader, end: Callable[[], Awaitable[object]]) -> str:
    """Read until the server ends it; return the code of the refusal, or the reason of the `close` frame."""
    try:
        async with seeing(reader, GROUP) as seen:
            await end()
            while True:
                one = await seen.one()
                if one.control == "close":
                    return one.raw["reason"]
                await asyncio.sleep(0.01)
    except Refused as refused:
        return refused.error["code"]


async def test_a_token_that_expires_ends_what_rests_on_it(door: Door, wire: AsgiWire, ada: User) -> None:
    reader = reader_with(door, wire, tokens.issue(ada, GROUP, READS, 2).text)
    assert await ending_of(reader, lambda: asyncio.sleep(0)) == "token_expired"


@pytest.mark.parametrize(
    ("loses", "to_a_stream", "to_a_poll"),
    [("password", "signed_out", "token_revoked"), ("group", "revoked", "forbidden")],
)
async def test_a_right_that_its_user_loses_ends_what_rests_on_a_token(
    loses: str, to_a_stream: str, to_a_poll: str, door: Door, wire: AsgiWire, ada: User
) -> None:
    def lose() -> None:
        if loses == "group":
            ada.groups.clear()
            return
        ada.set_password("second")
        ada.save()

    reader = reader_with(door, wire, tokens.issue(ada, GROUP, READS).text)
    reason = await ending_of(reader, lambda: queries.run(lose))
    # A poll may ask after the right has ended, or be under way.
    assert reason in ((to_a_stream,) if door.is_stream else (to_a_stream, to_a_poll, "rights_moved"))


@pytest.mark.parametrize("name", ["access_token", "Token", "t"])
async def test_a_token_in_the_address_is_refused(name: str, door: Door, wire: AsgiWire, ada: User) -> None:
    token = tokens.issue(ada, "lab.a", READS).text
    status, words = await refusal_of(READERS[door.name](wire, door.path), "lab.a", **{name: token})
    assert (status, "a token or a key came in the address" in words) == (400, True)


async def test_an_api_key_in_the_address_is_refused_and_a_topic_that_looks_a_little_like_one_is_not(
    door: Door, wire: AsgiWire, ada: User
) -> None:
    key = await queries.write(lambda: ApiKey(name="deploys", topics="lab.*", owner=ada).issue().text)
    status, words = await refusal_of(READERS[door.name](wire, door.path), "lab.a", x=key)
    assert (status, "a token or a key came in the address, as 'x'" in words) == (400, True)
    assert (await refusal_of(READERS[door.name](wire, door.path), "rt_a"))[0] == 404


async def test_of_the_subprotocols_never_the_token_is_chosen(wire: AsgiWire, ada: User) -> None:
    token = tokens.issue(ada, "lab.a", READS).text
    for offered, chosen in {f"feed.v1.json, bearer.{token}": "feed.v1.json", f"bearer.{token}": None}.items():
        headers = {"origin": "http://elsewhere.example", "sec-websocket-protocol": offered}
        async with wire.socket("/feed/ws", [("topic", "lab.a")], headers) as socket:
            assert socket.subprotocol == chosen  # type: ignore[attr-defined]
            assert "ready" in await socket.receive()


async def test_two_tokens_are_none(wire: AsgiWire, ada: User) -> None:
    one, other = (tokens.issue(ada, topics, READS).text for topics in ("lab.a", "*"))
    headers = {"sec-websocket-protocol": f"bearer.{one}", "authorization": f"Bearer {other}"}
    async with wire.socket("/feed/ws", [("topic", "lab.a")], headers) as socket:
        with pytest.raises(SocketClosed, match="4401"):
            await socket.receive()


async def test_a_401_says_how_to_come(wire: AsgiWire) -> None:
    async with wire.get("/feed/poll", [("topic", "lab.a")], {"authorization": "bearer rtt_x"}) as answer:
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="events", error="invalid_token"'
    # A password that a proxy in front asked for is none of ours.
    async with wire.get("/feed/poll", [("topic", "lab.a")], {"authorization": "Basic eDp5"}) as answer:
        assert answer.status == 200
