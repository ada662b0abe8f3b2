"""Two people and a group, in Chromium: they sign in, each sees what is theirs, and one signs out."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.rig import editor
from tests.rig.accounts import MEMBER, READER, Account

EDITORS = "1"  # the only group of a site under test


async def sign_in(page: Page, account: Account) -> None:
    """Sign in through the masthead and with the keyboard alone, and come back to the page one was on."""
    address = page.url
    await page.locator(".account-entry").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#id_username")).to_be_focused()
    await page.keyboard.type(account.username)
    await page.keyboard.press("Tab")
    await page.keyboard.type(account.password)
    await page.keyboard.press("Enter")
    await expect(page.locator(".account-entry.is-signed-in")).to_be_attached()
    assert page.url == address


async def is_live(page: Page) -> None:
    for status in ("#connection", "#bell-state"):
        await expect(page.locator(status)).to_have_attribute("data-state", "live")


async def shows(page: Page, *titles: str) -> None:
    """Wait until the page and its bell show just these, newest first."""
    await expect(page.locator("#notifications .notification-title")).to_have_text(list(titles))
    await expect(page.locator("#bell-list .bell-entry-title")).to_have_text(list(titles))


@pytest.fixture
def a_site(site):
    return site(processes=2)


async def test_each_sees_what_is_theirs_until_they_sign_out(a_site, pages):
    pages.faults.allow("403")
    pages.faults.allow("ERR_INCOMPLETE_CHUNKED_ENCODING")
    here, elsewhere = a_site.urls
    reader = await pages.open(here + "/demos/sse/")
    await sign_in(reader, READER)
    # Tabs of the same browser, one of them served by another process.
    others = [await reader.context.new_page() for _ in range(2)]
    await others[0].goto(here + "/demos/fetch-stream/")
    await others[1].goto(elsewhere + "/demos/websocket/")
    member = await pages.open(elsewhere + "/demos/sse/")
    await sign_in(member, MEMBER)
    for page in (reader, *others, member):
        await is_live(page)

    await asyncio.to_thread(editor.post, a_site, "For the reader", audience="people", people=str(READER.user_id))
    await asyncio.to_thread(editor.post, a_site, "For the editors", audience="groups", groups=EDITORS)
    await asyncio.to_thread(editor.post, a_site, "For all")
    for page in (reader, *others):
        await shows(page, "For all", "For the reader")
    await shows(member, "For all", "For the editors")

    await reader.locator(".account-entry").click()
    await reader.get_by_role("button", name="Sign out").click()
    await expect(reader.locator("h1")).to_have_text("You are signed out")

    for page in others:
        for status in ("#connection", "#bell-state"):
            await expect(page.locator(status)).to_have_attribute("data-state", "refused")
        await expect(page.locator("#notifications .notification-title")).to_have_text(["For all"])
        await expect(page.locator("#bell-list .bell-entry-title")).to_have_count(0)
        # Not on the page, the panel of what went over the wire included, and not in the browser's storage.
        kept = "JSON.stringify([document.body.textContent, {...localStorage}, {...sessionStorage}])"
        assert "For the reader" not in await page.evaluate(kept)
    # Not by way of the back button either: from the page that signed out, past the account, to the notifications.
    await reader.go_back()
    await reader.go_back()
    await is_live(reader)
    await shows(reader, "For all")
    assert "For the reader" not in await reader.content()

    # Whoever did not sign out goes on.
    await asyncio.to_thread(editor.post, a_site, "For the editors too", audience="groups", groups=EDITORS)
    await shows(member, "For the editors too", "For all", "For the editors")
    await shows(reader, "For all")


async def test_another_password_signs_out_the_other_browser_and_not_this_one(a_site, pages):
    pages.faults.allow("403")
    pages.faults.allow("ERR_INCOMPLETE_CHUNKED_ENCODING")
    here, elsewhere = a_site.urls
    other_browser = await pages.open(elsewhere + "/demos/sse/", account=READER)
    await is_live(other_browser)
    page = await pages.open(here + "/account/password/")
    await expect(page.locator("h1")).to_have_text("Sign in")
    await page.locator("#id_username").fill(READER.username)
    await page.locator("#id_password").fill(READER.password)
    await page.keyboard.press("Enter")
    await page.locator("#id_old_password").fill(READER.password)
    await page.locator("#id_new_password1").fill("a new one of the tests")
    await page.locator("#id_new_password2").fill("a new one of the tests")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Your password is changed")
    await expect(other_browser.locator("#connection")).to_have_attribute("data-state", "refused")
    await page.goto(here + "/account/")
    await expect(page.locator("h1")).to_have_text("Your account")
