"""GET /api/status: real facts about the process that answers."""

import os

import psutil
import pytest

from apps.article import status
from apps.events import feed, log
from apps.events.queries import LogUnavailable

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_facts_are_those_of_this_process(browser_like):
    await log.aappend("notifications", "notification.posted", {"title": "One"})
    await log.aappend("notifications", "notification.posted", {"title": "Two"})
    facts = (await browser_like.get("/api/status")).json()
    assert facts["status"] == "ok"
    assert facts["notifications"] == {"head": 2}
    assert facts["process"]["pid"] == os.getpid()
    assert facts["process"]["uptime_s"] > 0
    assert 0.5 < facts["process"]["memory_bytes"] / psutil.Process().memory_info().rss < 2
    assert facts["connections"] == dict.fromkeys(
        ("short_poll", "long_poll", "sse", "fetch_stream", "websocket", "chat"), 0
    )


async def test_without_the_database_the_answer_still_comes_and_says_so(browser_like, monkeypatch):
    async def away(*args):
        raise LogUnavailable("connection refused")

    monkeypatch.setattr(feed.current(), "resolve", away)
    response = await browser_like.get("/api/status")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["notifications"] == {"head": None}


async def test_a_database_that_does_not_answer_is_not_waited_for(browser_like, monkeypatch):
    monkeypatch.setattr(status, "HEAD_TIMEOUT_S", 0)
    assert (await browser_like.get("/api/status")).json()["status"] == "degraded"


async def test_the_answer_is_not_kept_by_caches(browser_like):
    assert (await browser_like.get("/api/status")).headers["cache-control"] == "private, no-cache"


async def test_other_methods_are_refused(browser_like):
    assert (await browser_like.post("/api/status")).status_code == 405
