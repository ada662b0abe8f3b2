"""A cursor that can't be continued is answered with a reset, on every door; other topics go on undisturbed."""

from typing import Any

import pytest

from apps.events import log, queries
from tests.conformance.readers import Reader
from tests.conformance.seeing import seeing


async def append(topic: str, count: int) -> None:
    for i in range(count):
        await log.aappend(topic, "test.happened", i)


async def epoch() -> str:
    return (await queries.run(log.bounds, [])).epoch


async def test_a_cursor_of_another_epoch_is_reset_to_the_oldest_kept_event(reader: Reader) -> None:
    await append("lab.a", 2)
    async with seeing(reader, "lab.a", after="other~lab.a:1") as seen:
        await seen.until_seq(2)
    assert [(reset["reason"], reset["topics"]) for reset in seen.resets] == [("epoch", ["lab.a"])]
    assert seen.seqs() == [1, 2]


async def test_a_cursor_ahead_of_the_head_is_reset_for_its_topic_only(reader: Reader) -> None:
    await append("lab.a", 3)
    await append("lab.b", 3)
    async with seeing(reader, "lab.a", "lab.b", after=f"{await epoch()}~lab.a:9,lab.b:2") as seen:
        await seen.until(lambda s: len(s.events) >= 4)
    assert [(reset["reason"], reset["topics"]) for reset in seen.resets] == [("ahead", ["lab.a"])]
    assert seen.resets[0]["cursor"] == f"{await epoch()}~lab.a:0,lab.b:2"
    assert seen.seqs("lab.a") == [1, 2, 3]
    assert seen.seqs("lab.b") == [3]


async def test_a_cursor_below_low_water_is_reset_for_its_topic_only(reader: Reader, settings: Any) -> None:
    await append("lab.a", 6)
    await append("lab.b", 2)
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 2}]
    assert await queries.run(log.prune) == 4
    async with seeing(reader, "lab.a", "lab.b", after=f"{await epoch()}~lab.a:3,lab.b:1") as seen:
        await seen.until(lambda s: len(s.events) >= 3)
    assert [(reset["reason"], reset["topics"]) for reset in seen.resets] == [("trimmed", ["lab.a"])]
    assert seen.seqs("lab.a") == [5, 6]
    assert seen.seqs("lab.b") == [2]


async def test_topics_broken_for_different_reasons_are_each_reset(reader: Reader, settings: Any) -> None:
    await append("lab.a", 4)
    await append("lab.b", 4)
    settings.EVENTS_RETENTION = [{"topics": "*", "age_s": 3600, "count": 1}]
    await queries.run(log.prune)
    async with seeing(reader, "lab.a", "lab.b", after=f"{await epoch()}~lab.a:9,lab.b:1") as seen:
        await seen.until(lambda s: len(s.events) >= 2)
    assert {(reset["reason"], *reset["topics"]) for reset in seen.resets} == {("ahead", "lab.a"), ("trimmed", "lab.b")}
    assert seen.seqs("lab.a") == seen.seqs("lab.b") == [4]


@pytest.mark.parametrize("reason", ["epoch", "ahead"])
async def test_after_a_reset_a_reader_that_asked_for_the_last_n_gets_those(reader: Reader, reason: str) -> None:
    await append("lab.a", 5)
    after = "other~lab.a:2" if reason == "epoch" else f"{await epoch()}~lab.a:77"
    async with seeing(reader, "lab.a", after=after, last=2) as seen:
        await seen.until_seq(5)
    assert [reset["reason"] for reset in seen.resets] == [reason]
    assert seen.seqs() == [4, 5]


async def test_an_epoch_that_changes_while_a_reader_waits_is_told(reader: Reader) -> None:
    await append("lab.a", 2)
    async with seeing(reader, "lab.a", after="start") as seen:
        await seen.until_seq(2)
        await queries.run(log.change_epoch)
        await seen.until(lambda s: bool(s.resets))
        await append("lab.a", 1)
        await seen.until_seq(3)
    assert [reset["reason"] for reset in seen.resets] == ["epoch"]
    assert seen.seqs() == [1, 2, 1, 2, 3]


async def test_a_stream_says_ready_before_it_says_reset_and_with_the_clients_own_place(stream_reader: Reader) -> None:
    """A client that is cut between the two comes back with the place it had, and is told again."""
    await append("lab.a", 1)
    async with seeing(stream_reader, "lab.a", after="other~lab.a:1") as seen:
        assert seen.controls == ["ready"]
        assert seen.cursor == "other~lab.a:1"
        await seen.until(lambda s: bool(s.resets))
    assert seen.controls == ["ready", "reset"]


async def test_topics_of_a_cursor_that_the_reader_does_not_follow_are_ignored(reader: Reader) -> None:
    await append("lab.a", 2)
    async with seeing(reader, "lab.a", after=f"{await epoch()}~lab.a:1,lab.b:99") as seen:
        await seen.until_seq(2)
    assert not seen.resets
    assert seen.seqs() == [2]


async def test_a_topic_missing_from_the_cursor_starts_at_the_head(reader: Reader) -> None:
    await append("lab.a", 2)
    await append("lab.b", 2)
    async with seeing(reader, "lab.a", "lab.b", after=f"{await epoch()}~lab.a:1") as seen:
        await append("lab.b", 1)
        await seen.until(lambda s: len(s.events) >= 2)
    assert (seen.seqs("lab.a"), seen.seqs("lab.b")) == ([2], [3])
