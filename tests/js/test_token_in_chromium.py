"""A page of another origin, in a real browser: with a token it follows over every transport that can carry one."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import StartSite
from tests.rig.accounts import ADMIN, READER
from tests.rig.chromium import Pages

FOLLOW = """async ([baseUrl, token]) => {
  const { subscribe } = await import(`${baseUrl}/static/transports/client.js`);
  const names = ["websocket", "fetch_stream", "long_poll", "short_poll"];
  window.feeds = names.map((name) => {
    const feed = subscribe({ baseUrl, token, transports: [name], topics: ["group.editors"], intervalMs: 200 });
    feed.seen = [];
    feed.addEventListener("event", ({ detail }) => feed.seen.push(detail.data));
    return feed;
  });
}"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """Return the origin of another site, which has one empty page."""
    (tmp_path / "index.html").write_text("<!doctype html><title>elsewhere</title><link rel=icon href=data:,>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_a_page_of_another_origin_follows_with_a_token(pages: Pages, site: StartSite, elsewhere: str) -> None:
    running = site(env={"TOKEN_ORIGINS": elsewhere})
    token = running.manage("create_token", "member", "--topics", "group.editors").strip()
    # Somebody else is signed in at the site in this browser, and may not read it: cookies know no ports.
    page = await pages.open(elsewhere, account=READER)
    await page.evaluate(FOLLOW, [running.url, token])
    await page.wait_for_function("feeds.every(({ state }) => state === 'live')")
    with running.client(ADMIN) as client:
        client.post(
            "/api/topics/group.editors/events", json={"type": "test.said", "data": "for members"}
        ).raise_for_status()
    await page.wait_for_function("feeds.every(({ seen }) => seen.length === 1)")
    assert await page.evaluate("feeds.flatMap(({ seen }) => seen)") == ["for members"] * 4
    await page.evaluate("feeds.forEach((feed) => feed.close())")  # before the site ends


async def test_without_being_named_a_page_of_another_origin_has_the_websocket_alone(
    pages: Pages, site: StartSite, elsewhere: str
) -> None:
    pages.faults.allow("blocked by CORS policy|net::ERR_FAILED|40[05] OPTIONS")
    running = site(env={"TOKEN_ORIGINS": "https://another.example"})
    token = running.manage("create_token", "member", "--topics", "group.editors").strip()
    page = await pages.open(elsewhere)
    await page.evaluate(FOLLOW, [running.url, token])
    await page.wait_for_function(
        "feeds[0].state === 'live' && feeds.slice(1).every(({ state }) => state === 'waiting')"
    )
    await page.evaluate("feeds.forEach((feed) => feed.close())")
