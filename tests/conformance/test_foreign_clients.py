"""Clients that nobody here wrote read the same notification, the same bytes."""

import asyncio
import contextlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.rig.site import Site
from tests.rig.waiting import await_until

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60

NPM_EVENT_SOURCE = """
import { EventSource } from "eventsource";
const source = new EventSource(process.argv[2] + "/feed/sse?topic=notifications");
source.addEventListener("ready", () => console.log("ready"));
source.onmessage = ({ data }) => { console.log(data); source.close(); };
"""

NPM_WS = """
import { WebSocket } from "ws";
const socket = new WebSocket(process.argv[2].replace("http", "ws") + "/feed/ws?topic=notifications");
socket.on("message", (data) => {
  const frame = JSON.parse(data);
  if (frame.control === "ready") return console.log("ready");
  console.log(String(data));
  socket.close();
});
"""

# The browser's own, with nothing of this project between.
CHROMIUM_EVENT_SOURCE = """
() => new Promise((resolve) => {
  const source = new EventSource("/feed/sse?topic=notifications");
  source.addEventListener("ready", () => { window.isReady = true; });
  window.notification = new Promise((arrived) => {
    source.onmessage = ({ data }) => { source.close(); arrived(data); };
  });
  resolve();
})
"""


class Program:
    """A client in a process of its own, which prints a line with `ready` in it, then the event."""

    def __init__(self, *words: str) -> None:
        self._words = words

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        await self._line_with("ready")

    async def event(self) -> str:
        line = await self._line_with('"notification.posted"')
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            self._process.kill()
        await self._process.wait()
        return line[line.index("{") :]

    async def _line_with(self, part: str) -> str:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        while line := (await self._process.stdout.readline()).decode():
            if part in line:
                return line.strip()
        raise AssertionError(f"{self._words[0]} ended: {(await self._process.stderr.read()).decode()}")


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_five_foreign_clients_read_the_same_notification(live_site: Site, node: str, pages: Any) -> None:
    programs = {
        "curl": Program("curl", "-sN", f"{live_site.url}/feed/sse?topic=notifications"),
        "npm eventsource": Program(node, "--input-type=module", "-e", NPM_EVENT_SOURCE, "-", live_site.url),
        "npm ws": Program(node, "--input-type=module", "-e", NPM_WS, "-", live_site.url),
    }
    async with (
        asyncio.timeout(PATIENCE_S),
        websockets.connect(f"{live_site.ws_url}/feed/ws?topic=notifications", proxy=None) as socket,
    ):
        assert json.loads(await socket.recv())["control"] == "ready"
        for program in programs.values():
            await program.start()
        page = await pages.open(live_site.url + "/guide/")
        await page.evaluate(CHROMIUM_EVENT_SOURCE)
        await await_until(lambda: page.evaluate("window.isReady"), "Chromium's EventSource is ready")

        await asyncio.to_thread(live_site.post_notification, "Read by all", "你好", level="success")

        read = {name: await program.event() for name, program in programs.items()}
        read["Python websockets"] = str(await socket.recv())
        read["Chromium EventSource"] = await page.evaluate("window.notification")
    assert len(set(read.values())) == 1, read
    assert json.loads(read["curl"])["data"]["title"] == "Read by all"
