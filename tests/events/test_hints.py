"""Hints save time and nothing else: lost, late, wrong or stuck, they cost no event and no publisher its patience."""

import asyncio
import logging

import pytest
import redis.exceptions
from django.db import transaction

from apps.events import feed, hints, log, queries, wakeup
from apps.events.batch import Batch
from apps.events.cursor import NOW, Cursor
from apps.events.feed import Feed
from apps.events.wakeup import HINT, layer_health
from tests.events.conftest import append, elsewhere
from tests.events.faulty_layer import FaultyLayer
from tests.rig.waiting import await_until

A_LONG_TIME_S = 60.0


@pytest.fixture
def quick_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CANARY_EVERY_S", "CANARY_EVERY_UNWELL_S"):
        monkeypatch.setattr(hints, name, 0.02)


async def wait_for_one(feed: Feed, after: Cursor) -> Batch:
    return await feed.wait(["lab.a"], after, A_LONG_TIME_S)


async def ready(feed: Feed, layer: FaultyLayer) -> Cursor:
    """Return the place now, once the feed hears hints."""
    now = await feed.resolve(["lab.a"], NOW)
    await await_until(lambda: layer.groups.get("lab.a"), "the feed to listen")
    return now


# What is hinted at


async def test_topics_are_hinted_at_once_each_when_their_transaction_has_committed(layer, transactional_db) -> None:
    def append_in_one_transaction() -> list[str]:
        with transaction.atomic():
            log.append_many([log.NewEvent(topic, "test.happened", None) for topic in ("lab.b", "lab.a", "lab.b")])
            return list(layer.hints_sent)

    assert await queries.run(append_in_one_transaction) == []
    await await_until(lambda: len(layer.hints_sent) >= 2, "the hints")
    assert layer.hints_sent == ["lab.a", "lab.b"]


async def test_what_is_rolled_back_is_not_hinted_at(layer, transactional_db) -> None:
    def append_and_roll_back() -> None:
        with transaction.atomic():
            log.append("lab.a", "test.happened", None)
            transaction.set_rollback(True)

    await queries.run(append_and_roll_back)
    assert layer.hints_sent == []


# The tick repairs


async def test_an_event_whose_hint_was_lost_is_found_by_the_tick(feed_here: Feed, layer, quick_ticks: None) -> None:
    now = await ready(feed_here, layer)
    layer.drops = True
    await append("lab.a")
    assert [event.seq for event in (await wait_for_one(feed_here, now)).events] == [1]
    assert feed_here.counters.hints == 0


async def test_an_event_of_a_process_that_sends_no_hints_is_found_by_the_tick(
    feed_here: Feed, layer, quick_ticks: None
) -> None:
    now = await ready(feed_here, layer)
    await elsewhere(log.append, "lab.a", "test.happened", 1)
    assert (await wait_for_one(feed_here, now)).events


async def test_a_hint_that_never_comes_is_counted_and_makes_the_layer_unwell(
    feed_here: Feed, layer, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "HINT_GRACE_S", 0.05)
    await ready(feed_here, layer)
    layer.drops = True
    await append("lab.a")
    await await_until(lambda: feed_here.counters.hints_lost, "the loss to be noticed")
    assert not layer_health.is_well


async def test_a_hint_that_comes_after_the_tick_found_its_event_is_not_lost(
    feed_here: Feed, layer, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "HINT_GRACE_S", A_LONG_TIME_S)
    now = await ready(feed_here, layer)
    await elsewhere(log.append, "lab.a", "test.happened", 1)
    assert (await wait_for_one(feed_here, now)).events
    await wakeup.hint({"lab.a": None})
    await await_until(lambda: feed_here.counters.hints, "the hint")
    assert not feed_here._awaited_hints


