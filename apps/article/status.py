"""`GET /api/status`: how the process that answers is doing. See ARTICLE.md#status."""

import asyncio
import os
import time
from typing import Any

import psutil
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, JsonResponse
from django.utils import timezone

from apps.events import feed
from apps.events.cursor import NOW
from apps.events.logged_event import wire_time
from apps.events.queries import LogUnavailable
from apps.transports.connections import open_counts
from apps.transports.http_door import POLL_HEADERS, http_door
from apps.transports.registry import DOORS

TOPIC = "notifications"
# A page that asks every five seconds would rather hear "degraded" than wait.
HEAD_TIMEOUT_S = 2.0


@http_door
async def status(request: ASGIRequest) -> HttpResponseBase:
    """Answer with the facts; `degraded` is still an answer, so its status is 200."""
    head = await _head()
    facts: dict[str, Any] = {
        "status": "degraded" if head is None else "ok",
        "timestamp": wire_time(timezone.now()),
        "process": _process(),
        # Short polls are over before they could be counted.
        "connections": {door.name: 0 for door in DOORS} | {"chat": 0} | open_counts(),
        "notifications": {"head": head},
    }
    return JsonResponse(facts, headers=POLL_HEADERS)


def _process() -> dict[str, Any]:
    process = psutil.Process()
    return {
        "pid": os.getpid(),
        "uptime_s": round(time.time() - process.create_time(), 1),
        "memory_bytes": process.memory_info().rss,
    }


async def _head() -> int | None:
    """Return the seq of the newest notification event; None while the log can't be read."""
    try:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            return (await feed.current().resolve([TOPIC], NOW)).positions[TOPIC]
    except (LogUnavailable, TimeoutError):
        return None
