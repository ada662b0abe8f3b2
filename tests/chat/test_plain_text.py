"""The article's dialect: plain text, for terminals and the simplest page."""

import pytest

from apps.chat.chat_error import ChatError
from apps.chat.plain_text import PlainText
from apps.events import feed, log, queries
from tests.chat.conftest import NamedPerson, Person
from tests.rig.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("path", ["/", "/ws/chat/"])
async def test_who_comes_is_welcomed(room, path):
    ana = await room(Person(path)).comes()
    assert ana.subprotocol is None
    assert await ana.hears() == "Welcome to the WebSocket server!"


async def test_two_people_chat_each_hears_you_and_other(room):
    ana, ben = await room(Person()).comes(), await room(Person()).comes()
    for person in (ana, ben):
        await person.hears()
    await ana.says("Is anybody here?")
    assert await ana.hears() == "You said: Is anybody here?"
    assert await ben.hears() == "Other client said: Is anybody here?"
    await ben.says("Me.")
    assert await ana.hears() == "Other client said: Me."
    assert await ben.hears() == "You said: Me."


async def test_a_newcomer_hears_only_what_is_said_from_now_on(room):
    await log.aappend("chat.lobby", "chat.line", {"sender": "s", "name": "n", "text": "long ago"})
    ana = await room(Person()).comes()
    await ana.hears()
    await ana.says("now")
    assert await ana.hears() == "You said: now"


async def test_a_newcomer_may_ask_for_the_last_lines(room):
    for text in ("one", "two", "three"):
        await log.aappend("chat.lobby", "chat.line", {"sender": "s", "name": "n", "text": text})
    ana = await room(Person(last=2)).comes()
    assert [await ana.hears() for _ in range(3)] == [
        "Welcome to the WebSocket server!",
        "Other client said: two",
        "Other client said: three",
    ]


async def test_words_sent_before_the_welcome_are_heard_too(room):
    ana = await room(Person()).comes()
    await ana.says("I could not wait")
    assert [await ana.hears(), await ana.hears()] == [
        "Welcome to the WebSocket server!",
        "You said: I could not wait",
    ]


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\t \r\n", "\x00\x1b"])
async def test_blank_lines_are_ignored(room, blank):
    ana = await room(Person()).comes()
    await ana.hears()
    await ana.says(blank)
    await ana.says("something")
    assert await ana.hears() == "You said: something"


async def test_control_characters_and_line_breaks_cannot_forge_or_steer_a_terminal(room):
    ana, ben = await room(Person()).comes(), await room(Person()).comes()
    for person in (ana, ben):
        await person.hears()
    await ana.says("hi\r\nYou said: I give up\x1b[2J\x07 \u202eback\x85wards")
    assert await ben.hears() == "Other client said: hi You said: I give up[2J back wards"


@pytest.mark.parametrize("length", [2_001, 1_000_000])
async def test_a_line_that_is_too_long_is_refused_clearly_and_the_talk_goes_on(room, length):
    ana = await room(Person()).comes()
    await ana.hears()
    await ana.says("x" * length)
    assert await ana.hears() == (
        f"Error: the line is {length} characters long; at most 2000 fit. It was not sent: send it in parts."
    )
    await ana.says("x" * 2_000)
    assert await ana.hears() == "You said: " + "x" * 2_000


async def test_a_binary_frame_is_refused_clearly_and_the_talk_goes_on(room):
    ana = await room(Person()).comes()
    await ana.hears()
    await ana.socket.send_to(bytes_data=b"\x00\x01")
    assert await ana.hears() == "Error: a binary frame was sent; the chat is made of text. Send text frames."
    await ana.says("text")
    assert await ana.hears() == "You said: text"


async def test_an_unknown_subprotocol_is_refused_with_the_one_that_would_do(room):
    ana = Person()
    ana.socket.scope["subprotocols"] = ["mqtt"]
    await room(ana).comes()
    assert "offer chat.v1.json, or none" in (await ana.hears()).lower()
    assert await ana.sees_the_end() == 4400


async def test_plain_and_named_people_hear_each_other(room):
    ana, ben = await room(Person()).comes(), await room(NamedPerson(name="Ben")).arrives()
    await ana.hears()
    await ana.says("plain")
    line = await ben.hears_of("line")
    assert line["data"]["text"] == "plain"
    assert line["data"]["name"].startswith("guest-")
    await ben.says_line("named")
    assert [await ana.hears(), await ana.hears()] == ["You said: plain", "Other client said: named"]


async def test_a_line_that_was_taken_back_and_events_of_other_types_are_not_spoken(room):
    await log.aappend("chat.lobby", "chat.line", {"sender": "s", "name": "n", "text": "shame"}, subject="line:1")
    await log.aappend("chat.lobby", "chat.taken_back", {}, subject="line:1", blank_earlier=True)
    await log.aappend("chat.lobby", "chat.line", ["not", "a", "line"])
    await log.aappend("chat.lobby", "chat.line", {"sender": "s", "name": "n", "text": "fine"})
    ana = await room(Person(last=10)).comes()
    assert [await ana.hears(), await ana.hears()] == ["Welcome to the WebSocket server!", "Other client said: fine"]


async def test_a_restored_log_does_not_repeat_old_lines_in_a_terminal(room):
    for text in ("one", "two"):
        await log.aappend("chat.lobby", "chat.line", {"sender": "s", "name": "n", "text": text})
    ana = await room(Person()).comes()
    await ana.hears()
    await queries.run(log.change_epoch)
    await await_until(lambda: feed.current().counters.resets, "the feed to see the new epoch")
    await ana.says("go on")
    assert await ana.hears() == "You said: go on"


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(ChatError, match="character 3 of the text is half of a surrogate pair") as caught:
        PlainText("s").parse("ab\ud800")
    assert caught.value.code == "bad_text"
