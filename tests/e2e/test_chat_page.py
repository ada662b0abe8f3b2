"""The chat page, as two people see it, and as one sees it who lost the server."""

import asyncio
import json
from typing import Any

from playwright.async_api import Page, WebSocketRoute, expect

from tests.conftest import StartSite
from tests.rig.chromium import Pages
from tests.rig.site import Site

ADDRESS = "/demos/chat/"


async def enter(pages: Pages, site: Site, name: str, **options: Any) -> Page:
    page = await pages.open(site.url + ADDRESS, **options)
    await page.locator("#connection[data-state=live]").wait_for()
    await page.get_by_label("Your name").fill(name)
    await page.keyboard.press("Tab")
    await expect(page.locator("#people li.is-mine")).to_have_text(name)
    return page


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Your line").fill(text)
    await page.keyboard.press("Enter")


async def test_two_people_see_each_other_type_and_talk(pages: Pages, live_site: Site) -> None:
    ada = await enter(pages, live_site, "Ada")
    ben = await enter(pages, live_site, "本")
    await expect(ada.locator("#people")).to_contain_text("本")
    await expect(ben.locator("#people")).to_contain_text("Ada")

    await ada.get_by_label("Your line").press_sequentially("Hel")
    await expect(ben.locator("#typing")).to_have_text("Ada is typing …")
    await say(ada, "Hello <b>there</b>")
    line = ben.locator(".line", has_text="Hello <b>there</b>")
    await expect(line.locator(".line-by")).to_have_text("Ada")
    await expect(ben.locator("#typing")).to_have_text("")
    await expect(ben.locator("#chat-log b")).to_have_count(0)
    mine = ada.locator(".line.is-mine", has_text="Hello <b>there</b>")
    await expect(mine.locator(".line-by")).to_have_text("You")
    await expect(mine).to_have_count(1)
    await expect(ada.get_by_label("Your line")).to_have_value("")

    await ben.context.close()
    await expect(ada.locator("#people")).not_to_contain_text("本")
    await expect(ada.locator("#chat-log")).to_contain_text("本 left")


async def test_newcomer_sees_what_was_said_before(pages: Pages, live_site: Site) -> None:
    ada = await enter(pages, live_site, "Ada")
    await say(ada, "Said before you came")
    await expect(ada.locator(".line", has_text="Said before you came")).to_have_count(1)
    newcomer = await enter(pages, live_site, "Cleo")
    await expect(newcomer.locator(".line", has_text="Said before you came").first).to_be_visible()


async def test_log_follows_the_newest_line_unless_one_reads_further_up(pages: Pages, live_site: Site) -> None:
    ada = await enter(pages, live_site, "Ada")
    ben = await enter(pages, live_site, "Ben")
    await ben.get_by_label("Your line").focus()
    for number in range(15):
        await say(ada, f"Line {number}\u2003" + "and some more of it " * 12)
        await expect(ada.locator(".line", has_text=f"Line {number}\u2003").last).to_be_visible()
    await expect(ben.locator(".line", has_text="Line 14\u2003").last).to_be_in_viewport()
    await ben.locator("#chat-log").evaluate("(log) => log.scrollTo(0, 0)")
    await say(ada, "The newest of all")
    newest = ben.locator(".line", has_text="The newest of all").last
    await expect(newest).to_be_attached()
    await expect(ben.get_by_role("button", name="To the newest")).to_be_visible()
    await expect(newest).not_to_be_in_viewport()
    await ben.get_by_role("button", name="To the newest").click()
    await expect(newest).to_be_in_viewport()


async def test_too_long_a_line_is_not_sent_and_kept(pages: Pages, live_site: Site) -> None:
    ada = await enter(pages, live_site, "Ada")
    await say(ada, "x" * 2_001)
    await expect(ada.locator("#notice")).to_have_text("That is 2001 characters long; 2000 fit into one line.")
    await expect(ada.get_by_label("Your line")).to_have_value("x" * 2_001)


