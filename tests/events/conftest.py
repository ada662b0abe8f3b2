"""What the log's and the feed's tests share: a feed that ends with its test, a layer and a database that can fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import OperationalError
from hypothesis import settings as hypothesis_settings

from apps.events import feed, log, queries
from apps.events.feed import Feed
from apps.events.logged_event import LoggedEvent
from apps.events.wakeup import layer_health
from tests.events.faulty_layer import FaultyLayer

# How long an example takes says nothing on a machine that others use too.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def layer(settings: Any) -> FaultyLayer:
    """The channel layer of this test, in memory; see FaultyLayer for what can go wrong with it."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.events.faulty_layer.FaultyLayer"}}
    layer_health.recovered()
    return get_channel_layer()


@pytest.fixture
async def feed_here(transactional_db: None) -> AsyncIterator[Feed]:
    """The feed of the test's event loop; it ends before the database is emptied, and leaves no task behind."""
    yield feed.current()
    await feed.current().aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def feed_of_another_process(feed_here: Feed) -> AsyncIterator[Feed]:
    """A second feed on the same log, with windows of its own."""
    other = Feed()
    yield other
    await other.aclose()


@pytest.fixture
def append_events() -> Callable[..., Any]:
    """Append `count` events, whose data are numbers: `await append_events("lab.a", 3)`."""

    async def append(topic: str, count: int = 1) -> list[LoggedEvent]:
        return [await log.aappend(topic, "test.happened", number) for number in range(count)]

    return append


class Switch:
    """Something that a test turns off and on again."""

    def __init__(self) -> None:
        self.is_off = False

    def off(self) -> None:
        self.is_off = True

    def on(self) -> None:
        self.is_off = False


@pytest.fixture
def database_switch(monkeypatch: pytest.MonkeyPatch) -> Switch:
    """The database of the log's threads: `database_switch.off()` makes each query fail as if no server was there."""
    switch = Switch()
    connected = queries._with_fresh_connection

    def connect(query: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if switch.is_off:
            raise OperationalError("connection refused")
        return connected(query, *args, **kwargs)

    monkeypatch.setattr(queries, "_with_fresh_connection", connect)
    return switch
