"""The examples of docs/PROTOCOL.md, replayed byte for byte, and its tables, held to the code."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.events import log, queries
from apps.events.models import LogEpoch
from apps.transports.registry import DOORS
from realtime_site.asgi import application
from tests.conformance.conftest import feed_of_this_test  # noqa: F401  (a fixture)
from tests.conformance.wires import AsgiWire, SocketClosed

PROTOCOL = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text()
EXAMPLES = re.findall(r"```request\n(.*?)\n```\n+```(answer|messages)\n(.*?)\n```", PROTOCOL, re.DOTALL)
PATIENCE_S = 120


@pytest.fixture
async def wire(feed_of_this_test: Any, monkeypatch: pytest.MonkeyPatch) -> AsgiWire:  # noqa: F811
    """The log that the page's examples are read from."""

    def write() -> None:
        LogEpoch.objects.update_or_create(id=1, defaults={"value": "k3f9"})
        with monkeypatch.context() as frozen:
            frozen.setattr(log.timezone, "now", lambda: datetime(2026, 11, 22, 8, tzinfo=UTC))
            for text in ("one", "two", "three"):
                log.append("lab.demo", "demo.said", {"text": text})

    await queries.run(write)
    return AsgiWire(application)


@pytest.mark.parametrize(("request_text", "kind", "expected"), EXAMPLES, ids=[e[0].split("\n")[0] for e in EXAMPLES])
async def test_the_example_is_what_happens(wire: AsgiWire, request_text: str, kind: str, expected: str) -> None:
    first, *header_lines = request_text.split("\n")
    method, _, address = first.partition(" ")
    assert method == "GET"
    parts = urlsplit(address)
    params = parse_qsl(parts.query, keep_blank_values=True)
    headers = dict(line.split(": ", 1) for line in header_lines)
    async with asyncio.timeout(PATIENCE_S):
        if kind == "messages":
            await _replay_messages(wire, parts.path, params, expected)
        else:
            await _replay_answer(wire, parts.path, params, headers, expected)


async def _replay_answer(wire: AsgiWire, path: str, params: Any, headers: Any, expected: str) -> None:
    head, _, body = expected.partition("\n\n")
    status, *expected_headers = head.split("\n")
    async with wire.get(path, params, headers) as answer:
        assert answer.status == int(status)
        for line in expected_headers:
            name, _, value = line.partition(": ")
            assert answer.headers[name] == value
        # The block's last line break is cut off with the fence; a stream's last frame ends with its own.
        is_stream = answer.headers.get("content-type") in ("text/event-stream", "application/x-ndjson")
        came = b""
        async for piece in answer.pieces:
            came += piece
            if is_stream and len(came) >= len(body.encode()):
                break
        assert came.decode().rstrip("\n") == body.rstrip("\n")


async def _replay_messages(wire: AsgiWire, path: str, params: Any, expected: str) -> None:
    async with wire.socket(path, params) as socket:
        for line in expected.split("\n"):
            direction, _, text = line.partition(" ")
            if direction == ">":
                await socket.send(text)
            elif text.startswith("close "):
                with pytest.raises(SocketClosed) as closed:
                    await socket.receive()
                assert f"close {closed.value.code} {closed.value.reason}" == text
            else:
                assert await socket.receive() == text


def test_there_is_an_example_of_every_door() -> None:
    paths = {urlsplit(request.split(" ")[1]).path for request, _, _ in EXAMPLES}
    assert paths >= {door.path for door in DOORS}


def test_every_refusal_of_the_doors_is_in_the_table_of_codes() -> None:
    rooms = Path(__file__).parents[2] / "apps" / "transports"
    source = "".join(path.read_text() for path in (rooms / "subscription.py", rooms / "refusal.py"))
    codes = set(re.findall(r"(?:bad_request\(|Refusal\(\s*\d+,)\s*\"(\w+)\"", source))
    codes |= {f"bad_{name}" for name in re.findall(r'_number\(query, "(\w+)"', source)}
    assert codes >= {"bad_cursor", "bad_limit", "forbidden", "log_unavailable"}, "the patterns find nothing any more"
    table = PROTOCOL[PROTOCOL.index("## Errors") :]
    assert {code for code in codes if f"`{code}`" not in table} == set()


def test_every_control_frame_is_in_the_table_of_controls() -> None:
    rooms = Path(__file__).parents[2] / "apps" / "transports"
    source = "".join(path.read_text() for path in (rooms / "stream.py", rooms / "framing.py"))
    controls = set(re.findall(r'\.control\(\s*"(\w+)"', source))
    assert controls == {"ready", "heartbeat", "reset", "close"}
    table = PROTOCOL[PROTOCOL.index("## Streams") : PROTOCOL.index("### SSE")]
    assert {control for control in controls if f"| `{control}` |" not in table} == set()
