"""The Python client, against a real site and against one that has its moods."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest

from tests.rig.daphne import PROJECT

sys.path.insert(0, str(PROJECT / "clients" / "python"))

from five_doors import Client, Problem, Reset, Unreachable

EVENT = {"topic": "lab.a", "seq": 1, "type": "x", "time": "2026-11-22T08:00:00.000Z", "data": 1}


@pytest.fixture(scope="module")
def key(_shared_site) -> str:
    printed = _shared_site.manage("create_api_key", "client", "--owner", "admin", "--topics", "lab.*")
    return printed.partition("key: ")[2].split()[0]


@pytest.fixture
def site(live_site, key) -> Client:
    return Client(live_site.url, key)


@pytest.fixture
def reader(live_site) -> Client:
    """Return a client without a key, which would read nothing."""
    return Client(live_site.url)


def test_what_is_published_is_read_back_and_followed(site, reader):
    first = site.publish("lab.client", "demo.said", "one", key="one")
    assert site.publish("lab.client", "demo.said", "else", key="one") == first
    several = site.publish_many(
        [{"topic": "lab.client", "type": "demo.said", "data": number} for number in range(2, 6)]
    )

    assert [event["seq"] for event in several] == [2, 3, 4, 5]
    assert [event["data"] for event in reader.history("lab.client")] == ["one", 2, 3, 4, 5]
    assert [event["data"] for event in reader.history("lab.client", last=2)] == [4, 5]
    batch = reader.batch("lab.client", limit=2)
    assert (len(batch["events"]), batch["more"]) == (2, True)
    assert [event["data"] for event in reader.history("lab.client", after=batch["cursor"])] == [3, 4, 5]
    following = reader.follow("lab.client", after=batch["cursor"])
    assert [event["data"] for event in islice(following, 3)] == [3, 4, 5]
    site.publish("lab.client", "demo.said", "six")
    assert next(following)["data"] == "six"
    following.close()


def test_a_refusal_says_why(site, reader):
    with pytest.raises(Problem) as refused:
        site.publish("lab.client", "Not a type", {})
    assert (refused.value.status, refused.value.code, refused.value.pointer) == (400, "bad_body", "/type")
    with pytest.raises(Problem, match="forbidden"):
        site.publish("staff.salaries", "demo.said", {})
    with pytest.raises(Problem, match="no_such_topic"):
        next(reader.follow("nonsense"))


def test_a_cursor_that_leads_no_further_is_a_reset(site, reader):
    site.publish("lab.client_reset", "demo.said", "one")
    with pytest.raises(Reset) as reset:
        next(reader.follow("lab.client_reset", after="gone~lab.client_reset:7"))
    assert next(reader.follow("lab.client_reset", after=reset.value.cursor))["data"] == "one"
    with pytest.raises(Reset):
        list(reader.history("lab.client_reset", after="gone~lab.client_reset:7"))


class Moods:
    """A server that answers with what it is given, in order: status, headers, body; None hangs up without a word."""

    def __init__(self, *answers: tuple[int, dict[str, str], object] | None) -> None:
        asked: list[tuple[str, object]] = []
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.path, json.loads(body) if body else None))
                answer = left.pop(0)
                if answer is None:
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

            do_GET = do_POST

            def log_message(self, *words: object) -> None:
                pass

        self.asked = asked
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def moods() -> Iterator[type[Moods]]:
    started = []

    def start(*answers):
        started.append(Moods(*answers))
        return started[-1]

    yield start  # type: ignore[misc]
    for one in started:
        one.close()


def test_a_publish_is_repeated_with_its_key_until_it_is_answered(moods):
    server = moods(None, (503, {"Retry-After": "1"}, {}), (429, {"Retry-After": "0"}, {}), (201, {}, EVENT))
    began = time.monotonic()

    assert Client(server.url).publish("lab.a", "x", 1) == EVENT

    assert time.monotonic() - began >= 1  # as Retry-After said
    assert len(server.asked) == 4
    assert len({body["key"] for _, body in server.asked}) == 1


def test_patience_ends(moods):
    server = moods((503, {"Retry-After": "3600"}, {}))

    with pytest.raises(Unreachable):
        Client(server.url, patience_s=5).publish("lab.a", "x", 1)

    assert len(server.asked) == 1


def lines(*frames: object, cut: bytes = b"") -> bytes:
    return b"".join(json.dumps(frame).encode() + b"\n" for frame in frames) + cut


def test_who_follows_too_often_stays_away_as_long_as_it_is_told(moods):
    ready = {"control": "ready", "cursor": "e~lab.a:0", "heartbeat_s": 15.0, "retry_ms": 2000}
    server = moods((429, {"Retry-After": "1"}, {}), (200, {}, lines(ready, EVENT)))
    began = time.monotonic()

    assert next(Client(server.url).follow("lab.a")) == EVENT

    assert time.monotonic() - began >= 1


def test_a_stream_that_breaks_goes_on_after_the_last_event_that_came_whole(moods):
    def ready(cursor: str) -> dict[str, object]:
        return {"control": "ready", "cursor": cursor, "heartbeat_s": 15.0, "retry_ms": 2000}

    close = {"control": "close", "cursor": "e~lab.a:1", "reason": "drain", "retry_ms": 10}
    server = moods(
        (200, {}, lines(ready("e~lab.a:0"), EVENT, close)),
        (200, {}, lines(ready("e~lab.a:1"), cut=b'{"topic":"lab.a","se')),
        # A hole is no event: it comes back with the cursor that it has.
        (200, {}, lines(ready("e~lab.a:1"), {**EVENT, "seq": 3})),
        (200, {}, lines(ready("e~lab.a:1"), {**EVENT, "seq": 2}, {**EVENT, "seq": 3})),
    )

    followed = list(islice(Client(server.url).follow("lab.a", last=1), 3))

    assert [event["seq"] for event in followed] == [1, 2, 3]
    assert [path.partition("&")[2] for path, _ in server.asked] == ["last=1", *["after=e~lab.a%3A1"] * 3]
