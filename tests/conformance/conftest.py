"""Every test here that asks for `door` runs once for each door of the registry, for `stream_door` each stream."""

from collections.abc import AsyncIterator

import pytest

from apps.events import feed
from apps.transports.registry import DOORS, Door
from realtime_site.asgi import application
from tests.conformance.readers import READERS, Reader
from tests.conformance.wires import AsgiWire


@pytest.fixture(params=[pytest.param(door, id=door.name) for door in DOORS])
def door(request: pytest.FixtureRequest) -> Door:
    return request.param


@pytest.fixture(params=[pytest.param(door, id=door.name) for door in DOORS if door.is_stream])
def stream_door(request: pytest.FixtureRequest) -> Door:
    return request.param


@pytest.fixture
async def feed_of_this_test(transactional_db: None) -> AsyncIterator[feed.Feed]:
    """The feed of the test's event loop; stopped before the database is emptied."""
    current = feed.current()
    yield current
    await current.aclose()


@pytest.fixture
def wire(feed_of_this_test: feed.Feed) -> AsgiWire:
    return AsgiWire(application)


@pytest.fixture
def reader(door: Door, wire: AsgiWire) -> Reader:
    return READERS[door.name](wire, door.path)


@pytest.fixture
def stream_reader(stream_door: Door, wire: AsgiWire) -> Reader:
    return READERS[stream_door.name](wire, stream_door.path)
