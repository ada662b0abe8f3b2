"""Every test here that asks for `door` runs once for each door of the registry, for `stream_door` each stream.

In-process, a stream runs twice: by itself, and where the server offers to fan out (apps/transports/fanout.py).
"""

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


@pytest.fixture(params=[pytest.param(False, id="portable"), pytest.param(True, id="fanout")])
def fanout(request: pytest.FixtureRequest) -> bool:
    """Whether the server offers to fan out."""
    return request.param


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A poll is answered by its own task in any case.
    items[:] = [item for item in items if not _is_poll_with_fanout(item)]


def _is_poll_with_fanout(item: pytest.Item) -> bool:
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    door = params.get("door")
    return bool(params.get("fanout")) and door is not None and not door.is_stream


@pytest.fixture
def wire(feed_of_this_test: feed.Feed, fanout: bool) -> AsgiWire:
    return AsgiWire(application, fanout=fanout)


@pytest.fixture
def reader(door: Door, wire: AsgiWire) -> Reader:
    return READERS[door.name](wire, door.path)


@pytest.fixture
def stream_reader(stream_door: Door, wire: AsgiWire) -> Reader:
    return READERS[stream_door.name](wire, stream_door.path)
