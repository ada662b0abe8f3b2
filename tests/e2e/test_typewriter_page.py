"""The typewriter page: an answer that types itself, both ways, until it ends or is stopped."""

import pytest
from playwright.async_api import Page, expect

from tests.conftest import StartSite
from tests.rig.chromium import Pages
from tests.rig.site import Site

WAYS = pytest.mark.parametrize("way", ["by fetch stream", "by SSE"])


async def open_typewriter(pages: Pages, site: Site, way: str, locale: str = "en-US") -> Page:
    page = await pages.open(site.url + "/demos/typewriter/", locale=locale)
    await page.get_by_role("radio", name=way).check()
    return page


@WAYS
async def test_answer_is_typed_and_names_its_source(pages: Pages, live_site: Site, way: str) -> None:
    page = await open_typewriter(pages, live_site, way)
    await page.get_by_label("Your question").fill("Why does SSE stop at six tabs?")
    await page.keyboard.press("Enter")
    await expect(page.locator("#paper")).to_have_attribute("aria-busy", "true")
    await expect(page.locator("#status")).to_contain_text("Done:", timeout=60_000)
    await expect(page.locator("#paper")).to_have_attribute("aria-busy", "false")
    await expect(page.locator("#asked")).to_have_text("Why does SSE stop at six tabs?")
    await expect(page.locator("#answer")).to_contain_text("six connections")
    source = page.locator("#sources a").first
    await expect(source).to_have_attribute("href", f"{live_site.url}/guide/#six-connections")
    await expect(page.locator("#stop-button")).to_be_disabled()


@WAYS
@pytest.mark.parametrize("how", ["button", "Escape"])
async def test_stop_ends_the_answer_at_once(pages: Pages, live_site: Site, way: str, how: str) -> None:
    page = await open_typewriter(pages, live_site, way)
    await page.get_by_role("button", name="SSE or WebSocket?").click()
    await expect(page.locator("#status")).to_have_text("Answering …")
    if how == "button":
        await page.get_by_role("button", name="Stop").click()
    else:
        await page.keyboard.press("Escape")
    await expect(page.locator("#status")).to_contain_text("Stopped after")
    stopped_at = await page.locator("#answer").inner_text()
    await expect(page.locator("#paper")).to_have_attribute("aria-busy", "false")
    # While another answer is typed out in full, this one grows no more.
    await page.evaluate("fetch('/assistant/answer?q=SSE').then((response) => response.text())")
    assert await page.locator("#answer").inner_text() == stopped_at


@WAYS
async def test_chinese_question_is_answered_in_chinese(pages: Pages, live_site: Site, way: str) -> None:
    chinese_way = {"by fetch stream": "走 Fetch 流", "by SSE": "走 SSE"}[way]
    page = await open_typewriter(pages, live_site, chinese_way, locale="zh-CN")
    await page.get_by_role("button", name="怎样重连才不会漏掉消息？").click()
    await expect(page.locator("#status")).to_contain_text("答完了", timeout=60_000)
    await expect(page.locator("#answer")).to_contain_text("游标")


async def test_shift_and_enter_begin_a_new_line(pages: Pages, live_site: Site) -> None:
    page = await open_typewriter(pages, live_site, "by SSE")
    question = page.get_by_label("Your question")
    await question.fill("one")
    await question.press("Shift+Enter")
    await question.press_sequentially("two")
    await expect(question).to_have_value("one\ntwo")
    await expect(page.locator("#paper")).to_be_hidden()


async def test_nothing_asked_is_said_so(pages: Pages, live_site: Site) -> None:
    page = await open_typewriter(pages, live_site, "by SSE")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.locator("#status")).to_have_text("Ask something first.")
    await expect(page.get_by_label("Your question")).to_be_focused()


async def test_question_too_long_for_an_address_goes_by_fetch(pages: Pages, live_site: Site) -> None:
    page = await open_typewriter(pages, live_site, "by SSE")
    await page.get_by_label("Your question").fill("为什么" * 600)
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.locator("#status")).to_contain_text("too long for an address")
    await page.get_by_role("radio", name="by fetch stream").check()
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.locator("#status")).to_contain_text("Done:", timeout=60_000)


@WAYS
async def test_server_that_is_away_is_named_as_the_reason(pages: Pages, site: StartSite, way: str) -> None:
    pages.faults.allow("console error: Failed to load resource|/feed/ws")  # and the bell's socket
    own = site()
    page = await open_typewriter(pages, own, way)
    own.processes[0].kill()
    await page.get_by_role("button", name="SSE or WebSocket?").click()
    await expect(page.locator("#status")).to_have_text("No answer: the server can't be reached")
