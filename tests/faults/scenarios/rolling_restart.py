"""R7: a deploy: each web process is stopped (SIGTERM) and started again, one after the other, three rounds."""

import asyncio
import contextlib
import json
import time
from urllib.parse import urlencode

import websockets

from tests.faults.load import Load
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, gaps, promise_kept
from tests.rig.figure import Figure
from tests.rig.waiting import await_until

ROUNDS = 3
CONNECTIONS = 1_000
# The server's own limits, apps/server/limits.py: it closes so many a second, or as many as the drain demands.
DRAIN_S, CLOSES_PER_S = 8.0, 50.0


class _Goodbyes:
    """How sockets ended: when, and whether the last frame said so."""

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.without_frame = 0


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)
    goodbyes = _Goodbyes()
    count = length.count or CONNECTIONS
    open_now: set[int] = set()
    exits_s: list[float] = []
    spreads: list[float] = []
    async with load.running():
        idle = [asyncio.create_task(_stay(rig, load.public[0], n, open_now, goodbyes)) for n in range(count)]
        try:
            for round_number in range(ROUNDS):
                for process in rig.web:
                    await await_until(lambda: len(open_now) == count, "every socket to be open", 120)
                    length.say(f"round {round_number + 1}: {process.name} is told to stop")
                    load.mark_fault()
                    began_s, already = time.monotonic(), len(goodbyes.at_s)
                    await asyncio.to_thread(process.stop)
                    exits_s.append(time.monotonic() - began_s)
                    if ended := goodbyes.at_s[already:]:
                        spreads.append((max(ended) - min(ended)) / DRAIN_S)
                    await asyncio.to_thread(process.start)
        finally:
            for task in idle:
                task.cancel()
            await asyncio.gather(*idle, return_exceptions=True)
    # With fewer the server is done before the drain is over: nobody has to wait that long.
    fills_the_drain = count / len(rig.web) >= CLOSES_PER_S * DRAIN_S * 0.8
    outcome = promise_kept(
        load,
        Figure("sockets ended", len(goodbyes.at_s), at_least=1),
        Figure("sockets without a close frame", goodbyes.without_frame, at_most=0),
        Figure("spread over the drain, least", min(spreads, default=0.0), at_least=0.8 if fills_the_drain else None),
        Figure("exit, longest", max(exits_s), "s", at_most=10.0),
        Figure("failed publish attempts", load.published.failed.total(), at_most=0),
        *gaps(load),
    )
    outcome.load += f", and {count} more WebSockets"
    return outcome


async def _stay(rig: Rig, topic: str, number: int, open_now: set[int], goodbyes: _Goodbyes) -> None:
    """Keep one WebSocket open, without looking at what comes, and note how it ends."""
    url = f"{rig.url.replace('http', 'ws', 1)}/feed/ws?{urlencode({'topic': topic})}"
    while True:
        with contextlib.suppress(OSError, websockets.InvalidHandshake, TimeoutError):
            async with websockets.connect(url, proxy=None, compression=None, open_timeout=60) as connection:
                last = ""
                try:
                    async for message in connection:
                        open_now.add(number)
                        last = str(message)
                except websockets.ConnectionClosedError:
                    pass  # 4000, or no close frame at all; the last message says which
                finally:
                    open_now.discard(number)
                goodbyes.at_s.append(time.monotonic())
                said_goodbye = bool(last) and json.loads(last).get("control") == "close"
                received = connection.close_code is not None and connection.close_code != 1006
                goodbyes.without_frame += not (said_goodbye and received)
        await asyncio.sleep(0.2)


SCENARIO = Scenario("R7", "rolling restart, 3 rounds", play, seconds=0, quick_count=300)
