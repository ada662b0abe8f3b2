"""What went over the lab's lines: requests and bytes, per run and door, as HTTP/1.1 and RFC 6455 write them.

Bytes are those between a browser and this server: heads, bodies, and the framing around them; without TLS, TCP, what
a proxy on the way adds or saves (HTTP/2 shortens repeated headers), and a `Server` header of the server's own.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

FORGET_AFTER_S = 120.0
MAX_RUNS = 200
# What daphne adds to an answer whose length is not known in advance.
CHUNKED_HEADER_BYTES = len(b"Transfer-Encoding: chunked\r\n")
_LAST_CHUNK_BYTES = len(b"0\r\n\r\n")
_BODILESS = (204, 304)
UPGRADE_BYTES = len(
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: 123456789012345678901234567=\r\n\r\n"
)

Headers = Iterable[tuple[bytes, bytes]]


@dataclass
class Tally:
    """What one run cost through one door so far.

    Args:
        open: connections that are open now.
    """

    requests: int = 0
    up_bytes: int = 0
    down_bytes: int = 0
    open: int = 0


class RunTally:
    """The tallies of one run."""

    def __init__(self) -> None:
        self.doors: defaultdict[str, Tally] = defaultdict(Tally)
        self.used_at = time.monotonic()


_runs: dict[str, RunTally] = {}


def tally_of(run: str, door: str) -> Tally:
    """Return the tally of a run's door, made on first use."""
    now = time.monotonic()
    tally = _runs.get(run)
    if tally is None:
        for known, other in list(_runs.items()):
            if now - other.used_at > FORGET_AFTER_S or len(_runs) >= MAX_RUNS:
                del _runs[known]
        tally = _runs[run] = RunTally()
    tally.used_at = now
    return tally.doors[door]


def tallies() -> dict[str, dict[str, dict[str, int]]]:
    """Return what this process counted, run -> door -> figures, as JSON values."""
    now = time.monotonic()
    return {
        run: {door: asdict(tally) for door, tally in of_run.doors.items()}
        for run, of_run in _runs.items()
        if now - of_run.used_at <= FORGET_AFTER_S
    }


def request_bytes(scope: Mapping[str, Any]) -> int:
    """Return the bytes of a request's head; none of the doors takes a body."""
    target = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    line = len(b"GET  HTTP/1.1\r\n") + len(target) + (1 + len(query) if query else 0)
    return line + _headers_bytes(scope["headers"]) + 2


def answer_bytes(status: int, headers: Headers) -> int:
    """Return the bytes of an answer's head."""
    phrase = HTTPStatus(status).phrase
    return len(f"HTTP/1.1 {status} {phrase}\r\n") + _headers_bytes(headers) + 2


def is_chunked(status: int, headers: Headers) -> bool:
    """Return whether the body goes out in chunks: its length was not told."""
    return status not in _BODILESS and not any(name.lower() == b"content-length" for name, _ in headers)


def chunk_bytes(body: bytes, is_last: bool) -> int:
    """Return the bytes of a piece of a chunked body (RFC 9112 section 7.1)."""
    piece = len(body) + len(f"{len(body):x}") + 4 if body else 0
    return piece + (_LAST_CHUNK_BYTES if is_last else 0)


def message_bytes(text: str) -> int:
    """Return the bytes of an unmasked WebSocket message in one frame (RFC 6455 section 5.2)."""
    length = len(text.encode())
    return length + (2 if length < 126 else 4 if length < 65_536 else 10)


def _headers_bytes(headers: Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)
