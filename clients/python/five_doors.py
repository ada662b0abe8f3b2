"""A client of the site in one file: publish, read back, follow. Needs Python 3.11 and nothing else; copy it.

    from five_doors import Client

    publisher = Client("https://events.example", bearer="rt_…")
    publisher.publish("lab.demo", "deploy.finished", {"build": 7}, key="build-7")

    reader = Client("https://events.example")
    for event in reader.history("lab.demo"):
        print(event["seq"], event["data"])
    for event in reader.follow("lab.demo", last=10):
        print(event["seq"], event["data"])

`bearer` is an API key (`rt_…`), which publishes and reads nothing, or a token (`rtt_…`), which does what it says.
Without one a client reads what everybody may. Send it over TLS only. What the server says is described in API.md and
PROTOCOL.md of the project.
"""

import json
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

__all__ = ["Client", "Problem", "Reset", "Unreachable"]

Event = dict[str, Any]
Batch = dict[str, Any]

_PASSING = (429, 502, 503, 504)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
# A stream says something every 15 s; after 2.5 times that it is dead (PROTOCOL.md#streams).
_SILENCE_S = 37.5


class Problem(Exception):
    """A request that the site refuses, and will refuse the next time.

    Args:
        status: the HTTP status.
        code: a short name for programs, such as `bad_body`; the site's /api/problems/ explains each.
        detail: what arrived, and what was expected.
        hint: what to do next.
        pointer: which part of the body is to blame (RFC 6901); None: no one part.
    """

    def __init__(self, status: int, code: str, detail: str, hint: str = "", pointer: str | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}" + (f" ({hint})" if hint else ""))
        self.status, self.code, self.detail, self.hint, self.pointer = status, code, detail, hint, pointer


class Unreachable(Exception):
    """The site did not answer within the client's patience. What was to be written may have been, or not."""


class Reset(Exception):
    """What was read of `topics` does not lead to what comes next (PROTOCOL.md#reset). Go on from `cursor`.

    Args:
        reason: "epoch", "ahead", "trimmed" or "history".
    """

    def __init__(self, reason: str, topics: Sequence[str], cursor: str) -> None:
        super().__init__(f"{reason}: what was known of {', '.join(topics)} leads no further; go on from {cursor}")
        self.reason, self.topics, self.cursor = reason, tuple(topics), cursor


