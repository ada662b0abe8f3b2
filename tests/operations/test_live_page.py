"""The Live page: for staff, every process, refreshed by itself, in both languages."""

import contextlib
import json

import httpx
import pytest

from tests.rig.axe import serious_violations
from tests.rig.chromium import Pages
from tests.rig.site import Site
from tests.rig.waiting import await_until, wait_until


@pytest.fixture
def frames():
    """Open the stream of figures as a client and return an iterator of what it tells."""
    with contextlib.ExitStack() as open_streams:

        def figures_seen_by(client: httpx.Client):
            stream = open_streams.enter_context(client.stream("GET", "/admin/live/stream"))
            assert stream.status_code == 200
            lines = (line for line in stream.iter_lines() if line)
            return (json.loads(line.removeprefix("data: "))["processes"] for line in lines)

        yield figures_seen_by


def test_only_staff_gets_the_figures(live_site: Site):
    with live_site.client() as anybody, live_site.client(live_site.reader) as reader:
        for client in (anybody, reader):
            response = client.get("/admin/live/stream")
            assert response.status_code == 403
            assert response.json()["error"]["hint"]


def test_whoever_is_not_signed_in_is_asked_to(live_site: Site):
    with live_site.client() as anybody:
        response = anybody.get("/admin/live/")
        assert (response.status_code, response.headers["location"]) == (302, "/admin/login/?next=/admin/live/")


def test_the_page_is_listed_in_the_admin(live_site: Site):
    with live_site.client(live_site.admin) as admin:
        assert 'href="/admin/live/"' in admin.get("/admin/").text


def test_the_figures_are_those_of_the_process(live_site: Site, frames):
    with (
        live_site.client(live_site.admin) as admin,
        live_site.client() as reader,
        reader.stream("GET", "/feed/sse?topic=notifications") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "event: ready"
        seen = frames(admin)
        next(seen)
        (figures,) = next(seen)
        assert figures["process"].endswith(f":{live_site.processes[0].pid}")
        assert figures["connections"]["sse"] == 1
        assert figures["connections"]["live"] >= 1
        assert figures["memory_bytes"] > 1e7
        assert figures["layer_well"] is True


def test_every_process_answers_whichever_is_asked(site, frames):
    here: Site = site(processes=2, redis=True)
    for number in range(2):
        with here.client(process=number) as probe:
            probe.get("/readyz")
    with here.client(here.admin, process=1) as admin:
        seen = frames(admin)
        pids: set[str] = set()
        wait_until(
            lambda: pids.update(figures["process"].split(":")[1] for figures in next(seen)) or len(pids) == 2,
            "both processes to answer",
        )
    assert pids == {str(process.pid) for process in here.processes}


def test_a_process_that_died_falls_silent(site, frames):
    here: Site = site(processes=2, redis=True)
    with here.client(process=1) as probe:
        probe.get("/readyz")
    with here.client(here.admin) as admin:
        seen = frames(admin)

        def silence_s() -> float:
            return max(figures["silent_s"] for figures in next(seen))

        wait_until(lambda: len(next(seen)) == 2, "both processes to answer")
        here.processes[1].kill()
        wait_until(lambda: silence_s() > 4, "the dead process to be silent")


@pytest.mark.parametrize(("locale", "phone"), [("en-US", False), ("zh-CN", True)])
async def test_the_page_shows_the_figures_and_goes_on_by_itself(pages: Pages, live_site: Site, locale, phone):
    page = await pages.open(f"{live_site.url}/admin/live/", account=live_site.admin, locale=locale, phone=phone)
    await page.wait_for_selector('#live-state[data-state="live"]')
    card = page.locator(".live-process")
    assert await card.count() == 1
    assert str(live_site.processes[0].pid) in await card.locator(".live-name").inner_text()
    share = '[data-figure="processor_share"]'
    await await_until(lambda: _says_otherwise(page, share, "–"), "the processor's share to be known")
    heading = await page.locator("#content h1").inner_text()
    assert heading == ("实时状态" if locale == "zh-CN" else "Live")
    too_wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not too_wide
    # The way back in the head of every page is Django's own, and has links told apart by their colour only.
    found = [fault for fault in await serious_violations(page) if not fault.startswith("link-in-text-block")]
    assert found == []


async def test_a_page_whose_server_restarts_says_so_and_comes_back(pages: Pages, site):
    here: Site = site()
    page = await pages.open(f"{here.url}/admin/live/", account=here.admin)
    await page.wait_for_selector('#live-state[data-state="live"]')
    pages.faults.allow("ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY")
    here.processes[0].kill()
    await page.wait_for_selector('#live-state:is([data-state="lost"], [data-state="refused"])')
    here.processes[0].start()
    await page.wait_for_selector('#live-state[data-state="live"]')
    assert str(here.processes[0].pid) in await page.locator(".live-process").last.inner_text()


async def _says_otherwise(page, selector: str, text: str) -> bool:
    return await page.locator(selector).first.inner_text() != text
