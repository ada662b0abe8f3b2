"""What the lab does for a visitor, what it refuses, and in which words."""

import contextlib
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.test import AsyncClient

from apps.access import shared_buckets
from apps.access.rate import Rate
from apps.events import feed
from apps.transports.registry import DOORS
from tests.rig.site import Site
from tests.rig.waiting import wait_until


class Visitor:
    """A browser that loaded the lab's page."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        client.get("/lab/").raise_for_status()
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.client.post(f"/lab/runs{path}", json=body if body is not None else {})

    def begin(self) -> str:
        answer = self.post("")
        assert answer.status_code == 201, answer.text
        return answer.json()["run"]

    def figures(self, run: str) -> dict[str, Any]:
        return self.client.get(f"/lab/runs/{run}/figures").json()


@pytest.fixture
def visitor(live_site: Site) -> Iterator[Visitor]:
    with live_site.client() as client:
        yield Visitor(client)


@pytest.fixture
def stranger(live_site: Site) -> Iterator[Visitor]:
    with live_site.client() as client:
        yield Visitor(client)


def refusal(answer: httpx.Response, status: int, code: str) -> str:
    """Check a refusal and return its words."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["hint"]
    return error["message"]


def test_a_run_holds_what_its_visitor_publishes(visitor: Visitor) -> None:
    run = visitor.begin()
    assert visitor.post(f"/{run}/events", {"size": 500}).json() == {"events": 1}
    assert visitor.post(f"/{run}/events", {"size": 200, "burst": True}).json() == {"events": 100}
    events = visitor.client.get("/feed/poll", params={"topic": run, "after": "start", "limit": 500}).json()["events"]
    assert [event["seq"] for event in events] == list(range(1, 102))
    assert visitor.figures(run)["head"] == 101


@pytest.mark.parametrize("size_bytes", [200, 1000, 4096])
def test_an_event_is_as_large_as_it_was_ordered(visitor: Visitor, size_bytes: int) -> None:
    run = visitor.begin()
    visitor.post(f"/{run}/events", {"size": size_bytes})
    body = visitor.client.get("/feed/poll", params={"topic": run, "after": "start"}).text
    event = re.search(r'\[(\{"topic".*\})\]', body)
    assert event
    assert abs(len(event[1]) - size_bytes) <= 3  # the digits of its seq


def test_a_steady_rate_ends_by_itself_with_all_its_events(visitor: Visitor) -> None:
    run = visitor.begin()
    answer = visitor.post(f"/{run}/events", {"size": 200, "rate": 50, "seconds": 1})
    assert (answer.status_code, answer.json()) == (202, {"events": 50})
    wait_until(lambda: visitor.figures(run)["head"] == 50, "fifty events")


def test_a_steady_rate_ends_when_its_visitor_says_so_and_is_one_at_a_time(visitor: Visitor) -> None:
    run = visitor.begin()
    visitor.post(f"/{run}/events", {"size": 200, "rate": 5, "seconds": 60})
    second = visitor.post(f"/{run}/events", {"size": 200, "rate": 5, "seconds": 60})
    refusal(second, 429, "already_publishing")
    assert 1 <= int(second.headers["Retry-After"]) <= 60
    assert visitor.post(f"/{run}/stop").status_code == 201
    again = {"size": 200, "rate": 1, "seconds": 1}
    wait_until(lambda: visitor.post(f"/{run}/events", again).status_code == 202, "room for another rate")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"size": 300, "rate": 201, "seconds": 1}, "bad_rate"),
        ({"size": 300, "rate": 0, "seconds": 1}, "bad_rate"),
        ({"size": 300, "rate": True, "seconds": 1}, "bad_rate"),
        ({"size": 300, "rate": 1}, "bad_seconds"),
        ({"size": 300, "rate": 1, "seconds": 61}, "bad_seconds"),
        ({"size": 4097}, "bad_size"),
        ({"size": 1e3}, "bad_size"),
        ({}, "bad_size"),
        ([], "bad_json"),
    ],
)
def test_a_workload_out_of_bounds_is_refused_in_words(visitor: Visitor, body: Any, code: str) -> None:
    run = visitor.begin()
    assert "expected" in refusal(visitor.post(f"/{run}/events", body), 400, code) or code == "bad_json"
    assert visitor.figures(run)["head"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [({"fault": "fire"}, "bad_fault"), ({"fault": "slow"}, "bad_seconds"), ({"fault": ["cut"]}, "bad_fault")],
)
def test_a_fault_that_is_none_is_refused_in_words(visitor: Visitor, body: Any, code: str) -> None:
    refusal(visitor.post(f"/{visitor.begin()}/faults", body), 400, code)


