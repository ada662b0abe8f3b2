"""The client in Chromium, behind proxies and networks as people have them: every event arrives, in order, once.

Each test follows a topic of its own from its start, and records how long it took to recover.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Page

from apps.transports.registry import DOORS
from tests.rig import faulty_proxy
from tests.rig.accounts import ADMIN
from tests.rig.chromium import Pages, open_chromium
from tests.rig.faulty_proxy import FaultyProxy
from tests.rig.recovery import Recovery
from tests.rig.site import Site
from tests.rig.tab import Tab
from tests.rig.waiting import await_until

pytestmark = pytest.mark.long(6)

EACH_ALONE = [[door.name] for door in DOORS]
ALL = None  # the client's own list

FOLLOW = """async ([topic, lists]) => {
  const { subscribe } = await import("/static/transports/client.js");
  window.feeds = lists.map((transports) => {
    const feed = subscribe({ topics: [topic], after: "start", transports: transports ?? undefined, intervalMs: 1000 });
    Object.assign(feed, { seen: [], changes: [], told: [] });
    feed.addEventListener("event", ({ detail }) => feed.seen.push(detail.data));
    feed.addEventListener("transportchange", ({ detail }) => feed.changes.push(detail));
    feed.addEventListener("state", ({ detail }) => feed.told.push(`${detail.state} ${detail.reason}`));
    return feed;
  });
}"""
# A page without a connection of its own: the client's source, looked at.
BARE_PAGE = "/static/transports/registry.js"


class Followed:
    """A page that follows one topic, once for each list of transports, and the topic's only writer."""

    def __init__(self, page: Page | Tab, site: Site, topic: str) -> None:
        self.page = page
        self._site = site
        self.topic = topic
        self.written = 0

    async def write(self, count: int = 1) -> None:
        """Append the next `count` events: 1, 2, 3 …"""
        await asyncio.to_thread(self._write, count)

    async def has_all(self) -> None:
        """Wait until all that was written is here, and check that it came in order, once."""
        here = "(count) => feeds.every(({ seen }) => seen.length >= count)"
        await await_until(lambda: self.page.evaluate(here, self.written), f"{self.written} events", timeout_s=90)
        for seen in await self.page.evaluate("feeds.map(({ seen }) => seen)"):
            assert seen == list(range(1, self.written + 1))

    async def has_state(self, state: str) -> None:
        all_have = "(state) => feeds.every((feed) => feed.state === state)"
        await await_until(lambda: self.page.evaluate(all_have, state), f"every feed to be {state}")

    async def value(self, name: str) -> Any:
        """Return a property of the first feed."""
        return await self.page.evaluate("(name) => feeds[0][name]", name)

    def _write(self, count: int) -> None:
        with self._site.client(ADMIN) as client:
            for _ in range(count):
                self.written += 1
                event = {"type": "lab.number", "data": self.written}
                client.post(f"/api/topics/{self.topic}/events", json=event).raise_for_status()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(live_site: Site) -> AsyncIterator[FaultyProxy]:
    """Stand between the browser and the site."""
    async with FaultyProxy(urlsplit(live_site.url).port or 80) as proxy:
        yield proxy


@pytest.fixture
def follow(request: pytest.FixtureRequest, pages: Pages, proxy: FaultyProxy, live_site: Site) -> Callable[..., Any]:
    """Follow a topic of the test's own through the proxy: `await follow([["sse"]])`."""
    pages.faults.allow("/feed/|ERR_|/favicon.ico")

    async def start(lists: list[list[str] | None] | None = None, page: Page | Tab | None = None) -> Followed:
        topic = f"lab.{request.node.name.removeprefix('test_')[:60].lower()}"
        page = page or await pages.open(proxy.url + BARE_PAGE)
        followed = Followed(page, live_site, topic)
        await followed.write(2)
        await page.evaluate(FOLLOW, [topic, lists or [ALL]])
        return followed

    return start


async def test_websocket_refused(follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery) -> None:
    proxy.fault = faulty_proxy.refuse_websocket
    recovery.begins()
    feed = await follow()
    await feed.has_all()
    recovery.ends()
    await feed.write(3)
    await feed.has_all()
    [change] = await feed.value("changes")
    assert (change["from"], change["to"], change["reason"]) == ("websocket", "fetch_stream", "blocked")
    assert change["message"].startswith("websocket: could not connect")


async def test_websocket_that_opens_and_stays_silent(
    follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery
) -> None:
    proxy.fault = faulty_proxy.silence_websocket
    recovery.begins()
    feed = await follow()
    await feed.has_all()
    recovery.ends()
    await feed.write(3)
    await feed.has_all()
    [change] = await feed.value("changes")
    assert (change["from"], change["to"], change["reason"]) == ("websocket", "fetch_stream", "silent")
    assert change["message"] == "websocket: nothing arrived for 3 s"


async def test_proxy_that_buffers_responses(follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery) -> None:
    proxy.fault = faulty_proxy.buffer
    recovery.begins()
    feed = await follow()
    await feed.has_all()
    recovery.ends()
    await feed.write(3)
    await feed.has_all()
    [change] = await feed.value("changes")
    assert (change["from"], change["to"]) == ("websocket", "long_poll")
    assert "fetch_stream: nothing arrived for 3 s; sse: nothing arrived for 3 s" in change["message"]


