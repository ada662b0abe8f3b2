"""S6: WebSocket frames that no client may send, and frames whose content nobody expects.

Of the HTTP half, requests against the API's description, see `generated_requests`.
"""

import asyncio
import base64
import json
import os
import random
import secrets
import struct
from collections.abc import Callable

from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say
from tests.security.unharmed import Unharmed
from tests.server.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, masked_frame, unmasked_frame

AT_ONCE = 8
MOST_FRAMES = 12  # on one connection
# A connection is told goodbye after its last frame; one that is still open then, however busy the machine, hangs.
PATIENCE_S = 60
# path, and the subprotocol offered there
TARGETS = (
    ("/ws/chat/", ""),
    ("/ws/chat/?after=start", "chat.v1.json"),
    ("/feed/ws?topic=lab.frames", ""),
    ("/feed/ws?topic=lab.frames&after=start", ""),
    ("/feed/ws", ""),
    ("/lab/line/feed/ws?topic=lab.0123456789abcdef.01234567", ""),
    ("/nowhere", ""),
)
_HEAD_ONLY = b"\x37\xfa\x21\x3d"


def _claims(length: int) -> bytes:
    """Return the head of a text frame that says it is `length` bytes long, and the first of them."""
    return struct.pack("!BBQ", 0x81, 0xFF, length) + _HEAD_ONLY + b"x" * 64


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


# Against the protocol's own rules (RFC 6455 section 5): the first of them ends the connection.
AGAINST_THE_PROTOCOL: dict[str, Callable[[random.Random], bytes]] = {
    "bad UTF-8": lambda rng: masked_frame(TEXT, rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"ok \xf5\x80"])),
    "UTF-8 cut in the middle": lambda rng: (
        masked_frame(TEXT, "语".encode()[:2], fin=False) + masked_frame(CONTINUATION, b"x")
    ),
    "reserved bits": lambda rng: masked_frame(TEXT, b"{}", rsv=rng.randint(1, 7)),
    "reserved opcode": lambda rng: masked_frame(rng.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), b"x"),
    "not masked": lambda rng: unmasked_frame(TEXT, b"hello"),
    "masked with nothing": lambda rng: masked_frame(TEXT, b"hello", mask=b"\0\0\0\0"),
    "claims 2^63 - 1 bytes": lambda rng: _claims(2**63 - 1),
    "claims a negative length": lambda rng: _claims(2**63 + rng.randint(0, 1000)),
    "larger than a message may be": lambda rng: masked_frame(TEXT, b"x" * 70_000, mask=b"\0\0\0\0"),
    "fragments larger than a message may be": lambda rng: (
        masked_frame(TEXT, b"x" * 40_000, fin=False, mask=b"\0\0\0\0")
        + masked_frame(CONTINUATION, b"x" * 40_000, mask=b"\0\0\0\0")
    ),
    "a fragment that never ends": lambda rng: masked_frame(TEXT, b"x", fin=False),
    "a continuation of nothing": lambda rng: masked_frame(CONTINUATION, b"x"),
    "a message within a message": lambda rng: masked_frame(TEXT, b"x", fin=False) + masked_frame(TEXT, b"y"),
    "control frame too long": lambda rng: masked_frame(rng.choice([PING, PONG, CLOSE]), b"x" * 126),
    "control frame in fragments": lambda rng: masked_frame(PING, b"x", fin=False),
    "close with half a code": lambda rng: masked_frame(CLOSE, b"\x03"),
    "close with a code that is none": lambda rng: masked_frame(
        CLOSE, struct.pack("!H", rng.choice([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535]))
    ),
    "close with a reason that is no text": lambda rng: masked_frame(CLOSE, b"\x03\xe8\xff\xfe"),
    "noise": lambda rng: rng.randbytes(rng.randint(1, 200)),
}
# None of the protocol's business, and all of the site's.
AGAINST_THE_SITE: dict[str, Callable[[random.Random], bytes]] = {
    "ping": lambda rng: masked_frame(PING, rng.randbytes(rng.randint(0, 125))),
    "pong nobody asked for": lambda rng: masked_frame(PONG, rng.randbytes(rng.randint(0, 125))),
    "nothing": lambda rng: masked_frame(TEXT, b""),
    "bytes": lambda rng: masked_frame(BINARY, rng.randbytes(rng.randint(0, 100))),
    "no JSON": lambda rng: masked_frame(TEXT, rng.choice([b"{", b"]", b"{'a':1}", b"NaN", b"\x00", b'"\\ud800"'])),
    "deep JSON": lambda rng: masked_frame(TEXT, b"[" * 30_000, mask=b"\0\0\0\0"),
    "deep JSON in a frame of the chat": lambda rng: masked_frame(
        TEXT, b'{"chat":' + b"[" * rng.choice([60, 70, 500, 900, 990]) + b"]" * 990, mask=b"\0\0\0\0"
    ),
    "a number of thousands of digits": lambda rng: masked_frame(
        TEXT, b'{"chat":' + b"9" * rng.choice([100, 4_299, 5_000]) + b"}"
    ),
    "other types": lambda rng: masked_frame(
        TEXT,
        _json(
            rng.choice(
                [
                    *(None, 1, [], {}, "text", [[]], {"chat": None}, {"chat": []}, {"chat": {"chat": "line"}}),
                    {"chat": "line"},
                    {"chat": "line", "text": 1},
                    {"chat": "line", "text": "\ud800"},
                    {"chat": "line", "text": "x", "id": "../../etc"},
                    {"chat": "line", "text": "x", "id": {"$ne": 1}},
                    {"chat": "name", "name": "\x00\u202e"},
                    {"chat": "name", "name": "\udfff"},
                    {"chat": "name", "name": ["x"]},
                    {"chat": "typing", "text": {}},
                    {"chat": "__class__", "text": "x"},
                    {"control": "close", "reason": "drain"},
                    {"topic": "chat.lobby", "seq": 1, "type": "chat.line", "data": {}},
                    {"type": "websocket.disconnect", "code": 1000},
                ]
            )
        ),
    ),
    "a line": lambda rng: masked_frame(TEXT, _json({"chat": "line", "text": f"line {rng.random()}"})),
}
# Handshakes, too, come from anybody. {key} is a fresh and valid one.
HANDSHAKES = (
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Version: 13",
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: {key}",
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 99",
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13",
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: \xff\xfe",
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: \xff",
    "GET /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: sessionid=\xff\x01",
    "GET /feed/ws?topic=%00&after=%ff HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /feed/ws?topic=\xff HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /\xff HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /%ff%fe HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /lab/line/feed/ws?topic=%ff HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /feed/ws?topic=lab.x&limit=%D9%A1 HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /feed/ws?topic=lab.x&last=1e400&timeout=nan HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "POST /ws/chat/ HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
    "GET /ws/chat/ HTTP/1.0\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13",
)


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    unharmed = Unharmed(rig)
    seed = secrets.randbits(32)
    say(f"hostile frames with seed {seed}")
    rng = random.Random(seed)
    sent = connections = 0
    hung: list[str] = []

    async def attack() -> None:
        nonlocal sent, connections
        while sent < count:
            kinds = rng.choices(list(AGAINST_THE_SITE), k=rng.randint(0, MOST_FRAMES))
            kinds.append(rng.choice(list(AGAINST_THE_PROTOCOL)))
            path, subprotocol = rng.choice(TARGETS)
            port = rng.choice(rig.web).port
            sent += len(kinds)
            connections += 1
            data = b"".join((AGAINST_THE_SITE | AGAINST_THE_PROTOCOL)[kind](rng) for kind in kinds)
            if not await _is_let_go(port, path, subprotocol, data):
                hung.append(f"{path} {subprotocol}: {', '.join(kinds)}")

    await asyncio.gather(*(attack() for _ in range(AT_ONCE)))
    first_lines = [await _first_line(rig.web[0].port, head) for head in HANDSHAKES]
    failed = [line.strip() for line in first_lines if line[8:10] == " 5"]
    return Outcome(
        [
            Figure("frames sent", sent, at_least=count),
            Figure("connections", connections),
            Figure("connections that hung", len(hung), at_most=0),
            Figure("odd handshakes answered with 5xx", len(failed), at_most=0),
            *unharmed.figures(),
        ],
        findings=[*hung[:10], *failed, *unharmed.findings()],
    )