class Client:
    """The site at `url`.

    Args:
        url: its origin, such as https://events.example.
        bearer: an API key or a token; None: come as nobody.
        timeout_s: how long one request may take.
        patience_s: how long to go on trying while the site is away or asks to wait (429, 503).
    """

    def __init__(
        self, url: str, bearer: str | None = None, *, timeout_s: float = 10.0, patience_s: float = 60.0
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._timeout_s, self._patience_s = timeout_s, patience_s

    def publish(self, topic: str, type: str, data: Any, *, key: str | None = None) -> Event:
        """Append an event and return it as the log has it.

        It is sent again until it is answered, and is there once: the site knows it by its key.

        Args:
            type: 1 to 64 of a-z, 0-9, `.`, `_`, `-`, beginning with a letter.
            data: any JSON value but null, 16 KiB at most.
            key: your own name for it, the same each time; None: one is made up for this call.

        Raises:
            Problem: the site refuses it.
            Unreachable: whether it was appended is unknown; publish it again with its key.
        """
        body = {"type": type, "data": data, "key": key or uuid.uuid4().hex}
        return self._ask("POST", f"/api/topics/{quote(topic, safe='')}/events", body)

    def publish_many(self, events: Sequence[Event]) -> list[Event]:
        """Append 1 to 100 events, all or none, and return them in the same order.

        Args:
            events: each with `topic`, `type` and `data`, and perhaps a `key`.

        Raises:
            Problem, Unreachable: as `publish` does; then none of them is there, or that is unknown.
        """
        keyed = [{"key": uuid.uuid4().hex, **event} for event in events]
        return self._ask("POST", "/api/topics/events", {"events": keyed})["events"]

    def batch(self, topic: str, *, after: str | None = None, last: int | None = None, limit: int = 100) -> Batch:
        """Return one batch of what was published: `events`, `cursor`, `reset` and `more`.

        Args:
            after: the cursor of the batch before, or "start", or "now"; None: the oldest kept event.
            last: begin this many events before the newest instead.
            limit: 1 to 500 events at most.

        Raises:
            Problem, Unreachable.
        """
        asked = {"after": after, "last": last, "limit": limit}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self._ask("GET", f"/api/topics/{quote(topic, safe='')}/events?{query}")

    def history(self, topic: str, *, after: str | None = None, last: int | None = None) -> Iterator[Event]:
        """Yield what was published, oldest first, up to now, a batch at a time.

        Raises:
            Reset: `after` leads no further. Problem, Unreachable.
        """
        while True:
            batch = self.batch(topic, after=after, last=last)
            if batch["reset"] is not None:
                raise Reset(**batch["reset"])
            yield from batch["events"]
            if not batch["more"]:
                return
            after, last = batch["cursor"], None

    def follow(self, *topics: str, after: str | None = None, last: int | None = None) -> Iterator[Event]:
        """Yield the events of `topics` as they come, in order, each once, over all breaks. It never ends by itself.

        Args:
            after: where to begin: a cursor, "start" or "now"; None: at the newest.
            last: begin this many events before the newest of each topic instead.

        Raises:
            Reset: what was read leads no further: discard it, and follow again after its cursor.
            Problem: the site refuses it, now or later. Unreachable.
        """
        place: dict[str, Any] = {"after": after} if after is not None else {"last": last} if last is not None else {}
        failures, silent_since = 0, time.monotonic()
        while True:
            pause_s = None
            try:
                query = urlencode([("topic", topic) for topic in topics] + list(place.items()))
                with self._open("GET", f"/feed/stream?{query}", timeout_s=_SILENCE_S) as stream:
                    for frame in _frames(stream):
                        failures, silent_since = 0, time.monotonic()
                        if "control" not in frame:
                            place = {"after": _advanced(place["after"], frame)}
                            yield frame
                            silent_since = time.monotonic()  # the time that the caller took does not count
                        elif frame["control"] == "reset":
                            raise Reset(frame["reason"], frame["topics"], frame["cursor"])
                        elif frame["control"] == "close":
                            pause_s = frame["retry_ms"] / 1000 * random.uniform(0.5, 1.5)
                        elif frame.get("cursor"):
                            place = {"after": frame["cursor"]}
            except _Later as later:
                pause_s = later.after_s
            except (OSError, HTTPException, ValueError):
                pass  # cut, or cut in the middle of a line: the cursor says where
            failures += 1
            if time.monotonic() - silent_since > self._patience_s:
                raise Unreachable(f"{self._url} did not answer for {self._patience_s:g} s")
            time.sleep(_pause_s(failures) if pause_s is None else pause_s)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        began = time.monotonic()
        for failures in range(1, 1_000_000):
            try:
                with self._open(method, path, body, timeout_s=self._timeout_s) as answer:
                    return json.load(answer)
            except _Later as later:
                pause_s = _pause_s(failures) if later.after_s is None else later.after_s
            except (OSError, HTTPException):
                pause_s = _pause_s(failures)
            if time.monotonic() - began + pause_s > self._patience_s:
                break
            time.sleep(pause_s)
        raise Unreachable(f"{method} {self._url}{path}: no answer within {self._patience_s:g} s")

    def _open(self, method: str, path: str, body: Any = None, *, timeout_s: float) -> HTTPResponse:
        request = Request(self._url + path, method=method, headers=dict(self._headers))
        if body is not None:
            request.data = json.dumps(body, allow_nan=False).encode()
            request.add_header("Content-Type", "application/json")
        try:
            return urlopen(request, timeout=timeout_s)
        except HTTPError as error:
            with error:
                if error.code in _PASSING:
                    raise _Later(_seconds(error.headers.get("Retry-After"))) from None
                raise _problem(error.code, error.read()) from None


class _Later(Exception):
    """The site asks to come back, after so many seconds if it says how many."""

    def __init__(self, after_s: float | None) -> None:
        super().__init__(after_s)
        self.after_s = after_s


def _frames(stream: HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in stream:
        if not line.endswith(b"\n"):
            return  # cut in the middle
        yield json.loads(line)


def _advanced(cursor: str, event: Event) -> str:
    """Return the cursor after `event`; what was there already, or leaves a hole, is no event but a fault."""
    epoch, _, positions = cursor.partition("~")
    seqs = dict(position.rsplit(":", 1) for position in positions.split(","))
    if event["seq"] != int(seqs[event["topic"]]) + 1:
        raise ValueError(f"{event['topic']} {event['seq']} came after {cursor}")  # come back with the cursor
    seqs[event["topic"]] = str(event["seq"])
    return f"{epoch}~" + ",".join(f"{topic}:{seq}" for topic, seq in sorted(seqs.items()))


def _problem(status: int, body: bytes) -> Problem:
    try:
        told = json.loads(body)
        error = told.get("error", told)  # the doors have a form of their own
        detail = error.get("detail") or error["message"]
        return Problem(status, error["code"], detail, error["hint"], error.get("pointer"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return Problem(status, "no_reason_given", body[:200].decode(errors="replace"))


def _seconds(retry_after: str | None) -> float | None:
    # RFC 9110 section 10.2.3 allows a date too; this site sends seconds.
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None


def _pause_s(failures: int) -> float:
    # Full jitter: a crowd that lost the site together does not come back together.
    return random.uniform(0.1, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures - 1, 16)))
