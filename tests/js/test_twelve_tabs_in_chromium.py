"""Twelve tabs of one browser share one connection; whichever tab goes, none of them misses an event."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import Page

from apps.transports.registry import DOORS
from tests.conftest import StartSite
from tests.rig.chromium import Pages
from tests.rig.recovery import Recovery
from tests.rig.site import Site

pytestmark = pytest.mark.long(8)

TOPIC = "lab.tabs"
TABS = 12
BARE_PAGE = "/static/transports/registry.js"  # without a bell, which follows a topic of its own
STREAMS = {door.name for door in DOORS if door.name != "short_poll"}

FOLLOW = """async ([topics, options]) => {
  const { subscribeShared } = await import("/static/transports/shared_subscription.js");
  window.feed = subscribeShared({ topics, ...options });
  window.seen = [];
  window.feed.addEventListener("event", ({ detail }) => seen.push(detail.data));
}"""


async def open_tabs(pages: Pages, site: Site, count: int = TABS, *topics: str) -> list[Page]:
    """Open `count` tabs of one browser that follow `topics`; wait until all are live."""
    first = await pages.open(f"{site.url}{BARE_PAGE}")
    tabs = [first, *[await first.context.new_page() for _ in range(count - 1)]]
    for tab in tabs:
        pages.faults.watch(tab)
        await tab.goto(f"{site.url}{BARE_PAGE}")
        await tab.evaluate(FOLLOW, [list(topics) or [TOPIC], {}])
    for tab in tabs:
        await tab.wait_for_function("feed.state === 'live'")
    return tabs


def publish(site: Site, *numbers: int, topic: str = TOPIC) -> None:
    with site.client(site.admin) as admin:
        for number in numbers:
            admin.post(f"/api/topics/{topic}/events", json={"type": "lab.number", "data": number}).raise_for_status()


async def all_see(tabs: list[Page], *numbers: int) -> None:
    """Wait until every tab saw as many events, and check that they are these, in this order, once."""
    for tab in tabs:
        await tab.wait_for_function("(count) => seen.length >= count", arg=len(numbers))
        assert await tab.evaluate("seen") == list(numbers)


def open_connections(site: Site) -> float:
    """Return how many connections the server holds open, by its own count."""
    with site.client() as anybody:
        lines = anybody.get("/metrics").text.splitlines()
    counts = [line.rsplit(" ", 1) for line in lines if "open_connections{" in line]
    return sum(float(count) for name, count in counts if any(f'"{door}"' in name for door in STREAMS))


async def eventually(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(1_500):
        if condition():
            return
        await page.wait_for_timeout(20)
    raise AssertionError("never came true")


@pytest.fixture
def own_site(site: StartSite, pages: Pages) -> Site:
    """A site whose connections nobody else opens."""
    # The bare page names no icon. At the end tabs take over from one another as they close, and the site is gone.
    pages.faults.allow("favicon.ico|/feed/")
    return site()


async def test_twelve_tabs_share_one_connection_and_another_takes_over(
    pages: Pages, own_site: Site, recovery: Recovery
) -> None:
    tabs = await open_tabs(pages, own_site)
    publish(own_site, 1, 2, 3)
    await all_see(tabs, 1, 2, 3)
    assert open_connections(own_site) == 1

    # The first tab came first to the lock. Events are published all the while.
    owner, *others = tabs
    publish(own_site, 4)
    recovery.begins()
    await owner.close()
    publish(own_site, 5, 6)
    await all_see(others, 1, 2, 3, 4, 5, 6)
    recovery.ends()
    await eventually(others[0], lambda: open_connections(own_site) == 1)
    assert await others[-1].evaluate("feed.counts.repairs") == 0


async def test_owner_that_is_frozen_hands_over_and_catches_up_when_it_wakes(
    pages: Pages, own_site: Site, recovery: Recovery
) -> None:
    owner, *others = await open_tabs(pages, own_site, 3)
    devtools = await owner.context.new_cdp_session(owner)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    recovery.begins()
    publish(own_site, 1, 2)
    await all_see(others, 1, 2)
    recovery.ends()
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await all_see([owner, *others], 1, 2)
    await owner.wait_for_function("feed.state === 'live'")
    await eventually(owner, lambda: open_connections(own_site) == 1)


async def test_owner_that_hangs_loses_the_connection_within_a_heartbeat(
    pages: Pages, own_site: Site, recovery: Recovery
) -> None:
    owner, *others = await open_tabs(pages, own_site, 3)
    # It holds its lock and hears nothing, as behind a script that never ends.
    devtools = await owner.context.new_cdp_session(owner)
    await devtools.send("Debugger.enable")
    await devtools.send("Debugger.pause")
    recovery.begins()
    publish(own_site, 1, 2)
    await all_see(others, 1, 2)
    recovery.ends()
    await devtools.send("Debugger.resume")
    await all_see([owner, *others], 1, 2)
    publish(own_site, 3)
    await all_see([owner, *others], 1, 2, 3)
    await eventually(owner, lambda: open_connections(own_site) == 1)


async def test_owner_that_crashes_is_followed_by_another(pages: Pages, own_site: Site, recovery: Recovery) -> None:
    owner, *others = await open_tabs(pages, own_site, 3)
    devtools = await owner.context.new_cdp_session(owner)
    recovery.begins()
    async with owner.expect_event("crash"):
        never_answered = asyncio.ensure_future(devtools.send("Page.crash"))
    never_answered.cancel()
    publish(own_site, 1, 2)
    await all_see(others, 1, 2)
    recovery.ends()


async def test_tabs_with_other_topics_share_the_connection_too(pages: Pages, own_site: Site) -> None:
    first = (await open_tabs(pages, own_site, 1, "lab.one"))[0]
    second = await first.context.new_page()
    await second.goto(f"{own_site.url}{BARE_PAGE}")
    publish(own_site, 1, topic="lab.two")
    await second.evaluate(FOLLOW, [["lab.two"], {"after": "start"}])
    await second.wait_for_function("feed.state === 'live'")
    publish(own_site, 2, topic="lab.two")
    publish(own_site, 3, topic="lab.one")
    await all_see([second], 1, 2)
    await all_see([first], 3)
    await eventually(first, lambda: open_connections(own_site) == 1)
    await first.close()
    publish(own_site, 4, topic="lab.two")
    await all_see([second], 1, 2, 4)


async def test_topic_that_may_not_be_read_any_more_takes_no_other_tab_along(pages: Pages, own_site: Site) -> None:
    pages.faults.allow("403|ERR_INTERNET_DISCONNECTED")
    public, personal = f"{TOPIC}.public", f"user.{own_site.reader.user_id}"
    page = await pages.open(own_site.url + BARE_PAGE, account=own_site.reader)
    other = await page.context.new_page()
    await other.goto(own_site.url + BARE_PAGE)
    await page.evaluate(FOLLOW, [[public], {}])
    await other.evaluate(FOLLOW, [[personal], {}])
    for tab in (page, other):
        await tab.wait_for_function("feed.state === 'live'")
    publish(own_site, 1, topic=public)
    publish(own_site, 2, topic=personal)
    await all_see([page], 1)
    await all_see([other], 2)

    await page.context.clear_cookies()  # as after signing out, the next connection is anonymous
    await page.context.set_offline(True)
    await page.context.set_offline(False)
    await other.wait_for_function("feed.state === 'refused'")
    assert "may not read" in await other.evaluate("feed.message")
    publish(own_site, 3, topic=public)
    await all_see([page], 1, 3)
    assert await page.evaluate("feed.state") == "live"


async def test_tab_without_locks_has_a_connection_of_its_own(pages: Pages, own_site: Site) -> None:
    page = await pages.open(f"{own_site.url}{BARE_PAGE}")
    await page.evaluate("Object.defineProperty(navigator, 'locks', { value: undefined })")
    await page.evaluate(FOLLOW, [[TOPIC], {}])
    await page.wait_for_function("feed.state === 'live'")
    publish(own_site, 1)
    await all_see([page], 1)
