"""A transport's page at work: what is posted, edited and recalled elsewhere shows without a reload."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.conftest import StartSite
from tests.demos.addresses import TRANSPORT_PAGES
from tests.rig.chromium import Pages
from tests.rig.editor import edit, post, recall
from tests.rig.site import Site

ADDRESSES = pytest.mark.parametrize("address", TRANSPORT_PAGES.values(), ids=TRANSPORT_PAGES)


async def open_live(pages: Pages, site: Site, address: str, **options: Any) -> Page:
    page = await pages.open(site.url + address, **options)
    await page.locator("#connection[data-state=live]").wait_for()
    return page


@ADDRESSES
async def test_notification_is_shown_edited_and_recalled_without_a_reload(
    pages: Pages, live_site: Site, address: str
) -> None:
    page = await open_live(pages, live_site, address)
    name = f"Seen on {address}"
    post(live_site, name, "First line\nsecond line", "warning", "/guide/")

    row = page.locator(".notification", has_text=name)
    await expect(row).to_have_attribute("data-level", "warning")
    await expect(row.locator(".notification-level")).to_have_text("Warning")
    await expect(row.locator(".notification-message")).to_have_text("First line\nsecond line")
    await expect(row.get_by_role("link")).to_have_attribute("href", f"{live_site.url}/guide/")
    await expect(page.locator("#notifications > li").first).to_contain_text(name)
    await expect(page.locator("#announcement")).to_have_text(f"New notification, Warning: {name}")

    row_id = await row.get_attribute("data-id") or ""
    edit(live_site, row_id, name, "Only one line", "critical")
    await expect(row.locator(".notification-message")).to_have_text("Only one line")
    await expect(row).to_have_attribute("data-level", "critical")
    await expect(row.get_by_role("link")).to_have_count(0)
    await expect(row).to_have_count(1)

    recall(live_site, row_id)
    await expect(row).to_have_count(0)
    await expect(page.locator("#announcement")).to_have_text(f"Recalled: {name}")


@ADDRESSES
async def test_what_was_posted_while_hung_up_arrives_in_order_and_once(
    pages: Pages, live_site: Site, address: str
) -> None:
    page = await open_live(pages, live_site, address)
    await page.get_by_role("button", name="Hang up").click()
    await expect(page.locator("#connection .connection-words")).to_have_text("Not connected")
    names = [f"Missed {number} on {address}" for number in range(3)]
    for name in names:
        post(live_site, name)
    await page.get_by_role("button", name="Connect again").click()
    shown = page.locator(".notification-title", has_text=f"on {address}").filter(has_text="Missed")
    await expect(shown).to_have_text(names[::-1])
    await expect(page.locator("#connection .connection-words")).to_have_text("Live")


@ADDRESSES
async def test_panel_shows_what_went_over_the_wire(pages: Pages, live_site: Site, address: str) -> None:
    page = await open_live(pages, live_site, address)
    post(live_site, f"On the wire of {address}")
    await expect(page.locator(".notification", has_text=f"On the wire of {address}")).to_have_count(1)
    assert int(await page.locator("#wire-requests").inner_text()) >= 1
    assert int((await page.locator("#wire-bytes").inner_text()).replace(",", "")) > 100
    await expect(page.locator("#wire-lines")).to_contain_text(f"On the wire of {address}")
    await expect(page.locator("#wire-lines li[data-direction=request]").first).to_contain_text("/feed/")
    # The place shown moves with the events, and is one that the server takes.
    place = await page.locator("#cursor").inner_text()
    with live_site.client() as anybody:
        batch = anybody.get("/feed/poll", params={"topic": "notifications", "after": place}).json()
    assert batch["events"] == []


@pytest.mark.parametrize("address", ["/demos/sse/"])
async def test_markup_in_a_notification_stays_text(pages: Pages, live_site: Site, address: str) -> None:
    page = await open_live(pages, live_site, address, locale="zh-CN")
    title = "<img src=x onerror=alert(1)>"
    post(live_site, title, "<b>bold</b>")
    row = page.locator(".notification", has_text=title)
    await expect(row.locator(".notification-message")).to_have_text("<b>bold</b>")
    await expect(page.locator("#notifications img, #notifications b")).to_have_count(0)
    await expect(row.locator(".notification-level")).to_have_text("消息")


async def test_page_says_so_while_the_server_is_away_and_catches_up(pages: Pages, site: StartSite) -> None:
    pages.faults.allow("console error: Failed to load resource")
    pages.faults.allow("net::ERR")
    own = site()
    page = await open_live(pages, own, "/demos/sse/")
    own.processes[0].kill()
    await expect(page.locator("#connection")).to_have_attribute("data-state", "waiting")
    await expect(page.locator("#connection .connection-words")).to_contain_text("next try in")
    own.post_notification("Posted while it was away")
    own.start()
    await expect(page.locator(".notification-title")).to_have_text(["Posted while it was away"], timeout=60_000)