async def _is_let_go(port: int, path: str, subprotocol: str, data: bytes) -> bool:
    """Send frames and a goodbye; say whether the server then ended the connection, in order or with a reset."""
    offered = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            writer.write(_handshake(port, f"GET {path} HTTP/1.1", f"{offered}Sec-WebSocket-Version: 13", _key()))
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data + masked_frame(CLOSE, b"\x03\xe8"))
            # One that waits for the rest of a frame gets what it waits for: the end.
            writer.write_eof()
            while await reader.read(65_536):
                pass
    except TimeoutError:
        return False
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()
    return True


async def _first_line(port: int, head: str) -> str:
    """Return the first line of the answer to a handshake; "" where the connection just ends."""
    request_line, _, headers = head.partition("\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            writer.write(_handshake(port, request_line, headers.format(key=_key()), None))
            return (await reader.readline()).decode("latin-1")
    finally:
        writer.transport.abort()


def _key() -> str:
    return base64.b64encode(os.urandom(16)).decode()


def _handshake(port: int, request_line: str, headers: str, key: str | None) -> bytes:
    own = f"Sec-WebSocket-Key: {key}\r\n" if key else ""
    common = f"Host: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return f"{request_line}\r\n{common}{own}{headers}\r\n\r\n".encode("latin-1")


BAR = Bar("S6", "hostile WebSocket frames to the chat, the feed and the lab", play, full=10_000, short=400)
