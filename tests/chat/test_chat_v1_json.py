"""The dialect with names, times and history."""

import json

import pytest

from apps.access import shared_buckets
from apps.access.rate import Rate
from apps.chat import consumer, presence
from apps.events import feed, log, queries
from apps.events.cursor import START
from apps.events.log import NewEvent
from apps.events.queries import LogUnavailable
from tests.chat.conftest import NamedPerson, Person

pytestmark = pytest.mark.django_db(transaction=True)


async def append_lines(*texts: str) -> None:
    lines = [NewEvent("chat.lobby", "chat.line", {"sender": "s", "name": "n", "text": text}) for text in texts]
    await queries.run(log.append_many, lines)


async def test_ready_comes_first_and_says_who_you_are_and_where(room):
    await append_lines("one")
    ana = room(NamedPerson(name="Ana"))
    await ana.arrives()
    assert ana.subprotocol == "chat.v1.json"
    assert ana.ready["name"] == "Ana"
    assert ana.ready["cursor"].endswith("~chat.lobby:0")
    assert ana.ready["limits"] == {"line_chars": 2000, "name_chars": 40, "typing_s": 5.0}
    assert ana.ready["heartbeat_s"] > 0
    assert ana.ready["retry_ms"] > 0


async def test_a_line_reaches_everybody_with_name_and_time_and_is_acknowledged_by_its_id(room):
    ana, ben = await room(NamedPerson(name="Ana")).arrives(), await room(NamedPerson(name="Ben")).arrives()
    await ana.says_line("你好 👋🏽", id="line-0001")
    event = await ben.hears_of("line")
    assert event["topic"] == "chat.lobby"
    assert event["data"] == {"sender": ana.ready["sender"], "name": "Ana", "text": "你好 👋🏽"}
    assert event["time"].endswith("Z")
    frames = [await ana.hears_frame() for _ in range(4)]
    assert {"chat": "sent", "id": "line-0001", "seq": event["seq"]} in frames
    assert event in frames


async def test_a_newcomer_gets_the_last_fifty_lines_in_order(room):
    await append_lines(*(f"line {number}" for number in range(60)))
    ana = await room(NamedPerson()).arrives()
    assert await ana.hears_lines(50) == [f"line {number}" for number in range(10, 60)]


async def test_who_comes_back_with_a_cursor_loses_nothing_and_gets_nothing_twice(room):
    ana = await room(NamedPerson()).arrives()
    await append_lines("heard")
    heard = await ana.hears_of("line")
    epoch = ana.ready["cursor"].partition("~")[0]
    await ana.goes()
    await append_lines("missed one", "missed two")
    ana = await room(NamedPerson(after=f"{epoch}~chat.lobby:{heard['seq']}")).arrives()
    await append_lines("live")
    assert await ana.hears_lines(3) == ["missed one", "missed two", "live"]


async def test_a_line_sent_again_with_its_id_appears_once(room):
    ana = await room(NamedPerson()).arrives()
    await ana.says_line("once", id="line-0001")
    first = await ana.hears_of("sent")
    await ana.goes()
    ana = await room(NamedPerson()).arrives()
    await ana.says_line("once", id="line-0001")
    assert await ana.hears_of("sent") == first
    batch = await feed.current().read(["chat.lobby"], START)
    assert [event.data["text"] for event in batch.events] == ["once"]


