"""Who may read a topic but not what was said in it before: nothing of the past, on no door, by no place; and a word."""

import asyncio

import pytest

from apps.access.families import PublicFamily
from apps.access.identity import Identity
from apps.events import feed, log, queries
from tests.conformance.readers import READERS, Reader
from tests.conformance.seeing import seeing
from tests.conformance.wires import AsgiWire
from tests.rig.waiting import await_until


@pytest.fixture(autouse=True)
def _no_history_in_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    def may_read_history(self: PublicFamily, identity: Identity, topic: str) -> bool:
        return not topic.startswith("lab.")

    monkeypatch.setattr(PublicFamily, "may_read_history", may_read_history)


async def past(topic: str = "lab.a", count: int = 3) -> str:
    """Append a past, and return the log's epoch."""
    for i in range(count):
        await log.aappend(topic, "test.happened", f"secret {i}")
    return (await queries.run(log.bounds, [])).epoch


@pytest.mark.parametrize("asked", [{"after": "start"}, {"last": 2}, {"after": "{epoch}~lab.a:1"}], ids=str)
async def test_the_past_is_replaced_by_a_reset(reader: Reader, asked: dict[str, str]) -> None:
    epoch = await past()
    asked = {name: value.format(epoch=epoch) if isinstance(value, str) else value for name, value in asked.items()}
    async with seeing(reader, "lab.a", **asked) as seen:
        await seen.until(lambda seen: bool(seen.resets))
        assert seen.events == []
        assert seen.cursor == f"{epoch}~lab.a:3"
    assert {"reason": "history", "topics": ["lab.a"], "cursor": f"{epoch}~lab.a:3"}.items() <= seen.resets[0].items()


@pytest.mark.parametrize("cursor", ["gone~lab.a:1", "{epoch}~lab.a:99"])
async def test_a_place_that_is_lost_leads_to_the_head_and_not_to_the_oldest_event(reader: Reader, cursor: str) -> None:
    epoch = await past()
    async with seeing(reader, "lab.a", after=cursor.format(epoch=epoch), last=2) as seen:
        await seen.until(lambda seen: bool(seen.resets))
    assert seen.resets[0]["cursor"] == f"{epoch}~lab.a:3"
    assert seen.events == []


@pytest.mark.parametrize("asked", [{}, {"after": "now"}, {"after": "{epoch}~lab.a:3"}], ids=str)
async def test_a_stream_reads_what_happens_from_now_on(stream_reader: Reader, asked: dict[str, str]) -> None:
    epoch = await past()
    asked = {name: value.format(epoch=epoch) for name, value in asked.items()}
    async with seeing(stream_reader, "lab.a", **asked) as seen:
        await log.aappend("lab.a", "test.happened", "new")
        await seen.until_seq(4)
    assert (seen.seqs(), seen.resets) == ([4], [])


async def test_a_long_poll_reads_what_happens_while_it_waits(wire: AsgiWire) -> None:
    await past()
    async with seeing(READERS["long_poll"](wire, "/feed/long-poll"), "lab.a") as seen:
        waiting = asyncio.create_task(seen.one())
        await await_until(lambda: any(w.waiters for w in feed.current().windows.values()), "the long poll is parked")
        await log.aappend("lab.a", "test.happened", "new")
        await waiting
    assert (seen.seqs(), seen.resets) == ([4], [])


async def test_the_other_topics_keep_their_past(reader: Reader) -> None:
    await past()
    await past("chat.a", 1)
    async with seeing(reader, "lab.a", "chat.a", after="start") as seen:
        await seen.until_seq(1, "chat.a")
        await seen.until(lambda seen: bool(seen.resets))
    assert seen.seqs("lab.a") == []
