"""The editors' desk as an editor has it before them."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

ADD = "/admin/notifications/notification/add/"
EDITOR_JS = Path("apps/notifications/static/notifications/editor.js")


@pytest.fixture
def open_desk(pages, live_site):
    """Open a page of the admin, signed in."""

    async def open_page(path: str = ADD, **options):
        return await pages.open(live_site.url + path, account=live_site.admin, **options)

    return open_page


async def test_the_preview_follows_what_is_typed(open_desk):
    page = await open_desk()
    card = page.locator(".notification-card")
    await expect(card).to_contain_text("Info")
    await expect(card.locator(".notification-card-title")).to_have_text("Title")

    await page.fill("#id_title", "Lights out at eight")
    await page.fill("#id_message", "First line\nSecond line")
    await page.check("#id_level input[value=critical]")
    await page.fill("#id_link", "/guide/")

    await expect(card).to_have_attribute("data-level", "critical")
    await expect(card.locator(".notification-card-level")).to_have_text("Critical")
    await expect(card.locator(".notification-card-title")).to_have_text("Lights out at eight")
    assert await card.locator(".notification-card-message").inner_text() == "First line\nSecond line"
    await expect(card.locator(".notification-card-link")).to_contain_text("/guide/")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "//evil.example", "/\\evil.example", "data:text/html,x", "guide"]
)
async def test_the_preview_offers_no_link_that_could_not_be_posted(open_desk, link):
    page = await open_desk()
    await page.fill("#id_link", "https://example.org/")
    await expect(page.locator(".notification-card-link")).to_be_visible()

    await page.fill("#id_link", link)

    await expect(page.locator(".notification-card-link")).to_be_hidden()


async def test_markup_is_previewed_posted_and_listed_as_it_was_typed(open_desk, live_site):
    markup = '<img src="x" onerror="document.title = 1"><script>document.title = 2</script>'
    page = await open_desk()
    await page.fill("#id_title", markup)
    await page.fill("#id_message", markup)
    await expect(page.locator(".notification-card-title")).to_have_text(markup)
    await expect(page.locator(".notification-card-message")).to_have_text(markup)

    await page.click("[name=_save]")

    await expect(page.locator(".messagelist")).to_contain_text(markup)
    await expect(page.locator("#result_list .field-title").first).to_have_text(markup)
    assert "notification" in (await page.title())
    assert await page.locator("#result_list img[src=x]").count() == 0


def test_the_preview_is_made_of_text_only():
    assert re.findall("innerHTML|outerHTML|insertAdjacentHTML|document.write|eval", EDITOR_JS.read_text()) == []


async def test_characters_are_counted_as_the_server_counts_them(open_desk):
    page = await open_desk()
    await page.fill("#id_message", "😀" * 2_999 + "\n😀")
    count = page.locator("#id_message_count")
    await expect(count).to_have_text("3001 of 3000 characters: 1 too many")

    await page.fill("#id_title", "Closed")
    await page.click("[name=_save]")
    await expect(page.locator(".field-message .errorlist")).to_contain_text("(it has 3001)")

    await page.fill("#id_message", "😀" * 2_998 + "\n😀")
    await expect(count).to_have_text("3000 of 3000 characters")
    await page.click("[name=_save]")
    await expect(page.locator(".messagelist .success")).to_contain_text("Posted")


async def test_a_double_click_on_save_posts_once(open_desk, live_site):
    page = await open_desk()
    await page.fill("#id_title", "Clicked twice")
    await page.dblclick("[name=_save]")
    await expect(page.locator(".messagelist")).to_contain_text("Clicked twice")

    await page.goto(live_site.url + "/admin/notifications/notification/?q=Clicked+twice")
    await expect(page.locator("#result_list tbody tr")).to_have_count(1)


async def test_what_was_typed_and_its_preview_survive_a_step_back(open_desk, live_site):
    page = await open_desk()
    await page.fill("#id_title", "Half written")
    await page.goto(live_site.url + "/admin/")

    await page.go_back()

    await expect(page.locator("#id_title")).to_have_value("Half written")
    await expect(page.locator(".notification-card-title")).to_have_text("Half written")
    await expect(page.locator("#id_title_count")).to_have_text("12 of 200 characters")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_the_desk_fits_its_screen_in_chinese(open_desk, live_site, phone):
    live_site.post_notification("周五提前打烊", "之后的订单周一发出。" * 20)
    for path in (ADD, "/admin/notifications/notification/"):
        page = await open_desk(path, locale="zh-CN", phone=phone)
        await expect(page.locator("h1", has_text="通知")).to_be_visible()
        hidden = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert hidden == 0
    row = page.locator("#result_list tbody tr").first
    await expect(row.locator(".field-level_badge")).to_have_text("消息")
    await expect(row.locator(".field-posted_by_name")).to_have_text("程序")