@pytest.mark.parametrize(("cursor", "reason"), [("other~chat.lobby:1", "epoch"), ("{epoch}~chat.lobby:99", "ahead")])
async def test_a_cursor_that_cannot_go_on_gets_a_reset_and_then_the_history(room, cursor, reason):
    await append_lines("one", "two")
    bounds = await queries.run(log.bounds, ["chat.lobby"])
    ana = await room(NamedPerson(after=cursor.format(epoch=bounds.epoch))).arrives()
    reset = await ana.hears_of("reset")
    assert reset["reason"] == reason
    assert reset["topics"] == ["chat.lobby"]
    assert reset["cursor"] == f"{bounds.epoch}~chat.lobby:0"
    assert await ana.hears_lines(2) == ["one", "two"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"after": "garbage"}, "cursor 'garbage' is not"),
        ({"last": "501"}, "from 0 to 500"),
        ({"last": "-1"}, "from 0 to 500"),
        ({"last": "many"}, "from 0 to 500"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused_with_the_reason(room, query, expected):
    ana = await room(NamedPerson(**query)).comes()
    frame = await ana.hears_frame()
    assert frame["control"] == "close"
    assert expected in frame["message"]
    assert frame["hint"]
    assert await ana.sees_the_end() == 4400


async def test_two_cursors_are_refused(room):
    ana = await room(NamedPerson("/ws/chat/?after=now&after=start")).comes()
    assert "'after' was given 2 times" in (await ana.hears_frame())["message"]
    assert await ana.sees_the_end() == 4400


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("hello", "bad_frame"),
        ("[]", "bad_frame"),
        ("{}", "bad_frame"),
        ('{"chat":"sing"}', "bad_frame"),
        ('{"chat":["line"]}', "bad_frame"),
        ('{"chat":"line"}', "bad_frame"),
        ('{"chat":"line","text":7}', "bad_frame"),
        ('{"chat":"line","text":"x","id":"short"}', "bad_frame"),
        ('{"chat":"line","text":"x","id":12345678}', "bad_frame"),
        ('{"chat":"line","text":"\\ud800"}', "bad_text"),
        ('{"chat":"name","name":"\\ud800"}', "bad_text"),
        ('{"chat":"name","name":" \\u200b "}', "bad_text"),
        ('{"chat":"\\ud800"}', "bad_frame"),
        ("[" * 5_000, "bad_frame"),
        ('{"chat":' + "9" * 5_000 + "}", "bad_frame"),
        (json.dumps({"chat": "line", "text": "x" * 2_001}), "too_long"),
        (json.dumps({"chat": "line", "text": "x" * 1_000_000}), "too_long"),
    ],
)
async def test_a_bad_frame_is_answered_with_an_error_that_teaches_and_the_talk_goes_on(room, frame, code):
    ana = await room(NamedPerson()).arrives()
    await ana.says(frame)
    error = await ana.hears_of("error")
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    await ana.says_line("fine")
    assert await ana.hears_lines(1) == ["fine"]


async def test_a_binary_frame_is_answered_with_an_error(room):
    ana = await room(NamedPerson()).arrives()
    await ana.socket.send_to(bytes_data=b"\x00")
    assert (await ana.hears_of("error"))["code"] == "binary"


async def test_an_error_about_a_line_names_its_id(room):
    ana = await room(NamedPerson()).arrives()
    await ana.says_line("x" * 2_001, id="line-0001")
    assert (await ana.hears_of("error"))["id"] == "line-0001"


async def test_the_longest_line_of_the_widest_characters_fits(room):
    ana = await room(NamedPerson(name="名" * 60)).arrives()
    assert ana.ready["name"] == "名" * 40
    await ana.says_line("\U0001f30d" * 2_000)
    assert await ana.hears_lines(1) == ["\U0001f30d" * 2_000]