async def test_a_hint_that_comes_while_the_tick_asks_for_the_heads_is_not_lost(
    feed_here: Feed, layer, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced: the tick begins, an event commits and is hinted at, the tick's query sees the event."""
    monkeypatch.setattr(feed, "HINT_GRACE_S", 0)
    await ready(feed_here, layer)
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    take_hint = feed_here._hints._on_hint
    monkeypatch.setattr(feed_here._hints, "_on_hint", lambda *hint: (take_hint(*hint), heard.set()))
    bounds = log.bounds

    def append_first(topics):
        monkeypatch.setattr(log, "bounds", bounds)
        log.append("lab.a", "test.happened", 1)
        asyncio.run_coroutine_threadsafe(heard.wait(), loop).result(A_LONG_TIME_S)
        return bounds(topics)

    monkeypatch.setattr(log, "bounds", append_first)
    await await_until(lambda: feed_here.windows["lab.a"].head == 1, "the event to be read")
    ticks = feed_here.counters.ticks
    await await_until(lambda: feed_here.counters.ticks >= ticks + 3, "more ticks")
    assert feed_here.counters.hints_lost == 0


async def test_a_hint_that_came_while_the_database_was_away_is_not_lost(
    feed_here: Feed, layer, quick_ticks: None, database_switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "HINT_GRACE_S", 0)
    now = await ready(feed_here, layer)
    database_switch.off()
    await elsewhere(log.append, "lab.a", "test.happened", 1)
    await wakeup.hint({"lab.a": None})
    await await_until(lambda: feed_here.counters.hints, "the hint")
    ticks = feed_here.counters.ticks
    await await_until(lambda: feed_here.counters.ticks >= ticks + 3, "ticks that fail")
    database_switch.on()
    assert (await wait_for_one(feed_here, now)).events
    ticks = feed_here.counters.ticks
    await await_until(lambda: feed_here.counters.ticks >= ticks + 3, "more ticks")
    assert feed_here.counters.hints_lost == 0


async def test_while_the_layer_is_unwell_the_tick_is_quicker(feed_here: Feed, layer, monkeypatch) -> None:
    monkeypatch.setattr(feed, "TICK_S", 3_600)
    monkeypatch.setattr(feed, "TICK_UNWELL_S", 0.01)
    layer_health.failed("for this test")
    await ready(feed_here, layer)
    ticks = feed_here.counters.ticks
    await await_until(lambda: feed_here.counters.ticks > ticks + 3, "more ticks")


# What is not a hint


@pytest.mark.parametrize(
    "message",
    [
        {"type": "chat.joined", "topic": "lab.a"},
        {"type": HINT},
        {"type": HINT, "topic": None},
        {"type": HINT, "topic": 7},
        {"type": HINT, "topic": ["lab.a"]},
        {"type": HINT, "topic": "Not A Topic"},
        {"type": HINT, "topic": "lab.a", "head": "7"},
        {"type": HINT, "topic": "lab.a", "head": [7]},
        {},
    ],
)
async def test_a_message_that_is_no_hint_is_counted_and_ignored(feed_here: Feed, layer, no_ticks, message) -> None:
    now = await ready(feed_here, layer)
    await layer.group_send("lab.a", message)
    await append("lab.a")
    assert [event.seq for event in (await wait_for_one(feed_here, now)).events] == [1]
    assert (feed_here.garbage_hints, feed_here.counters.hints) == (1, 1)


async def test_a_message_that_the_layer_cannot_read_is_counted_and_ignored(feed_here: Feed, layer, no_ticks) -> None:
    now = await ready(feed_here, layer)
    layer.unreadable = 1
    await layer.group_send("lab.a", {"type": HINT, "topic": "lab.a"})
    await await_until(lambda: feed_here.garbage_hints, "the message")
    await append("lab.a")
    assert (await wait_for_one(feed_here, now)).events


OUTAGES = [ConnectionResetError("gone"), redis.exceptions.ConnectionError("Connection closed by server.")]


@pytest.mark.parametrize("outage", OUTAGES, ids=repr)
async def test_a_layer_from_which_nothing_can_be_received_is_away_and_its_failures_are_no_garbage(
    feed_here: Feed, layer, outage: Exception, quick_canary: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "RETRY_S", 0.01)
    monkeypatch.setattr(hints, "CANARY_TIMEOUT_S", 0.2)
    layer.lost = outage
    now = await ready(feed_here, layer)
    await await_until(lambda: not layer_health.is_well, "the outage to be noticed")
    layer.lost = None
    await await_until(lambda: layer_health.is_well, "the canary to come back")
    await append("lab.a")
    assert (await wait_for_one(feed_here, now)).events
    assert feed_here.garbage_hints == 0


async def test_a_layer_that_is_away_is_given_time(feed_here: Feed, layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "RETRY_S", A_LONG_TIME_S)
    layer.lost = OUTAGES[0]
    await ready(feed_here, layer)
    await await_until(lambda: not layer_health.is_well, "the outage to be noticed")
    await append("lab.a", 3)
    assert layer.receives == 1


async def test_a_layer_that_does_nothing_but_fail_in_its_own_way_is_away_too(
    feed_here: Feed, layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "MAX_GARBAGE_IN_A_ROW", 3)
    monkeypatch.setattr(hints, "RETRY_S", A_LONG_TIME_S)
    layer.lost = RuntimeError("the layer's own")
    await ready(feed_here, layer)
    await await_until(lambda: not layer_health.is_well, "the outage to be noticed")
    assert feed_here.garbage_hints == 3


async def test_a_hint_for_a_topic_that_nobody_reads_here_costs_no_query(
    feed_here: Feed, layer, no_ticks: None, queries_run: list[str]
) -> None:
    await ready(feed_here, layer)
    queries_run.clear()
    await layer.group_send("lab.a", {"type": HINT, "topic": "lab.other"})
    await await_until(lambda: feed_here.counters.hints, "the hint")
    assert (queries_run, list(feed_here.windows)) == ([], ["lab.a"])


async def test_hints_that_come_during_a_query_cost_one_more_however_many_they_are(
    feed_here: Feed, layer, no_ticks: None, database_switch, queries_run: list[str]
) -> None:
    now = await ready(feed_here, layer)
    queries_run.clear()
    database_switch.freeze()
    for _ in range(50):
        await wakeup.hint({"lab.a": None})
    await await_until(lambda: feed_here.counters.hints == 50, "the hints")
    database_switch.on()
    await elsewhere(log.append, "lab.a", "test.happened", 1)
    await wakeup.hint({"lab.a": None})
    assert (await wait_for_one(feed_here, now)).events
    assert queries_run.count("read_new") <= 3


async def test_after_a_read_hints_are_collected_for_a_while(
    feed_here: Feed, layer, no_ticks: None, queries_run: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = await ready(feed_here, layer)
    monkeypatch.setattr(feed, "rest_s", lambda took_s: A_LONG_TIME_S)
    await append("lab.a")
    assert (await wait_for_one(feed_here, now)).events  # the first is not kept waiting
    queries_run.clear()
    hints_before = feed_here.counters.hints
    for head in range(2, 22):
        await elsewhere(log.append, "lab.a", "test.happened", head)
        await wakeup.hint({"lab.a": head})
    await await_until(lambda: feed_here.counters.hints == hints_before + 20, "the hints")
    assert queries_run.count("read_new") == 0
    # Who has to know now is not kept waiting either.
    assert (await feed_here.resolve(["lab.a"], NOW)).positions == {"lab.a": 21}
    assert queries_run.count("read_new") == 1


# A layer that is down


@pytest.mark.parametrize("fault", ["hangs", "fails"])
async def test_publishing_does_not_wait_for_a_layer_that_is_down_and_soon_does_not_even_ask(
    feed_here: Feed, layer, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup, "HINT_TIMEOUT_S", 0.01)
    setattr(layer, fault, True)
    await append("lab.a", 3)
    await await_until(lambda: not layer_health.is_well, "the fault to be noticed")
    await append("lab.a", 3)
    assert layer.hints_sent == ["lab.a"]
    assert layer.cancelled == (1 if fault == "hangs" else 0)


async def test_after_a_while_publishers_ask_a_layer_that_was_down_again(layer, transactional_db, monkeypatch) -> None:
    """A publisher without a feed, such as a command, has no canary that would tell it."""
    monkeypatch.setattr(wakeup, "UNWELL_S", 0.0)
    layer.fails = True
    for times in (1, 2):
        await append("lab.a")
        await await_until(lambda times=times: len(layer.hints_sent) == times, "the layer to be asked")


async def test_a_failing_hint_is_no_error_of_the_append(layer, transactional_db, caplog) -> None:
    layer.fails = True
    with caplog.at_level(logging.WARNING, "apps.events"):
        await append("lab.a", 3)
        await await_until(lambda: not layer_health.is_well, "the failure to be noticed")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the layer is away" in caplog.text


@pytest.mark.parametrize("layers", [{}, {"default": {"BACKEND": "no.such.Layer"}}], ids=["none", "misspelt"])
async def test_a_layer_that_is_not_there_is_no_error_of_the_append(layers, settings, transactional_db) -> None:
    settings.CHANNEL_LAYERS = layers
    assert [event.seq for event in await append("lab.a", 2)] == [1, 2]


@pytest.mark.parametrize("fault", ["hangs", "fails", "drops"])
async def test_with_a_layer_that_is_down_from_the_beginning_events_still_arrive(
    feed_here: Feed, layer, fault: str, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (wakeup, hints):
        monkeypatch.setattr(module, "HINT_TIMEOUT_S", 0.01)
    setattr(layer, fault, True)
    now = await feed_here.resolve(["lab.a"], NOW)
    await append("lab.a")
    assert (await wait_for_one(feed_here, now)).events


# The canary


@pytest.mark.parametrize("fault", ["drops", "fails"])
async def test_the_canary_tells_that_the_layer_is_unwell_and_that_it_is_well_again(
    feed_here: Feed, layer, fault: str, quick_canary: None, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(hints, "CANARY_TIMEOUT_S", 0.2)
    now = await ready(feed_here, layer)
    setattr(layer, fault, True)
    with caplog.at_level(logging.WARNING, "apps.events"):
        await await_until(lambda: not layer_health.is_well, "the canary to miss")
        await append("lab.a")
        assert layer.hints_sent == []
        assert (await wait_for_one(feed_here, now)).events
        setattr(layer, fault, False)
        await await_until(lambda: layer_health.is_well, "the canary to come back")
    await append("lab.a")
    await await_until(lambda: layer.hints_sent, "the hint")
    assert layer.hints_sent == ["lab.a"]
    said = [record.message for record in caplog.records]
    assert len(said) == 2, said
    assert said[0].startswith("channel layer unwell")
    assert said[1] == "channel layer well again"


async def test_a_layer_that_forgot_who_listens_is_told_again(
    feed_here: Feed, layer, quick_canary: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers forget: a Redis without persistence that was restarted, a group that expired."""
    monkeypatch.setattr(hints, "CANARY_TIMEOUT_S", 0.2)
    await ready(feed_here, layer)
    layer.groups.clear()
    await await_until(lambda: not layer_health.is_well, "the canary to miss")
    await await_until(lambda: layer_health.is_well, "the canary to come back")
    now = await feed_here.resolve(["lab.a"], NOW)
    monkeypatch.setattr(feed, "TICK_S", 3_600)
    await append("lab.a")
    await wait_for_one(feed_here, now)
    assert feed_here.counters.hints


async def test_a_topic_that_could_not_be_joined_is_joined_when_the_layer_is_back(
    feed_here: Feed, layer, quick_canary: None
) -> None:
    layer.fails = True
    await feed_here.resolve(["lab.a"], NOW)
    assert "lab.a" not in layer.groups
    layer.fails = False
    await await_until(lambda: layer.groups.get("lab.a"), "the feed to listen")


async def test_a_layer_that_gives_no_channel_is_asked_again(feed_here: Feed, layer, monkeypatch) -> None:
    new_channel = layer.new_channel

    async def refuse_once(*args):
        layer.new_channel = new_channel
        raise ConnectionError("the layer is away")

    layer.new_channel = refuse_once
    await ready(feed_here, layer)
    await wakeup.hint({"lab.a": None})
    await await_until(lambda: feed_here.counters.hints, "the hint")
