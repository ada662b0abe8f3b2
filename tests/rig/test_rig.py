"""The rig itself: what it promises, and that it notices what it is there to notice."""

import http.client
import socket
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Browser

from tests.conftest import StartSite
from tests.rig.axe import serious_violations
from tests.rig.chromium import Pages
from tests.rig.daphne import Daphne
from tests.rig.ports import free_port
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import Site
from tests.rig.tab import DevToolsError, Tab
from tests.rig.valkey import Valkey
from tests.rig.waiting import await_until


def test_postgresql_forgets_nothing_committed_when_it_crashes(postgresql: PostgreSQL) -> None:
    url = postgresql.create_database("crash")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT '事件' AS word")
    postgresql.kill()
    postgresql.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("事件",)]


def test_valkey_comes_back_on_the_same_address(valkey: Valkey) -> None:
    address = valkey.url
    valkey.kill()
    assert not valkey.is_ready()
    valkey.start()
    assert valkey.is_ready()
    assert valkey.url == address


def test_server_that_ends_before_it_answers_is_an_error_with_its_log(tmp_path: Path) -> None:
    daphne = Daphne(tmp_path, {"FEED_HEARTBEAT_S": "nonsense"})
    with pytest.raises(RuntimeError, match="ended with status 1 before it answered") as caught:
        daphne.start()
    assert "Traceback" in str(caught.value)


def test_processes_of_a_site_share_sessions(site: StartSite) -> None:
    two = site(processes=2, database="postgresql", redis=True)
    for process in (0, 1):
        with two.client(two.admin, process=process) as client:
            assert client.get("/admin/").status_code == 200
        with two.client(process=process) as client:
            assert client.get("/admin/").status_code == http.client.FOUND


def test_command_that_fails_is_an_error_with_its_output(live_site: Site) -> None:
    with pytest.raises(RuntimeError, match="Unknown command: 'nonsense'"):
        live_site.manage("nonsense")


async def test_page_that_logs_an_error_or_misses_a_file_is_noticed(browser: Browser, live_site: Site) -> None:
    pages = Pages(browser)
    page = await pages.open(f"{live_site.url}/admin/login/")
    await page.evaluate("console.error('planted')")
    await page.evaluate("fetch('/planted-missing-file')")
    await page.evaluate("setTimeout(() => { throw new Error('planted exception') })")
    # Asked from outside: a page that waits by itself evaluates text again and again, which the site's policy forbids.
    missed = "performance.getEntriesByName(location.origin + '/planted-missing-file').length"
    await await_until(lambda: page.evaluate(missed), "the request for the missing file")
    await pages.close()
    planted = [fault for fault in pages.faults.unexpected() if "planted" in fault]
    assert any(fault.startswith("console error: planted") for fault in planted)
    assert any(fault.startswith("404 GET") for fault in planted)
    assert any(fault.startswith("uncaught: planted exception") for fault in planted)
    pages.faults.allow("planted")
    assert not [fault for fault in pages.faults.unexpected() if "planted" in fault]


async def test_picture_without_words_and_pale_text_are_serious_violations(pages: Pages) -> None:
    page = await pages.open("about:blank")
    await page.set_content("<html lang=en><title>t</title><main><h1>t</h1><p>fine</p></main>")
    assert await serious_violations(page) == []
    await page.set_content(
        "<html lang=en><title>t</title><main><h1>t</h1><img src='data:,'><p style='color: #ddd'>pale</p></main>"
    )
    found = "\n".join(await serious_violations(page))
    assert "image-alt (critical)" in found
    assert "color-contrast (serious)" in found


async def test_tab_may_be_asked_as_soon_as_it_is_open(browser: Browser, live_site: Site) -> None:
    address = f"{live_site.url}/static/transports/registry.js"
    async with Tab(browser, address) as tab:
        assert await tab.evaluate("[location.href, document.readyState]") == [address, "complete"]
        with pytest.raises(RuntimeError, match="planted"):
            await tab.evaluate("() => { throw new Error('planted') }")


async def test_tab_says_what_the_browser_refused(browser: Browser, live_site: Site) -> None:
    async with Tab(browser, f"{live_site.url}/static/transports/registry.js") as tab:
        leaving = "() => { location.href = '/static/transports/sse.js'; return new Promise(() => {}); }"
        with pytest.raises(DevToolsError, match=r"^Runtime\.evaluate: .*navigated"):
            await tab.evaluate(leaving)
    nobody_there = f"http://127.0.0.1:{free_port()}/"
    with pytest.raises(DevToolsError, match=r"^Page\.navigate to .*: net::ERR_CONNECTION_REFUSED"):
        async with Tab(browser, nobody_there):
            pass


def test_free_port_lets_a_server_in_and_nobody_who_looks_for_one() -> None:
    port = free_port()
    with socket.socket() as another, pytest.raises(OSError, match="in use"):
        another.bind(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    for _ in ("started", "and again"):
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            pass