async def test_without_a_server_nothing_is_sent_the_text_is_kept_and_the_attempts_are_counted(
    pages: Pages, site: StartSite
) -> None:
    pages.faults.allow("WebSocket connection to|/feed/")  # the chat's, and the bell's doors
    own = site()
    ada = await enter(pages, own, "Ada")
    own.processes[0].kill()
    await expect(ada.locator("#chat-log")).to_contain_text("Attempt 1/10 in 3 s.")
    await say(ada, "Is anybody there?")
    await expect(ada.locator("#notice")).to_have_text("Not connected: nothing was sent, your text is kept.")
    await expect(ada.get_by_label("Your line")).to_have_value("Is anybody there?")
    await expect(ada.locator("#chat-log")).to_contain_text("Attempt 2/10 in 6 s.", timeout=30_000)

    # It comes back by itself, with the next attempt that finds the server.
    own.start()
    await expect(ada.locator("#connection")).to_have_attribute("data-state", "live", timeout=90_000)
    await expect(ada.locator("#chat-log .aside").last).to_have_text("Connected. The attempt counter is back to 0.")
    await ada.get_by_role("button", name="Send").click()
    await expect(ada.locator(".line.is-mine", has_text="Is anybody there?")).to_have_count(1)

    own.processes[0].kill()
    await expect(ada.locator("#chat-log .aside").last).to_contain_text("Attempt 1/10 in 3 s.")


async def test_after_the_tenth_attempt_the_page_gives_up_and_says_so(pages: Pages, live_site: Site) -> None:
    # The page's own clock runs ahead: ten attempts take minutes. On that clock the bell would find its server silent.
    pages.faults.allow("WebSocket connection to")
    page = await pages.open("about:blank")
    await page.clock.install()
    await page.route("**/bell/bell.*.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    refused = 0

    async def refuse(socket: WebSocketRoute) -> None:
        nonlocal refused
        refused += 1
        await socket.close(code=1011)

    await page.route_web_socket("**/ws/chat/**", refuse)
    await page.goto(live_site.url + ADDRESS)
    for attempt in range(1, 11):
        await expect(page.locator("#chat-log")).to_contain_text(f"Attempt {attempt}/10 in")
        await page.clock.run_for(80_000)
    await expect(page.locator("#connection .connection-words")).to_have_text("Gave up after 10 attempts")
    await expect(page.locator("#chat-log .aside").last).to_contain_text("Gave up after 10 attempts.")
    assert refused == 11


async def test_line_whose_confirmation_was_lost_is_sent_again_and_appears_once(pages: Pages, live_site: Site) -> None:
    pages.faults.allow("WebSocket connection to")
    page = await pages.open("about:blank")
    cuts: list[asyncio.Task[None]] = []

    async def lose_the_first_confirmation(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_page(message: str | bytes) -> None:
            about_the_line = "Sent twice" in str(message) or json.loads(message).get("chat") == "sent"
            if not about_the_line or (cuts and cuts[0].done()):
                socket.send(message)
            elif not cuts:
                cuts.append(asyncio.create_task(socket.close(code=1011)))

        server.on_message(to_page)

    await page.route_web_socket("**/ws/chat/**", lose_the_first_confirmation)
    await page.goto(live_site.url + ADDRESS)
    await page.locator("#connection[data-state=live]").wait_for()
    await say(page, "Sent twice")
    await expect(page.locator("#notice")).to_contain_text("It is sent again")
    await page.get_by_role("button", name="Connect now").click()
    await expect(page.locator(".line.is-mine", has_text="Sent twice")).to_have_count(1)
    await say(page, "Sent once")
    await expect(page.locator(".line.is-mine", has_text="Sent once")).to_have_count(1)
    await expect(page.locator(".line", has_text="Sent twice")).to_have_count(1)
