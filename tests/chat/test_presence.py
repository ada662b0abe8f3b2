"""Who is here: joined, left, renamed, typing. It may be lost, but it repairs itself."""

import asyncio

import pytest
from channels.layers import get_channel_layer

from apps.chat import presence
from apps.chat.presence import GROUP, MAX_LISTED, MAX_UNREAD, Member, Presence
from apps.events.wakeup import layer_health
from tests.chat.conftest import NamedPerson, Person
from tests.rig.waiting import await_until


@pytest.fixture
async def process():
    """Make what another process would have: `process()`. They all end with the test."""
    made: list[Presence] = []

    def make(announce_every_s: float = 60.0) -> Presence:
        made.append(Presence(announce_every_s))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
    assert GROUP not in get_channel_layer().groups


def names(presence: Presence) -> list[str]:
    return sorted(presence.people.values())


async def see(presence: Presence, *expected: str) -> None:
    await await_until(lambda: names(presence) == sorted(expected), f"{names(presence)} to become {expected}")


async def hear(member: Member, presence: Presence, what: str) -> dict:
    """Return the next frame of a kind that `member` is told."""
    async with asyncio.timeout(20):
        while True:
            for frame in await member.next_frames(presence):
                if frame["chat"] == what:
                    return frame


@pytest.mark.django_db(transaction=True)
class TestInTheRoom:
    async def test_a_newcomer_is_told_who_is_here_and_the_others_that_they_came(self, room):
        ana = await room(NamedPerson(name="Ana")).arrives()
        ben = await room(NamedPerson(name="Ben")).arrives()
        people = await ben.hears_of("people")
        assert {"sender": ana.ready["sender"], "name": "Ana"} in people["people"]
        assert people["count"] == 2
        assert await ana.hears_of("joined") == {"chat": "joined", "sender": ben.ready["sender"], "name": "Ben"}

    async def test_the_others_are_told_who_left(self, room):
        ana = await room(NamedPerson(name="Ana")).arrives()
        ben = await room(NamedPerson(name="Ben")).arrives()
        await ben.goes()
        assert await ana.hears_of("left") == {"chat": "left", "sender": ben.ready["sender"], "name": "Ben"}

    async def test_a_new_name_is_told_to_all_and_stands_on_the_next_line(self, room):
        ana = await room(NamedPerson(name="Ana")).arrives()
        ben = await room(NamedPerson(name="Ben")).arrives()
        await ana.sends(chat="name", name=" Anna\n ")
        expected = {"chat": "named", "sender": ana.ready["sender"], "name": "Anna", "was": "Ana"}
        assert await ana.hears_of("named") == expected
        assert await ben.hears_of("named") == expected
        await ana.says_line("hi")
        assert (await ben.hears_of("line"))["data"]["name"] == "Anna"

    async def test_typing_is_shown_to_the_others_and_throttled(self, room):
        ana = await room(NamedPerson(name="Ana")).arrives()
        ben = await room(NamedPerson(name="Ben")).arrives()
        for _ in range(5):
            await ana.sends(chat="typing")
        await ana.says_line("done")
        frames = []
        while not frames or "data" not in frames[-1]:
            frames.append(await ben.hears_frame())
        typing = {"chat": "typing", "sender": ana.ready["sender"], "name": "Ana"}
        assert frames.count(typing) == 1
        mine = [await ana.hears_frame() for _ in range(3)]
        assert typing not in mine

    async def test_a_terminal_is_seen_by_the_others_and_hears_lines_only(self, room):
        ana = await room(NamedPerson(name="Ana")).arrives()
        terminal = await room(Person()).comes()
        await terminal.hears()
        assert (await ana.hears_of("joined"))["name"].startswith("guest-")
        await ana.sends(chat="typing")
        await ana.says_line("hi")
        assert await terminal.hears() == "Other client said: hi"

    async def test_without_the_layer_lines_flow_and_people_of_one_process_see_each_other(self, room, monkeypatch):
        async def away(*args):
            raise ConnectionError("no layer")

        for verb in ("new_channel", "group_add", "group_send", "send"):
            monkeypatch.setattr(get_channel_layer(), verb, away)
        try:
            ana = await room(NamedPerson(name="Ana")).arrives()
            ben = await room(NamedPerson(name="Ben")).arrives()
            assert (await ana.hears_of("joined"))["name"] == "Ben"
            await ben.says_line("still here")
            assert await ana.hears_lines(1) == ["still here"]
        finally:
            layer_health.recovered()


