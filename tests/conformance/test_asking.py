"""What a door makes of what it is asked: places, bad input, permission, headers."""

import json
from typing import Any

import pytest
from django.conf import settings

from apps.access.identified import Identified
from apps.events import log, queries
from apps.events.cursor import MAX_TOPICS, NOW
from apps.events.feed import Feed
from apps.events.queries import LogUnavailable
from apps.transports.registry import Door
from tests.conformance.readers import READERS, Reader, Refused, with_topics
from tests.conformance.seeing import seeing
from tests.conformance.wires import AsgiWire, SocketClosed
from tests.rig.waiting import await_until


async def refusal_of(reader: Reader, *topics: str, **asked: Any) -> Refused:
    """Open the door, which should not open, and return why."""
    try:
        async with seeing(reader, *topics, **asked) as seen:
            if seen.controls == ["close"]:
                await seen.one()  # a socket that is refused for now is told when to come back, and then closed
    except Refused as refused:
        return refused
    except SocketClosed as closed:
        return Refused(closed.code - 4000, closed.reason)
    raise AssertionError("the door opened")


async def cursor_at(seq: int) -> str:
    return f"{(await queries.run(log.bounds, [])).epoch}~lab.a:{seq}"


@pytest.mark.parametrize(
    ("header", "after", "last", "first_seq"),
    [(1, 3, 1, 2), (None, 3, 2, 4), (None, None, 2, 4), (None, None, None, 6)],
    ids=["header_first", "then_after", "then_last", "then_the_head"],
)
async def test_the_first_present_starting_place_counts(
    reader: Reader, header: int | None, after: int | None, last: int | None, first_seq: int
) -> None:
    for i in range(5):
        await log.aappend("lab.a", "test.happened", i)
    headers = {"Last-Event-ID": await cursor_at(header)} if header is not None else None
    async with seeing(
        reader, "lab.a", headers=headers, after=None if after is None else await cursor_at(after), last=last
    ) as seen:
        await log.aappend("lab.a", "test.happened", "new")
        await seen.until_seq(6)
    assert seen.seqs() == list(range(first_seq, 7))


@pytest.mark.parametrize(
    "cursor",
    ["garbage", "", "~", "e~lab.a", "e~lab.a:-1", "e~lab.a:1.5", "e~lab.a:01", "e~lab.a:1,lab.a:2", "e~lab.a:9" * 999,
     "e~lab.a:" + "9" * 17, "e~LAB:1", "E~lab.a:1", "e~lab.a:１", "e~lab.a:1\r\nid: 2", "\x00", "e~lab.a:1,"],
)  # fmt: skip
async def test_a_garbage_cursor_is_refused_with_words(reader: Reader, cursor: str) -> None:
    refused = await refusal_of(reader, "lab.a", after=cursor)
    assert refused.status == 400
    assert "cursor" in refused.message


async def test_two_cursors_are_refused(door: Door, wire: AsgiWire) -> None:
    refused = await refusal_of(READERS[door.name](_Also(wire, [("after", "now")]), door.path), "lab.a", after="start")
    assert refused.status == 400


@pytest.mark.parametrize("topic", ["", "UPPER", "a b", "ä", ".a", "a" * 100, "a\r\nb", "a\x00", "../x", "a,b", "a:b"])
async def test_a_malformed_topic_is_refused_with_words(reader: Reader, topic: str) -> None:
    refused = await refusal_of(reader, topic)
    assert refused.status == 400
    assert "topic" in refused.message


async def test_a_topic_that_no_family_has_does_not_exist(reader: Reader) -> None:
    refused = await refusal_of(reader, "lab.a", "nowhere")
    assert refused.status == 404
    assert "nowhere" in refused.message


async def test_no_topic_or_too_many_are_refused(reader: Reader) -> None:
    assert (await refusal_of(reader)).status == 400
    assert (await refusal_of(reader, *(f"lab.{i}" for i in range(MAX_TOPICS + 1)))).status == 400


async def test_as_many_topics_as_a_cursor_holds_are_served(reader: Reader) -> None:
    topics = [f"lab.{i}" for i in range(MAX_TOPICS)]
    async with seeing(reader, *topics) as seen:
        for topic in topics:
            await log.aappend(topic, "test.happened", None)
        await seen.until(lambda s: len(s.events) >= MAX_TOPICS)
    assert all(seen.seqs(topic) == [1] for topic in topics)


