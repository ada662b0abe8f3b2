"""What only a browser can show of the JavaScript twins: its own EventSource, its network's and its pages' comings."""

from playwright.async_api import Page

from apps.transports.registry import DOORS
from tests.rig.accounts import ADMIN
from tests.rig.chromium import Pages
from tests.rig.site import Site

TWINS = [door.name for door in DOORS]
TOPIC = "lab.chromium"

FOLLOW_OVER_ALL = """async ([transports, options]) => {
  const { subscribe } = await import("/static/transports/client.js");
  window.feeds = transports.map((transport) => {
    const feed = subscribe({ transports: [transport], intervalMs: 200, ...options });
    feed.seen = [];
    feed.states = [];
    feed.addEventListener("event", ({ detail }) => feed.seen.push(detail.data));
    feed.addEventListener("state", ({ detail }) => feed.states.push(detail));
    return feed;
  });
}"""


async def follow_over_all(pages: Pages, site: Site, topic: str = TOPIC) -> Page:
    """Open a page that follows `topic` over every transport: `feeds`, in the registry's order, is a global of it."""
    page = await pages.open(f"{site.url}/guide/")
    await page.evaluate(FOLLOW_OVER_ALL, [TWINS, {"topics": [topic]}])
    return page


async def all_are(page: Page, state: str) -> None:
    await page.wait_for_function("(state) => feeds.every((feed) => feed.state === state)", arg=state)


async def all_see(page: Page, *words: str) -> None:
    """Wait until every feed saw as many events, and check that they are these, in this order."""
    await page.wait_for_function("(count) => feeds.every((feed) => feed.seen.length >= count)", arg=len(words))
    assert await page.evaluate("feeds.map((feed) => feed.seen)") == [list(words)] * len(TWINS)


async def reasons(page: Page) -> list[list[str]]:
    return await page.evaluate("feeds.map((feed) => feed.states.map(({ reason }) => reason))")


def publish(site: Site, word: str) -> None:
    with site.client(ADMIN) as client:
        answer = client.post(f"/api/topics/{TOPIC}/events", json={"type": "lab.word", "data": word})
        answer.raise_for_status()


async def test_nothing_is_lost_while_the_network_is_away_and_its_return_ends_the_wait(
    pages: Pages, live_site: Site
) -> None:
    pages.faults.allow("ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|WebSocket connection to")
    page = await follow_over_all(pages, live_site)
    await all_are(page, "live")
    publish(live_site, "while live")
    await all_see(page, "while live")

    await page.context.set_offline(True)
    publish(live_site, "while offline")
    await page.context.set_offline(False)
    await all_see(page, "while live", "while offline")
    assert all("online" in of_one for of_one in await reasons(page))
    assert await page.evaluate("feeds.map(({ counts }) => counts.duplicates + counts.repairs)") == [0] * len(TWINS)


async def test_refusal_is_told_in_words(pages: Pages, live_site: Site) -> None:
    pages.faults.allow("403")
    page = await follow_over_all(pages, live_site, topic="user.1")
    await all_are(page, "refused")
    for message in await page.evaluate("feeds.map((feed) => feed.states.at(-1).message)"):
        assert message.startswith("you may not read 'user.1'")


async def test_page_that_is_left_and_returned_to_goes_on_where_it_was(pages: Pages, live_site: Site) -> None:
    page = await follow_over_all(pages, live_site)
    await all_are(page, "live")
    # Playwright switches the back/forward cache off, so the page is told of it without leaving.
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert [of_one[-1] for of_one in await reasons(page)] == ["hidden"] * len(TWINS)
    publish(live_site, "while hidden")
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    await all_see(page, "while hidden")
