"""Every page in Chromium: no console error, no failed request, no serious finding of axe, no sideways scrolling."""

import pytest
from playwright.async_api import Page

from tests.demos.addresses import PAGES
from tests.rig.axe import serious_violations
from tests.rig.chromium import Pages
from tests.rig.site import Site


async def settled(page: Page) -> None:
    """Wait until the page has loaded and, where it has a connection, that is live."""
    await page.wait_for_load_state("load")
    if await page.locator("#connection").count():
        await page.locator("#connection[data-state=live]").wait_for()


async def overflow_px(page: Page) -> int:
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(
    ("locale", "phone", "dark"),
    [("en-US", False, False), ("zh-CN", True, True)],
    ids=["english-desktop-light", "chinese-phone-dark"],
)
@pytest.mark.parametrize("address", PAGES)
async def test_page_is_accessible_and_fits(
    pages: Pages, live_site: Site, address: str, locale: str, phone: bool, dark: bool
) -> None:
    page = await pages.open(live_site.url + address, locale=locale, phone=phone, dark=dark, used_profile=True)
    await settled(page)
    assert await serious_violations(page) == []
    assert await overflow_px(page) <= 0
    if phone:
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await overflow_px(page) <= 0


async def test_modules_load_once_under_their_hashed_names(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + "/demos/sse/", used_profile=True)
    await page.locator("#connection[data-state=live]").wait_for()
    loaded = await page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    scripts = [name.rsplit("/", 1)[-1] for name in loaded if name.endswith(".js")]
    stems = [script.split(".")[0] for script in scripts]
    assert "client" in stems
    assert len(stems) == len(set(stems))
    assert all(script.count(".") == 2 for script in scripts)  # stem.hash.js


async def test_unknown_address_shows_the_friendly_page(pages: Pages, live_site: Site) -> None:
    pages.faults.allow("404")
    page = await pages.open(live_site.url + "/nowhere/", locale="zh-CN", used_profile=True)
    assert await page.locator("h1").inner_text() == "这个地址没有页面"
    assert await serious_violations(page) == []


async def test_language_is_switched_on_the_page_one_is_on(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + "/demos/sse/?from=here", used_profile=True)
    await page.get_by_role("button", name="中文").click()
    await page.locator("html[lang=zh-Hans]").wait_for()
    assert page.url == live_site.url + "/demos/sse/?from=here"
    await page.get_by_role("button", name="English").click()
    await page.locator("html[lang=en]").wait_for()


async def test_chosen_theme_is_kept_and_wins_over_the_systems(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + "/", dark=False, used_profile=True)
    button = page.locator(".theme-button")

    async def brightness() -> int:
        return await page.evaluate(r"Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0])")

    assert await brightness() > 200
    assert await button.get_attribute("aria-label") == "Theme: as the system"
    await button.click()  # light
    await button.click()  # dark
    assert await button.get_attribute("aria-label") == "Theme: dark"
    assert await brightness() < 50
    await page.reload()
    assert await brightness() < 50


async def test_menu_on_a_phone_opens_closes_and_leads_on(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + "/", phone=True, used_profile=True)
    menu, button = page.locator("#menu"), page.get_by_role("button", name="Menu")
    assert not await menu.is_visible()
    await button.click()
    assert await menu.is_visible()
    assert await button.get_attribute("aria-expanded") == "true"
    await page.keyboard.press("Escape")
    assert not await menu.is_visible()
    await button.click()
    await menu.get_by_role("link", name="WebSocket").click()
    await page.wait_for_url("**/demos/websocket/")
    await settled(page)


async def test_first_tab_offers_to_skip_to_the_content(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + "/", used_profile=True)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip-link"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize(
    "address",
    ["/admin/", "/admin/notifications/notification/", "/admin/notifications/notification/add/", "/admin/auth/user/"],
)
async def test_admin_keeps_to_the_content_security_policy(pages: Pages, live_site: Site, address: str) -> None:
    # What the policy stops is an error of the console, and that fails the test.
    page = await pages.open(
        live_site.url + address, account=live_site.admin, locale="zh-CN", dark=True, used_profile=True
    )
    await page.locator("#content").wait_for()
    assert page.url == live_site.url + address