async def test_who_is_too_fast_is_told_when_to_try_again(room, monkeypatch):
    monkeypatch.setattr(consumer, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(consumer, "LINES_PER_S", 0.001)
    ana = await room(NamedPerson()).arrives()
    for number in range(3):
        await ana.says_line(f"line {number}", id=f"line-000{number}")
    error = await ana.hears_of("error")
    assert error["code"] == "too_fast"
    assert error["id"] == "line-0002"
    assert error["retry_after_s"] > 0


async def test_an_address_has_no_more_words_for_having_more_connections(room, settings):
    settings.RATES = {**settings.RATES, "chat_address": Rate(per_s=0.001, burst=2)}
    here, there, elsewhere = [await room(NamedPerson()).arrives() for _ in range(3)]
    for number, person in enumerate((here, there, elsewhere)):
        await person.says_line(f"line {number}", id=f"line-000{number}")
        if person is not elsewhere:
            assert await elsewhere.hears_lines(1) == [f"line {number}"]
    error = await elsewhere.hears_of("error")
    assert (error["code"], error["id"]) == ("too_fast", "line-0002")
    await shared_buckets.current().aclose()


async def test_who_floods_is_shown_the_door(room, monkeypatch):
    monkeypatch.setattr(consumer, "FRAMES_AT_ONCE", 3)
    monkeypatch.setattr(consumer, "FRAMES_PER_S", 0.001)
    ana = await room(NamedPerson()).arrives()
    for _ in range(4):
        await ana.says("nonsense")
    close = await ana.hears_of("close")
    assert close["reason"] == "flooding"
    assert await ana.sees_the_end() == 4429


async def test_while_the_database_is_away_the_sender_is_told_and_may_try_again(room, monkeypatch):
    ana = await room(NamedPerson()).arrives()
    append = log.aappend

    async def away(*args, **kwargs):
        raise LogUnavailable("connection refused")

    monkeypatch.setattr(log, "aappend", away)
    await ana.says_line("hello?", id="line-0001")
    error = await ana.hears_of("error")
    assert (error["code"], error["id"]) == ("unavailable", "line-0001")
    # The answer to a commit may be what is missing.
    assert "may not have been sent" in error["message"]
    assert "same id" in error["hint"]
    assert "connection refused" not in json.dumps(error)
    monkeypatch.setattr(log, "aappend", append)
    await ana.says_line("hello?", id="line-0001")
    assert await ana.hears_lines(1) == ["hello?"]


async def test_who_comes_while_the_database_is_away_is_told_so(room, monkeypatch):
    async def away(*args):
        raise LogUnavailable("connection refused")

    monkeypatch.setattr(feed.current(), "resolve", away)
    ana = await room(NamedPerson()).comes()
    close = await ana.hears_frame()
    assert (close["control"], close["reason"]) == ("close", "log_unavailable")
    assert await ana.sees_the_end() == 4503


async def test_a_connection_that_fails_inside_is_closed_and_not_left_mute(room, monkeypatch, caplog):
    async def fails(*args):
        raise RuntimeError("planted")

    monkeypatch.setattr(feed.current(), "resolve", fails)
    ana = await room(NamedPerson()).comes()
    assert (await ana.hears_frame())["reason"] == "failed"
    assert await ana.sees_the_end() == 4500
    assert "planted" in caplog.text


async def test_silence_is_filled_with_heartbeats_that_carry_the_cursor(room, settings):
    settings.FEED_HEARTBEAT_S = 0.01
    await append_lines("one")
    ana = await room(NamedPerson()).arrives()
    await ana.hears_of("line")
    assert (await ana.hears_of("heartbeat"))["cursor"].endswith("~chat.lobby:1")


async def test_a_connection_ends_after_its_life_with_a_place_to_come_back_to(room, settings):
    settings.FEED_STREAM_LIFE_S = (0.05, 0.05)
    ana = await room(NamedPerson()).arrives()
    close = await ana.hears_of("close")
    assert close["reason"] == "life"
    assert close["cursor"].endswith("~chat.lobby:0")
    assert await ana.sees_the_end() == 4000


async def test_the_right_to_read_the_room_is_checked(room, monkeypatch):
    monkeypatch.setattr("apps.access.families.PublicFamily.may_read", lambda self, identity, topic: False)
    ana = await room(NamedPerson()).comes()
    assert (await ana.hears_frame())["reason"] == "forbidden"
    assert await ana.sees_the_end() == 4403


async def test_a_slow_reader_is_a_cursor_that_lags_and_gets_every_line(room):
    ana, ben = await room(NamedPerson(last=0)).arrives(), await room(NamedPerson()).arrives()
    await ana.hears_of("joined")
    ana.reads.clear()
    ben_is_here = next(m for m in presence.current()._members.values() if m.sender == ben.ready["sender"])
    for _ in range(10 * presence.MAX_UNREAD):
        presence.current().typing(ben_is_here)
    await append_lines(*(f"line {number}" for number in range(300)))
    assert await ana.socket.receive_nothing()
    ana.reads.set()
    frames = []
    while not frames or frames[-1].get("data", {}).get("text") != "line 299":
        frames.append(await ana.hears_frame())
    lines = [frame["data"]["text"] for frame in frames if "data" in frame]
    assert lines == [f"line {number}" for number in range(300)]
    # What may be lost was dropped, and the list of who is here makes up for it.
    assert len(frames) - len(lines) <= presence.MAX_UNREAD


async def test_everything_ends_with_the_connection(room):
    ana = await room(Person()).comes()
    await ana.hears()
    await ana.goes()
    assert feed.current().windows["chat.lobby"].subscribers == 0
