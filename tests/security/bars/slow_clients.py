"""S9: clients that take their time: with headers, with bodies, with reading; and one that does not wait.

Of a kind there are always CONNECTIONS, since each that is closed is opened again. They attack Caddy, behind which the
site stands in public, and then a web process itself, which stands alone on one machine.
"""

import asyncio
import contextlib
import functools
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import httpx
import psutil

from tests.faults.checker import percentile
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import STAFF
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say
from tests.security.person import Person
from tests.security.unharmed import Unharmed

CONNECTIONS = 1_000
CLOSED_WITHIN_S = 15.0
# How often a slow client moves, and how often it is looked at whether the server has let go of it.
EVERY_S = 1.0
# Where the healthy client asks: what a page needs to be alive.
HEALTHY_PATHS = ("/healthz", "/feed/poll?topic=lab.slow&after=now")
HEALTHY_ADDRESS = "127.0.0.2"  # another than the attackers', who may have used up what one address may have
HEALTHY_EVERY_S, HEALTHY_PATIENCE_S = 0.5, 10.0
STREAM = "lab.slow"
# There from the start, and enough to fill the buffers between a process and a reader that takes nothing.
EVENT_BYTES, EVENTS = 15_000, 60
RECEIVE_BUFFER_BYTES = 4_096
# As on the way through the internet: the kernel's buffers for the 64 KiB of the loopback hold megabytes.
SEGMENT_BYTES = 1_400


@dataclass
class Attack:
    """What became of the connections of one kind."""

    opened: int = 0
    closed_after_s: list[float] = field(default_factory=list)
    held_s: float = 0.0  # the longest that one was held which was still open at the end


@dataclass
class Healthy:
    served: int = 0
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


Slowly = Callable[[socket.socket], Coroutine[None, None, None]]


async def slow_headers(connection: socket.socket) -> None:
    await _drip(connection, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-Slow: 1\r\n")


async def no_request(connection: socket.socket) -> None:
    await _drip(connection, b"", b"")


async def slow_bodies(connection: socket.socket) -> None:
    head = b"POST /api/topics/lab.slow/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    await _drip(connection, head + b"Content-Length: 60000\r\n\r\n", b"x")


async def slow_chunks(connection: socket.socket) -> None:
    head = b"POST /assistant/answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    await _drip(connection, head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")


async def slow_reads(connection: socket.socket) -> None:
    await _drip(
        connection, f"GET /feed/sse?topic={STREAM}&after=start HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(), b""
    )


KINDS: dict[str, tuple[Slowly, ...]] = {
    "headers": (slow_headers, slow_headers, no_request),
    "bodies": (slow_bodies, slow_chunks),
    "reads": (slow_reads,),
}


async def _play(kind: str, rig: Rig, count: int, say: Say) -> Outcome:
    """Attack for `count` seconds, Caddy first, then a web process for a quarter of that."""
    unharmed = Unharmed(rig)
    figures: list[Figure] = []
    healthy = Healthy()
    await _fill(rig)
    targets = {"Caddy": (rig.caddy.port, rig.caddy.pid), "daphne": (rig.web[0].port, rig.web[0].pid)}
    for where, (port, pid) in targets.items():
        seconds = count if where == "Caddy" else max(count / 4, CLOSED_WITHIN_S + 10)
        attack = await _attack(port, pid, KINDS[kind], seconds, healthy)
        longest_s = max([*attack.closed_after_s, attack.held_s])
        middle_s, late_s = (percentile(attack.closed_after_s, share) for share in (50, 99.9))
        say(
            f"slow {kind} at {where}: {attack.opened} opened, held for {longest_s:.1f} s at most; "
            f"half of them for {middle_s:.1f} s, all but one in a thousand for {late_s:.1f} s"
        )
        figures += [
            Figure(f"slow {kind} at {where}: connections", attack.opened, at_least=CONNECTIONS),
            Figure(f"slow {kind} at {where}: closed", len(attack.closed_after_s), at_least=CONNECTIONS),
            Figure(f"slow {kind} at {where}: held at most", longest_s, "s", at_most=CLOSED_WITHIN_S),
        ]
    return Outcome(
        [
            *figures,
            Figure("requests of a healthy client", healthy.served),
            Figure("of these not served", len(healthy.failed), at_most=0),
            Figure("slowest of them", healthy.slowest_s, "s"),
            *unharmed.figures(),
        ],
        findings=[*healthy.failed[:10], *unharmed.findings()],
    )


