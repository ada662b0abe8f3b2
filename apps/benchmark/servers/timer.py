"""Publishes at a given rate inside a server, on `POST /publish`: what the servers under measurement share.

The order is a JSON object: `first`, the number of the first event; `events`, how many; `rate_per_s`; `size_bytes`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]
PATH = "/publish"
_running: set[asyncio.Task[None]] = set()


def with_timer(application: Application, publish: Callable[[int, int, int], Awaitable[None]]) -> Application:
    """Return `application` with the timer in front of it.

    Args:
        publish: called for each event with its number, when it was meant to be published (nanoseconds of the monotonic
            clock) and its size in bytes.
    """

    async def serve(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        task = asyncio.create_task(_tick(publish, **json.loads(body)))
        _running.add(task)
        task.add_done_callback(_running.discard)

    return serve


async def _tick(
    publish: Callable[[int, int, int], Awaitable[None]], first: int, events: int, rate_per_s: float, size_bytes: int
) -> None:
    began_ns = time.monotonic_ns() + 10_000_000
    for number in range(events):
        due_ns = began_ns + round(number * 1e9 / rate_per_s)
        if (ahead_ns := due_ns - time.monotonic_ns()) > 0:
            await asyncio.sleep(ahead_ns / 1e9)
        await publish(first + number, due_ns, size_bytes)


def event_of(number: int, due_ns: int, size_bytes: int) -> dict[str, Any]:
    """Return the event that the driver looks for, `size_bytes` long once it is compact JSON."""
    event = {"n": number, "t": due_ns, "padding": ""}
    event["padding"] = "x" * max(0, size_bytes - len(json.dumps(event, separators=(",", ":"))))
    return event
