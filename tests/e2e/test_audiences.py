"""Two people and a group, in Chromium: each sees what is theirs, on every page; and a sign-out reaches every tab."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.rig import editor
from tests.rig.accounts import MEMBER, READER

EDITORS = "1"  # the only group of a site under test
# One page that shows the notifications itself, and two that have the bell alone.
PAGES = ["/demos/sse/", "/", "/demos/chat/"]


async def titles_in_the_bell(page: Page) -> list[str]:
    return await page.locator("#bell-list .bell-entry-title").all_text_contents()


@pytest.fixture
def a_site(site):
    return site()


async def test_each_sees_what_is_theirs_on_every_page(a_site, pages):
    tabs = {
        who: [await pages.open(a_site.url + path, account=account) for path in PAGES]
        for who, account in {"reader": READER, "member": MEMBER, "anonymous": None}.items()
    }
    for page in (page for each in tabs.values() for page in each):
        await expect(page.locator("#bell-state")).to_have_attribute("data-state", "live")

    await asyncio.to_thread(editor.post, a_site, "For the reader", audience="people", people=str(READER.user_id))
    await asyncio.to_thread(editor.post, a_site, "For the editors", audience="groups", groups=EDITORS)
    await asyncio.to_thread(editor.post, a_site, "For all")

    theirs = {
        "reader": ["For all", "For the reader"],
        "member": ["For all", "For the editors"],
        "anonymous": ["For all"],
    }
    for who, each in tabs.items():
        for page in each:
            await expect(page.locator("#bell-list .bell-entry-title", has_text="For all")).to_have_count(1)
            assert sorted(await titles_in_the_bell(page)) == theirs[who]
        shown = each[0].locator("#notifications .notification-title")
        await expect(shown).to_have_count(len(theirs[who]))
        assert sorted(await shown.all_text_contents()) == theirs[who]

    # The same after a reload, from what the server renders.
    for who, (page, *_) in tabs.items():
        await page.reload()
        await expect(page.locator("#notifications .notification-title")).to_have_count(len(theirs[who]))

    # Taken from the reader and given to the group.
    pk = await tabs["reader"][0].locator(".notification", has_text="For the reader").get_attribute("data-id")
    assert pk is not None
    await asyncio.to_thread(editor.edit, a_site, pk, "For the group", audience="groups", groups=EDITORS)
    for page in tabs["member"]:
        await expect(page.locator("#bell-list .bell-entry-title", has_text="For the group")).to_have_count(1)
    for page in tabs["reader"]:
        await expect(page.locator("#bell-list .bell-entry-title", has_text="For the reader")).to_have_count(0)
    await expect(tabs["reader"][0].locator("#notifications .notification-title")).to_have_text(["For all"])


async def test_signing_out_in_one_tab_ends_the_streams_of_the_others(a_site, pages):
    pages.faults.allow("403")
    pages.faults.allow("ERR_INCOMPLETE_CHUNKED_ENCODING")
    admin = a_site.admin
    watching = await pages.open(a_site.url + "/demos/sse/", account=admin)
    other_session = await pages.open(a_site.url + "/demos/sse/", account=READER)
    connection = watching.locator("#connection")
    for page in (watching, other_session):
        await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    await asyncio.to_thread(editor.post, a_site, "For the admin", audience="people", people=str(admin.user_id))
    await expect(watching.locator("#bell-list .bell-entry-title")).to_have_text(["For the admin"])

    tab = await watching.context.new_page()
    await tab.goto(a_site.url + "/admin/")
    await tab.locator("#logout-form button").click()

    # It says why, and asks no further.
    await expect(connection).to_have_attribute("data-state", "refused")
    await expect(connection).to_contain_text("nobody is signed in")
    await expect(watching.locator("#bell-state")).to_have_attribute("data-state", "refused")
    # Nothing private stays in the browser.
    await expect(watching.locator("#bell-list .bell-entry-title")).to_have_count(0)
    asked = []
    watching.on("request", lambda request: asked.append(request.url))
    await asyncio.to_thread(a_site.post_notification, "For all")
    await expect(other_session.locator("#notifications .notification-title")).to_have_text(["For all"])
    assert [url for url in asked if "/feed/" in url] == []
    assert "For the admin" not in await watching.evaluate("JSON.stringify(localStorage)")
    await watching.reload()
    await expect(watching.locator("#notifications .notification-title")).to_have_text(["For all"])
    await expect(connection).to_have_attribute("data-state", "live")