class TestAcrossProcesses:
    async def test_people_of_two_processes_see_each_other(self, process):
        here, there = process(), process()
        ana, ben = Member("a", "Ana"), Member("b", "Ben")
        here.enter(ana)
        there.enter(ben)
        await see(here, "Ana", "Ben")
        await see(there, "Ana", "Ben")
        assert await hear(ana, here, "joined") == {"chat": "joined", "sender": "b", "name": "Ben"}

    async def test_a_process_that_comes_later_learns_who_is_here_without_a_list_of_the_group(self, process):
        first, second, third = process(), process(), process()
        first.enter(Member("a", "Ana"))
        second.enter(Member("b", "Ben"))
        await see(second, "Ana", "Ben")
        third.enter(Member("c", "Cem"))
        await see(third, "Ana", "Ben", "Cem")
        await see(first, "Ana", "Ben", "Cem")

    async def test_leaving_renaming_and_typing_cross_over(self, process):
        here, there = process(), process()
        ana, ben = Member("a", "Ana"), Member("b", "Ben")
        here.enter(ana)
        there.enter(ben)
        await see(here, "Ana", "Ben")
        there.typing(ben)
        assert (await hear(ana, here, "typing"))["name"] == "Ben"
        there.rename(ben, "Benno")
        assert await hear(ana, here, "named") == {"chat": "named", "sender": "b", "name": "Benno", "was": "Ben"}
        there.leave(ben)
        assert await hear(ana, here, "left") == {"chat": "left", "sender": "b", "name": "Benno"}
        await see(here, "Ana")

    async def test_the_last_words_of_a_process_that_everybody_left_are_still_said(self, process):
        here, there = process(), process()
        here.enter(Member("a", "Ana"))
        ben = Member("b", "Ben")
        there.enter(ben)
        await see(here, "Ana", "Ben")
        there.leave(ben)
        there.enter(Member("c", "Cem"))
        await see(here, "Ana", "Cem")

    async def test_a_process_that_died_is_forgotten(self, process):
        here = process(announce_every_s=0.05)
        ana = Member("a", "Ana")
        here.enter(ana)
        await await_until(lambda: GROUP in get_channel_layer().groups, "the group to be joined")
        dead = {"type": "presence.people", "process": "dead", "people": {"d": "Dora"}, "asks": False}
        await get_channel_layer().group_send(GROUP, dead)
        assert (await hear(ana, here, "joined"))["name"] == "Dora"
        assert (await hear(ana, here, "left"))["name"] == "Dora"
        await see(here, "Ana")

    async def test_what_a_lost_message_left_wrong_the_next_announcement_repairs(self, process, monkeypatch):
        here, there = process(), process(announce_every_s=0.05)
        here.enter(Member("a", "Ana"))
        there.enter(Member("b", "Ben"))
        await see(here, "Ana", "Ben")
        send = Presence._send
        monkeypatch.setattr(Presence, "_send", lambda *args: None)
        there.enter(Member("c", "Cem"))
        monkeypatch.setattr(Presence, "_send", send)
        await see(here, "Ana", "Ben", "Cem")

    @pytest.mark.parametrize(
        "garbage",
        [
            {"type": "presence.joined"},
            {"type": "presence.people", "process": "p", "people": ["x"], "asks": False},
            {"type": "presence.joined", "process": 7, "sender": "s", "name": "n"},
            {"type": "something.else", "process": "p"},
        ],
    )
    async def test_what_is_not_understood_is_ignored(self, process, garbage):
        here, there = process(), process()
        here.enter(Member("a", "Ana"))
        await await_until(lambda: GROUP in get_channel_layer().groups, "the group to be joined")
        await get_channel_layer().group_send(GROUP, garbage)
        there.enter(Member("b", "Ben"))
        await see(here, "Ana", "Ben")

    async def test_nobody_here_means_no_group_and_no_tasks(self, process):
        here = process()
        before = asyncio.all_tasks()
        ana = Member("a", "Ana")
        here.enter(ana)
        await await_until(lambda: GROUP in get_channel_layer().groups, "the group to be joined")
        here.leave(ana)
        await await_until(lambda: asyncio.all_tasks() == before, "the tasks to end")
        assert GROUP not in get_channel_layer().groups


class TestBounds:
    async def test_who_reads_too_slowly_gets_the_list_instead_of_all_that_happened(self, process):
        here = process()
        ana = Member("a", "Ana")
        here.enter(ana)
        for number in range(MAX_UNREAD + 1):
            here.enter(Member(f"{number}", f"Number {number}"))
        assert await ana.next_frames(here) == [here.people_frame()]

    async def test_the_list_names_so_many_and_counts_all(self, process):
        here = process()
        for number in range(MAX_LISTED + 50):
            here.enter(Member(f"{number}", "n"))
        frame = here.people_frame()
        assert len(frame["people"]) == MAX_LISTED
        assert frame["count"] == MAX_LISTED + 50

    async def test_each_event_loop_has_one_presence(self):
        assert presence.current() is presence.current()
        await presence.current().aclose()
