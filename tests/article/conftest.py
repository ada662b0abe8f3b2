"""The article's endpoints in the process of the tests: the whole application without a server in front."""

from http.cookies import SimpleCookie

import httpx
import pytest_asyncio

from apps.events import feed
from realtime_site.asgi import application


@pytest_asyncio.fixture
async def browser_like():
    """Return an HTTP client that keeps cookies, as a browser does."""
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
        yield client
    await feed.current().aclose()


def cookies_of(response: httpx.Response) -> SimpleCookie:
    """Return the cookies that an answer sets, with all their attributes."""
    return SimpleCookie(response.headers["set-cookie"])
