"""Client code as tutorials write it (tests/article/clients), in Node and in Chromium; host and port are ours."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.rig.site import Site
from tests.rig.waiting import await_until

CLIENTS = Path(__file__).parent / "clients"
RUN_IN_NODE = Path(__file__).parent / "run_in_node.mjs"

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Client:
    """A running client program and what it has logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def takes(self, text: str, url: str) -> None:
        # Chromium asks for an icon for the bare document.
        if not url.endswith("/favicon.ico"):
            self.lines.append(text)

    async def logs(self, expected: str, count: int = 1) -> None:
        """Wait until a line that contains `expected` was logged `count` times."""

        def is_there() -> bool:
            return sum(expected in line for line in self.lines) >= count

        try:
            await await_until(is_there, f"{expected!r}")
        except TimeoutError as error:
            raise AssertionError(f"{expected!r} was not logged {count} times, but {self.lines}") from error


@pytest_asyncio.fixture(loop_scope="session", params=["node", "chromium"])
async def start(request, node: str, browser: Browser):
    """Start a client program: `await start("websocket.js", site)`. All end with the test."""
    running = []

    async def in_node(program: str, site: Site) -> Client:
        client = Client()
        process = await asyncio.create_subprocess_exec(
            node,
            str(RUN_IN_NODE),
            str(CLIENTS / program),
            site.url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        reading = asyncio.create_task(read_lines(process.stdout, client))

        async def end() -> None:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading

        running.append(end)
        return client

    async def in_chromium(program: str, site: Site) -> Client:
        client = Client()
        context = await browser.new_context()
        running.append(context.close)
        page = await context.new_page()
        page.on("console", lambda message: client.takes(message.text, message.location["url"]))
        page.on("pageerror", lambda error: client.lines.append(f"uncaught: {error}"))
        # A document of the same origin whose policy lets a test put a program into it.
        await page.goto(f"{site.url}/static/transports/registry.js")
        source = (CLIENTS / program).read_text()
        await page.add_script_tag(content=source.replace("localhost:8000", httpx.URL(site.url).netloc.decode()))
        return client

    yield {"node": in_node, "chromium": in_chromium}[request.param]
    for end in running:
        await end()


async def read_lines(stream: asyncio.StreamReader, client: Client) -> None:
    async for line in stream:
        client.lines.append(line.decode().rstrip())


POST_TEN = """
from apps.notifications.models import Notification
from apps.notifications.publishing import post
for number in range(10):
    post(Notification(title=f"News {number}", message="as it happens"))
"""


async def test_short_polling_shows_the_status_again_and_again(start, live_site):
    client = await start("short_polling.js", live_site)
    await client.logs("Status: ok", count=2)
    assert not [line for line in client.lines if line != "Status: ok"]


async def test_long_polling_shows_each_notification_once_whether_it_came_during_a_call_or_between_two(start, live_site):
    client = await start("long_polling.js", live_site)
    # The first answer gives the browser its place; nothing is promised before.
    await await_until(lambda: counted(live_site, "long_poll"), "the long poll to be open")
    # Posted at once, most of them fall between two calls.
    await asyncio.to_thread(live_site.manage, "shell", "-c", POST_TEN)
    await client.logs("News 9: as it happens")
    assert [line for line in client.lines if "null" not in line] == [
        f"New data: News {number}: as it happens" for number in range(10)
    ]


async def test_server_sent_events_greet_every_two_seconds_and_end_after_ten(start, live_site):
    client = await start("server_sent_events.js", live_site)
    await client.logs("Server closed the stream: {}")
    greetings = [line for line in client.lines if re.fullmatch(r"Message: Hello World \S+Z", line)]
    assert len(greetings) == 5
    assert len(set(greetings)) == 5
    assert client.lines == [*greetings, "Server closed the stream: {}"]


async def test_a_websocket_is_welcomed_hears_itself_and_others(start, live_site):
    ana = await start("websocket.js", live_site)
    await ana.logs("Received: You said: Hello, server!")
    assert ana.lines == [
        "Connected",
        "Received: Welcome to the WebSocket server!",
        "Received: You said: Hello, server!",
    ]
    ben = await start("websocket.js", live_site)
    await ben.logs("Received: You said: Hello, server!")
    await ana.logs("Received: Other client said: Hello, server!")
    assert "Received: Other client said: Hello, server!" not in ben.lines


@pytest.mark.parametrize("start", ["node"], indirect=True)
async def test_a_websocket_that_reconnects_finds_the_server_again(start, site):
    own_site = await asyncio.to_thread(site)
    client = await start("websocket_reconnecting.js", own_site)
    await client.logs("Received: Welcome to the WebSocket server!")
    await asyncio.to_thread(own_site.processes[0].kill)
    await client.logs("Reconnecting, attempt 1/10")
    await asyncio.to_thread(own_site.processes[0].start)
    await client.logs("Received: Welcome to the WebSocket server!", count=2)


async def counted(site: Site, door: str) -> int:
    async with httpx.AsyncClient(base_url=site.url) as client:
        return (await client.get("/api/status")).json()["connections"][door]
