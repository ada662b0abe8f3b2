"""The bell in Chromium: what an editor posts rings on every page, and stays until it is read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.conftest import StartSite
from tests.rig.axe import serious_violations
from tests.rig.chromium import Pages
from tests.rig.editor import edit, post, recall
from tests.rig.faulty_proxy import FaultyProxy, refuse_websocket
from tests.rig.site import Site
from tests.rig.waiting import await_until

# Chromium shows every page of a test. This one is in the background until told otherwise, and counts what it shows.
AWAY = """() => {
  globalThis.shown = [];
  globalThis.asked = 0;
  globalThis.isAway = sessionStorage.isAway === "true";
  Object.defineProperty(document, "hidden", { get: () => isAway });
  globalThis.Notification = class extends EventTarget {
    static permission = "granted";
    static async requestPermission() { asked += 1; return "granted"; }
    constructor(title, options) { super(); shown.push({ title, tag: options.tag }); }
    close() { this.dispatchEvent(new Event("close")); }
  };
}"""


async def ring(pages: Pages, site: Site, address: str = "/guide/", **options: Any) -> Page:
    """Open a page as a browser that has never been here, and wait for its bell to be live."""
    page = await pages.open(site.url + address, **{"used_profile": True, **options})
    await is_live(page)
    return page


async def is_live(page: Page) -> None:
    await page.locator("#bell-state[data-state=live]").wait_for(state="attached")


async def second_tab(page: Page) -> Page:
    tab = await page.context.new_page()
    await tab.goto(page.url)
    await is_live(tab)
    return tab


async def open_panel(page: Page) -> None:
    await page.get_by_role("button", name="Notifications").click()
    await expect(page.locator("#bell-panel")).to_be_visible()


@pytest.mark.parametrize("address", ["/", "/demos/chat/", "/demos/websocket/", "/nowhere/"])
async def test_new_notification_is_a_toast_and_a_count_on_every_page(
    pages: Pages, live_site: Site, address: str
) -> None:
    pages.faults.allow("404")
    page = await ring(pages, live_site, address)
    name = f"Rings on {address}"
    post(live_site, name, level="warning", link="/guide/")
    toast = page.locator(".toast", has_text=name)
    await expect(toast.locator(".bell-level")).to_have_text("Warning")
    await expect(toast.get_by_role("link")).to_have_attribute("href", f"{live_site.url}/guide/")
    await expect(page.get_by_role("button", name="Notifications 1 unread")).to_be_visible()
    assert await serious_violations(page) == []


async def test_toast_is_spoken_politely_and_leaves_the_focus_where_it_is(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    await page.get_by_role("link", name="SSE", exact=True).first.focus()
    post(live_site, "Spoken of", level="critical")
    spoken = page.locator("#bell-announcement")
    await expect(spoken).to_have_text("New notification, Critical: Spoken of")
    assert await spoken.get_attribute("role") == "status"
    assert await page.evaluate("document.activeElement.textContent") == "SSE"


async def test_what_came_before_the_first_visit_is_listed_as_read(pages: Pages, live_site: Site) -> None:
    post(live_site, "Before the first visit")
    page = await ring(pages, live_site)
    await open_panel(page)
    await expect(page.locator(".bell-entry", has_text="Before the first visit")).not_to_have_class("is-unread")
    await expect(page.locator("#bell-count")).to_be_hidden()
    await expect(page.locator(".toast")).to_have_count(0)


async def test_list_count_and_place_survive_a_reload(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    post(live_site, "Seen before the reload")
    await expect(page.locator("#bell-count")).to_have_text("1")
    await page.goto("about:blank")
    post(live_site, "Posted while away")
    await page.goto(live_site.url + "/")
    await expect(page.locator("#bell-count")).to_have_text("2")
    await expect(page.locator(".toast")).to_have_count(1)  # the first one was shown before
    await open_panel(page)
    titles = page.locator(".bell-entry.is-unread .bell-entry-title")
    await expect(titles).to_have_text(["Posted while away", "Seen before the reload"])
    await page.locator("#bell-read").click()
    await page.reload()
    await is_live(page)
    await expect(page.locator("#bell-count")).to_be_hidden()


async def test_what_is_read_in_one_tab_is_read_in_the_others(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    other = await second_tab(page)
    post(live_site, "Rings in both tabs")
    for tab in (page, other):
        await expect(tab.locator("#bell-count")).to_have_text("1")
    await open_panel(page)
    await page.locator("#bell-read").click()
    await expect(other.locator("#bell-count")).to_be_hidden()
    post(live_site, "And this is news again")
    for tab in (page, other):
        await expect(tab.locator("#bell-count")).to_have_text("1")


async def test_edit_and_recall_reach_toast_and_list(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    post(live_site, "Meeting at ten", "Room 1")
    toast = page.locator(".toast", has_text="Meeting at")
    await expect(toast).to_have_count(1)
    pk = await toast.get_attribute("data-id") or ""
    await toast.hover()
    edit(live_site, pk, "Meeting at eleven", "Room 2")
    await expect(toast).to_contain_text("Meeting at eleven")
    entry = page.locator(f".bell-entry[data-id='{pk}']")
    await expect(entry.locator(".bell-entry-message")).to_have_text("Room 2")
    await expect(page.locator("#bell-count")).to_have_text("1")
    recall(live_site, pk)
    await expect(toast).to_have_count(0)
    await expect(entry).to_have_count(0)
    await expect(page.locator("#bell-count")).to_be_hidden()


async def test_what_does_not_fit_in_the_corner_is_counted(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site, used_profile=False)  # a clock that stands still would be the next test's too
    # What comes while nobody has spoken yet is announced together, and the five need a while on a busy machine.
    await page.clock.install()
    await page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    for number in range(5):
        post(live_site, f"One of five: {number}")
    await expect(page.locator("#toasts-more")).to_have_text("2 more in the list")
    titles = page.locator(".toast .bell-entry-title")
    await expect(titles).to_have_text(["One of five: 2", "One of five: 3", "One of five: 4"])
    await page.clock.run_for(1_000)
    await expect(page.locator("#bell-announcement")).to_have_text("5 new notifications")


async def test_toast_leaves_by_itself_but_not_while_it_is_looked_at(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    toast = page.locator(".toast")
    await page.clock.install()
    post(live_site, "Looked at")
    await toast.hover()
    await page.clock.fast_forward(60_000)
    await expect(toast).to_be_visible()
    await page.mouse.move(1, 1)
    await toast.get_by_role("button", name="Dismiss").focus()
    await page.clock.fast_forward(60_000)
    await expect(toast).to_be_visible()
    await page.get_by_role("link", name="SSE", exact=True).first.focus()
    await page.clock.fast_forward(8_000)
    await expect(toast).to_have_count(0)
    await expect(page.locator("#bell-count")).to_have_text("1")


async def test_everything_works_with_the_keyboard(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    post(live_site, "By keyboard", link="/")
    await page.locator(".toast-close").focus()
    await page.keyboard.press("Escape")
    await expect(page.locator(".toast")).to_have_count(0)
    bell = page.get_by_role("button", name="Notifications 1 unread")
    await expect(bell).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#bell-panel")).to_be_visible()
    assert await bell.get_attribute("aria-expanded") in ("true", None)  # Chromium tells it without the attribute
    await page.keyboard.press("Tab")
    await expect(page.locator("#bell-read")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#bell-panel")).to_be_hidden()
    await expect(page.get_by_role("button", name="Notifications 1 unread")).to_be_focused()


async def test_markup_stays_text_and_a_strange_link_is_none(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    kept = {
        "cursor": await page.evaluate("JSON.parse(localStorage['bell.list']).cursor"),
        "entries": [
            {
                "id": 1,
                "topic": "notifications",
                "seq": 1,
                "topics": ["notifications"],
                "title": "<img src=x onerror=alert(1)>",
                "message": "<b>bold</b>",
                "level": "info",
                "link": "javascript:alert(2)",
                "posted_at": "2026-01-01T00:00:00Z",
            }
        ],
    }
    await page.evaluate("(kept) => localStorage.setItem('bell.list', JSON.stringify(kept))", kept)
    await page.reload()
    await open_panel(page)
    await expect(page.locator(".bell-entry-title")).to_have_text("<img src=x onerror=alert(1)>")
    await expect(page.locator(".bell-entry-message")).to_have_text("<b>bold</b>")
    await expect(page.locator(".bell-entry a, .bell-entry img, .bell-entry b")).to_have_count(0)


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"cursor":"x","entries":[]}', '{"cursor":"k1~notifications:9"}'])
async def test_list_that_can_not_be_read_is_begun_anew(pages: Pages, live_site: Site, kept: str) -> None:
    post(live_site, f"In the log beside “{kept}”")
    page = await ring(pages, live_site)
    await page.evaluate("(kept) => localStorage.setItem('bell.list', kept)", kept)
    await page.reload()
    await is_live(page)
    await expect(page.locator(".bell-entry", has_text=f"In the log beside “{kept}”")).to_have_count(1)


async def test_log_that_began_anew_begins_the_list_anew(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site)
    post(live_site, "In the log that is there")
    await expect(page.locator("#bell-count")).to_have_text("1")
    old = {"cursor": "gone~notifications:999999", "entries": []}
    await page.evaluate(
        "(old) => { localStorage['bell.list'] = JSON.stringify(old); localStorage['bell.read'] = '999999'; }", old
    )
    await page.reload()
    await expect(page.locator(".bell-entry.is-unread", has_text="In the log that is there")).to_have_count(1)


async def test_empty_list_says_so_in_the_readers_language(pages: Pages, site: StartSite) -> None:
    page = await ring(pages, site(), locale="zh-CN", phone=True, dark=True)
    await page.get_by_role("button", name="通知").click()
    await expect(page.locator("#bell-empty")).to_have_text("还没有任何通知。编辑发布的内容会在每个页面的这里提醒你。")
    await expect(page.locator("#bell-state")).to_have_text("已是最新")
    assert await serious_violations(page) == []


async def test_desktop_is_told_once_a_browser_and_only_in_the_background(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site, used_profile=False)
    await page.context.add_init_script(f"({AWAY})()")
    tabs = [page, await second_tab(page), await second_tab(page)]
    await page.reload()
    await is_live(page)
    assert await page.evaluate("asked") == 0
    await open_panel(page)
    await page.get_by_role("switch", name="Notify me on the desktop").check()
    assert await page.evaluate("asked") == 1
    await expect(tabs[1].get_by_role("switch", include_hidden=True)).to_be_checked()

    async def show(*away: bool) -> None:
        for tab, is_away in zip(tabs, away, strict=True):
            await tab.evaluate(
                "(away) => { isAway = away; document.dispatchEvent(new Event('visibilitychange')); }", is_away
            )
        in_sight = away.count(False)
        # Asked from outside: a page that waits by itself evaluates text again and again, which the policy forbids.
        has_heard = """(count) => navigator.locks.query().then(({ held }) =>
          held.filter(({ name }) => name === "bell.in-sight").length === count)"""
        await await_until(lambda: page.evaluate(has_heard, in_sight), "the tabs to know which of them are in sight")

    async def shown() -> list[str]:
        return sorted([one["title"] for tab in tabs for one in await tab.evaluate("shown")])

    async def all_have(count: int) -> None:
        for tab in tabs:
            await expect(tab.locator("#bell-count")).to_have_text(str(count))

    await show(True, False, True)
    post(live_site, "One tab is in sight")
    await all_have(1)
    await show(True, True, True)
    post(live_site, "All are away")
    post(live_site, "And once more")
    await all_have(3)
    while len(await shown()) < 2:
        await page.wait_for_timeout(20)
    assert await shown() == ["All are away", "And once more"]


async def test_desktop_that_the_browser_blocks_is_explained(pages: Pages, live_site: Site) -> None:
    page = await ring(pages, live_site, used_profile=False)
    await page.add_init_script("Notification = class { static permission = 'denied'; }")
    await page.reload()
    await open_panel(page)
    await expect(page.get_by_role("switch")).to_be_disabled()
    await expect(page.locator("#bell-desktop-note")).to_contain_text("Your browser blocks them.")


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", "Over Fetch stream: WebSocket does not get through here"),
        ("zh-CN", "通过 Fetch 流：WebSocket 在此网络中无法连通"),
    ],
)
async def test_what_carries_the_events_is_told_with_the_reason(
    pages: Pages, live_site: Site, locale: str, words: str
) -> None:
    pages.faults.allow("/feed/")  # refused at first, and cut with the proxy at the end
    async with FaultyProxy(urlsplit(live_site.url).port or 80, refuse_websocket) as proxy:
        page = await pages.open(f"{proxy.url}/guide/", locale=locale)
        await expect(page.locator("#bell-way")).to_have_text(words)
