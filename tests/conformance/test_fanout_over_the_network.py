"""The fast path of streams with real servers and sockets: several processes, readers that stall, crowds that leave."""

import asyncio
import contextlib
import re
import socket
from typing import Any

import httpx
import pytest

from apps.transports.registry import DOORS, Door
from tests.conformance.readers import READERS
from tests.conformance.seeing import PATIENCE_S, Seeing, seeing
from tests.conformance.test_over_the_network import publisher
from tests.conformance.wires import NetworkWire
from tests.rig.site import Site
from tests.rig.waiting import await_until

STREAMS = [door for door in DOORS if door.is_stream]


def reader_of(door: Door, url: str) -> Any:
    return READERS[door.name](NetworkWire(url), door.path)


def open_streams(site: Site) -> int:
    """Return how many streams the first process counts as open."""
    with httpx.Client(base_url=site.url, timeout=60) as client:
        text = client.get("/metrics").text
    counts = re.findall(r'^\w*connections\w*\{door="(?:sse|fetch_stream|websocket)"\} (\S+)', text, re.MULTILINE)
    return sum(int(float(count)) for count in counts)


async def join(site: Site, door: Door, topic: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream, read its first frame and, for the time being, no more than the kernel does."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.connect(("127.0.0.1", site.processes[0].port))
    # The limit is for the one long piece that a test reads in the end; reading pauses at twice as much.
    reader, writer = await asyncio.open_connection(sock=connection, limit=2_000_000)
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    head = f"GET {door.path}?topic={topic} HTTP/1.1\r\nHost: localhost\r\n"
    writer.write(f"{head}{upgrade if door.name == 'websocket' else ''}\r\n".encode())
    await reader.readuntil(b'"ready"')
    writer.transport.pause_reading()
    return reader, writer


async def test_three_processes_push_the_same_to_all_their_streams(site: Any) -> None:
    running: Site = site(processes=3, database="postgresql", redis=True, server="apps.server")
    async with contextlib.AsyncExitStack() as stack:
        seen: list[Seeing] = []
        for url in running.urls:
            for door in STREAMS:
                seen.append(await stack.enter_async_context(seeing(reader_of(door, url), "lab.a", "lab.b")))
        publish = [await stack.enter_async_context(publisher(running, process=number)) for number in range(3)]
        for number in range(30):
            await publish[number % 3](f"lab.{'ab'[number % 2]}", number)
        for one in seen:
            await one.until(lambda s: len(s.events) >= 30)
            assert one.seqs("lab.a") == one.seqs("lab.b") == list(range(1, 16))


class TestOneProcess:
    """A reader that stalls and a crowd that leaves, beside those who stay."""

    @pytest.fixture
    def running(self, site: Any) -> Site:
        return site(server="apps.server")

    async def test_a_reader_that_stalls_holds_up_nobody_and_gets_it_all_when_it_reads_again(
        self, running: Site
    ) -> None:
        async with contextlib.AsyncExitStack() as stack:
            publish = await stack.enter_async_context(publisher(running))
            stalled = [await join(running, door, "lab.a") for door in STREAMS]
            reading = await stack.enter_async_context(seeing(reader_of(STREAMS[0], running.url), "lab.a"))
            # More than the kernel takes for somebody who does not read.
            for seq in range(1, 41):
                await publish("lab.a", "x" * 15_000)
                await reading.until_seq(seq)
            for pieces, writer in stalled:
                writer.transport.resume_reading()
                received = await asyncio.wait_for(pieces.readuntil(b'"seq":40,'), PATIENCE_S)
                assert [int(seq) for seq in re.findall(rb'"seq":(\d+)', received)] == list(range(1, 41))
                writer.transport.abort()

    async def test_a_crowd_that_leaves_at_once_amid_pushes_harms_nobody_who_stays(self, running: Site) -> None:
        async with contextlib.AsyncExitStack() as stack:
            publish = await stack.enter_async_context(publisher(running))
            staying = [
                await stack.enter_async_context(seeing(reader_of(door, running.url), "lab.a")) for door in STREAMS
            ]
            crowd = [await join(running, door, "lab.a") for door in STREAMS for _ in range(50)]
            assert open_streams(running) == len(staying) + len(crowd)

            async def leave() -> None:
                for _, writer in crowd:
                    writer.transport.abort()
                    await asyncio.sleep(0)

            leaving = asyncio.create_task(leave())
            for number in range(20):
                await publish("lab.a", number)
            await leaving
            for one in staying:
                await one.until_seq(20)
                assert one.seqs() == list(range(1, 21))
            await await_until(lambda: open_streams(running) == len(staying), "the crowd to be forgotten")
        assert "Traceback" not in running.log
