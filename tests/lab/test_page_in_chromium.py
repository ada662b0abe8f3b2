"""The lab in Chromium: no fault costs any lane an event, and the figures are the network's."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from apps.lab import limits
from apps.lab.page_texts import LAB_TEXTS
from apps.transports.registry import DOORS
from tests.rig.axe import serious_violations
from tests.rig.chromium import Pages
from tests.rig.site import Site

NAMES = [door.name for door in DOORS]
DOOR_OF_PATH = {f"/lab/line{door.path}": door.name for door in DOORS}


async def performed(page: Page) -> dict[str, Any]:
    """Wait until the run is over, and return what the page hands out as JSON."""
    await page.locator("#phase[data-phase=done]").wait_for(timeout=60_000)
    async with page.expect_download() as download:
        await page.locator("#save-json").click()
    path = await (await download.value).path()
    return json.loads(path.read_bytes())


async def small_targets(page: Page) -> list[str]:
    """Return what is narrower or lower than a finger needs, 24 px (WCAG 2.2, 2.5.8); links within sentences may be."""
    return await page.locator("main").evaluate(
        """(main) => [...main.querySelectorAll("a[href], button, summary, input, select")]
          .filter((one) => one.checkVisibility() && !one.closest("p"))
          .map((one) => ({ one, box: one.getBoundingClientRect() }))
          .filter(({ box }) => Math.min(box.width, box.height) < 24)
          .map(({ one, box }) => `${one.localName} ${one.textContent.trim()}: ${box.width} by ${box.height}`)"""
    )


@pytest.mark.parametrize("fault", ["cut@1", "buffer@1-3", "slow@1-3", "sleep@1-3", "restart@1"])
async def test_no_lane_loses_an_event_to_a_fault(pages: Pages, live_site: Site, fault: str) -> None:
    pages.faults.allow("console error: Failed to load resource|^502 ")  # what a cut looks like
    page = await pages.open(f"{live_site.url}/lab/?rate=20&seconds=3&poll=500&faults={fault}", used_profile=True)
    run = await performed(page)
    for name in NAMES:
        assert [seq for seq, *_ in run["events"][name]] == list(range(1, 61)), name
    assert {(lane["events"], lane["missing"], lane["outOfOrder"]) for lane in run["figures"]} == {(60, 0, 0)}
    await expect(page.locator("#sentences li").first).to_contain_text("All five brought 60 events")
    await expect(page.locator("#sentences")).to_contain_text("longest waits")
    assert [known["name"] for known in run["faults"]] == [fault.split("@")[0]]


async def test_figures_agree_with_the_browsers_network_log_and_the_servers_account(
    pages: Pages, live_site: Site
) -> None:
    page = await pages.open(f"{live_site.url}/guide/")
    log = await NetworkLog.of(page)
    await page.goto(f"{live_site.url}/lab/?rate=20&seconds=3&poll=500")
    run = await performed(page)
    for lane in run["figures"]:
        name, account = lane["name"], run["server"]["doors"][lane["name"]]
        assert lane["requests"] == log.requests[name] == account["requests"], name
        assert lane["downBytes"] == account["down_bytes"]
        assert lane["downBytes"] == pytest.approx(log.down_bytes[name], rel=0.05), name
        assert lane["upBytes"] == pytest.approx(log.up_bytes[name], rel=0.05), name


async def test_what_was_measured_can_be_read_without_the_pictures(pages: Pages, live_site: Site) -> None:
    page = await pages.open(f"{live_site.url}/lab/?kind=burst&poll=500", locale="zh-CN", phone=True, dark=True)
    await performed(page)
    assert await serious_violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert await small_targets(page) == []
    events = page.locator("#measured [data-row=events] td")
    await expect(events).to_have_text(["100"] * 5)
    rows = page.locator("#latency-table tbody tr")
    sums = await rows.evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].slice(1).reduce((sum, cell) => sum + Number(cell.textContent), 0))"
    )
    assert sums == [100] * 5
    await expect(page.locator("#latency canvas")).to_have_count(5)
    await expect(page.locator("#weight canvas")).to_have_count(5)
    for name in NAMES:
        label = await page.locator(f"#lane-{name} canvas").get_attribute("aria-label")
        assert label
        assert "100" in label


async def test_the_link_runs_the_same_again_and_an_odd_one_says_what_it_changed(pages: Pages, live_site: Site) -> None:
    page = await pages.open(f"{live_site.url}/lab/?kind=one&poll=500&rate=900", used_profile=True)
    await expect(page.locator("#notice")).to_contain_text("rate=900")
    await performed(page)
    link = await page.locator("#link").get_attribute("href")
    assert link == "?kind=one&size=300&poll=500"
    await page.goto(f"{live_site.url}/lab/{link}")
    await performed(page)
    await expect(page.locator("#notice")).to_be_hidden()
    await expect(page.locator("#sentences li").first).to_have_text("All five brought the event, once.")


@pytest.mark.parametrize("has_locks", [True, False])
async def test_a_second_tab_says_that_the_lab_is_open_and_can_take_it_over(
    pages: Pages, live_site: Site, has_locks: bool
) -> None:
    first = await pages.open("about:blank")
    if not has_locks:  # as on a page without HTTPS
        await first.context.add_init_script("delete Navigator.prototype.locks")
    await first.goto(f"{live_site.url}/lab/")
    await first.locator("#phase[data-phase=resting]").wait_for()
    second = await first.context.new_page()
    await second.goto(f"{live_site.url}/lab/")
    await expect(second.locator("#elsewhere")).to_contain_text("six connections")
    await second.locator("#take-over").click()
    await second.locator("#phase[data-phase=resting]").wait_for()
    await expect(first.locator("#elsewhere")).to_be_visible()
    await expect(first.locator("#phase")).to_have_attribute("data-phase", "elsewhere")


async def test_numbers_out_of_bounds_start_nothing(pages: Pages, live_site: Site) -> None:
    page = await pages.open(f"{live_site.url}/lab/", used_profile=True)
    await page.locator("#phase[data-phase=resting]").wait_for()
    await page.locator("#size").fill("5000")
    for button in ("#start", "#one", "#burst", ".fault >> nth=0"):
        await page.locator(button).click()
        assert await page.evaluate("() => document.activeElement.id") == "size"
    await expect(page.locator("#phase")).to_have_attribute("data-phase", "resting")
    await page.locator("#size").fill("200")
    await page.locator("#one").click()
    await page.locator("#phase[data-phase=done]").wait_for(timeout=60_000)


async def test_a_refusal_is_told_in_the_pages_language(pages: Pages, live_site: Site) -> None:
    pages.faults.allow("429")
    page = await pages.open("about:blank", locale="zh-CN")
    error = {"code": "lab_full", "message": "the lab is full", "hint": "try again in 7 s"}
    await page.route(
        "**/lab/runs", lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}, json={"error": error})
    )
    await page.goto(f"{live_site.url}/lab/")
    await expect(page.locator("#notice")).to_have_text("实验室请您稍等：实验室已满；请在 7 秒后再试。")


def test_every_limit_has_words_in_both_languages() -> None:
    codes = set(re.findall(r'_too_much\("(\w+)"', Path(limits.__file__).read_text()))
    assert "lab_full" in codes
    assert codes <= LAB_TEXTS.keys()


class NetworkLog:
    """What Chromium's network stack says about the lanes: requests and bytes by door, heads and framing included."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.up_bytes: Counter[str] = Counter()
        self.down_bytes: Counter[str] = Counter()
        self._door: dict[str, str] = {}
        self._early: Counter[tuple[str, str]] = Counter()

    @classmethod
    async def of(cls, page: Page) -> "NetworkLog":
        log = cls()
        session = await page.context.new_cdp_session(page)
        for name, handler in {
            "requestWillBeSent": log._request,
            "requestWillBeSentExtraInfo": log._request_head,
            "responseReceivedExtraInfo": log._answer_head,
            "dataReceived": log._data,
            "webSocketCreated": log._socket,
            "webSocketWillSendHandshakeRequest": log._socket_request_head,
            "webSocketHandshakeResponseReceived": log._socket_answer_head,
            "webSocketFrameReceived": log._socket_frame,
        }.items():
            session.on(f"Network.{name}", handler)
        await session.send("Network.enable")
        return log

    def _request(self, event: dict[str, Any]) -> None:
        address = event["request"]["url"]
        self._see(event["requestId"], address)

    def _see(self, request: str, address: str) -> None:
        parts = urlsplit(address)
        if door := DOOR_OF_PATH.get(parts.path):
            self._door[request] = door
            self.requests[door] += 1
            self.up_bytes[door] += len(f"GET {parts.path}?{parts.query} HTTP/1.1\r\n\r\n")
            # What was told before the request itself.
            self.up_bytes[door] += self._early.pop((request, "up"), 0)
            self.down_bytes[door] += self._early.pop((request, "down"), 0)

    def _add(self, request: str, way: str, size_bytes: int) -> None:
        if request in self._door:
            (self.up_bytes if way == "up" else self.down_bytes)[self._door[request]] += size_bytes
        else:
            self._early[request, way] += size_bytes

    def _request_head(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], "up", _headers_bytes(event["headers"]))

    def _answer_head(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], "down", len(event["headersText"]))

    def _data(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], "down", event["encodedDataLength"])

    def _socket(self, event: dict[str, Any]) -> None:
        self._see(event["requestId"], event["url"])

    def _socket_request_head(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], "up", _headers_bytes(event["request"]["headers"]))

    def _socket_answer_head(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], "down", len(event["response"]["headersText"]))

    def _socket_frame(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], "down", len(event["response"]["payloadData"]) + 4)


def _headers_bytes(headers: dict[str, str]) -> int:
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.items())