@pytest.mark.parametrize("path", ["events", "faults", "stop"])
def test_nobody_touches_another_visitors_run(visitor: Visitor, stranger: Visitor, path: str) -> None:
    run = visitor.begin()
    body = {"size": 300, "fault": "cut"}
    refusal(stranger.post(f"/{run}/{path}", body), 403, "not_your_run")
    assert visitor.figures(run)["head"] == 0


def test_nobody_comes_in_by_another_visitors_line(visitor: Visitor, stranger: Visitor) -> None:
    run = visitor.begin()
    params = {"topic": run, "after": "start"}
    refusal(stranger.client.get("/lab/line/feed/poll", params=params), 403, "not_your_run")
    refusal(visitor.client.get("/lab/line/feed/poll", params={"topic": "notifications"}), 404, "no_such_run")
    assert visitor.client.get("/lab/line/feed/poll", params=params).status_code == 200


def test_who_never_loaded_the_page_is_asked_to(live_site: Site) -> None:
    with live_site.client() as client:
        refusal(client.get("/lab/clock"), 403, "no_visitor")
        client.cookies.set("lab_visitor", "0123456789abcdef:forged")
        refusal(client.get("/lab/clock"), 403, "no_visitor")


def test_a_page_of_another_site_can_do_nothing(visitor: Visitor) -> None:
    del visitor.client.headers["X-CSRFToken"]
    refusal(visitor.post(""), 403, "csrf_failed")


def test_who_asks_without_end_is_asked_for_patience(visitor: Visitor) -> None:
    answers = [visitor.post("") for _ in range(30)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    refusal(refused, 429, "too_often")
    assert int(refused.headers["Retry-After"]) >= 1


@pytest.mark.django_db(transaction=True)
async def test_an_address_that_is_many_visitors_is_asked_for_patience_too(settings: Any) -> None:
    settings.RATES = {**settings.RATES, "lab_address": Rate(per_s=0.01, burst=2)}

    async def begin() -> Any:
        visitor = AsyncClient()
        await visitor.get("/lab/")
        return await visitor.post("/lab/runs", {}, content_type="application/json")

    answers = [await begin() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 100
    await shared_buckets.current().aclose()
    await feed.current().aclose()


def test_a_visitor_with_fifty_tabs_is_told_to_close_some(visitor: Visitor, live_site: Site) -> None:
    run = visitor.begin()
    with contextlib.ExitStack() as open_streams:
        answers = []
        for _ in range(18):
            client = open_streams.enter_context(live_site.client())
            client.cookies = visitor.client.cookies
            stream = client.stream("GET", "/lab/line/feed/sse", params={"topic": run})
            answers.append(open_streams.enter_context(stream))
        assert [answer.status_code for answer in answers] == [200] * 16 + [429] * 2
        answers[-1].read()
        assert "close its other tabs" in refusal(answers[-1], 429, "too_many_connections")
    after = {"topic": run, "after": "start"}
    poll = "/lab/line/feed/poll"
    wait_until(lambda: visitor.client.get(poll, params=after).status_code == 200, "the places are free again")


@pytest.mark.parametrize("door", [door for door in DOORS if door.name != "websocket"], ids=lambda door: door.name)
def test_the_tally_is_what_goes_over_the_wire_to_the_byte(visitor: Visitor, live_site: Site, door: Any) -> None:
    run = visitor.begin()
    visitor.post(f"/{run}/events", {"size": 300, "burst": True})
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    request = (
        f"GET /lab/line{door.path}?topic={run}&after=start&limit=500 HTTP/1.1\r\n"
        f"Host: localhost\r\nCookie: {cookies}\r\n\r\n"
    ).encode()
    port = int(live_site.url.rsplit(":", 1)[1])
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        while b'"seq":100,' not in received or not received.endswith(b"\r\n"):
            received += connection.recv(65_536)
    tally = visitor.figures(run)["doors"][door.name]
    # A header that stock daphne adds by itself; `manage.py serve` does not.
    received = received.replace(b"Server: daphne\r\n", b"")
    assert (tally["requests"], tally["up_bytes"], tally["down_bytes"]) == (1, len(request), len(received))
