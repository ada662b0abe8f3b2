"""The first steps: each demo starts, shows raw answers and stops."""

from playwright.async_api import expect

from tests.rig.chromium import Pages
from tests.rig.editor import post
from tests.rig.site import Site

ADDRESS = "/demos/article/"


async def test_poll_shows_the_servers_status_until_stopped(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + ADDRESS)
    await page.get_by_role("button", name="Start Poll", exact=True).click()
    await expect(page.locator("#status-output li").first).to_contain_text('"status":')
    await page.get_by_role("button", name="Stop Poll", exact=True).click()
    await expect(page.get_by_role("button", name="Start Poll", exact=True)).to_be_visible()


async def test_long_poll_shows_what_is_posted_and_loses_nothing_between_two_calls(
    pages: Pages, live_site: Site
) -> None:
    page = await pages.open(live_site.url + ADDRESS)
    output = page.locator("#longPoll-output")
    await page.get_by_role("button", name="Start Long poll").click()
    await expect(output.locator("li").first).to_have_text("asked, waiting …")
    for number in range(3):
        post(live_site, f"To the long poll {number}")
    for number in range(3):
        await expect(output).to_contain_text(f"To the long poll {number}", timeout=30_000)
    await page.get_by_role("button", name="Stop Long poll").click()
    await expect(page.get_by_role("button", name="Start Long poll")).to_be_visible()


async def test_event_stream_greets_and_ends(pages: Pages, live_site: Site) -> None:
    page = await pages.open(live_site.url + ADDRESS)
    await page.get_by_role("button", name="Start Event stream").click()
    await expect(page.locator("#events-output li").first).to_contain_text("Hello World")
    await expect(page.locator("#events-output li").first).to_have_text(
        "The server has ended the stream.", timeout=30_000
    )
    assert await page.locator("#events-output li").count() >= 5
    await expect(page.get_by_role("button", name="Start Event stream")).to_be_visible()
