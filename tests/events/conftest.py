"""What the log's and the feed's tests share: a feed that ends with its test, a layer and a database that can fail."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import SyncToAsync
from channels.layers import get_channel_layer
from django.db import OperationalError, connection
from hypothesis import settings as hypothesis_settings

from apps.events import feed, log, queries, wakeup
from apps.events.feed import Feed
from apps.events.hint_sender import HintSender
from apps.events.logged_event import LoggedEvent
from apps.events.wakeup import layer_health
from tests.events.faulty_layer import FaultyLayer
from tests.rig.waiting import await_until

# How long an example takes says nothing on a machine that others use too.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def layer(settings: Any) -> FaultyLayer:
    """The channel layer of this test, in memory; see FaultyLayer for what can go wrong with it."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.events.faulty_layer.FaultyLayer"}}
    layer_health.recovered()
    return get_channel_layer()


@pytest.fixture(autouse=True)
def appends_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test appends is for the feed as if another process had: hints and ticks tell of it, and it is read.

    The hints are sent in the event loop of the test, where the layer is, and not in one of the publishers'.
    """

    def start(coroutine: Coroutine[Any, Any, None]) -> None:
        loop = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
        if loop is None:  # a test without one has nobody to hear it
            coroutine.close()
        else:
            asyncio.run_coroutine_threadsafe(coroutine, loop)

    monkeypatch.setattr(wakeup, "hand_over", wakeup.no_readers)
    monkeypatch.setattr(wakeup, "_sender", HintSender(wakeup.hint_if_well, start))


@pytest.fixture
def appends_of_this_process(appends_of_another_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test appends is handed over to the feed."""
    monkeypatch.setattr(wakeup, "hand_over", feed.hand_over)


@pytest.fixture
async def feed_here(transactional_db: None) -> AsyncIterator[Feed]:
    """The feed of the test's event loop; it ends before the database is emptied, and leaves no task behind."""
    here = feed.current()
    yield here
    await here.aclose()
    await hints_are_sent()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def feed_of_another_process(feed_here: Feed) -> AsyncIterator[Feed]:
    """A second feed on the same log, with windows of its own."""
    other = Feed()
    yield other
    await other.aclose()


async def append(topic: str, count: int = 1) -> list[LoggedEvent]:
    """Append events, whose data are numbers."""
    return [await log.aappend(topic, "test.happened", number) for number in range(count)]


async def hints_are_sent() -> None:
    """Return when no hint of the test's appends is on its way, and nothing rests after one."""
    await asyncio.to_thread(wakeup._sender.wait, 60)


@pytest.fixture
def no_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but hints tells the feed of new events."""
    monkeypatch.setattr(feed, "TICK_S", 3_600)
    monkeypatch.setattr(feed, "TICK_UNWELL_S", 3_600)


@pytest.fixture
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the feed seconds takes it hundredths."""
    for name in ("TICK_S", "TICK_UNWELL_S", "RETRY_S"):
        monkeypatch.setattr(feed, name, 0.02)


@pytest.fixture
def queries_run(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was read of the database from now on, in order: "bounds", "read_new" …"""
    names: list[str] = []
    run = queries.run

    async def noted(query: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        names.append(query.__name__)
        return await run(query, *args, **kwargs)

    monkeypatch.setattr(queries, "run", noted)
    return names


class DatabaseSwitch:
    """Takes the database away from the log's threads, and gives it back."""

    def __init__(self) -> None:
        self._is_frozen = False
        self._is_off = False
        self._thawed = threading.Event()
        self._under_way: set[object] = set()

    def off(self) -> None:
        """From now on each query fails as if no server was there."""
        self._is_off = True

    def freeze(self) -> None:
        """From now on no query returns."""
        self._thawed.clear()
        self._is_frozen = True

    def on(self) -> None:
        self._is_off = self._is_frozen = False
        self._thawed.set()

    def pass_through(self, query: Callable[..., Any]) -> Any:
        """Run `query`, as far as the database is there."""
        this = object()
        self._under_way.add(this)
        try:
            if self._is_frozen:
                self._thawed.wait()
            if self._is_off:
                raise OperationalError("connection refused")
            return query()
        finally:
            self._under_way.discard(this)

    @property
    def is_idle(self) -> bool:
        return not self._under_way


@pytest.fixture
async def database_switch(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DatabaseSwitch]:
    """The switch of this process's database; it is on."""
    switch = DatabaseSwitch()
    connected = queries._with_fresh_connection

    def through_the_switch(query: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return switch.pass_through(lambda: connected(query, *args, **kwargs))

    monkeypatch.setattr(queries, "_with_fresh_connection", through_the_switch)
    yield switch
    switch.on()
    # [race] An append that nobody waits for any more commits once the database is back: not into the next test.
    await await_until(lambda: switch.is_idle, "the queries that were held up to end")


async def elsewhere(act: Callable[..., Any], *args: Any) -> Any:
    """Do something to the log as another process would: beside this feed's threads, switch and hints."""

    def do() -> Any:
        with mock.patch.object(wakeup, "_announce"):
            try:
                return act(*args)
            finally:
                connection.close()

    return await asyncio.to_thread(do)