@pytest.mark.parametrize("name", ["limit", "last"])
@pytest.mark.parametrize("value", ["-1", "501", "x", "", "1e2", "١", "nan", "99999999999999999999"])
async def test_a_number_out_of_range_is_refused_with_words(reader: Reader, name: str, value: str) -> None:
    refused = await refusal_of(reader, "lab.a", **{name: value})
    assert refused.status == 400
    assert name in refused.message


@pytest.mark.parametrize("timeout", ["-1", "61", "nan", "inf", "x"])
async def test_a_timeout_out_of_range_is_refused_with_words(wire: AsgiWire, timeout: str) -> None:
    refused = await refusal_of(READERS["long_poll"](wire, "/feed/long-poll"), "lab.a", timeout=timeout)
    assert refused.status == 400
    assert "timeout" in refused.message


async def test_a_door_goes_on_after_it_refused(reader: Reader) -> None:
    await refusal_of(reader, "lab.a", after="garbage")
    async with seeing(reader, "lab.a") as seen:
        await log.aappend("lab.a", "test.happened", None)
        await seen.until_seq(1)


async def test_another_ones_personal_topic_is_refused(reader: Reader, django_user_model: Any) -> None:
    somebody = await queries.run(django_user_model.objects.create_user, "somebody", password="x")
    refused = await refusal_of(reader, f"user.{somebody.pk}")
    assert refused.status == 403


async def test_ones_own_personal_topic_is_served(door: Door, wire: AsgiWire, django_user_model: Any) -> None:
    me = await queries.run(django_user_model.objects.create_user, "me", password="x")
    await log.aappend(f"user.{me.pk}", "test.happened", "for me")
    headers = {"cookie": f"sessionid={await queries.run(_sign_in, me)}", "origin": "http://localhost"}
    reader = READERS[door.name](_Also(wire, headers=headers), door.path)
    async with seeing(reader, f"user.{me.pk}", after="start") as seen:
        await seen.until_seq(1)
    assert seen.events[0]["data"] == "for me"