async def _attack(port: int, pid: int, ways: tuple[Slowly, ...], seconds: float, healthy: Healthy) -> Attack:
    attack = Attack()
    held: dict[int, tuple[float, asyncio.Event]] = {}  # own port -> when it was opened, and whether it was closed

    async def hold(way: Slowly) -> None:
        while True:
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
            connection.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
                closed = asyncio.Event()
                held[connection.getsockname()[1]] = (time.monotonic(), closed)
                attack.opened += 1
                slowly = asyncio.create_task(way(connection))
                try:
                    await closed.wait()
                finally:
                    slowly.cancel()
                    await asyncio.gather(slowly, return_exceptions=True)
            except OSError:
                await asyncio.sleep(EVERY_S)
            finally:
                connection.close()

    async def look() -> None:
        # The server's side: a reader that takes nothing does not see its own end.
        process = psutil.Process(pid)
        while True:
            await asyncio.sleep(EVERY_S)
            before = time.monotonic()
            connected = await asyncio.to_thread(
                lambda: {each.raddr.port for each in process.net_connections("tcp") if each.raddr}
            )
            for own_port, (since, closed) in list(held.items()):
                # One that was opened a moment ago may wait to be accepted.
                if own_port not in connected and since < before - EVERY_S:
                    attack.closed_after_s.append(before - since)
                    del held[own_port]
                    closed.set()

    tasks = [asyncio.create_task(hold(ways[number % len(ways)])) for number in range(CONNECTIONS)]
    tasks += [asyncio.create_task(look()), asyncio.create_task(_be_healthy(port, healthy))]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        attack.held_s = max((time.monotonic() - since for since, _ in held.values()), default=0.0)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return attack


async def _drip(connection: socket.socket, first: bytes, then: bytes) -> None:
    """Send, and go on with a little now and then, until the connection takes no more."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, first)
    with contextlib.suppress(OSError):
        while True:
            await asyncio.sleep(EVERY_S)
            if then:
                await loop.sock_sendall(connection, then)


async def _be_healthy(port: int, healthy: Healthy) -> None:
    while True:
        for path in HEALTHY_PATHS:
            began = time.monotonic()
            try:
                # A new connection each time, as somebody has who comes now.
                transport = httpx.AsyncHTTPTransport(local_address=HEALTHY_ADDRESS, verify=False)
                async with httpx.AsyncClient(transport=transport, timeout=HEALTHY_PATIENCE_S) as client:
                    answer = await client.get(f"http://127.0.0.1:{port}{path}")
                if answer.status_code == 200:
                    healthy.served += 1
                else:
                    healthy.failed.append(f"{path}: {answer.status_code}")
            except httpx.HTTPError as error:
                healthy.failed.append(f"{path}: {type(error).__name__} {error}")
            healthy.slowest_s = max(healthy.slowest_s, time.monotonic() - began)
        await asyncio.sleep(HEALTHY_EVERY_S)


async def _fill(rig: Rig) -> None:
    """Publish what there is to read."""
    staff = Person(rig.url, STAFF)
    try:
        for _ in range(EVENTS):
            status, _ = await staff.publishes(STREAM, "x" * EVENT_BYTES)
            assert status == 201, status
    finally:
        await staff.aclose()


# Each kind by itself: what one shows is kept, whatever becomes of the next.
BARS = [
    Bar(
        name,
        f"slow {kind}: {CONNECTIONS:,} connections of the kind, through the proxy and past it",
        functools.partial(_play, kind),
        full=120,
        short=None,
    )
    for name, kind in zip(("S9", "S9b", "S9c"), KINDS, strict=True)
]
