"""GET /events: a greeting every two seconds, and an end after ten."""

import json
from datetime import datetime

import httpx
import psutil
import pytest

from apps.article import hello_events
from tests.rig.waiting import await_until


async def test_five_greetings_then_close_then_the_end(browser_like, monkeypatch):
    monkeypatch.setattr(hello_events, "EVERY_S", 0.02)
    monkeypatch.setattr(hello_events, "LENGTH_S", 0.1)
    response = await browser_like.get("/events")
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["connection"] == "keep-alive"
    assert "no-cache" in response.headers["cache-control"]
    *greetings, close, end = response.text.split("\n\n")
    assert close == "event: close\ndata: {}"
    assert end == ""
    assert len(greetings) == 5
    messages = [json.loads(greeting.removeprefix("data: ")) for greeting in greetings]
    assert {message["message"] for message in messages} == {"Hello World"}
    times = [datetime.fromisoformat(message["timestamp"]) for message in messages]
    assert times == sorted(times)


async def test_it_begins_at_once_and_says_hello_through_a_real_server_before_the_end(live_site):
    async with httpx.AsyncClient() as client, client.stream("GET", f"{live_site.url}/events") as response:
        first = await anext(response.aiter_text())
        assert first.startswith('data: {"message":"Hello World","timestamp":"')


@pytest.mark.parametrize("path", ["/events", "/api/long-poll"])
async def test_the_server_stops_at_once_when_the_client_leaves(live_site, path):
    """Looked at from outside: the connection is gone from the process long before the answer would have ended."""
    server = psutil.Process(live_site.processes[0].pid)

    def clients() -> int:
        return sum(connection.status == "ESTABLISHED" for connection in server.net_connections("tcp"))

    before = clients()
    async with httpx.AsyncClient(timeout=60) as client:
        try:
            async with client.stream("GET", f"{live_site.url}{path}", timeout=1.0):
                pass
        except httpx.ReadTimeout:
            pass
    await await_until(lambda: clients() <= before, "the server to let go")
