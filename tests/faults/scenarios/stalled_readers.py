"""R6: readers that open a stream and never read it, some of which still send, while the log moves fast."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import socket
import time
from urllib.parse import urlsplit

import psutil

from tests.faults.checker import latenesses, percentile
from tests.faults.load import Load
from tests.faults.rig import Rig, WebProcess
from tests.faults.scenario import Length, Outcome, Scenario, promise_kept
from tests.rig.figure import Figure
from tests.rig.site import run_python

READERS = 50  # of each kind
KINDS = ("sse", "stream", "silent websocket", "sending websocket")
EVENT_BYTES = 15_000
BYTES_PER_S = 1_000_000
WRITERS = 3
# An empty ping, masked with zeros: it asks nothing of the application, and keeps the ping timer of the server quiet.
_PING = b"\x89\x80\x00\x00\x00\x00"


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)
    count = length.count or READERS
    flooded = f"lab.{secrets.token_hex(3)}-flood"
    readers: list[_Stalled] = []
    async with load.running():
        # The same flood without stalled readers first: that is what healthy readers are compared with.
        await asyncio.to_thread(_flood, rig, flooded, length.seconds / 2)
        stalled_s = time.monotonic()
        load.mark_fault()
        memory = [process.memory_bytes for process in rig.web]
        length.say(f"{count} readers of each of {len(KINDS)} kinds stop reading")
        readers = [_Stalled(rig.web[n % len(rig.web)], kind, flooded) for kind in KINDS for n in range(count)]
        growth = [0] * len(rig.web)
        flood = asyncio.create_task(asyncio.to_thread(_flood, rig, flooded, length.seconds))
        while not flood.done():
            await asyncio.sleep(1)
            await asyncio.to_thread(_look, readers)
            growth = [
                max(so_far, process.memory_bytes - before)
                for so_far, process, before in zip(growth, rig.web, memory, strict=True)
            ]
        flood_mb_per_s = await flood
    for reader in readers:
        reader.socket.close()
    late = latenesses(load.history)
    before = percentile([late_s for _, seen_s, late_s in late if seen_s < stalled_s], 99)
    during = percentile([late_s for _, seen_s, late_s in late if seen_s >= stalled_s], 99)
    cut_after_s = [reader.cut_after_s for reader in readers]
    outcome = promise_kept(
        load,
        Figure("stalled readers", len(readers)),
        Figure("flood", flood_mb_per_s, "MB/s", at_least=0.9),
        Figure("memory growth, largest", max(growth) / 2**20, "MiB", at_most=64.0),
        Figure("never cut", sum(after_s is None for after_s in cut_after_s), at_most=0),
        Figure("cut after, longest", max((s for s in cut_after_s if s is not None), default=0.0), "s", at_most=30.0),
        Figure("healthy p99 before", before, "s"),
        Figure("healthy p99 meanwhile", during, "s", at_most=2 * before),
    )
    outcome.load += f", and {count} readers of each of {len(KINDS)} kinds that never read"
    return outcome


def _flood(rig: Rig, topic: str, seconds: float) -> float:
    """Append large events for a while, 1 MB/s or as fast as the log takes them; return how many MB/s that was.

    Straight to the log: through the API the publishing itself would take all that a small machine has.
    """
    per_s = BYTES_PER_S / EVENT_BYTES
    words = ("--topic", topic, "--events", str(round(per_s * seconds)), "--writers", str(WRITERS))
    options = ("--padding-bytes", str(EVENT_BYTES), "--per-s", str(per_s), "--name", secrets.token_hex(3))
    told = json.loads(run_python(rig.env, "-m", "tests.faults.writers", *words, *options))
    return float(told["events"] * EVENT_BYTES / 1e6 / told["took_s"])


class _Stalled:
    """A connection that asks for a stream and reads nothing of it, straight at a web process."""

    def __init__(self, process: WebProcess, kind: str, topic: str) -> None:
        self.process, self.kind = process, kind
        self.cut_after_s: float | None = None
        self.socket = socket.socket()
        # Small, so that what the kernel holds for it is soon full.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", process.port))
        self.port = self.socket.getsockname()[1]
        self._began_s = time.monotonic()
        host = urlsplit(process.url).netloc
        if kind.endswith("websocket"):
            key = base64.b64encode(os.urandom(16)).decode()
            request = (
                f"GET /feed/ws?topic={topic} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
        else:
            request = f"GET /feed/{kind}?topic={topic} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        self.socket.sendall(request.encode())
        self.socket.setblocking(False)

    def look(self, open_ports: set[int]) -> None:
        """Note whether the server has let go of it; send something if it is of that kind."""
        if self.cut_after_s is None and self.port not in open_ports:
            self.cut_after_s = time.monotonic() - self._began_s
        elif self.kind == "sending websocket" and self.cut_after_s is None:
            with contextlib.suppress(OSError):  # if it is gone, the next look sees that
                self.socket.send(_PING)


def _look(readers: list[_Stalled]) -> None:
    """Look which connections the servers still have. The reader itself would not see a cut behind unread bytes."""
    ports: dict[int, set[int]] = {}
    for reader in readers:
        if reader.process.pid not in ports:
            connections = psutil.Process(reader.process.pid).net_connections("tcp")
            ports[reader.process.pid] = {connection.raddr.port for connection in connections if connection.raddr}
        reader.look(ports[reader.process.pid])


SCENARIO = Scenario("R6", "readers that stop reading, under a flood", play, seconds=60, quick_seconds=40)