async def test_next_page_of_the_session_begins_with_what_got_through(
    follow: Callable[..., Any], proxy: FaultyProxy
) -> None:
    proxy.fault = faulty_proxy.silence_websocket
    feed = await follow()
    await feed.has_all()
    await feed.page.reload()
    await feed.page.evaluate(FOLLOW, [feed.topic, [ALL]])
    await feed.has_all()
    [change] = await feed.value("changes")
    assert (change["to"], change["reason"]) == ("fetch_stream", "silent")
    assert await feed.value("told") == ["connecting start", "live first-frame"]


async def test_proxy_that_cuts_every_5_s(follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery) -> None:
    proxy.fault = faulty_proxy.cut_after(5)
    recovery.begins()
    feed = await follow()

    async def is_past_the_streams() -> bool:
        await feed.write()  # before, between and during the cuts
        await asyncio.sleep(0.5)
        return await feed.value("transport") == "long_poll" and await feed.value("state") == "live"

    await await_until(is_past_the_streams, "a transport whose requests are short", timeout_s=120)
    recovery.ends()
    await feed.has_all()
    changes = await feed.value("changes")
    assert [(change["to"], change["reason"]) for change in changes] == [
        ("fetch_stream", "cut"),
        ("sse", "cut"),
        ("long_poll", "cut"),
    ]


async def test_proxy_that_answers_502_for_10_s(
    follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery
) -> None:
    feed = await follow()
    await feed.has_all()
    proxy.fault = faulty_proxy.bad_gateway
    await proxy.cut()
    await feed.write(3)
    await asyncio.sleep(10)  # the fault's own length
    assert (await feed.value("told"))[-1] == "waiting 502"
    proxy.fault = faulty_proxy.none
    recovery.begins()
    await feed.has_all()
    recovery.ends()
    assert await feed.value("transport") == "websocket"
    assert await feed.value("changes") == []


async def test_connection_reset_in_mid_frame(
    follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery
) -> None:
    # The proxy counts by what passes: in the middle of the event that says 4.
    proxy.fault = faulty_proxy.reset_in_the_middle_of(b'"seq":4')
    feed = await follow(EACH_ALONE)
    await feed.has_all()
    recovery.begins()
    await feed.write(4)
    await feed.has_all()
    recovery.ends()
    for counts in await feed.page.evaluate("feeds.map(({ counts }) => counts)"):
        assert (counts["reconnects"], counts["duplicates"], counts["repairs"]) == (1, 0, 0)


async def test_no_network_then_network(follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery) -> None:
    feed = await follow([ALL, *EACH_ALONE])
    await feed.has_all()
    await feed.page.context.set_offline(True)
    await proxy.unplug()
    await feed.has_state("waiting")
    await feed.write(3)
    await proxy.plug()
    recovery.begins()
    await feed.page.context.set_offline(False)
    await feed.has_all()
    recovery.ends()
    assert await feed.value("transport") == "websocket"
    assert await feed.value("changes") == []


async def test_sleep(follow: Callable[..., Any], proxy: FaultyProxy, browser: Browser, recovery: Recovery) -> None:
    async with Tab(browser, proxy.url + BARE_PAGE) as sleeper, Tab(browser, "about:blank") as other:
        feed = await follow([ALL, *EACH_ALONE], page=sleeper)
        await feed.has_all()
        await other.show()
        await sleeper.freeze()
        await feed.has_state("waiting")
        await proxy.cut()  # as the network does meanwhile
        await feed.write(3)
        recovery.begins()
        await sleeper.resume()
        await feed.has_all()
        recovery.ends()
        for told in await sleeper.evaluate("feeds.map(({ told }) => told)"):
            assert told[-3:] == ["waiting hidden", "connecting returned", "live first-frame"]


async def is_as_it_was(page: Page) -> bool:
    """Tell whether the page is the one that follows; false while it goes from one to the other."""
    try:
        return bool(await page.evaluate("'feeds' in window"))
    except Error:
        return False


async def test_page_that_is_left_and_returned_to(
    follow: Callable[..., Any], proxy: FaultyProxy, recovery: Recovery
) -> None:
    async with open_chromium(keeps_pages=True) as browser:
        page = await browser.new_page()
        await page.goto(proxy.url + BARE_PAGE)
        feed = await follow([ALL, *EACH_ALONE], page=page)
        await feed.has_all()
        await page.goto(proxy.url + "/static/transports/sse.js")
        await await_until(lambda: proxy.open_count == 0, "the connections of the page in the cache to be closed")
        await feed.write(3)
        recovery.begins()
        await page.evaluate("setTimeout(() => history.back())")
        await await_until(lambda: is_as_it_was(page), "the page from the cache")
        await feed.has_all()
        recovery.ends()
        for told in await page.evaluate("feeds.map(({ told }) => told)"):
            assert told[-3:] == ["waiting hidden", "connecting returned", "live first-frame"]