async def test_a_session_that_cannot_be_looked_up_is_told_to_come_back(
    door: Door, wire: AsgiWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(self: Identified, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await self._application({**scope, "identity": None}, receive, send)

    monkeypatch.setattr(Identified, "__call__", unknown)
    if door.name == "sse":
        # An EventSource gives up for good on any status but 200.
        async with wire.get(door.path, with_topics(("lab.a",))) as answer:
            body = (await answer.body()).decode()
            assert answer.status == 200
        assert body.startswith("event: close\nretry: 1000\ndata: {")
        assert "\nid:" not in body
    else:
        refused = await refusal_of(READERS[door.name](wire, door.path), "lab.a")
        assert refused.status == 503


async def test_an_http_door_opens_with_get_only(door: Door, wire: AsgiWire) -> None:
    if door.name == "websocket":
        return
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        async with wire.get(door.path, with_topics(("lab.a",)), method=method) as answer:
            assert answer.status == 405
            assert answer.headers["allow"] == "GET"


async def test_a_streams_headers_keep_proxies_from_holding_it_back(stream_door: Door, wire: AsgiWire) -> None:
    if stream_door.name == "websocket":
        return
    async with wire.get(stream_door.path, with_topics(("lab.a",))) as answer:
        assert answer.headers["cache-control"] == "private, no-cache, no-transform"
        assert answer.headers["vary"] == "Cookie, Authorization"
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["content-encoding"] == "identity"
        types = {"sse": "text/event-stream", "fetch_stream": "application/x-ndjson"}
        assert answer.headers["content-type"] == types[stream_door.name]


async def test_a_polled_answer_is_private_and_depends_on_the_cookie(door: Door, wire: AsgiWire) -> None:
    if door.is_stream:
        return
    async with wire.get(door.path, [*with_topics(("lab.a",)), ("timeout", "0")]) as answer:
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Cookie, Authorization"
        assert json.loads(await answer.body()).keys() == {"events", "cursor", "reset", "more"}


async def test_a_short_poll_with_the_etag_of_what_it_has_is_answered_304(wire: AsgiWire) -> None:
    await log.aappend("lab.a", "test.happened", 1)
    query = with_topics(("lab.a",), after="start")
    async with wire.get("/feed/poll", query) as answer:
        etag = answer.headers["etag"]
        assert etag == f'W/"{json.loads(await answer.body())["cursor"]}"'
    async with wire.get("/feed/poll", query, {"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.body(), answer.headers["etag"]) == (304, b"", etag)
    await log.aappend("lab.a", "test.happened", 2)
    async with wire.get("/feed/poll", query, {"If-None-Match": etag}) as answer:
        assert answer.status == 200
        assert [event["seq"] for event in json.loads(await answer.body())["events"]] == [1, 2]


async def test_a_short_poll_with_nothing_new_asks_no_database(
    wire: AsgiWire, feed_of_this_test: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await log.aappend("lab.a", "test.happened", 1)
    cursor = await feed_of_this_test.resolve(["lab.a"], NOW)
    await await_until(lambda: feed_of_this_test.knows_no_more(["lab.a"], cursor), "the window to be up to date")
    query, etag = with_topics(("lab.a",), after=cursor.text), {"If-None-Match": f'W/"{cursor.text}"'}
    with monkeypatch.context() as away:
        away.setattr(queries, "run", _away)
        async with wire.get("/feed/poll", query, etag) as answer:
            assert answer.status == 304
        async with wire.get("/feed/poll", query) as answer:
            assert answer.status == 503
    assert cursor.positions["lab.a"] == event.seq


async def test_a_short_poll_after_an_append_of_its_own_process_sees_it_whatever_the_hints_do(
    wire: AsgiWire, feed_of_this_test: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.aappend("lab.a", "test.happened", 1)
    cursor = await feed_of_this_test.resolve(["lab.a"], NOW)
    await await_until(lambda: feed_of_this_test.knows_no_more(["lab.a"], cursor), "the window to be up to date")
    monkeypatch.setattr(feed_of_this_test._hints, "_on_hint", lambda topic: None)
    await log.aappend("lab.a", "test.happened", 2)
    query, etag = with_topics(("lab.a",), after=cursor.text), {"If-None-Match": f'W/"{cursor.text}"'}
    async with wire.get("/feed/poll", query, etag) as answer:
        assert answer.status == 200


async def _away(query: Any, *args: Any, **kwargs: Any) -> Any:
    raise LogUnavailable("away, for this test")


@pytest.mark.parametrize("message", ["hello", b"\x00\xff", '{"control":"heartbeat"}'])
async def test_a_message_into_the_feeds_socket_closes_it_with_words(wire: AsgiWire, message: str | bytes) -> None:
    async with wire.socket("/feed/ws", with_topics(("lab.a",))) as socket:
        await socket.receive()
        await socket.send(message)
        with pytest.raises(SocketClosed, match="this socket only sends") as closed:
            await socket.receive()
    assert closed.value.code == 4400


async def test_a_socket_at_a_path_that_leads_nowhere_is_told_so(wire: AsgiWire) -> None:
    async with wire.socket("/feed/ws/no", []) as socket:
        with pytest.raises(SocketClosed, match="there is no WebSocket at '/feed/ws/no'") as closed:
            await socket.receive()
    assert closed.value.code == 4404


async def test_a_page_of_another_site_gets_no_handshake(wire: AsgiWire) -> None:
    with pytest.raises(SocketClosed) as closed:
        async with wire.socket("/feed/ws", with_topics(("lab.a",)), {"origin": "http://evil.example"}):
            pass
    assert closed.value.code == 403


class _Also:
    """A wire that sends something more with each request."""

    def __init__(self, wire: AsgiWire, params: list[tuple[str, str]] | None = None, headers: Any = None) -> None:
        self._wire, self._params, self._headers = wire, params or [], headers or {}

    def get(self, path: str, params: Any, headers: Any = None, method: str = "GET") -> Any:
        return self._wire.get(path, params + self._params, {**(headers or {}), **self._headers}, method)

    def socket(self, path: str, params: Any, headers: Any = None) -> Any:
        return self._wire.socket(path, params + self._params, {**(headers or {}), **self._headers})


def _sign_in(user: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key or ""
