"""Publishers: each publish has a key, and is sent again with that key until its outcome is known."""

import asyncio
import itertools
import json
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.faults.checker import Acknowledged
from tests.rig.accounts import ADMIN, CSRF_TOKEN

ANSWER_TIMEOUT_S = 15.0
RETRY_S = 0.2
_runs = itertools.count()


@dataclass
class PublishRecord:
    """What became of the publishes of a run.

    Args:
        latencies_s: (when it was answered, how long that took) of each attempt that succeeded.
        failed: what went wrong with attempts, and how often: a status, or the name of an exception.
        failed_s: when each of those ended.
        refused_after_s: how long each 503 was waited for.
        cut: attempts whose answer the publisher itself did not wait for.
        without_retry_after: 503 answers that did not say when to come back.
    """

    acknowledged: list[Acknowledged] = field(default_factory=list)
    latencies_s: list[tuple[float, float]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    failed_s: list[float] = field(default_factory=list)
    refused_after_s: list[float] = field(default_factory=list)
    cut: int = 0
    without_retry_after: int = 0
    given_up: int = 0

    def longest_failing_after(self, back_s: Sequence[float], faults_s: Sequence[float]) -> float:
        """Return how long attempts failed on, at most, after one of `back_s` and before the next of `faults_s`."""
        longest = 0.0
        for from_s in back_s:
            to_s = min((fault_s for fault_s in faults_s if fault_s > from_s), default=math.inf)
            longest = max([longest, *(failed_s - from_s for failed_s in self.failed_s if from_s <= failed_s < to_s)])
        return longest


class PublishFailed(Exception):
    """An attempt without an answer that says what became of it."""


class Publisher:
    """Publishes over HTTP as an editor's script would, one event at a time.

    Args:
        url: origin of the site.
        record: what it adds to.
        cut: share (0 to 1) of attempts whose connection is cut after the request was sent, before the answer.
        padding_bytes: size of the filler in each event.
    """

    def __init__(self, url: str, record: PublishRecord, *, cut: float = 0.0, padding_bytes: int = 0) -> None:
        self.record = record
        self._url, self._cut, self._padding = url, cut, "x" * padding_bytes
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._name = f"p{next(_runs)}"
        self._numbers = itertools.count()

    async def publish(self, topic: str, patience_s: float = 60.0) -> Acknowledged | None:
        """Publish one event to `topic`, again and again until it is acknowledged; None after `patience_s`."""
        key = f"{self._name}-{next(self._numbers)}"
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            began_s = time.monotonic()
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    seq = await self._attempt(topic, key)
            except (PublishFailed, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                now, what = time.monotonic(), str(error) if isinstance(error, PublishFailed) else type(error).__name__
                self.record.failed_s.append(now)
                self.record.failed[what] += 1
                if what == "503":
                    self.record.refused_after_s.append(now - began_s)
            else:
                if seq is not None:
                    now = time.monotonic()
                    self.record.latencies_s.append((now, now - began_s))
                    self.record.acknowledged.append(acknowledged := Acknowledged(topic, key, seq, now))
                    return acknowledged
                self.record.cut += 1
                continue
            await asyncio.sleep(random.uniform(0, 2 * RETRY_S))
        self.record.given_up += 1
        return None

    async def _attempt(self, topic: str, key: str) -> int | None:
        """Send the request; return the event's seq, or None where the answer was cut.

        By hand, not with an HTTP client: none can be told to hang up between the request and the answer.
        """
        body = json.dumps({"type": "fault.test", "key": key, "data": {"key": key, "padding": self._padding}}).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in ADMIN.cookies().items())
        head = (
            f"POST /api/topics/{topic}/events HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Origin: {self._url}\r\nCookie: {cookies}\r\nX-CSRFToken: {CSRF_TOKEN}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            if random.random() < self._cut:
                # Somewhere between "not read yet" and "answered long ago".
                await asyncio.sleep(random.uniform(0, 0.05))
                return None
            answer_head, _, answer_body = (await reader.read()).partition(b"\r\n\r\n")
            return self._seq(answer_head.decode("latin-1"), answer_body)
        finally:
            writer.transport.abort()

    def _seq(self, head: str, body: bytes) -> int:
        status = head.split(" ", 2)[1] if head else "no answer"
        if status == "503" and "retry-after:" not in head.lower():
            self.record.without_retry_after += 1
        if status not in ("200", "201"):
            raise PublishFailed(status)
        if "chunked" in head.lower():
            raise ValueError("a chunked answer; expected one with a length, which says whether it is whole")
        try:
            return int(json.loads(body)["seq"])
        except ValueError:
            raise PublishFailed("half an answer") from None
