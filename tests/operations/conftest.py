"""The operators' endpoints in the process of the tests: the whole application without a server in front."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from apps.events import feed
from apps.events.wakeup import layer_health
from apps.operations import roll_call
from realtime_site.asgi import application


@pytest_asyncio.fixture
async def prober() -> AsyncIterator[httpx.AsyncClient]:
    """Return an HTTP client that asks under a host name that the site does not answer to, as a probe may."""
    layer_health.recovered()
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8000", timeout=60) as client:
        yield client
    await roll_call.current().aclose()
    await feed.current().aclose()
    layer_health.recovered()
